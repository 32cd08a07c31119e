"""Is everything there to begin, who is signed in, and is this the right tenant.

It changes nothing. What can be checked is checked; what cannot be read by any supported call is
explained, with whom to ask. A wrong tenant ends it, and so every later step, with a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from bcrunbook.accounts import Account, Identity, neighbours
from bcrunbook.core.confirmations import EARLIER_RECORDS
from bcrunbook.core.step import (
    Change,
    Comparison,
    Finding,
    Findings,
    HandOff,
    HandOffButton,
    PersonsStep,
)
from bcrunbook.errors import RunbookError
from bcrunbook.hosts import BUSINESS_CENTRAL_CLIENT
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    REGISTER_APPLICATION,
    START_HERE,
    ref,
)
from bcrunbook.services import azure
from bcrunbook.services.graph.models import Organization, ServicePrincipal, User
from bcrunbook.services.graph.reads import Read, me, organization, service_principal
from bcrunbook.services.wire import Seen
from bcrunbook.signin import Token
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import AccountField, FieldChoice, StepDescription
from bcrunbook.steps.requirements import BUSINESS_CENTRAL_APP_ID
from bcrunbook.steps.roles import CONSENT_ROLES, GUEST, REGISTER_ROLES
from bcrunbook.steps.tenant import check_tenant
from bcrunbook.steps.whereabouts import SIGNED_IN, TENANT
from bcrunbook.steps.wording import ABSENT, PRESENT

_ASK: Final = "cannot be read by a program"
_YOURS: Final = "for you to look up"
_ALLOWED: Final = "allowed"
_ADMINS: Final = (
    "Application Developer, Cloud Application Administrator or Application Administrator"
)


@dataclass(frozen=True)
class StartFindings(Findings):
    """What the step saw.

    Args:
        account: the account.
        organization: the tenant that the sign-in leads to.
        token: what Entra said about the sign-in.
        user: the person; absent for an application.
        business_central: Business Central's service principal in the tenant.
        tenants: the tenants that the identity can see.
        is_application: whether an application signs in.
        neighbours: accounts of the other kind in the same tenant.
        strangers: as what else the ledger knows an account of this name; None for what was noted
            before tenants were.
    """

    account: Account
    organization: Organization
    token: Token
    user: Seen[User]
    business_central: Seen[ServicePrincipal]
    tenants: Seen[tuple[azure.Tenant, ...]]
    is_application: bool
    neighbours: tuple[str, ...] = ()
    strangers: tuple[Identity | None, ...] = ()

    @property
    def may_register(self) -> bool | None:
        """Whether the roles allow registering an application; None when they are not known."""
        roles = self.token.directory_roles
        if self.is_application or roles is None:
            return None
        if roles & set(REGISTER_ROLES):
            return True
        # An ordinary member may unless the tenant says no, which only the attempt shows.
        return False if GUEST in roles else None

    @property
    def may_consent(self) -> bool | None:
        """Whether the roles allow consent for the tenant; None when they are not known."""
        roles = self.token.directory_roles
        if self.is_application or roles is None:
            return None
        return bool(roles & set(CONSENT_ROLES))

    def rows(self) -> tuple[Finding, ...]:
        """Who and where, then what to have, then which steps this identity may do."""
        return (
            *self._who_and_where(),
            *self._same_name(),
            *self._to_have(),
            *self._may_do(),
        )

    def _who_and_where(self) -> tuple[Finding, ...]:
        who = self.user.value
        name = (
            f"application {self.account.sign_in.client_id}"
            if self.is_application
            else (f"{who.display_name} <{who.user_principal_name}>" if who else "unknown")
        )
        others = self._other_tenants()
        return (
            Finding(SIGNED_IN, "", name, "Microsoft Graph, me", Comparison.NOTE),
            Finding(
                TENANT,
                self.account.tenant,
                f"{self.organization.display_name} ({self.organization.id})",
                "Microsoft Graph, organization",
                Comparison.OK,
                "Check carefully: is this the company that connects to its customers' books?",
            ),
            Finding(
                "Other tenants in sight",
                "",
                others,
                "Azure, list of tenants",
                Comparison.UNKNOWN if self.tenants.unknown else Comparison.NOTE,
                "" if others in ("none", self.tenants.unknown) else "They are not touched.",
            ),
        )

    def _same_name(self) -> tuple[Finding, ...]:
        """What could be mixed up with this account; nothing in the usual case."""
        found = []
        if self.neighbours:
            found.append(
                Finding(
                    "Other accounts in this tenant",
                    "none of the other kind",
                    "\n".join(self.neighbours),
                    "accounts.toml",
                    Comparison.NOTE,
                    "A trial and production in one tenant keep applications apart by their names"
                    " only. Is that intended?",
                )
            )
        elsewhere = [str(one) for one in self.strangers if one is not None]
        if elsewhere:
            found.append(
                Finding(
                    f'Known of "{self.account.name}" elsewhere',
                    str(self.account.identity),
                    "\n".join(elsewhere),
                    "the ledger",
                    Comparison.NOTE,
                    "What was done there stays there, and counts for nothing here. Was"
                    " accounts.toml meant to be changed?",
                )
            )
        if None in self.strangers:
            found.append(
                Finding(
                    "Records without a tenant",
                    "none",
                    f'there are some of an account "{self.account.name}"',
                    "the ledger",
                    Comparison.DIFFERS,
                    "They were noted by an earlier version, which did not note for which tenant."
                    " They count for nothing until somebody says whose they are.",
                )
            )
        return tuple(found)

    def _other_tenants(self) -> str:
        if self.tenants.value is None:
            return self.tenants.unknown
        others = [one for one in self.tenants.value if one.id != self.organization.id]
        return "\n".join(f"{one.name or one.domain} ({one.id})" for one in others) or "none"

    def _to_have(self) -> tuple[Finding, ...]:
        own = [
            one.name
            for one in self.organization.verified_domains
            if not one.name.lower().endswith(".onmicrosoft.com")
        ]
        seen = self.business_central
        return (
            Finding(
                "A company e-mail domain, verified",
                "one of your own",
                "\n".join(own) or "only onmicrosoft.com",
                "Microsoft Graph, organization",
                Comparison.OK if own else Comparison.NOTE,
                ""
                if own
                else "Codat asks for a verified company domain: add it under Microsoft Entra ID,"
                " Custom domain names.",
            ),
            Finding(
                "Business Central in this tenant",
                PRESENT,
                PRESENT if seen.value else (seen.unknown or ABSENT),
                "Microsoft Graph, service principals",
                Comparison.OK
                if seen.value
                else (Comparison.UNKNOWN if seen.unknown else Comparison.DIFFERS),
                ""
                if seen.value
                else "Start a Business Central trial with a work account of this tenant. If sign-up"
                " is disabled, the Business Central administrator has to allow it.",
            ),
            Finding(
                "A Business Central licence",
                "Essentials or better, or a trial",
                _YOURS,
                _ASK,
                Comparison.UNKNOWN,
                f"See it at {BUSINESS_CENTRAL_CLIENT}, or ask the licence administrator.",
            ),
            Finding(
                "Codat: role and plan",
                "Developer or Administrator, plan with accounting integrations",
                _YOURS,
                _ASK,
                Comparison.UNKNOWN,
                "See Settings, Team in the Codat Portal; Codat's account manager knows the plan.",
            ),
        )

    def _may_do(self) -> tuple[Finding, ...]:
        source = "the application's permissions" if self.is_application else "roles in the id token"
        unknown = (
            "Needed: Application.ReadWrite.OwnedBy, and for the consent"
            " DelegatedPermissionGrant.ReadWrite.All."
            if self.is_application
            else "If it is refused, you get a text to forward."
        )
        register = _may(self.may_register)
        consent = _may(self.may_consent)
        return (
            Finding(
                f"{ref(REGISTER_APPLICATION, CLIENT_SECRET).capitalize()}: register, make a secret",
                _ALLOWED,
                register[0],
                source,
                register[1],
                unknown if self.may_register is None else _ask_for(self.may_register, _ADMINS),
            ),
            Finding(
                f"{ref(API_PERMISSIONS).capitalize()}: consent for the tenant",
                _ALLOWED,
                consent[0],
                source,
                Comparison.NOTE if self.may_consent is False else consent[1],
                # The same advice as in the row above is not said twice.
                ("" if self.may_register is None else unknown)
                if self.may_consent is None
                else _ask_for(
                    self.may_consent, f"somebody with the link that {ref(API_PERMISSIONS)} shows"
                ),
            ),
        )


def _may(allowed: bool | None) -> tuple[str, Comparison]:
    if allowed is None:
        return "shows at the first write", Comparison.UNKNOWN
    return (_ALLOWED, Comparison.OK) if allowed else ("not allowed", Comparison.DIFFERS)


def _ask_for(allowed: bool, who: str) -> str:
    return "" if allowed else f"Needs: {who}."


def _tenants_in_sight(findings: Any) -> tuple[FieldChoice, ...]:
    """The tenants that the identity can see, for a person to choose the account's from."""
    if not isinstance(findings, StartFindings):
        return ()
    return tuple(
        FieldChoice(
            tenant.id,
            tenant.name,
            tenant.domain,
            is_current=tenant.id == findings.organization.id,
        )
        for tenant in findings.tenants.value or ()
    )


