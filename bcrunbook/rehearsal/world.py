"""The people and organisations of a rehearsal: constants, the same in every folder.

Every name is invented and every domain ends in the reserved `.example` or is an `onmicrosoft.com`
name that nobody outside the rehearsal cloud resolves. What must not be a constant (passwords,
client secrets, keys) is drawn once per folder and kept with the state.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

NAMESPACE: Final = uuid.UUID("6f0c6a3e-54b2-4c5e-9f0b-0b7a5f2d9e11")

GLOBAL_ADMINISTRATOR: Final = "Global Administrator"
PRIVILEGED_ROLE_ADMINISTRATOR: Final = "Privileged Role Administrator"
APPLICATION_ADMINISTRATOR: Final = "Application Administrator"
CLOUD_APPLICATION_ADMINISTRATOR: Final = "Cloud Application Administrator"
APPLICATION_DEVELOPER: Final = "Application Developer"
DYNAMICS_ADMINISTRATOR: Final = "Dynamics 365 Administrator"
BUSINESS_CENTRAL_ADMINISTRATOR: Final = "Dynamics 365 Business Central Administrator"
GUEST: Final = "Guest User"
MEMBER: Final = "User"

ROLE_TEMPLATES: Final = {
    GLOBAL_ADMINISTRATOR: "62e90394-69f5-4237-9190-012177145e10",
    PRIVILEGED_ROLE_ADMINISTRATOR: "e8611ab8-c189-46e8-94e1-60213ab1f814",
    APPLICATION_ADMINISTRATOR: "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    CLOUD_APPLICATION_ADMINISTRATOR: "158c047a-c907-4556-b7ef-446551a6b5f7",
    APPLICATION_DEVELOPER: "cf1c38e5-3621-4004-a7cb-879624dced7c",
    DYNAMICS_ADMINISTRATOR: "44367163-eba1-44c3-98af-f5787879f96a",
    BUSINESS_CENTRAL_ADMINISTRATOR: "963797fb-eb3b-4cde-8ce3-5878b3f32a3f",
    GUEST: "10dae51f-b6af-4016-8d66-8c2a99b929b3",
    MEMBER: "b79fbf4d-3ef9-4689-8143-76b194e85509",
}
"""Directory role template ids, as the claim `wids` carries them."""

BUSINESS_CENTRAL_ADMINISTRATORS: Final = frozenset(
    {GLOBAL_ADMINISTRATOR, DYNAMICS_ADMINISTRATOR, BUSINESS_CENTRAL_ADMINISTRATOR}
)
"""The roles that manage Business Central (contract B2.14 and B10.8)."""

SUPER: Final = "SUPER"
EXTENSION_ADMIN: Final = "EXTEN. MGT. - ADMIN"
FULL_ACCESS: Final = "D365 BUS FULL ACCESS"
"""Permission sets of Business Central."""

SECRETS_OFFICER: Final = "Key Vault Secrets Officer"
SECRETS_USER: Final = "Key Vault Secrets User"

STOPPED_STATUS: Final = "DisabledDueToViolationOfServicesAgreement"
"""A value of disabledByMicrosoftStatus (Graph v1.0 reference, application)."""

BATCH_CLIENT: Final = "5b0f3a86-2d1c-4e7b-9a64-c0d8f17e3b52"
BOOTSTRAP_CLIENT: Final = "8d5e1c74-60af-4b39-b2d7-4f9a3e6c1208"

BOOTSTRAP_SCOPES: Final = (
    "openid",
    "profile",
    "email",
    "offline_access",
    "User.Read",
    "Application.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "Directory.Read.All",
    "Organization.Read.All",
    "Policy.Read.All",
)
"""What the bootstrap application is consented for, tenant-wide, everywhere."""

BUSINESS_CENTRAL_ROLES: Final = (
    "API.ReadWrite.All",
    "Automation.ReadWrite.All",
    "AdminCenter.ReadWrite.All",
)

BATCH_ROLES: Final = (
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Policy.Read.All",
)
"""What the batch identity holds in each tenant that has it."""


@dataclass(frozen=True)
class User:
    """A person in one tenant's directory; a guest's `home` is another tenant."""

    tenant: str
    home: str
    upn: str
    name: str
    roles: tuple[str, ...]
    permission_sets: tuple[str, ...] = ()
    """What the person may do in Business Central; whoever has none has no licence either."""

    @property
    def oid(self) -> str:
        """The object id in this tenant."""
        return derived_id("user", self.tenant, self.upn)

    @property
    def home_oid(self) -> str:
        """The object id in the home tenant."""
        return derived_id("user", self.home, self.upn)

    @property
    def guest(self) -> bool:
        """Whether the person belongs to another tenant."""
        return self.tenant != self.home

    @property
    def directory_upn(self) -> str:
        """The user principal name in this tenant's directory."""
        if not self.guest:
            return self.upn
        return f"{self.upn.replace('@', '_')}#EXT#@{TENANTS[self.tenant].initial_domain}"

    @property
    def role_ids(self) -> list[str]:
        """Directory role template ids, the built-in member or guest role included."""
        held = [ROLE_TEMPLATES[role] for role in self.roles]
        basic = ROLE_TEMPLATES[GUEST if self.guest else MEMBER]
        return held if basic in held else [*held, basic]

    @property
    def licensed(self) -> bool:
        """Whether the person has a licence of Business Central."""
        return bool(self.permission_sets)

    @property
    def may_install(self) -> bool:
        """Whether the person may manage extensions in Business Central."""
        return bool({SUPER, EXTENSION_ADMIN} & set(self.permission_sets))


