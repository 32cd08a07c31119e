"""A retired account is taken up again: what Microsoft Entra still has of it is restored.

For 30 days a deleted application comes back with its object id and its client id (contract G6.8),
so that Codat and the customers' consents go on with what they have. Its secrets do not come back:
retiring has removed them. What is missing then is made in the ordinary way, by the steps that set
an account up. After these days nothing can be restored, and they make a new application.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from bcrunbook.accounts import Account
from bcrunbook.core.step import (
    AccountStep,
    Change,
    Comparison,
    Finding,
    Findings,
    Row,
)
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.scope import Scope
from bcrunbook.order import CLIENT_SECRET, RESTORE_ACCOUNT, RETIRE_ACCOUNT, START_HERE, ref
from bcrunbook.services.graph.models import Application, ServicePrincipal
from bcrunbook.services.graph.reads import (
    Read,
    deleted_applications,
    deleted_service_principals,
    organization,
    service_principal,
)
from bcrunbook.services.wire import Seen
from bcrunbook.steps.application import lookup, require_seen
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import StepDescription
from bcrunbook.steps.portal import hand_off_to_portal
from bcrunbook.steps.retire_account.deleted import among_deleted, restorable_until
from bcrunbook.steps.retired import (
    Retired,
    note_restored,
    retired_account,
    retired_customers,
)
from bcrunbook.steps.tenant import check_tenant

APPLICATION: Final = "restore_application"
PRINCIPAL: Final = "restore_service_principal"
TAKE_UP: Final = "take_up"
"""The keys of what is restored, and of the note that the account goes on."""

_ITEMS: Final = "Microsoft Graph, deleted items"


@dataclass(frozen=True)
class RestoreFindings(Findings):
    """What the step saw.

    Args:
        account: the account.
        over: that it is retired, or about to be; None where it is not.
        application: the application, where it is there.
        deleted: the application, where it can be restored.
        principal: its service principal, where it is there.
        deleted_principal: its service principal, where it can be restored; None where it cannot.
        customers: the customers that are retired, each a decision of its own.
    """

    account: Account
    over: Retired | None
    application: Seen[Application]
    deleted: Seen[Application]
    principal: Seen[ServicePrincipal]
    deleted_principal: ServicePrincipal | None
    customers: tuple[str, ...]

    def rows(self) -> tuple[Finding, ...]:
        """How the account stands, what can be restored, and what cannot."""
        return (
            Finding(
                "Account",
                "",
                self.over.word if self.over is not None else "not retired",
                "the ledger",
                Comparison.NOTE,
            ),
            self._application_row(),
            *self._principal_rows(),
            Finding(
                "Client secrets",
                "",
                "are made anew",
                "this ledger: retiring has removed them",
                Comparison.NOTE,
                f"{ref(CLIENT_SECRET).capitalize()} makes one, which then has to be saved in the"
                f" Codat Portal: bcrunbook run {self.account.name}",
            ),
            *(
                Finding(
                    "Retired customer",
                    "",
                    customer,
                    "the ledger",
                    Comparison.NOTE,
                    f"Stays so. bcrunbook restore {self.account.name} --customer {customer}",
                )
                for customer in self.customers
            ),
        )

    def _application_row(self) -> Finding:
        if self.application.value is not None:
            actual = f"{self.application.value.display_name} ({self.application.value.app_id})"
            return Finding(
                "Application", "there", actual, "Microsoft Graph, applications", Comparison.OK
            )
        gone = self.deleted.value
        if gone is not None:
            until = restorable_until(gone)
            day = f", can be restored until {until:%Y-%m-%d}" if until else ""
            return Finding(
                "Application",
                "there",
                f"deleted{day}",
                _ITEMS,
                Comparison.DIFFERS,
                is_yet_to_come=True,
            )
        if self.deleted.unknown:
            return Finding("Application", "there", self.deleted.unknown, _ITEMS, Comparison.UNKNOWN)
        return Finding(
            "Application",
            "there",
            "cannot be restored: it is not among the deleted ones",
            _ITEMS,
            Comparison.NOTE,
            "30 days have passed, somebody has deleted it for good, or there was none. A new one is"
            f" made by bcrunbook run {self.account.name}: Codat gets new keys, and every customer"
            " links again.",
        )

    def _principal_rows(self) -> Iterable[Finding]:
        if self.application.value is None and self.deleted.value is None:
            return
        there = self.principal.value is not None
        can = self.deleted_principal is not None
        yield Finding(
            "Service principal (enterprise application)",
            "there",
            "there" if there else "deleted" if can else "not there: the next run makes it",
            "Microsoft Graph, service principals",
            Comparison.OK if there else Comparison.DIFFERS if can else Comparison.NOTE,
            is_yet_to_come=not there and can,
        )


class RestoreAccount(AccountStep):
    """Restores the application and its service principal, and notes that the account goes on."""

    id: ClassVar[str] = RESTORE_ACCOUNT
    title: ClassVar[str] = "Take a retired account up again"
    needs: ClassVar[tuple[str, ...]] = (START_HERE,)
    description: ClassVar[StepDescription] = StepDescription(usual="1 min")

    async def examine(self, context: Context) -> RestoreFindings:
        """The application and its service principal, there or among what was deleted."""
        account, ledger = context.account, context.ledger
        how = lookup(context)
        reads: list[Read[Any]] = [
            organization(),
            deleted_applications(),
            deleted_service_principals(),
            *how.reads,
        ]
        if how.known:
            reads.append(service_principal(how.known))
        tenant, deleted, principals, *seen = await context.graph.look(*reads)
        check_tenant(context, await context.sign_in.graph(), tenant)
        application: Seen[Application] = how.found(seen[: len(how.reads)])
        principal: Seen[ServicePrincipal] = seen[-1] if how.known else Seen(None)
        require_seen(account, application, principal)
        return RestoreFindings(
            account=account,
            over=retired_account(ledger, context.identity),
            application=application,
            deleted=among_deleted(deleted, how.known),
            principal=principal,
            deleted_principal=_newest(principals.value or (), how.known),
            customers=tuple(retired_customers(ledger, context.identity)),
        )

    def plan(self, findings: RestoreFindings) -> tuple[Change, ...]:
        """The application first, then its service principal; that it goes on is noted last."""
        changes: list[Change] = []
        gone = findings.deleted.value
        if findings.application.is_absent and gone is not None:
            changes.append(
                Change(
                    APPLICATION,
                    "restore the application",
                    (Row("Application", "deleted", f"{gone.display_name} ({gone.app_id})"),),
                    subject=gone.id,
                    action="create",
                )
            )
        principal = findings.deleted_principal
        is_wanted = bool(changes) or findings.application.value is not None
        if is_wanted and findings.principal.is_absent and principal is not None:
            changes.append(
                Change(
                    PRINCIPAL,
                    "restore the service principal",
                    (Row("Enterprise application", "deleted", principal.display_name),),
                    subject=principal.id,
                    action="create",
                )
            )
        if findings.over is not None:
            changes.append(
                Change(
                    TAKE_UP,
                    f"note that {findings.account.name} goes on: it is run and checked again",
                    (Row("Account", findings.over.word, "in use"),),
                    subject=findings.account.name,
                    action="update",
                )
            )
        return tuple(changes)

    async def apply(self, context: Context, findings: RestoreFindings, change: Change) -> bool:
        """Restore one of them; all but the application when that is there."""
        is_there = findings.application.value is not None
        if change.key == TAKE_UP:
            is_there = is_there or findings.deleted.is_absent
            return is_there and note_restored(
                context.ledger, Scope(context.identity, RETIRE_ACCOUNT)
            )
        if change.key == PRINCIPAL and not is_there:
            return False
        await context.graph.restore(change.subject)
        return True

    def hand_off(self, findings: RestoreFindings, change: Change, error: RunbookError) -> Change:
        """Restoring, for somebody who may."""
        gone = findings.deleted.value or findings.application.value
        return hand_off_to_portal(
            change,
            error,
            findings.account,
            actions=(
                "In the Azure portal open App registrations, Deleted applications, select the"
                " application, and restore it.",
                "Run this step again: it sees what is there.",
            ),
            values=(("Client ID", gone.app_id if gone is not None else ""),),
        )


def _newest(principals: Iterable[ServicePrincipal], client_id: str) -> ServicePrincipal | None:
    """The service principal of an application that was deleted last."""
    its = [one for one in principals if one.app_id.lower() == client_id.lower()]
    oldest = datetime.min.replace(tzinfo=UTC)
    return max(its, key=lambda one: one.deleted_date_time or oldest, default=None)
