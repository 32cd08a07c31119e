"""Codat's side of a rehearsal: instances, people of the portal, platforms. All constants.

An *instance* is what Codat's API calls a client: one set of keys, companies and settings. Keys and
passwords are drawn once per folder and kept with the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bcrunbook.rehearsal import world

GROWTH: Final = "Growth"
FREE: Final = "Free"
FREE_ENDED: Final = "Free, ended"
"""A Free account past its 365 days: every call of the API answers 402."""

ADMINISTRATOR: Final = "Administrator"
DEVELOPER: Final = "Developer"
ANALYST: Final = "Analyst"
ADVISOR: Final = "Advisor"
ONBOARDING: Final = "Onboarding"
MANAGE_INTEGRATIONS: Final = (ADMINISTRATOR, DEVELOPER)
"""Codat docs, portal roles: who may manage integrations, and read API keys."""

BUSINESS_CENTRAL_PLATFORM: Final = "trji"
"""Codat's key of the platform."""

API_HOST: Final = "api.codat.io"
LINK_HOST: Final = "link-api.codat.io"
CALLBACK_HOST: Final = "dynamics365businesscentral.codat.io"
"""Where Microsoft sends a customer back to after sign-in."""
PORTAL_HOST: Final = "app.codat.io"
"""The portal is a person's: it is found below this name on the pages server."""


LENDING: Final = "lending"
PRODUCTS: Final = (LENDING, "bank-feeds", "expenses")
"""The products that each instance has, by their identifiers."""


@dataclass(frozen=True)
class Instance:
    """A Codat client."""

    id: str
    name: str
    plan: str
    has_one_time_links: bool = False
    """Whether an address that a customer links by works only once."""
    default_products: tuple[str, ...] = (LENDING,)
    """What a company is given that is made without products; with none it is refused."""
    names_integration_keys: bool = True
    """Whether its connections have the optional `integrationKey`."""
    copied_from: str = ""
    """The instance whose integrations it began with, by its id."""
    wants_certificate: bool = False
    """Whether it is called by mutual TLS only."""

    @property
    def premium(self) -> bool:
        """Whether premium (ERP) integrations may be set up and used."""
        return self.plan == GROWTH


@dataclass(frozen=True)
class PortalUser:
    """Somebody who signs in to the portal, with a role in each instance they see."""

    email: str
    name: str
    roles: tuple[tuple[str, str], ...]
    """Pairs of instance id and role; the first one is chosen after sign-in."""

    def role_in(self, instance: str) -> str | None:
        """The role in an instance, by its id."""
        return dict(self.roles).get(instance)


def _instance(name: str, plan: str, **ways: Any) -> Instance:
    return Instance(world.derived_id("codat", name), name, plan, **ways)


TRIAL: Final = _instance("Millrace Software (test)", GROWTH)
PRODUCTION: Final = _instance("Millrace Software", GROWTH, has_one_time_links=True)
ON_FREE_PLAN: Final = _instance("Quill & Ledger", FREE)
ENDED: Final = _instance("Fernhill Workshop", FREE_ENDED)
WITHOUT_PRODUCTS: Final = _instance("Harbour Desk", GROWTH, default_products=())
WITHOUT_KEYS: Final = _instance("Larkfield Books", GROWTH, names_integration_keys=False)
COPIED: Final = _instance("Millrace Software (copy)", GROWTH, copied_from=PRODUCTION.id)
BY_CERTIFICATE: Final = _instance("Stonegate Bank", GROWTH, wants_certificate=True)
INSTANCES: Final = {
    one.id: one
    for one in (
        *(TRIAL, PRODUCTION, ON_FREE_PLAN, ENDED),
        *(WITHOUT_PRODUCTS, WITHOUT_KEYS, COPIED, BY_CERTIFICATE),
    )
}


def _person(login: str, name: str, role: str, *instances: Instance) -> PortalUser:
    return PortalUser(f"{login}@millrace.example", name, tuple((one.id, role) for one in instances))


PORTAL_USERS: Final = {
    one.email: one
    for one in (
        _person("dana.reyes", "Dana Reyes", ADMINISTRATOR, *INSTANCES.values()),
        _person("lee.osei", "Lee Osei", DEVELOPER, PRODUCTION, TRIAL),
        _person("ana.flores", "Ana Flores", ANALYST, TRIAL, PRODUCTION),
        _person("pat.singh", "Pat Singh", ADVISOR, TRIAL),
        _person("kim.berg", "Kim Berg", ONBOARDING, TRIAL),
    )
}


@dataclass(frozen=True)
class Platform:
    """An integration that Codat offers."""

    key: str
    name: str
    source_type: str
    premium: bool = False
    needs_keys: bool = True
    source_id: str = ""

    @property
    def integration_id(self) -> str:
        """Codat's id of the integration."""
        return world.derived_id("codatIntegration", self.key)

    @property
    def source(self) -> str:
        """Codat's id of the source."""
        return self.source_id or world.derived_id("codatSource", self.key)


PLATFORMS: Final = {
    one.key: one
    for one in (
        Platform("gbol", "Xero", "Accounting"),
        Platform("qhyg", "QuickBooks Online", "Accounting"),
        Platform("vjms", "Pandle", "Accounting"),
        Platform("akxx", "Oracle NetSuite", "Accounting", premium=True),
        Platform("rqwd", "Dynamics 365 Finance & Operations", "Accounting", premium=True),
        Platform(
            BUSINESS_CENTRAL_PLATFORM,
            "Dynamics 365 Business Central",
            "Accounting",
            premium=True,
            source_id="6b579544-0e46-4f02-b343-578ce5c3c6cc",
        ),
        Platform("mqjo", "Codat Sandbox", "Accounting", needs_keys=False),
        Platform("suuo", "Plaid", "Banking"),
        Platform("dfxm", "Basiq", "Banking"),
    )
}


def api_key_name(instance: Instance) -> str:
    """Under which name an instance's first API key is kept among the folder's secrets."""
    return f"codat:{instance.id}"


def portal_password_name(email: str) -> str:
    """Under which name the portal password of somebody is kept."""
    return f"portal:{email}"