@dataclass(frozen=True)
class AppPolicy:
    """What a tenant forbids its applications by default.

    Args:
        max_secret_days: the longest life of a client secret; None without a limit.
        forbids_secrets: whether there may be none.
        exempt_clients: applications that may add one all the same.
        forbidden_audiences: values of `signInAudience`.
        blocked_domains: domains that no redirect URI may lead to.
    """

    max_secret_days: int | None = None
    forbids_secrets: bool = False
    exempt_clients: tuple[str, ...] = ()
    forbidden_audiences: tuple[str, ...] = ()
    blocked_domains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tenant:
    """An organisation's directory."""

    id: str
    name: str
    domain: str
    initial_domain: str
    country: str
    users: tuple[User, ...]
    business_central: bool = True
    batch_roles: tuple[str, ...] | None = BATCH_ROLES
    members_may_register: bool = False
    policy: AppPolicy = field(default_factory=lambda: AppPolicy())
    microsoft_status: str | None = None
    """What Microsoft says of every application that is registered here; None for nothing."""
    batch_business_central: tuple[str, ...] = ()
    """Application permissions of Business Central that the batch identity holds here."""
    batch_card: bool = False
    """Whether each environment has a card of the batch identity, and the admin centre its line.

    A card grants nothing without the permissions, nor they without it.
    """


@dataclass(frozen=True)
class Environment:
    """A Business Central environment.

    Args:
        tenant: the tenant's id.
        name: its name.
        type: `Production` or `Sandbox`.
        trial: whether it has sample data only.
        script: how the installation of App Link goes there.
        companies: the companies in it.
        version: the version of its platform.
        listed: whether rehearsal.json names it.
        has_telemetry: whether the customer has its telemetry sent somewhere, with a key of theirs.
    """

    tenant: str
    name: str
    type: str
    trial: bool
    script: str = "normal"
    companies: tuple[str, ...] = ("CRONUS UK Ltd.",)
    version: str = "27.1.41698.42126"
    listed: bool = True
    has_telemetry: bool = False

    def company_id(self, company: str) -> str:
        """The id of one of its companies."""
        return derived_id("bcCompany", self.tenant, self.name, company)


