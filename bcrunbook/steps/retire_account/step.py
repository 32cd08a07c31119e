"""An account is retired: consent, secrets, service principal and application go, in this order.

First its customers, each by a step of its own; then a person switches the integration off in the
Codat Portal, so that nobody links in between. What Codat reads with goes before what it reads
through, and the values in the secret store go last, when nothing is left that they open.

Only what this ledger has made or adopted goes. Where somebody else has put something on the
application (a redirect URI, a secret, a permission that is granted), all of it stays until they are
asked, or until the application is named by its client id. The application can be restored for 30
days (contract G6.8).
"""

from __future__ import annotations

from typing import Any, ClassVar

from bcrunbook.accounts import Account
from bcrunbook.core.confirmations import latest_confirmation
from bcrunbook.core.hand_off import refused
from bcrunbook.core.step import AccountStep, Change
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.order import CLIENT_SECRET, CODAT_KEYS, RETIRE_ACCOUNT, START_HERE
from bcrunbook.services.codat.client import Codat
from bcrunbook.services.codat.models import Company, Integration
from bcrunbook.services.graph.models import Application, Grant, ServicePrincipal
from bcrunbook.services.graph.reads import (
    Read,
    certificates,
    deleted_applications,
    federated_credentials,
    organization,
    service_principal,
    tenant_wide_grants,
)
from bcrunbook.services.wire import Seen
from bcrunbook.steps import codat_portal
from bcrunbook.steps.application import lookup, require_seen
from bcrunbook.steps.client_secret.stored import credential_of, forget_value, kept_value
from bcrunbook.steps.codat_keys import SAVE_KEYS
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import StepDescription
from bcrunbook.steps.link_customer.codat_customer import READING, TAG, to_business_central
from bcrunbook.steps.portal import hand_off_to_portal
from bcrunbook.steps.requirements import BUSINESS_CENTRAL_APP_ID
from bcrunbook.steps.retire_account.changes import (
    APPLICATION,
    DISABLE,
    FORGET,
    GRANT,
    PRINCIPAL,
    SECRET,
    ask_others,
    customers_first,
    forgotten,
    switch_off,
    taken_down,
)
from bcrunbook.steps.retire_account.deleted import among_deleted
from bcrunbook.steps.retire_account.findings import LinkedCompany, RetireAccountFindings
from bcrunbook.steps.retired import note_begun, retirement_seen, said_since
from bcrunbook.steps.tenant import check_tenant