class StartHere(PersonsStep):
    """Looks, compares the tenant, and says which of the later steps this identity may do."""

    id: ClassVar[str] = START_HERE
    title: ClassVar[str] = "Start here"
    needs: ClassVar[tuple[str, ...]] = ()
    description: ClassVar[StepDescription] = StepDescription(
        usual="1 min",
        fields=(
            AccountField(
                "tenant", "Tenant", lambda account: account.tenant, choices=_tenants_in_sight
            ),
        ),
    )

    async def examine(self, context: Context) -> StartFindings:
        """One call to Microsoft Graph, one to Azure."""
        is_application = context.sign_in.is_application
        reads: list[Read[Any]] = [organization(), service_principal(BUSINESS_CENTRAL_APP_ID)]
        if not is_application:
            reads.append(me())
        seen = await context.graph.look(*reads)
        token = await context.sign_in.graph()
        tenant = check_tenant(context, token, seen[0])
        names = {tenant.id.lower(), *(one.name.lower() for one in tenant.verified_domains)}
        return StartFindings(
            account=context.account,
            organization=tenant,
            token=token,
            user=Seen(None) if is_application else seen[2],
            business_central=seen[1],
            tenants=await self._tenants(context),
            is_application=is_application,
            neighbours=tuple(neighbours(context.workspace, context.account, names)),
            strangers=tuple(context.ledger.strangers(context.identity)),
        )

    async def _tenants(self, context: Context) -> Seen[tuple[azure.Tenant, ...]]:
        try:
            return Seen(await azure.tenants(context.http, context.sign_in))
        except RunbookError as error:
            # A second API, which many identities may not use: unknown, and not worth stopping for.
            return Seen(None, unknown=f"may not be read: {error.code or error.what}")

    def plan(self, findings: StartFindings) -> tuple[Change, ...]:
        """Nothing for the program; a person where this identity certainly may not go on."""
        changes = []
        if None in findings.strangers:
            changes.append(_earlier_records(findings))
        if findings.may_register is False:
            changes.append(_another_identity())
        return tuple(changes)


