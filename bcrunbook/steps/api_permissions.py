"""Two delegated permissions of Business Central, and admin consent for the tenant.

Ids are read from the tenant's Business Central service principal at run time, by (API, value):
Microsoft Graph has a different permission with one of the same names (contract G2.3). They are
compared with the published ids and a difference is said. What the application asks of other APIs
stays as it is, and so does every grant of somebody else; our own grant is extended, never narrowed.
Consent given here covers this tenant only: each customer's tenant consents for itself when it links
(contract G10.11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from bcrunbook.accounts import Account
from bcrunbook.core.step import (
    AccountStep,
    Action,
    Change,
    Comparison,
    Finding,
    Findings,
    HandOff,
    HandOffButton,
    Observation,
    Row,
)
from bcrunbook.errors import AskAdministrator, FixInput, RunbookError
from bcrunbook.hosts import BUSINESS_CENTRAL_API, LOGIN
from bcrunbook.ledger.scope import FactKind
from bcrunbook.limits import MAX_APIS, MAX_PERMISSIONS
from bcrunbook.order import API_PERMISSIONS, REGISTER_APPLICATION, START_HERE
from bcrunbook.services.graph.models import Application, Grant, Organization, ServicePrincipal
from bcrunbook.services.graph.reads import Read, organization, service_principal, tenant_wide_grants
from bcrunbook.services.wire import Seen
from bcrunbook.steps.application import lookup, remembered_principal, require_application
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import StepDescription
from bcrunbook.steps.portal import hand_off_to_portal
from bcrunbook.steps.requirements import (
    BUSINESS_CENTRAL_APP_ID,
    REDIRECT_URI,
    SCOPES,
)
from bcrunbook.steps.roles import CONSENT_ROLES
from bcrunbook.steps.tenant import check_tenant
from bcrunbook.steps.wording import ABSENT, PRESENT

CONSENT: Final = "consent"
"""The change with which admin consent is granted."""
_GRAPH: Final = "Microsoft Graph"
_CONSENT_WHO: Final = (
    "a Privileged Role, Cloud Application or Application Administrator of the tenant"
)


@dataclass(frozen=True)
class PermissionFindings(Findings):
    """What the step saw.

    Args:
        organization: the tenant.
        application: the application.
        business_central: Business Central's service principal in the tenant.
        principal: the application's own service principal.
        grants: the tenant-wide grants that it holds; unknown while it has no service principal.
        may_consent: whether the signed-in person's roles allow consent; None when not told.
        consent_host: where a browser finds Entra's sign-in.
    """

    account: Account
    organization: Organization
    application: Application
    business_central: Seen[ServicePrincipal]
    principal: Seen[ServicePrincipal]
    grants: Seen[tuple[Grant, ...]]
    may_consent: bool | None
    consent_host: str

    @property
    def wanted_ids(self) -> dict[str, str]:
        """Scope value to id, as this tenant's Business Central offers them and they are enabled."""
        api = self.business_central.value
        if api is None:
            return {}
        offered = {one.value: one.id for one in api.oauth2_permission_scopes if one.is_enabled}
        return {value: offered[value] for value in SCOPES if value in offered}

    @property
    def configured_ids(self) -> frozenset[str]:
        """The ids that the application asks of Business Central."""
        return frozenset(
            access.id
            for api in self.application.required_resource_access
            if api.resource_app_id == BUSINESS_CENTRAL_APP_ID
            for access in api.resource_access
            if access.type == "Scope"
        )

    @property
    def grant(self) -> Grant | None:
        """The tenant-wide grant for Business Central."""
        api = self.business_central.value
        grants = self.grants.value or ()
        return next((one for one in grants if api and one.resource_id == api.id), None)

    @property
    def granted(self) -> frozenset[str]:
        """The scope values granted tenant-wide."""
        return self.grant.scopes if self.grant else frozenset()

    @property
    def observations(self) -> tuple[Observation, ...]:
        """What is granted, for who asks when no service can be asked."""
        if self.grants.unknown:
            return ()
        data = {"scopes": sorted(self.granted)}
        return (Observation(FactKind.CONSENT, BUSINESS_CENTRAL_APP_ID, data),)

    @property
    def consent_link(self) -> str:
        """Where an administrator can grant consent in a browser."""
        query = urlencode(
            {
                "client_id": self.application.app_id,
                "scope": f"{BUSINESS_CENTRAL_API}/.default",
                "redirect_uri": REDIRECT_URI,
                "state": self.account.unique_name,
            }
        )
        return f"{self.consent_host}/{self.organization.id}/v2.0/adminconsent?{query}"

    def rows(self) -> tuple[Finding, ...]:
        """Business Central, the two permissions, and the consent."""
        api, names = self.business_central, "\n".join(SCOPES)
        rows = [
            Finding(
                "Business Central in this tenant",
                PRESENT,
                PRESENT if api.value else (api.unknown or ABSENT),
                f"{_GRAPH}, service principals",
                _verdict(api),
                is_yet_to_come=api.is_absent,
            )
        ]
        for value, published in SCOPES.items():
            actual = self.wanted_ids.get(value)
            if actual is not None and actual != published:
                rows.append(
                    Finding(
                        f"Id of {value}",
                        published,
                        actual,
                        f"{_GRAPH}, service principals",
                        Comparison.NOTE,
                        "This tenant's id differs from the published one; the tenant's is used.",
                    )
                )
        by_id = {id: value for value, id in self.wanted_ids.items()}
        configured = [by_id.get(one, one) for one in sorted(self.configured_ids)]
        is_configured = bool(by_id) and set(by_id) <= self.configured_ids
        rows.append(
            Finding(
                "Delegated permissions",
                names,
                "\n".join(sorted(configured)) or "none",
                f"{_GRAPH}, applications",
                Comparison.OK if is_configured else Comparison.DIFFERS,
                is_yet_to_come=not self.configured_ids,
            )
        )
        is_granted = set(SCOPES) <= self.granted
        rows.append(
            Finding(
                "Admin consent for the tenant",
                names,
                self.grants.unknown or "\n".join(sorted(self.granted)) or "none",
                f"{_GRAPH}, permission grants",
                Comparison.UNKNOWN
                if self.grants.unknown
                else (Comparison.OK if is_granted else Comparison.DIFFERS),
                is_yet_to_come=not self.grants.unknown and not self.granted,
            )
        )
        return tuple(rows)


