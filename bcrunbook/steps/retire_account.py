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

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from bcrunbook.accounts import Account
from bcrunbook.core.confirmations import latest_confirmation
from bcrunbook.core.hand_off import refused
from bcrunbook.core.step import (
    AccountStep,
    Change,
    Comparison,
    Finding,
    HandOff,
    HandOffButton,
    Observation,
    Row,
)
from bcrunbook.errors import FixInput, RunbookError
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
from bcrunbook.steps.client_secret.findings import SecretCredential
from bcrunbook.steps.client_secret.stored import credential_of, forget_value, kept_value
from bcrunbook.steps.codat_keys import SAVE_KEYS
from bcrunbook.steps.codat_portal import PortalFindings
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import StepDescription
from bcrunbook.steps.link_customer.codat_customer import READING, TAG, to_business_central
from bcrunbook.steps.portal import hand_off_to_portal
from bcrunbook.steps.requirements import BUSINESS_CENTRAL_APP_ID, REDIRECT_URI, SCOPES
from bcrunbook.steps.retire_request import RetireRequest
from bcrunbook.steps.retired import note_begun, retirement_seen, said_since
from bcrunbook.steps.tenant import check_tenant

KEPT_FOR: Final = timedelta(days=30)
"""How long a deleted application can be restored (contract G6.8)."""

DISABLE: Final = "disable"
GRANT: Final = "take_back_consent"
SECRET: Final = "remove_secret"
PRINCIPAL: Final = "delete_service_principal"
APPLICATION: Final = "delete_application"
FORGET: Final = "forget_value"
"""The keys of what is done, in its order."""

_GRAPH: Final = "Microsoft Graph"


@dataclass(frozen=True)
class LinkedCompany:
    """A company in the instance through which Codat reads, or may come to read.

    Args:
        name: its name.
        customer: the customer's key in its tag; empty where it is not this account's.
    """

    name: str
    customer: str


