"""The figures of Microsoft Graph: what an application may have, and how much may be asked for.

Sources: Entra docs, "Validation differences by supported account types" and "Redirect URI
restrictions and limitations"; Graph docs, "Microsoft Graph service-specific throttling limits",
identity and access, and the reference of each resource.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class AudienceLimits:
    """What an application may have, by the accounts that it serves; None is no limit of its own.

    Args:
        display_name: characters of the name.
        redirect_uris: redirect addresses of all platforms together.
        apis: APIs that permissions are asked of.
        foreign_apis: of these, APIs of other tenants.
        permissions: permissions in all.
        permissions_per_api: permissions of one API.
        identifier_uris: identifier URIs.
        identifier_uri_length: characters of one of them.
        secrets: client secrets at a time.
    """

    display_name: int
    redirect_uris: int
    apis: int | None
    foreign_apis: int | None
    permissions: int
    permissions_per_api: int | None
    identifier_uris: int | None
    identifier_uri_length: int
    secrets: int | None


CONSUMER: Final = AudienceLimits(
    display_name=90,
    redirect_uris=100,
    apis=50,
    foreign_apis=10,
    permissions=200,
    permissions_per_api=30,
    identifier_uris=50,
    identifier_uri_length=120,
    secrets=2,
)
WORK_ONLY: Final = AudienceLimits(
    display_name=120,
    redirect_uris=256,
    apis=None,
    foreign_apis=None,
    permissions=400,
    permissions_per_api=None,
    identifier_uris=None,
    identifier_uri_length=255,
    secrets=None,
)

MAX_ITEMS: Final = 1000
"""Entries of all collections of an application together."""
MAX_DESCRIPTION_LENGTH: Final = 1024
MAX_URI_LENGTH: Final = 256
MAX_TAG_LENGTH: Final = 256
MAX_FEDERATED_CREDENTIALS: Final = 20
MAX_SCOPE_LENGTH: Final = 3850
"""Characters of a grant's scopes."""
MAX_BATCH: Final = 20
"""Requests in a batch."""
MAX_PAGE_SIZE: Final = 999


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """So many units in so many seconds (at speed 1).

    Args:
        name: how a refusal names it.
        units: what there is.
        seconds: how long it takes to have all of it again.
    """

    name: str
    units: float
    seconds: float


REQUEST_UNITS: Final = RateLimit(name="ResourceUnits", units=3500, seconds=10)
WRITES: Final = RateLimit(name="Writes", units=3000, seconds=150)
CONSUMER_WRITES: Final = RateLimit(name="ApplicationsWrites", units=60, seconds=60)
"""Writes to applications that also serve personal accounts."""
