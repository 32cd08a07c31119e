"""The first segment of a sign-in address: one directory, or a stand-in for several."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.entra.errors import SignInError, no_tenant_name, unknown_tenant

COMMON: Final = "common"
ORGANIZATIONS: Final = "organizations"
CONSUMERS: Final = "consumers"
SHARED: Final = (COMMON, ORGANIZATIONS, CONSUMERS)
_ID_OR_DOMAIN: Final = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?"
)


@dataclass(frozen=True)
class Authority:
    """Where somebody signs in; `tenant` is absent for the shared endpoints."""

    name: str
    tenant: world.Tenant | None

    @property
    def consumers(self) -> bool:
        """Whether only personal accounts are welcome."""
        return self.name in (CONSUMERS, world.CONSUMERS)


def find_authority(name: str) -> Authority:
    """The authority of that name; an unknown directory is an error."""
    lowered = name.lower()
    if lowered in SHARED or lowered == world.CONSUMERS:
        return Authority(lowered, None)
    if not _ID_OR_DOMAIN.fullmatch(lowered):
        raise no_tenant_name(name)
    tenant = world.find_tenant(lowered)
    if tenant is None:
        raise unknown_tenant(name)
    return Authority(lowered, tenant)


def sign_in_user(authority: Authority, upn: str) -> world.User:
    """The person of that sign-in name at that authority, as a member or a guest."""
    home = world.home_of(upn)
    person = world.find_user(home.id, upn) if home else None
    if home is None or person is None:
        raise SignInError(
            50034,
            "invalid_grant",
            f"The user account {{EUII Hidden}} does not exist in the {authority.name} directory. "
            "To sign into this application, the account must be added to the directory.",
        )
    if authority.consumers:
        raise SignInError(
            50020,
            "invalid_grant",
            "User account from identity provider 'live.com' is needed: a work account cannot "
            "sign in here.",
        )
    if authority.tenant is None or authority.tenant.id == home.id:
        return person
    guest = world.find_user(authority.tenant.id, upn)
    if guest is None:
        raise SignInError(
            50020,
            "invalid_grant",
            f"User account '{{EUII Hidden}}' from identity provider "
            f"'https://sts.windows.net/{home.id}/' does not exist in tenant "
            f"'{authority.tenant.name}' and cannot access the application in that tenant. The "
            "account needs to be added as an external user in the tenant first.",
        )
    return guest