def _verdict(seen: Seen[Any]) -> Comparison:
    if seen.unknown:
        return Comparison.UNKNOWN
    return Comparison.DIFFERS if seen.is_absent else Comparison.OK


class ApiPermissions(AccountStep):
    """Makes what consent needs, adds the two permissions, and grants the consent."""

    id: ClassVar[str] = API_PERMISSIONS
    title: ClassVar[str] = "Add the permissions and consent"
    needs: ClassVar[tuple[str, ...]] = (START_HERE, REGISTER_APPLICATION)
    description: ClassVar[StepDescription] = StepDescription(
        usual="1 min",
        checked_as="Permissions and consent",
    )

    async def examine(self, context: Context) -> PermissionFindings:
        """Everything in one call where this ledger knows the ids, two otherwise."""
        account = context.account
        how = lookup(context)
        known, principal_id = how.known, remembered_principal(context)
        reads: list[Read[Any]] = [
            organization(),
            service_principal(BUSINESS_CENTRAL_APP_ID),
            *how.reads,
        ]
        found = slice(2, len(reads))
        if known:
            reads.append(service_principal(known))
        if known and principal_id:
            reads.append(tenant_wide_grants(principal_id))
        seen = await context.graph.look(*reads)
        token = await context.sign_in.graph()
        tenant = check_tenant(context, token, seen[0])
        app = require_application(how, seen[found])
        is_known = known == app.app_id.lower()
        own: Seen[ServicePrincipal] = seen[found.stop] if is_known else Seen(None, "not looked at")
        if not is_known:
            own = (await context.graph.look(service_principal(app.app_id)))[0]
        for principal in (seen[1], own):
            if principal.unknown:
                raise _cannot_look(account, principal.unknown)
        grants: Seen[tuple[Grant, ...]] = Seen(())
        if own.value is not None:
            if is_known and own.value.id == principal_id:
                grants = seen[-1]
            else:
                grants = (await context.graph.look(tenant_wide_grants(own.value.id)))[0]
        roles = token.directory_roles
        cloud = context.cloud
        return PermissionFindings(
            account=account,
            organization=tenant,
            application=app,
            business_central=seen[1],
            principal=own,
            grants=grants,
            may_consent=None if roles is None else bool(roles & set(CONSENT_ROLES)),
            consent_host=context.cloud.page(LOGIN)
            if cloud.pages is None
            else f"{cloud.pages}/{LOGIN.removeprefix('https://')}",
        )

    def plan(self, findings: PermissionFindings) -> tuple[Change, ...]:
        """Service principals first, then what the application asks for, then the consent."""
        changes: list[Change] = []
        if findings.principal.is_absent:
            changes.append(
                Change(
                    "own_principal",
                    "create the application's service principal",
                    (
                        Row(
                            "Enterprise application",
                            "",
                            findings.application.display_name,
                            "servicePrincipal",
                        ),
                    ),
                    action="create",
                )
            )
        if findings.business_central.is_absent:
            changes.append(
                Change(
                    "business_central",
                    "make Business Central known in this tenant",
                    (
                        Row(
                            "Enterprise application",
                            "",
                            "Dynamics 365 Business Central",
                            "servicePrincipal",
                        ),
                    ),
                    action="create",
                )
            )
        ids = findings.wanted_ids
        if findings.business_central.value and not set(ids.values()) <= findings.configured_ids:
            by_id = {one: value for value, one in ids.items()}
            before = sorted(by_id.get(one, one) for one in findings.configured_ids)
            after = sorted({*before, *ids})
            row = Row(
                "Delegated permissions",
                "\n".join(before),
                "\n".join(after),
                "requiredResourceAccess",
            )
            title = "add the two delegated permissions"
            changes.append(Change("permissions", title, (row,), action="update"))
        if not set(SCOPES) <= findings.granted and not findings.grants.unknown:
            changes.append(self._consent(findings))
        return tuple(changes)

    def _consent(self, findings: PermissionFindings) -> Change:
        after = sorted(findings.granted | set(SCOPES))
        before = "\n".join(sorted(findings.granted))
        row = Row(
            "Admin consent for the tenant", before, "\n".join(after), "consentType: AllPrincipals"
        )
        action: Action = "update" if findings.granted else "create"
        change = Change(CONSENT, "grant admin consent for the tenant", (row,), action=action)
        if findings.may_consent is False:
            return _forwarded(change, findings, _CONSENT_WHO)
        return change

    async def apply(self, context: Context, findings: PermissionFindings, change: Change) -> bool:
        """Create a service principal, add the permissions, or grant the consent."""
        graph, app = context.graph, findings.application
        if change.key == "own_principal":
            await graph.create_service_principal(app.app_id)
        elif change.key == "business_central":
            await graph.create_service_principal(BUSINESS_CENTRAL_APP_ID, is_ours=False)
        elif change.key == "permissions":
            body = _merged(app, _every_id(findings))
            await graph.update_application(app.id, {"requiredResourceAccess": body})
        else:
            return await self._grant(context, findings)
        return True

    async def _grant(self, context: Context, findings: PermissionFindings) -> bool:
        own, api = findings.principal.value, findings.business_central.value
        if own is None or api is None:
            return False  # made in this round: the next one sees their ids and grants
        if findings.grant is not None:
            await context.graph.update_grant(
                findings.grant.id, findings.granted | frozenset(SCOPES)
            )
            return True
        if not await context.graph.create_grant(own.id, api.id, frozenset(SCOPES)):
            # Somebody granted in between, or our own grant was not visible: extend that one.
            grants = (await context.graph.look(tenant_wide_grants(own.id)))[0].value or ()
            for grant in grants:
                if grant.resource_id == api.id and not set(SCOPES) <= grant.scopes:
                    await context.graph.update_grant(grant.id, grant.scopes | frozenset(SCOPES))
        return True

    def hand_off(self, findings: PermissionFindings, change: Change, error: RunbookError) -> Change:
        """Consent by link; a missing Business Central by a trial; the rest in the portal."""
        if change.key == CONSENT:
            return _forwarded(change, findings, error.who)
        if change.key == "business_central":
            return hand_off_to_portal(
                change,
                error,
                findings.account,
                link="https://dynamics.microsoft.com/business-central/overview/",
                actions=(
                    "Start a Business Central trial, or buy a licence, with a work account of"
                    " this tenant: that makes Business Central known here.",
                    "If self-service sign-up is disabled, ask the tenant's administrator to do so.",
                    "Then run this step again.",
                ),
            )
        return hand_off_to_portal(
            change,
            error,
            findings.account,
            actions=(
                "In the Azure portal open App registrations and the application below, then"
                " API permissions.",
                "Add a permission, Dynamics 365 Business Central, Delegated permissions: select"
                f" {' and '.join(SCOPES)}, then Add permissions.",
                "Run this step again: it checks what was made.",
            ),
            values=(("Client ID", findings.application.app_id),),
        )


