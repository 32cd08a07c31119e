"""The application registration, with exactly the setup page's audience and redirect URI.

The application is found by our own marker (`uniqueName`), then by an explicit client id (somebody
registered it by hand and this account adopts it), never by its display name. Creating is an upsert
by the marker, so that a repeated request makes nothing twice. What others put on the application
(redirect URIs, tags) stays. The service principal is made here too, as the portal does when an
application is registered there; Microsoft Graph alone would not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from bcrunbook.accounts import Account, Identity
from bcrunbook.core.step import (
    AccountStep,
    Change,
    Comparison,
    Finding,
    Findings,
    HandOff,
    Observation,
    Row,
)
from bcrunbook.errors import AskAdministrator, FixInput, NotFound, RunbookError, WaitAndRetry
from bcrunbook.ledger.scope import FactKind
from bcrunbook.limits import MAX_REDIRECT_URIS, MAX_SECRETS
from bcrunbook.order import REGISTER_APPLICATION, START_HERE
from bcrunbook.services.graph.models import Application, Organization, ServicePrincipal
from bcrunbook.services.graph.reads import (
    Read,
    application_named,
    application_with_client_id,
    applications_tagged,
    deleted_applications,
    organization,
    service_principal,
)
from bcrunbook.services.wire import Seen
from bcrunbook.steps.application import (
    Lookup,
    application_seen,
    lookup,
    remember,
    remembered_client_id,
    require_own,
)
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import AccountField, StepDescription
from bcrunbook.steps.portal import hand_off_to_portal
from bcrunbook.steps.requirements import (
    AUDIENCE,
    REDIRECT_URI,
    TOKEN_VERSION,
    account_types,
)
from bcrunbook.steps.standing import SwitchedOff, enabled_row, reactivate, switched_off
from bcrunbook.steps.tenant import check_tenant
from bcrunbook.steps.wording import ABSENT, PRESENT

_TAKEN: Final = "Request_MultipleObjectsWithSameKeyValue"
_MARKER_TAKEN: Final = "for property uniqueName already exists"
"""What the refusal of a marker that another object bears says (contract G6.9)."""


@dataclass(frozen=True)
class RegistrationFindings(Findings):
    """What the step saw.

    Args:
        account: the account, which says what is wanted.
        organization: the tenant.
        application: the application, found by marker or by client id.
        found_by: how it was found, in words; empty when it is not there.
        principal: its service principal; unknown before there is an application.
        whose: why it may be somebody else's; empty when it is the account's own.
        before: an application that this ledger knows under an account's name that is gone from
            accounts.toml, and that may be this one's; empty without.
    """

    account: Account
    organization: Organization
    application: Seen[Application]
    found_by: str
    principal: Seen[ServicePrincipal]
    whose: str = ""
    before: str = ""

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The application, where it is known to be this account's."""
        app = self.application.value
        return (application_seen(app),) if app is not None and not self.whose else ()

    @property
    def off(self) -> SwitchedOff | None:
        """What somebody has switched off of it; None where nothing is."""
        app = self.application.value
        return switched_off(app, self.principal.value) if app is not None else None

    def rows(self) -> tuple[Finding, ...]:
        """The application's facts, wanted against actual."""
        source = "Microsoft Graph, applications"
        app = self.application.value
        tenant = Finding(
            "Tenant",
            self.account.tenant,
            f"{self.organization.display_name} ({self.organization.id})",
            "Microsoft Graph, organization",
            Comparison.OK,
        )
        if app is None:
            unknown = self.application.unknown
            missing = Finding(
                "Application",
                self.account.application,
                unknown or ABSENT,
                source,
                Comparison.UNKNOWN if unknown else Comparison.DIFFERS,
                is_yet_to_come=not unknown and not self.before,
            )
            return (tenant, missing)
        return (
            tenant,
            Finding(
                "Application",
                self.account.application,
                app.display_name,
                f"{source}, found by {self.found_by}",
                _compare(app.display_name == self.account.application),
                f"Whose is it? {self.whose[0].upper()}{self.whose[1:]}." if self.whose else "",
            ),
            Finding("Client ID", "", app.app_id, source, Comparison.NOTE),
            enabled_row(self.off, is_whole=not self.principal.unknown),
            Finding(
                "Supported account types",
                _audience(AUDIENCE),
                _audience(app.sign_in_audience),
                source,
                _compare(app.sign_in_audience == AUDIENCE),
            ),
            Finding(
                "Access token version",
                str(TOKEN_VERSION),
                str(app.api.requested_access_token_version or 1),
                source,
                _compare(app.api.requested_access_token_version == TOKEN_VERSION),
            ),
            Finding(
                "Redirect URI (Web)",
                REDIRECT_URI,
                "\n".join(app.web.redirect_uris) or "none",
                source,
                _compare(REDIRECT_URI in app.web.redirect_uris),
            ),
            self._principal_row(),
            Finding(
                "Verified publisher",
                "",
                (app.verified_publisher and app.verified_publisher.display_name) or "none",
                source,
                Comparison.NOTE,
                ""
                if app.verified_publisher and app.verified_publisher.display_name
                else "Without one, customers' users may not be allowed to consent by themselves;"
                " their administrator then has to.",
            ),
        )

    def _principal_row(self) -> Finding:
        there = self.principal.value is not None
        return Finding(
            "Service principal (enterprise application)",
            PRESENT,
            PRESENT if there else (self.principal.unknown or ABSENT),
            "Microsoft Graph, service principals",
            Comparison.UNKNOWN if self.principal.unknown else _compare(there),
            is_yet_to_come=self.principal.is_absent,
        )