@dataclass(frozen=True)
class Vault:
    """A Key Vault; who may use it is told by role assignments (Azure RBAC).

    One that is governed stands under Azure's built-in policies, in Deny mode, that demand a content
    type and an end of each secret, within a year.
    """

    name: str
    tenant: str
    location: str = "uksouth"
    is_governed: bool = False

    @property
    def host(self) -> str:
        """The vault's own host name."""
        return f"{self.name}.vault.azure.net"

    @property
    def assignments(self) -> dict[str, str]:
        """Object id of a person or a service principal, and the role it holds here."""
        roles = {
            user.oid: SECRETS_OFFICER
            for user in TENANTS[self.tenant].users
            if GLOBAL_ADMINISTRATOR in user.roles or CLOUD_APPLICATION_ADMINISTRATOR in user.roles
        }
        readers = {
            user.oid: SECRETS_USER
            for user in TENANTS[self.tenant].users
            if APPLICATION_DEVELOPER in user.roles
        }
        batch = derived_id("servicePrincipal", self.tenant, BATCH_CLIENT)
        return {**roles, **readers, batch: SECRETS_OFFICER}


def derived_id(*parts: str) -> str:
    """A stable object id."""
    return str(uuid.uuid5(NAMESPACE, ":".join(parts)))


TRIAL: Final = "3c1f7d92-8a4b-4f06-9e5d-71b2c6a0d834"
PRODUCTION: Final = "b47e02c5-19d3-4a8f-8c61-5e9f3d7a2b10"
ACCOUNTANT: Final = "e90a5f3b-7c28-4d14-a6b9-2f8d1c04e675"
NO_BUSINESS_CENTRAL: Final = "17d8b6e4-f305-4c92-b83a-9c6e0a51d72f"
SHORT_SECRETS: Final = "d25c9a01-4e7f-4b68-95d3-08fa7b3e6c1d"
BAKERY: Final = "5a8e30d7-f1b4-4c29-87de-3b60c9a7e412"
JOINERY: Final = "c6f2149b-3d75-4ea8-b0f1-84d7e25a93c0"
LAB: Final = "81b7c5e2-960d-4f3a-a42c-d7e9503b16f8"
COOPERATIVE: Final = "2e94d0a6-7b1f-48c3-9e65-f08c71d3b5a9"
NO_SECRETS: Final = "60d7e1b8-35c4-4f92-a1e0-7b94c2f8d153"
EXEMPT_CALLER: Final = "f3a85c27-90de-4b16-8d4f-c15e7092ab64"
NO_CONSUMERS: Final = "9c02f6d4-e81a-47b5-b3c9-21d60f8ea795"
NO_CODAT: Final = "4be91a70-2c5f-4d83-9f16-a8d3e07c62f4"
STOPPED: Final = "a7164fe9-d30b-4825-bc72-5e90d8f13a26"
"""Tenants of the strict: without client secrets; the same, with the batch identity exempt; without
applications for personal accounts; without redirects to Codat; whose applications Microsoft stops.
"""
CONSUMERS: Final = "9188040d-6c67-4b5b-b112-36a304b66dad"
"""The tenant of personal accounts; nobody in a rehearsal has one."""


def _staff(tenant: str, domain: str) -> tuple[User, ...]:
    people = (
        ("robin.hale", "Robin Hale", (GLOBAL_ADMINISTRATOR,), (SUPER,)),
        ("sam.okafor", "Sam Okafor", (APPLICATION_DEVELOPER,), (FULL_ACCESS,)),
        ("jo.lindqvist", "Jo Lindqvist", (CLOUD_APPLICATION_ADMINISTRATOR,), ()),
    )
    staff = tuple(
        User(tenant, tenant, f"{login}@{domain}", name, roles, sets)
        for login, name, roles, sets in people
    )
    guest = User(tenant, ACCOUNTANT, "noor.aziz@quill-ledger.example", "Noor Aziz", (GUEST,))
    return (*staff, guest)


def _customer(tenant: str, name: str, domain: str, admin: str, member: str) -> Tenant:
    """A small business: an administrator who may do everything, and somebody who may not install.

    The batch identity may read there unless told otherwise.
    """
    people = ((admin, (GLOBAL_ADMINISTRATOR,), (SUPER,)), (member, (MEMBER,), (FULL_ACCESS,)))
    return Tenant(
        tenant,
        name,
        domain,
        f"{domain.partition('.')[0].replace('-', '')}.onmicrosoft.com",
        "GB",
        tuple(
            User(
                tenant, tenant, f"{person.lower().replace(' ', '.')}@{domain}", person, roles, sets
            )
            for person, roles, sets in people
        ),
        batch_roles=(),
        batch_business_central=BUSINESS_CENTRAL_ROLES,
        batch_card=True,
    )