def _earlier_records(findings: StartFindings) -> Change:
    account = findings.account
    say_so = f"bcrunbook confirm {account.name} {START_HERE} --by YOUR-NAME; then run again"
    return Change(
        EARLIER_RECORDS,
        f'say whose the earlier records of "{account.name}" are',
        by="person",
        hand_off=HandOff(
            who="whoever ran the notebooks for this account before",
            actions=(
                f'The ledger has records of an account "{account.name}" that do not tell for which'
                " tenant and Codat instance they were made.",
                "If it was for another one, or nobody knows: name another ledger in [ledger] url,"
                " or give this account another name. What is there in the tenant is found again in"
                " any case.",
                f"If it was for {account.identity}: say so ({say_so}).",
            ),
            buttons=(HandOffButton(2, "confirm", instead=say_so),),
            values=(("Account", str(account.identity)),),
            confirmation=f"These records are of {account.identity}",
        ),
    )


def _another_identity() -> Change:
    return Change(
        "another_identity",
        "sign in as somebody who may register applications",
        by="person",
        hand_off=HandOff(
            who="an administrator of the tenant, or a colleague with the role",
            actions=(
                f"Ask for one of the roles {_ADMINS} in this tenant, or let a colleague who has one"
                " run the notebooks.",
                "Or do every step by hand: each notebook tells how, and checks afterwards.",
            ),
        ),
    )