def _compare(same: bool) -> Comparison:
    return Comparison.OK if same else Comparison.DIFFERS


def _audience(value: str | None) -> str:
    """An audience in the portal's words, with the API's value."""
    words = account_types(value)
    return words if words == (value or "none") else f"{words} ({value})"


class RegisterApplication(AccountStep):
    """Creates or changes the application, and makes its service principal."""

    id: ClassVar[str] = REGISTER_APPLICATION
    title: ClassVar[str] = "Register the application"
    needs: ClassVar[tuple[str, ...]] = (START_HERE,)
    description: ClassVar[StepDescription] = StepDescription(
        usual="1 min",
        fields=(
            AccountField("application", "Application's name", lambda account: account.application),
        ),
        fields_by_hand=(
            AccountField(
                "client_id", "Application (client) ID", lambda account: account.client_id or ""
            ),
        ),
        checked_as="Application",
    )

    async def examine(self, context: Context) -> RegistrationFindings:
        """Find the application and its service principal: one call, two right after creation."""
        account, graph, how = context.account, context.graph, lookup(context)
        reads: list[Read[Any]] = [organization(), *how.reads]
        if how.known:
            reads.append(service_principal(how.known))
        seen = await graph.look(*reads)
        tenant = check_tenant(context, await context.sign_in.graph(), seen[0])
        found = seen[1 : 1 + len(how.reads)]
        if account.client_id and found[1].is_absent:
            raise _no_such_client_id(account)
        application = how.found(found)
        app = application.value
        if app is None:
            before = "" if application.unknown else await _before(context, how)
            return RegistrationFindings(
                account, tenant, application, "", Seen(None, "no client id"), before=before
            )
        principal: Seen[ServicePrincipal] = (
            seen[-1]
            if how.known == app.app_id
            else (await graph.look(service_principal(app.app_id)))[0]
        )
        return RegistrationFindings(
            account,
            tenant,
            application,
            how.found_by(found),
            principal,
            whose=how.difference(app),
        )

    def plan(self, findings: RegistrationFindings) -> tuple[Change, ...]:
        """Create or change the application, then make its service principal."""
        account, app = findings.account, findings.application.value
        if findings.whose or findings.before:
            return (_whose(findings),)
        changes: list[Change] = []
        principal = Change(
            "service_principal",
            "create the service principal, which consent needs",
            (Row("Enterprise application", "", account.application, "servicePrincipal"),),
            action="create",
        )
        if app is None:
            wanted = (
                Row("Name", "", account.application, "displayName"),
                _audience_row(""),
                _version_row(""),
                Row("Redirect URI (Web)", "", REDIRECT_URI, "web.redirectUris"),
                Row("Our marker", "", account.unique_name, "uniqueName"),
            )
            title = "create the application"
            return (Change("application", title, wanted, action="create"), principal)
        rows = tuple(_differences(account, app))
        if rows:
            title = f"change the application {app.app_id}"
            changes.append(Change("application", title, rows, action="update"))
        if findings.principal.is_absent:
            changes.append(principal)
        if findings.off is not None:
            changes.append(reactivate(account, findings.off))
        return tuple(changes)

    async def apply(self, context: Context, findings: RegistrationFindings, change: Change) -> bool:
        """Create or change the application, or create its service principal."""
        if change.key == "application":
            await self._apply_application(context, findings)
            return True
        app = findings.application.value
        client_id = app.app_id if app else remembered_client_id(context)
        principal = await context.graph.create_service_principal(client_id)
        if principal is not None:
            remember(context, "service_principal", principal.id, {"client_id": client_id})
        return True

    async def _apply_application(self, context: Context, findings: RegistrationFindings) -> None:
        account, app = findings.account, findings.application.value
        if app is None:
            made = await self._create(context, account)
            seen = application_seen(made)
            # What was asked for: the answer may tell less.
            name = {"name": account.application}
            remember(context, seen.kind, seen.subject, {**seen.data, **name})
            return
        await self._updated(context, app)

    async def _updated(self, context: Context, app: Application) -> Application:
        """Bring an application that is there to what is wanted; nothing is sent if it is."""
        check_limits(app)
        account, body = context.account, _update(context.account, app)
        if not body:
            return app
        try:
            await context.graph.update_application(app.id, body)
        except (FixInput, WaitAndRetry) as refusal:
            if isinstance(refusal, WaitAndRetry) and refusal.code != _TAKEN:
                raise
            if body.pop("uniqueName", None) is None:
                raise
            # Where the marker is refused, the tag takes its place.
            body["tags"] = [*app.tags, account.unique_name]
            await context.graph.update_application(app.id, body)
        return app

    async def _create(self, context: Context, account: Account) -> Application:
        body, graph = _creation(account), context.graph
        try:
            made = await graph.upsert_application(account.unique_name, body)
            if made is not None:
                return made
            # It existed: an earlier run made it, and it had not spread when we looked.
            return await graph.wait_for(application_named(account.unique_name))
        except (FixInput, WaitAndRetry) as refusal:
            if isinstance(refusal, WaitAndRetry) and refusal.code != _TAKEN:
                raise
            # The upsert is documented, yet unconfirmed for this audience, and a deleted application
            # keeps its marker (contract G6.2 and G6.9). Where it is refused, the tag takes
            # the marker's place: look first, so that nothing is made twice.
            tagged: Seen[tuple[Application, ...]] = (
                await graph.look(applications_tagged(account.unique_name))
            )[0]
            if tagged.value:
                require_own(lookup(context), tagged.value[0])
                return await self._updated(context, tagged.value[0])
            await _refuse_if_deleted(context, refusal)
            if _MARKER_TAKEN in refusal.what:
                # Whoever made it a moment ago has ended since, and it does not show yet: a second
                # one without the marker would be as much ours (contract G6.18).
                made = await graph.wait_for(application_named(account.unique_name))
                require_own(lookup(context), made)
                return await self._updated(context, made)
            if refusal.code not in ("Request_BadRequest", "BadRequest", "Request_UnsupportedQuery"):
                raise
            return await graph.create_application(body)

    def hand_off(
        self, findings: RegistrationFindings, change: Change, error: RunbookError
    ) -> Change:
        """Registering, for somebody who may."""
        return hand_off_to_portal(
            change,
            error,
            findings.account,
            actions=(
                "In the Azure portal open Microsoft Entra ID, App registrations, New registration.",
                f"Name: as below. Supported account types: {account_types(AUDIENCE)} (older"
                " portals: any organizational directory and personal Microsoft accounts)."
                " Redirect URI: Web, as below. Then Register.",
                "Put the Application (client) ID into accounts.toml as client_id of this account"
                " and run this step again: it checks what was made.",
            ),
            values=(
                ("Name", findings.account.application),
                ("Redirect URI", REDIRECT_URI),
            ),
        )