@dataclass(frozen=True)
class RetireAccountFindings(PortalFindings):
    """What the step saw.

    Args:
        asked: what somebody asks for besides.
        linked: companies that still read; unknown without an API key.
        is_handed_over: whether somebody has said that our keys are saved in the portal.
        is_said_off: whether somebody says that the toggle is off, where it cannot be seen.
        application: the application; absent when it is gone.
        is_known: whether this ledger has made or adopted it.
        difference: why it may be somebody else's; empty when it is not.
        principal: its service principal.
        grants: what is granted to it for the whole tenant.
        business_central: the service principal of Business Central, whose permissions are ours.
        credentials: the application's secrets.
        other_credentials: its certificates and federated credentials, in words.
        made_here: markers of the secrets that this ledger has asked for or adopted.
        deleted: the application among the deleted ones; absent where it is not there.
        client_id: its client id; empty where none is known.
        kept: markers of values that the secret store still has.
        trial_of: the accounts that require this one.
        now: the time by Microsoft Graph's clock (UTC).
        seen: what is noted once all is gone.
    """

    asked: RetireRequest
    linked: Seen[tuple[LinkedCompany, ...]]
    is_handed_over: bool
    is_said_off: bool
    application: Seen[Application]
    is_known: bool
    difference: str
    principal: Seen[ServicePrincipal]
    grants: Seen[tuple[Grant, ...]]
    business_central: Seen[ServicePrincipal]
    credentials: tuple[SecretCredential, ...]
    other_credentials: tuple[str, ...]
    made_here: frozenset[str]
    deleted: Seen[Application]
    client_id: str
    kept: tuple[str, ...]
    trial_of: tuple[str, ...]
    now: datetime
    seen: Observation

    @property
    def is_on(self) -> bool:
        """Whether the integration has to be switched off, as far as that is this account's."""
        if not self.is_handed_over:
            return False
        if self.integration.value is not None:
            return self.integration.value.enabled
        return not self.is_said_off

    @property
    def is_named(self) -> bool:
        """Whether somebody asks for the application by its client id."""
        return bool(self.client_id) and self.asked.names(self.client_id)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left of the account."""
        return (
            not self.linked.value
            and not self.is_on
            and self.application.is_absent
            and self.principal.is_absent
            and not self.kept
        )

    @property
    def observations(self) -> tuple[Observation, ...]:
        """That the account is retired, as soon as nothing of it is left."""
        return (self.seen,) if self.is_over else ()

    @property
    def strange(self) -> tuple[str, ...]:
        """What is on the application that is not ours, in words."""
        app = self.application.value
        if app is None:
            return ()
        uris = [one for one in app.web.redirect_uris if one != REDIRECT_URI]
        secrets = [
            f"{one.seen.display_name or 'without a description'} (Secret ID {one.seen.key_id})"
            for one in self.credentials
            if not self.is_ours(one)
        ]
        ours = self.business_central.value.id if self.business_central.value else ""
        granted = [
            scope
            for grant in self.grants.value or ()
            for scope in sorted(grant.scopes)
            if grant.resource_id != ours or scope not in SCOPES
        ]
        signs_in = (self.account.sign_in.client_id or "").lower() == app.app_id.lower()
        return (
            *(["the sign-in of this program"] if signs_in else []),
            *(f"the redirect URI {one}" for one in uris),
            *(f"the secret {one}" for one in secrets),
            *self.other_credentials,
            *(f"the permission {one}, granted for the tenant" for one in granted),
        )

    def is_ours(self, one: SecretCredential) -> bool:
        """Whether a secret was made or adopted here.

        Args:
            one: a secret on the application.
        """
        return bool(one.marker) and one.marker in self.made_here

    def rows(self) -> tuple[Finding, ...]:
        """Customers, toggle, the application with what is on it, and what is kept here."""
        return (
            self._linked_row(),
            self._toggle_row(),
            *self._application_rows(),
            *self._deleted_rows(),
            Finding(
                "Values in the secret store",
                "none",
                ", ".join(f"bcrunbook {marker}" for marker in self.kept) or "none",
                f"secret store {self.account.secret_store}",
                Comparison.DIFFERS if self.kept else Comparison.OK,
                is_yet_to_come=bool(self.kept),
            ),
            *(
                Finding(
                    "Required by",
                    "",
                    name,
                    "accounts.toml",
                    Comparison.NOTE,
                    f"{name} goes on: what {self.account.name} has passed until today counts for"
                    " it, whichever version of the runbook comes.",
                )
                for name in self.trial_of
            ),
        )

    def _linked_row(self) -> Finding:
        linked = self.linked.value
        return Finding(
            "Customers that Codat reads",
            "none",
            self.linked.unknown or ", ".join(one.name for one in linked or ()) or "none",
            "Codat API, companies",
            Comparison.UNKNOWN
            if self.linked.unknown
            else (Comparison.DIFFERS if linked else Comparison.OK),
            is_yet_to_come=bool(linked),
        )

    def _toggle_row(self) -> Finding:
        name, seen = f"{codat_portal.NAME} enabled", self.integration.value
        source = "Codat API, integrations"
        if not self.is_handed_over:
            actual = "left as it is: nobody has said that our keys are in the Codat Portal"
            return Finding(name, "", actual, source, Comparison.NOTE)
        if seen is None:
            actual = "not enabled, as somebody says" if self.is_said_off else "unknown"
            verdict = Comparison.NOTE if self.is_said_off else Comparison.UNKNOWN
            return Finding(name, "not enabled", actual, self.integration.unknown, verdict)
        actual = "enabled" if seen.enabled else "not enabled"
        verdict = Comparison.DIFFERS if seen.enabled else Comparison.OK
        return Finding(
            name, "not enabled", actual, source, verdict, is_yet_to_come=verdict != Comparison.OK
        )

    def _application_rows(self) -> Iterable[Finding]:
        app, source = self.application.value, f"{_GRAPH}, applications"
        if app is None:
            yield Finding("Application", "none", "none", source, Comparison.OK)
            return
        yield Finding(
            "Application",
            "none",
            f"{app.display_name} ({app.app_id})",
            source,
            Comparison.DIFFERS,
            self.difference,
            is_yet_to_come=not self.difference,
        )
        yield Finding(
            "Of others on it",
            "none",
            "; ".join(self.strange) or "none",
            source,
            Comparison.DIFFERS if self.strange else Comparison.OK,
        )

    def _deleted_rows(self) -> Iterable[Finding]:
        if not self.application.is_absent or not self.client_id:
            return
        gone, source = self.deleted.value, f"{_GRAPH}, deleted items"
        if gone is None:
            actual = self.deleted.unknown or "not kept any more: it is gone for good"
            yield Finding("Deleted application", "", actual, source, Comparison.NOTE)
            return
        until = restorable_until(gone)
        day = f" until {until:%Y-%m-%d}" if until else " for 30 days"
        yield Finding(
            "Deleted application",
            "",
            f"{gone.display_name} ({gone.app_id}), can be restored{day}",
            source,
            Comparison.NOTE,
            f"bcrunbook restore {self.account.name}. Until then it keeps its marker.",
        )


def restorable_until(app: Application) -> datetime | None:
    """Until when a deleted application can be restored; None where it does not say.

    Args:
        app: the application, as the deleted items have it.
    """
    return app.deleted_date_time + KEPT_FOR if app.deleted_date_time else None


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
            return (_customers_first(findings),)
        if findings.is_on:
            return (_switch_off(findings),)
        app = findings.application.value
        if app is not None:
            if not findings.is_named and (findings.strange or findings.difference):
                return (_ask_others(findings),)
            if not findings.is_named and not findings.is_known:
                return (_ask_others(findings),)
        return (*_taken_down(findings), *_forgotten(findings))

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


def among_deleted(deleted: Seen[tuple[Application, ...]], client_id: str) -> Seen[Application]:
    """An application among those that were deleted.

    Args:
        deleted: these, as far as they may be read.
        client_id: which one.
    """
    if deleted.unknown:
        return Seen(None, deleted.unknown)
    there = (one for one in deleted.value or () if one.app_id.lower() == client_id.lower())
    return Seen(next(there, None))


def _taken_down(findings: RetireAccountFindings) -> Iterable[Change]:
    """What Codat reads with, then what it reads through."""
    app, principal = findings.application.value, findings.principal.value
    for grant in findings.grants.value or ():
        yield Change(
            GRANT,
            "take back the admin consent",
            (Row("Admin consent for the tenant", "\n".join(sorted(grant.scopes)), ""),),
            subject=grant.id,
            action="delete",
        )
    for one in findings.credentials:
        if findings.is_ours(one):
            yield Change(
                SECRET,
                "remove a client secret of ours",
                (Row("Secret", one.seen.display_name or one.marker, ""),),
                subject=one.seen.key_id,
                action="delete",
            )
    if principal is not None:
        yield Change(
            PRINCIPAL,
            "delete the service principal",
            (Row("Enterprise application", principal.display_name, "", "servicePrincipal"),),
            subject=principal.id,
            action="delete",
        )
    if app is not None:
        yield Change(
            APPLICATION,
            f"delete the application; it can be restored until {findings.now + KEPT_FOR:%Y-%m-%d}",
            (
                Row("Name", app.display_name, "", "displayName"),
                Row("Client ID", app.app_id, "", "appId"),
            ),
            subject=app.id,
            action="delete",
        )


def _forgotten(findings: RetireAccountFindings) -> Iterable[Change]:
    for marker in findings.kept:
        yield Change(
            FORGET,
            "forget a value in the secret store",
            (Row("Value in the secret store", f"bcrunbook {marker}", ""),),
            subject=marker,
            action="delete",
        )


def _customers_first(findings: RetireAccountFindings) -> Change:
    """While Codat reads anybody's books, nothing of the account goes."""
    name, linked = findings.account.name, findings.linked.value or ()
    ours = [one.customer for one in linked if one.customer]
    others = [one.name for one in linked if not one.customer]
    known = [one for one in ours if one in findings.account.customers]
    lost = [one for one in ours if one not in findings.account.customers]
    actions = []
    if known:
        actions.append(
            f"Retire them: bcrunbook retire {name} --with-customers does it for all before the"
            f" account; one alone: bcrunbook retire {name} --customer {known[0]}"
        )
    if lost:
        actions.append(
            f"Not in the customers' file any more: {', '.join(lost)}. Give each its key back, and"
            " retire it."
        )
    if others:
        actions.append(
            "This account has not made these companies, and they read through its application:"
            f" {', '.join(others)}. Ask whoever made them, and have them unlinked in the Codat"
            " Portal (Companies)."
        )
    return Change(
        "customers",
        f"retire {len(linked)} customer{'s' if len(linked) != 1 else ''} first",
        (Row("Customers that Codat reads", "\n".join(one.name for one in linked), "none"),),
        by="person",
        subject=name,
        hand_off=HandOff(
            who="whoever decides about these customers",
            actions=(*actions, "Then run this step again."),
        ),
    )


