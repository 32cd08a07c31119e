"""Who calls, and what they may: an application's permissions and card, a person's rights.

Source: contract B1, B10 and B11. An application needs a permission for each API and a card in the
environment, or its line in the admin centre. A person needs a licence or an administrator's role,
for extensions the permission set, for the admin centre the role. Which status goes with which
refusal is partly undocumented (contract B11.7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bcrunbook.rehearsal import first_party_apps, world
from bcrunbook.rehearsal.businesscentral.errors import (
    BusinessCentralError,
    dialog,
    forbidden,
    unauthenticated,
)
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.keys import InvalidToken
from bcrunbook.rehearsal.messages import Call

AUDIENCES: Final = {first_party_apps.BUSINESS_CENTRAL_APP_ID} | {
    name.rstrip("/")
    for name in first_party_apps.BY_APP_ID[first_party_apps.BUSINESS_CENTRAL_APP_ID].names
}
API, AUTOMATION, ADMIN = world.BUSINESS_CENTRAL_ROLES
_SCOPES: Final = {"user_impersonation", "Financials.ReadWrite.All"}


@dataclass(frozen=True)
class Caller:
    """Who calls.

    Args:
        tenant: the token's tenant.
        id: the person's or the application's object id: what limits count by.
        name: the person's sign-in name or the application's id, as operations tell it.
        user: the person; None for an application.
        roles: an application's permissions.
        has_card: whether an application has its cards and its line in the admin centre.
    """

    tenant: str
    id: str
    name: str
    user: world.User | None
    roles: frozenset[str]
    has_card: bool

    def demand_data(self) -> None:
        """Refuse whoever may not read companies and their data."""
        if self.user is None:
            self._demand_permission({API}, "the business API")
        else:
            self._demand_entry(self.user)

    def demand_companies(self) -> None:
        """Refuse whoever may not see the companies on an automation route."""
        if self.user is None:
            self._demand_permission({API, AUTOMATION}, "companies")
        else:
            self._demand_entry(self.user)

    def demand_extensions(self) -> None:
        """Refuse whoever may not manage extensions."""
        if self.user is None:
            self._demand_permission({AUTOMATION}, "the automation API")
            return
        self._demand_entry(self.user)
        if not self.user.may_install:
            raise dialog("You do not have the required permissions to install the selected app.")

    def demand_deployments(self) -> None:
        """Refuse whoever may not read the deployment status."""
        if self.user is not None and self.user.licensed and not self.user.may_install:
            raise dialog("You do not have sufficient permissions to manage extensions.")
        self.demand_extensions()

    def demand_admin(self) -> None:
        """Refuse whoever may not use the admin centre's API."""
        if self.user is None and ADMIN not in self.roles:
            raise BusinessCentralError(
                403, "Forbidden", "The application lacks the permission AdminCenter.ReadWrite.All."
            )
        allowed = self.has_card if self.user is None else _is_administrator(self.user)
        if not allowed:
            raise BusinessCentralError(
                401, "Unauthorized", "The caller is not allowed to use the admin center API."
            )

    def _demand_permission(self, any_of: set[str], what: str) -> None:
        if not self.has_card:
            raise unauthenticated()
        if not any_of & self.roles:
            raise forbidden(what)

    def _demand_entry(self, user: world.User) -> None:
        if not user.licensed and not _is_administrator(user):
            raise unauthenticated()


def identify(cloud: RehearsalCloud, call: Call) -> Caller:
    """Who calls, by their token."""
    kind, _, token = call.header("authorization").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise unauthenticated()
    try:
        claims: dict[str, Any] = cloud.key.verify(token.strip())
    except InvalidToken as problem:
        raise unauthenticated() from problem
    if claims.get("exp", 0) <= cloud.clock.now():
        raise unauthenticated()
    if str(claims.get("aud", "")).rstrip("/") not in AUDIENCES:
        raise unauthenticated()
    tenant = world.TENANTS.get(claims["tid"])
    if tenant is None or not tenant.business_central:
        raise unauthenticated()
    user = world.users_by_oid().get((tenant.id, claims["oid"]))
    if user is not None and not _SCOPES & set(str(claims.get("scp", "")).split()):
        raise forbidden("Business Central")
    client = str(claims["appid"])
    return Caller(
        tenant.id,
        claims["oid"],
        client if user is None else user.upn,
        user,
        frozenset(claims.get("roles", ())),
        has_card=client == world.BATCH_CLIENT and tenant.batch_card,
    )


def _is_administrator(user: world.User) -> bool:
    return not world.BUSINESS_CENTRAL_ADMINISTRATORS.isdisjoint(user.roles)