async def _refuse_if_deleted(context: Context, refusal: RunbookError) -> None:
    """Whether to have it back or to make another is a person's to say.

    Raises:
        AskAdministrator: the application with our marker was deleted, and can be restored.
    """
    account = context.account
    deleted: Seen[tuple[Application, ...]] = (await context.graph.look(deleted_applications()))[0]
    for app in deleted.value or ():
        if app.unique_name != account.unique_name:
            continue
        when = f" on {app.deleted_date_time:%Y-%m-%d}" if app.deleted_date_time else ""
        raise AskAdministrator(
            f'The application "{app.display_name}" ({app.app_id}) was deleted{when}.',
            where=f'account "{account.name}", marker {account.unique_name}',
            why="it keeps the marker for 30 days, and can be restored as long: with its client id"
            " and its secrets, so that what Codat and the customers have goes on working",
            next="in the Azure portal, App registrations, Deleted applications, restore it. Or, to"
            " go on with a new one that Codat and every customer need as well, delete it there"
            " permanently",
            who="an owner of it, or a Cloud Application or Application Administrator of the tenant",
            code=refusal.code,
            request_id=refusal.request_id,
        )
    if isinstance(refusal, WaitAndRetry):
        refusal.why = "another application has the marker, and does not show yet"
        if deleted.unknown:
            refusal.next = (
                "run again in a few minutes; if it stays, see whether it is among the Deleted"
                " applications in the Azure portal, App registrations"
            )