class RetireAccount(AccountStep):
    """Takes an account down in the order in which nothing is left over."""

    id: ClassVar[str] = RETIRE_ACCOUNT
    title: ClassVar[str] = "Retire an account"
    needs: ClassVar[tuple[str, ...]] = (START_HERE,)
    is_about_codat: ClassVar[bool] = True
    description: ClassVar[StepDescription] = StepDescription(usual="2 min")

    async def examine(self, context: Context) -> RetireAccountFindings:
        """Codat's companies and toggle, the application with what is on it, and what is kept."""
        account, ledger, whose = context.account, context.ledger, context.identity
        profile, integration = await codat_portal.look(context)
        how = lookup(context)
        reads: list[Read[Any]] = [
            organization(),
            service_principal(BUSINESS_CENTRAL_APP_ID),
            deleted_applications(),
            *how.reads,
        ]
        tenant, business_central, deleted, *seen = await context.graph.look(*reads)
        check_tenant(context, await context.sign_in.graph(), tenant)
        application: Seen[Application] = how.found(seen)
        app = application.value
        require_seen(account, application, business_central)
        client_id = app.app_id if app is not None else how.known
        principal, grants = await _principal_and_grants(context, client_id)
        require_seen(account, principal, grants)
        secrets = Scope(whose, CLIENT_SECRET)
        stored = ledger.facts(secrets, FactKind.SECRET_STORED)
        mine = [one.subject for one in stored if one.data["client_id"].lower() == client_id.lower()]
        asked_for = [one.subject for one in ledger.facts(secrets, FactKind.SECRET_INTENT)]
        return RetireAccountFindings(
            account=account,
            profile=profile,
            integration=integration,
            page=codat_portal.accounting_page(context.cloud),
            asked=context.retire,
            linked=await _linked(context.codat, account, integration),
            is_handed_over=latest_confirmation(ledger, Scope(whose, CODAT_KEYS), SAVE_KEYS)
            is not None,
            is_said_off=said_since(ledger, Scope(whose, self.id), DISABLE) is not None,
            application=application,
            is_known=bool(how.known) and client_id.lower() == how.known,
            difference=how.difference(app) if app is not None else "",
            principal=principal,
            grants=grants,
            business_central=business_central,
            credentials=tuple(
                [await credential_of(context, app.app_id, one) for one in app.password_credentials]
            )
            if app is not None
            else (),
            other_credentials=await _other_credentials(context, account, app),
            made_here=frozenset((*mine, *asked_for)),
            deleted=among_deleted(deleted, client_id),
            client_id=client_id,
            kept=tuple(
                [
                    marker
                    for marker in dict.fromkeys(mine)
                    if await kept_value(context, client_id, marker) is not None
                ]
            ),
            trial_of=tuple(
                one.name
                for one in context.workspace.accounts.values()
                if one.requires == account.name
            ),
            now=context.graph.now,
            seen=retirement_seen(ledger, Scope(whose, self.id), client_id),
        )

    def plan(self, findings: RetireAccountFindings) -> tuple[Change, ...]:
        """Customers and the toggle first; then the application, unless others use it."""
        if findings.linked.value:
            return (customers_first(findings),)
        if findings.is_on:
            return (switch_off(findings),)
        app = findings.application.value
        if app is not None:
            if not findings.is_named and (findings.strange or findings.difference):
                return (ask_others(findings),)
            if not findings.is_named and not findings.is_known:
                return (ask_others(findings),)
        return (*taken_down(findings), *forgotten(findings))

    async def apply(
        self, context: Context, findings: RetireAccountFindings, change: Change
    ) -> bool:
        """Take back, remove, delete or forget one thing; that it is about to end is noted first."""
        note_begun(context.ledger, Scope(context.identity, self.id))
        graph, app = context.graph, findings.application.value
        if change.key == FORGET:
            if app is not None:
                return False  # The values go when nothing is left that they open.
            await forget_value(context, findings.client_id, change.subject)
            self._note_removed(context, change.subject)
        elif change.key == GRANT:
            await graph.delete_grant(change.subject)
        elif change.key == PRINCIPAL:
            await graph.delete_service_principal(change.subject)
        elif change.key == SECRET:
            assert app is not None
            await graph.remove_password(app.id, change.subject)
            for one in findings.credentials:
                if one.seen.key_id == change.subject and one.marker:
                    self._note_removed(context, one.marker)
        else:
            await graph.delete_application(change.subject)
        return True

    def _note_removed(self, context: Context, marker: str) -> None:
        scope = Scope(context.identity, CLIENT_SECRET)
        context.ledger.record(scope, FactKind.SECRET_REMOVED, marker, "done", {"why": self.id})

    def hand_off(
        self, findings: RetireAccountFindings, change: Change, error: RunbookError
    ) -> Change:
        """What may not be removed from here, for somebody who may.

        A secret store that refuses would refuse whoever repeats it as well.
        """
        if change.key == FORGET:
            return refused(change, error)
        there = {
            GRANT: "Enterprise applications, the application, Permissions: revoke the consent.",
            SECRET: "App registrations, the application, Certificates & secrets: delete the secret"
            f" with Secret ID {change.subject}, and no other.",
            PRINCIPAL: "Enterprise applications, the application, Properties: Delete.",
            APPLICATION: "App registrations, the application, Overview: Delete.",
        }
        return hand_off_to_portal(
            change,
            error,
            findings.account,
            actions=(
                f"In the Azure portal open {there[change.key]}",
                "Run this step again: it goes on from what is there.",
            ),
            values=(("Client ID", findings.client_id),),
        )


async def _principal_and_grants(
    context: Context, client_id: str
) -> tuple[Seen[ServicePrincipal], Seen[tuple[Grant, ...]]]:
    """The application's service principal, and what is granted to it."""
    if not client_id:
        return Seen(None), Seen(())
    principal: Seen[ServicePrincipal] = (await context.graph.look(service_principal(client_id)))[0]
    if principal.value is None:
        return principal, Seen(())
    return principal, (await context.graph.look(tenant_wide_grants(principal.value.id)))[0]


async def _other_credentials(
    context: Context, account: Account, app: Application | None
) -> tuple[str, ...]:
    """The application's certificates and federated credentials, in words."""
    if app is None:
        return ()
    keys, federated = await context.graph.look(
        certificates(app.app_id), federated_credentials(app.app_id)
    )
    require_seen(account, keys, federated)
    return (
        *(f"the certificate {one.display_name or 'without a name'}" for one in keys.value or ()),
        *(f"the federated credential {one.name}" for one in federated.value or ()),
    )


async def _linked(
    codat: Codat | None, account: Account, integration: Seen[Integration]
) -> Seen[tuple[LinkedCompany, ...]]:
    """The companies that read, or may come to read, through this account's application.

    An instance keeps one pair of keys, so that is every company in it that is
    connected to Business Central, whoever made it.
    """
    if codat is None:
        return Seen(None, integration.unknown)
    found = []
    for company in await codat.companies():
        connections = to_business_central(company.data_connections, integration.value)
        if any(one.status in READING for one in connections):
            found.append(LinkedCompany(company.name, _customer_of(company, account)))
    return Seen(tuple(found))


def _customer_of(company: Company, account: Account) -> str:
    """The key of the account's customer whose company it is; empty where it is another's."""
    name, _, customer = (company.tags or {}).get(TAG, "").partition(".")
    return customer if name == account.name else ""
