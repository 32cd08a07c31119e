"""The people and organisations of a rehearsal: constants, the same in every folder.

Every name is invented and every domain ends in the reserved `.example` or is an `onmicrosoft.com`
name that nobody outside the rehearsal cloud resolves. What must not be a constant (passwords,
client secrets, keys) is drawn once per folder and kept with the state.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cache

NAMESPACE = uuid.UUID("6f0c6a3e-54b2-4c5e-9f0b-0b7a5f2d9e11")

GLOBAL_ADMINISTRATOR = "Global Administrator"
PRIVILEGED_ROLE_ADMINISTRATOR = "Privileged Role Administrator"
APPLICATION_ADMINISTRATOR = "Application Administrator"
CLOUD_APPLICATION_ADMINISTRATOR = "Cloud Application Administrator"
APPLICATION_DEVELOPER = "Application Developer"
GUEST = "Guest User"
MEMBER = "User"

ROLE_TEMPLATES = {
    GLOBAL_ADMINISTRATOR: "62e90394-69f5-4237-9190-012177145e10",
    PRIVILEGED_ROLE_ADMINISTRATOR: "e8611ab8-c189-46e8-94e1-60213ab1f814",
    APPLICATION_ADMINISTRATOR: "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    CLOUD_APPLICATION_ADMINISTRATOR: "158c047a-c907-4556-b7ef-446551a6b5f7",
    APPLICATION_DEVELOPER: "cf1c38e5-3621-4004-a7cb-879624dced7c",
    GUEST: "10dae51f-b6af-4016-8d66-8c2a99b929b3",
    MEMBER: "b79fbf4d-3ef9-4689-8143-76b194e85509",
}
"""Directory role template ids, as the claim `wids` carries them."""

SECRETS_OFFICER = "Key Vault Secrets Officer"
SECRETS_USER = "Key Vault Secrets User"

BATCH_CLIENT = "5b0f3a86-2d1c-4e7b-9a64-c0d8f17e3b52"
BOOTSTRAP_CLIENT = "8d5e1c74-60af-4b39-b2d7-4f9a3e6c1208"

BOOTSTRAP_SCOPES = (
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

BATCH_ROLES = (
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
    max_secret_days: int | None = None


@dataclass(frozen=True)
class Environment:
    """A Business Central environment."""

    tenant: str
    name: str
    type: str
    trial: bool


@dataclass(frozen=True)
class Vault:
    """A Key Vault; who may use it is told by role assignments (Azure RBAC)."""

    name: str
    tenant: str
    location: str = "uksouth"

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


TRIAL = "3c1f7d92-8a4b-4f06-9e5d-71b2c6a0d834"
PRODUCTION = "b47e02c5-19d3-4a8f-8c61-5e9f3d7a2b10"
ACCOUNTANT = "e90a5f3b-7c28-4d14-a6b9-2f8d1c04e675"
NO_BUSINESS_CENTRAL = "17d8b6e4-f305-4c92-b83a-9c6e0a51d72f"
SHORT_SECRETS = "d25c9a01-4e7f-4b68-95d3-08fa7b3e6c1d"
CONSUMERS = "9188040d-6c67-4b5b-b112-36a304b66dad"
"""The tenant of personal accounts; nobody in a rehearsal has one."""


def _staff(tenant: str, domain: str) -> tuple[User, ...]:
    people = (
        ("robin.hale", "Robin Hale", (GLOBAL_ADMINISTRATOR,)),
        ("sam.okafor", "Sam Okafor", (APPLICATION_DEVELOPER,)),
        ("jo.lindqvist", "Jo Lindqvist", (CLOUD_APPLICATION_ADMINISTRATOR,)),
    )
    staff = tuple(
        User(tenant, tenant, f"{login}@{domain}", name, roles) for login, name, roles in people
    )
    guest = User(tenant, ACCOUNTANT, "noor.aziz@quill-ledger.example", "Noor Aziz", (GUEST,))
    return (*staff, guest)


TENANTS = {
    tenant.id: tenant
    for tenant in (
        Tenant(
            TRIAL,
            "Millrace Software (trial)",
            "millrace-trial.example",
            "millracetrial.onmicrosoft.com",
            "GB",
            _staff(TRIAL, "millrace-trial.example"),
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
                ),
            ),
            max_secret_days=90,
        ),
    )
}

ENVIRONMENTS = (
    Environment(TRIAL, "Production", "Production", True),
    Environment(TRIAL, "Sandbox", "Sandbox", True),
    Environment(PRODUCTION, "Production", "Production", False),
    Environment(PRODUCTION, "Sandbox", "Sandbox", False),
    Environment(SHORT_SECRETS, "Production", "Production", False),
)

VAULTS = (Vault("millrace-trial-kv", TRIAL), Vault("millrace-kv", PRODUCTION))


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