def _creation(account: Account) -> dict[str, Any]:
    return {
        "displayName": account.application,
        "signInAudience": AUDIENCE,
        "api": {"requestedAccessTokenVersion": TOKEN_VERSION},
        "web": {"redirectUris": [REDIRECT_URI]},
        "tags": [account.unique_name],
    }


def _update(account: Account, app: Application) -> dict[str, Any]:
    """The PATCH body: only what differs, collections merged with what is there."""
    body: dict[str, Any] = {}
    if app.display_name != account.application:
        body["displayName"] = account.application
    if _audience_differs(app):
        # The two are sent together: the service checks one against the other.
        body["signInAudience"] = AUDIENCE
        body["api"] = {"requestedAccessTokenVersion": TOKEN_VERSION}
    if REDIRECT_URI not in app.web.redirect_uris:
        body["web"] = {"redirectUris": [*app.web.redirect_uris, REDIRECT_URI]}
    if app.unique_name is None and account.unique_name not in app.tags:
        # An application made by hand has no marker yet and can be given one, once.
        body["uniqueName"] = account.unique_name
    return body


def _audience_differs(app: Application) -> bool:
    version = app.api.requested_access_token_version
    return app.sign_in_audience != AUDIENCE or version != TOKEN_VERSION


def _differences(account: Account, app: Application) -> list[Row]:
    body = _update(account, app)
    rows = []
    if "displayName" in body:
        rows.append(Row("Name", app.display_name, account.application, "displayName"))
    if "signInAudience" in body:
        version = app.api.requested_access_token_version or 1
        rows.append(_audience_row(account_types(app.sign_in_audience)))
        rows.append(_version_row(str(version)))
    if "web" in body:
        before, after = "\n".join(app.web.redirect_uris), "\n".join(body["web"]["redirectUris"])
        rows.append(Row("Redirect URI (Web)", before, after, "web.redirectUris"))
    if "uniqueName" in body:
        rows.append(Row("Our marker", "", account.unique_name, "uniqueName"))
    return rows


def _audience_row(before: str) -> Row:
    return Row(
        "Supported account types", before, account_types(AUDIENCE), f"signInAudience: {AUDIENCE}"
    )


def _version_row(before: str) -> Row:
    return Row(
        "Access token version", before, str(TOKEN_VERSION), "api.requestedAccessTokenVersion"
    )