def _strict_tenants() -> tuple[Tenant, ...]:
    """Tenants whose policies, or Microsoft itself, are in the way of what the runbook does.

    The batch identity may change application management policies there, as an administrator would.
    """
    strict = (
        (NO_SECRETS, "Granite Wharf Bank", "granite-wharf.example", "Lena Brandt"),
        (EXEMPT_CALLER, "Copper Lane Credit", "copper-lane.example", "Tom Ferris"),
        (NO_CONSUMERS, "Northgate Assurance", "northgate-assurance.example", "Aisha Noor"),
        (NO_CODAT, "Harbour Street Lending", "harbour-street.example", "Karl Weiss"),
        (STOPPED, "Flintlock Capital", "flintlock-capital.example", "Dora Vance"),
    )
    policies = {
        NO_SECRETS: AppPolicy(forbids_secrets=True),
        EXEMPT_CALLER: AppPolicy(forbids_secrets=True, exempt_clients=(BATCH_CLIENT,)),
        NO_CONSUMERS: AppPolicy(
            forbidden_audiences=("AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")
        ),
        NO_CODAT: AppPolicy(blocked_domains=("codat.io",)),
        STOPPED: AppPolicy(),
    }
    return tuple(
        replace(
            _customer(tenant, name, domain, admin, f"{admin.partition(' ')[0]} Member"),
            batch_roles=(*BATCH_ROLES, "Policy.ReadWrite.ApplicationConfiguration"),
            batch_business_central=(),
            batch_card=False,
            policy=policies[tenant],
            microsoft_status=STOPPED_STATUS if tenant == STOPPED else None,
        )
        for tenant, name, domain, admin in strict
    )


TENANTS: Final = {
    tenant.id: tenant
    for tenant in (
        Tenant(
            TRIAL,
            "Millrace Software (trial)",
            "millrace-trial.example",
            "millracetrial.onmicrosoft.com",
            "GB",
            _staff(TRIAL, "millrace-trial.example"),
            batch_business_central=BUSINESS_CENTRAL_ROLES,
            batch_card=True,
        ),
        Tenant(
            PRODUCTION,
            "Millrace Software",
            "millrace.example",
            "millracesoftware.onmicrosoft.com",
            "GB",
            _staff(PRODUCTION, "millrace.example"),
        ),
        Tenant(
            ACCOUNTANT,
            "Quill & Ledger Accountants",
            "quill-ledger.example",
            "quillledger.onmicrosoft.com",
            "GB",
            (
                User(
                    ACCOUNTANT,
                    ACCOUNTANT,
                    "mira.petrov@quill-ledger.example",
                    "Mira Petrov",
                    (GLOBAL_ADMINISTRATOR,),
                ),
                User(
                    ACCOUNTANT, ACCOUNTANT, "noor.aziz@quill-ledger.example", "Noor Aziz", (MEMBER,)
                ),
                User(
                    ACCOUNTANT, TRIAL, "robin.hale@millrace-trial.example", "Robin Hale", (GUEST,)
                ),
                User(ACCOUNTANT, PRODUCTION, "robin.hale@millrace.example", "Robin Hale", (GUEST,)),
            ),
            batch_roles=None,
        ),
        Tenant(
            NO_BUSINESS_CENTRAL,
            "Fernhill Workshop",
            "fernhill-workshop.example",
            "fernhillworkshop.onmicrosoft.com",
            "IE",
            (
                User(
                    NO_BUSINESS_CENTRAL,
                    NO_BUSINESS_CENTRAL,
                    "tess.moran@fernhill-workshop.example",
                    "Tess Moran",
                    (GLOBAL_ADMINISTRATOR,),
                ),
            ),
            business_central=False,
            batch_roles=(*BATCH_ROLES, "Application.ReadWrite.All"),
        ),
        Tenant(
            SHORT_SECRETS,
            "Stonegate Finance",
            "stonegate-finance.example",
            "stonegatefinance.onmicrosoft.com",
            "NL",
            (
                User(
                    SHORT_SECRETS,
                    SHORT_SECRETS,
                    "piet.vermeer@stonegate-finance.example",
                    "Piet Vermeer",
                    (GLOBAL_ADMINISTRATOR,),
                    (SUPER,),
                ),
            ),
            policy=AppPolicy(max_secret_days=90),
        ),
        *_strict_tenants(),
        _customer(
            BAKERY, "Brackenfield Bakery", "brackenfield-bakery.example", "Ines Moura", "Cal Webb"
        ),
        replace(
            _customer(
                JOINERY, "Tidewater Joinery", "tidewater-joinery.example", "Owen Pryce", "Mae Lund"
            ),
            batch_roles=None,
            batch_business_central=(),
        ),
        _customer(LAB, "Saltmarsh Test Lab", "saltmarsh-lab.example", "Vera Stone", "Ned Ash"),
        _customer(
            COOPERATIVE,
            "Longbarrow Cooperative",
            "longbarrow-coop.example",
            "Hal Cotter",
            "Ivy Marsh",
        ),
    )
}