def _forwarded(change: Change, findings: PermissionFindings, who: str) -> Change:
    return Change(
        change.key,
        change.title,
        change.rows,
        by="person",
        action=change.action,
        hand_off=HandOff(
            who=who,
            link=findings.consent_link,
            actions=(
                "Send the link to somebody who may consent. They sign in, read what is asked for,"
                " and accept.",
                "The browser then lands on a page of Codat that may show an error: that does not"
                " matter, the consent is read from the tenant.",
                "Run this step again: it notices the consent by itself.",
            ),
            values=(("Client ID", findings.application.app_id),),
            buttons=(HandOffButton(0, "copy", "Copy the link", findings.consent_link),),
        ),
    )


def _cannot_look(account: Account, why: str) -> AskAdministrator:
    return AskAdministrator(
        "The tenant's service principals may not be looked at, so nothing can be granted.",
        where=f'account "{account.name}"',
        why=why,
        next="grant Application.Read.All, or run this step as somebody who may",
        who=_CONSENT_WHO,
    )


def _every_id(findings: PermissionFindings) -> list[str]:
    missing = [value for value in SCOPES if value not in findings.wanted_ids]
    if missing:
        raise FixInput(
            f"Business Central does not offer {' and '.join(missing)} in this tenant.",
            where="Business Central's service principal, delegated permissions",
            why="the permission was renamed or disabled",
            next="compare with the permissions that the portal offers, and report this",
        )
    return list(findings.wanted_ids.values())


def _merged(app: Application, ids: list[str]) -> list[dict[str, Any]]:
    """What the application asks for, with ours added and nothing lost.

    Raises:
        FixInput: the limits of this audience would be exceeded.
    """
    merged = [one.model_dump(by_alias=True) for one in app.required_resource_access]
    ours = next((one for one in merged if one["resourceAppId"] == BUSINESS_CENTRAL_APP_ID), None)
    if ours is None:
        ours = {"resourceAppId": BUSINESS_CENTRAL_APP_ID, "resourceAccess": ()}
        merged.append(ours)
    present = {one["id"] for one in ours["resourceAccess"]}
    added = [{"id": one, "type": "Scope"} for one in ids if one not in present]
    ours["resourceAccess"] = [*ours["resourceAccess"], *added]
    count = sum(len(one["resourceAccess"]) for one in merged)
    if len(merged) > MAX_APIS or count > MAX_PERMISSIONS:
        raise FixInput(
            f"The application asks for {count} permissions of {len(merged)} APIs;"
            f" {MAX_PERMISSIONS} of {MAX_APIS} are allowed.",
            where=f"application {app.app_id}",
            next="remove permissions that nobody needs, or use an application of its own",
        )
    return merged