def _switch_off(findings: RetireAccountFindings) -> Change:
    """The toggle, which no supported call flips (contract C5.9)."""
    account, instance = findings.account, findings.instance
    is_seen = not findings.integration.unknown
    say_so = f"bcrunbook confirm {account.name} {RETIRE_ACCOUNT} --by YOUR-NAME; then run again"
    return Change(
        DISABLE,
        f"disable {codat_portal.NAME} in the Codat Portal",
        (Row(codat_portal.NAME, "enabled" if is_seen else "unknown", "not enabled"),),
        by="person",
        hand_off=HandOff(
            who=codat_portal.who_can(instance),
            link=findings.page,
            actions=(
                codat_portal.open_and_compare(instance),
                f"Settings, Integrations, Accounting: find {codat_portal.NAME} and click its"
                " toggle, so that it is off.",
                "Run this step again: it sees the toggle by itself."
                if is_seen
                else f"Say that it is done ({say_so}).",
            ),
            buttons=(
                codat_portal.open_button(findings.page),
                *(() if is_seen else (HandOffButton(2, "confirm", instead=say_so),)),
            ),
            values=((codat_portal.INSTANCE, instance),) if instance else (),
            looks_like="The toggle stays off.",
            slips=(codat_portal.ROLE_SLIP, codat_portal.instance_slip(instance)),
            confirmation=""
            if is_seen
            else f"{codat_portal.NAME} is not enabled in the Codat Portal any more",
            is_watched=is_seen,
        ),
    )


def _ask_others(findings: RetireAccountFindings) -> Change:
    """The application may be somebody else's, or others use it: nothing of it goes."""
    app = findings.application.value
    assert app is not None
    name = findings.account.name
    if findings.strange:
        title = f"say whether the application {app.app_id} may go: others have put something on it"
        found = f"On the application are: {'; '.join(findings.strange)}."
    else:
        title = f"say whether the application {app.app_id} may go: this ledger has not made it"
        found = findings.difference or (
            f"It bears the marker {findings.account.unique_name}, and this ledger has neither made"
            " nor adopted it."
        )
    return hand_off_to_portal(
        Change("whose_application", title, subject=app.app_id, action="delete"),
        FixInput("it may be somebody else's", who="whoever uses it, or an owner of it"),
        findings.account,
        actions=(
            f"{found[0].upper()}{found[1:]} Nothing is removed.",
            "Ask whoever put it there. If they do not need it, remove it in the Azure portal, App"
            " registrations, and run this step again.",
            "If the application may go with all that is on it: bcrunbook retire"
            f" {name} --id {app.app_id} --mode apply",
        ),
        values=(("Client ID", app.app_id),),
    )