def check_limits(app: Application) -> None:
    """Refuse, before any call, what the wanted audience would not allow on this application.

    Raises:
        FixInput: naming each limit that is in the way.
    """
    uris = [*app.web.redirect_uris]
    if REDIRECT_URI not in uris:
        uris.append(REDIRECT_URI)
    problems = []
    if len(uris) > MAX_REDIRECT_URIS:
        problems.append(f"{len(uris)} redirect URIs, at most {MAX_REDIRECT_URIS} are allowed")
    if len(app.password_credentials) > MAX_SECRETS:
        count = len(app.password_credentials)
        problems.append(f"{count} client secrets, at most {MAX_SECRETS} are allowed")
    for uri in uris:
        parts = urlsplit(uri)
        if parts.query or "*" in (parts.hostname or ""):
            problems.append(f"redirect URI {uri}: no query string and no wildcard is allowed")
        if len(uri) > 256:
            problems.append(f"redirect URI {uri[:40]}...: longer than 256 characters")
    if problems:
        raise FixInput(
            "The application cannot take the account types that Codat needs: "
            + "; ".join(problems)
            + ". Nothing was written.",
            where=f"application {app.app_id}",
            next="remove what is in the way in the Azure portal, or let the runbook register an"
            " application of its own (leave client_id out of accounts.toml)",
        )


def _no_such_client_id(account: Account) -> NotFound:
    return NotFound(
        f"There is no application with the client id {account.client_id} in this tenant.",
        where=f'account "{account.name}", client_id',
        why="it was mistyped, deleted, or registered in another tenant",
        next="copy the Application (client) ID from its Overview page, or leave client_id out to"
        " have a new application registered",
    )


async def _before(context: Context, how: Lookup) -> str:
    """The client id of what an account that is gone from accounts.toml has registered here.

    An account that was given another name means the same application; a second one would be made.
    """
    mine = context.ledger.tenant_of(context.identity)
    for fact in context.ledger.elsewhere(
        RegisterApplication.id, FactKind.APPLICATION, cloud=context.account.cloud
    ):
        whose = Identity(fact.account, str(fact.cloud), str(fact.tenant))
        if (
            not context.workspace.has(fact.account)
            and fact.data.get("name") == context.account.application
            and context.ledger.tenant_of(whose) == mine
        ):
            # Somebody may have deleted it since.
            there = (await context.graph.look(application_with_client_id(fact.subject)))[0]
            if not there.is_absent:
                return fact.subject
    return ""


def _whose(findings: RegistrationFindings) -> Change:
    """The question whose application it is; the answer goes into accounts.toml."""
    account, app = findings.account, findings.application.value
    client_id = app.app_id if app is not None else findings.before
    table = f"accounts.{account.name} of accounts.toml"
    actions: tuple[str, ...]
    if app is None:
        actions = (
            f"An account that is not in accounts.toml any more has registered {client_id} under"
            f' the name "{account.application}" in this tenant.',
            f"If {account.name} is that account under a new name: write client_id ="
            f' "{client_id}" into {table}.',
            f"If it is another account: give {account.name} an application name of its own.",
        )
    elif findings.whose.startswith("it was called"):
        actions = (
            f'If it is to be called "{app.display_name}" from now on: write application ='
            f' "{app.display_name}" into {table}.',
            f'If not: rename it to "{account.application}" in the Azure portal (App registrations,'
            " the application, Branding & properties), and find out who renamed it: another"
            " workspace may have an account of this name.",
        )
    else:
        actions = (
            f"If {account.name} is to go on with this application: write client_id ="
            f' "{client_id}" into {table}. It is then called "{account.application}".',
            f"If it belongs to somebody else: give the account {account.name} another name, such as"
            f" {account.name}-2. An application of its own is registered then.",
        )
    return Change(
        "whose_application",
        f"say whose application {client_id} is",
        (Row("Name", app.display_name if app else account.application, account.application),),
        by="person",
        subject=client_id,
        hand_off=HandOff(
            who="you, or whoever registered it",
            found=findings.whose,
            actions=(*actions, "Then run this step again."),
            values=(("Client ID", client_id),),
        ),
    )