ENVIRONMENTS: Final = (
    Environment(TRIAL, "Production", "Production", True),
    Environment(TRIAL, "Sandbox", "Sandbox", True),
    Environment(PRODUCTION, "Production", "Production", False),
    Environment(PRODUCTION, "Sandbox", "Sandbox", False),
    Environment(SHORT_SECRETS, "Production", "Production", False),
    Environment(
        BAKERY,
        "Production",
        "Production",
        False,
        "later_uninstalled",
        ("Brackenfield Bakery Ltd", "CRONUS UK Ltd."),
        has_telemetry=True,
    ),
    Environment(JOINERY, "Production", "Production", False, "fetch_errors", ("Tidewater Joinery",)),
    *(
        Environment(LAB, name, "Sandbox", False, script, has_telemetry=name == "Normal")
        for name, script in (
            ("Normal", "normal"),
            ("Slow", "slow"),
            ("FetchErrors", "fetch_errors"),
            ("LicenceMissing", "licence_missing"),
            ("NeverFinishes", "never_finishes"),
            ("DeploymentFailed", "deployment_failed"),
            ("LaterUninstalled", "later_uninstalled"),
            ("LaterUnpublished", "later_unpublished"),
            ("Upgrading", "upgrading"),
            ("Renamed", "renamed"),
        )
    ),
    *(
        Environment(
            COOPERATIVE,
            f"Site-{number:04d}",
            "Sandbox",
            False,
            ("normal", "slow", "fetch_errors", "deployment_failed")[number % 4],
            listed=False,
        )
        for number in range(1, 1001)
    ),
)


@cache
def environments_of(tenant: str) -> tuple[Environment, ...]:
    """The environments of a tenant."""
    return tuple(one for one in ENVIRONMENTS if one.tenant == tenant)


VAULTS: Final = (
    Vault("millrace-trial-kv", TRIAL),
    Vault("millrace-kv", PRODUCTION),
    Vault("millrace-governed-kv", TRIAL, is_governed=True),
)


def find_tenant(name: str) -> Tenant | None:
    """The tenant of that id or verified domain."""
    wanted = name.lower()
    for tenant in TENANTS.values():
        if wanted in (tenant.id, tenant.domain, tenant.initial_domain):
            return tenant
    return None


def home_of(upn: str) -> Tenant | None:
    """The tenant that a sign-in name belongs to, by its domain."""
    return find_tenant(upn.rpartition("@")[2])


def find_user(tenant: str, upn: str) -> User | None:
    """The person of that sign-in name in that tenant, member or guest."""
    wanted = upn.lower()
    return next((user for user in TENANTS[tenant].users if user.upn.lower() == wanted), None)


@cache
def users_by_oid() -> dict[tuple[str, str], User]:
    """Every person by tenant and object id."""
    return {(user.tenant, user.oid): user for tenant in TENANTS.values() for user in tenant.users}
