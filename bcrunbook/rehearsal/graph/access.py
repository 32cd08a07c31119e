"""Who may do what: permissions of the token, and for people the rights of their role as well.

Sources: Graph permissions reference; Entra docs, "Microsoft Entra built-in roles". What a person
may do through an application is the intersection of both.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal import first_party_apps, world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.directory import APPLICATION, DELETED, SERVICE_PRINCIPAL
from bcrunbook.rehearsal.graph.errors import GraphError, denied, unauthenticated
from bcrunbook.rehearsal.graph.request import Caller, Request
from bcrunbook.rehearsal.keys import InvalidToken
from bcrunbook.rehearsal.messages import Call
from bcrunbook.rehearsal.state import Document

AUDIENCES: Final = {
    name.rstrip("/") for name in first_party_apps.BY_APP_ID[first_party_apps.GRAPH_APP_ID].names
} | {first_party_apps.GRAPH_APP_ID}

AS_USER: Final = "Directory.AccessAsUser.All"
OWNED_BY: Final = "Application.ReadWrite.OwnedBy"
WRITE_ALL: Final = "Application.ReadWrite.All"

READ_APPLICATIONS: Final = (
    "Application.Read.All",
    WRITE_ALL,
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
WRITE_GRANTS: Final = ("DelegatedPermissionGrant.ReadWrite.All",)
READ_GRANTS: Final = (*WRITE_GRANTS, "Directory.Read.All", "Directory.ReadWrite.All")
WRITE_ASSIGNMENTS: Final = ("AppRoleAssignment.ReadWrite.All",)
READ_POLICIES: Final = ("Policy.Read.All",)
WRITE_POLICIES: Final = ("Policy.ReadWrite.ApplicationConfiguration",)
READ_USERS: Final = (
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
READ_ME: Final = ("User.Read", "User.ReadWrite", *READ_USERS, AS_USER)
READ_ORGANIZATION: Final = (
    "Organization.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)

APPLICATION_ADMINISTRATORS: Final = (
    world.GLOBAL_ADMINISTRATOR,
    world.APPLICATION_ADMINISTRATOR,
    world.CLOUD_APPLICATION_ADMINISTRATOR,
)
GRANTING_ROLES: Final = (*APPLICATION_ADMINISTRATORS, world.PRIVILEGED_ROLE_ADMINISTRATOR)
GRAPH_ROLE_GRANTING_ROLES: Final = (world.GLOBAL_ADMINISTRATOR, world.PRIVILEGED_ROLE_ADMINISTRATOR)
OBJECT_QUOTA: Final = 250
"""How many objects somebody without an administrator's role may have made."""


def identify(cloud: RehearsalCloud, call: Call) -> Caller:
    """The caller behind the access token; 401 for a token that is not good here."""
    kind, _, token = call.header("authorization").partition(" ")
    if not kind:
        raise unauthenticated("Access token is empty.")
    if kind.lower() != "bearer" or not token.strip():
        raise unauthenticated("Access token is empty.")
    try:
        claims = cloud.key.verify(token.strip())
    except InvalidToken as problem:
        raise unauthenticated(
            "IDX14100: JWT is not well formed, there are no dots (.)."
            if "." not in token
            else "Access token validation failure. Invalid signature."
        ) from problem
    if claims.get("exp", 0) <= cloud.clock.now():
        raise unauthenticated("Lifetime validation failed, the token is expired.")
    if str(claims.get("aud", "")).rstrip("/") not in AUDIENCES:
        raise unauthenticated("Access token validation failure. Invalid audience.")
    tenant = world.TENANTS[claims["tid"]]
    user = world.users_by_oid().get((tenant.id, claims["oid"]))
    permissions = claims.get("scp", "").split() if user else claims.get("roles", [])
    return Caller(tenant, claims["oid"], claims["appid"], user, frozenset(permissions))


def demand_read_applications(request: Request) -> None:
    """Reading applications and service principals."""
    request.demand((*READ_APPLICATIONS, AS_USER), (*READ_APPLICATIONS, OWNED_BY))


def demand_create_application(request: Request) -> None:
    """Registering an application."""
    request.demand((WRITE_ALL, AS_USER), (WRITE_ALL, OWNED_BY))
    caller = request.caller
    if caller.user is None:
        return
    allowed = caller.has_role(*APPLICATION_ADMINISTRATORS, world.APPLICATION_DEVELOPER) or (
        caller.tenant.members_may_register and not caller.user.guest
    )
    if not allowed:
        raise denied()
    demand_quota(request)


def demand_write(request: Request, document: Document) -> None:
    """Changing an application or a service principal: administrators and owners."""
    request.demand((WRITE_ALL, AS_USER), (WRITE_ALL, OWNED_BY))
    caller = request.caller
    owner = caller.object_id in document["_owners"]
    if caller.user is None:
        if WRITE_ALL not in caller.permissions and not owner:
            raise denied()
    elif not caller.has_role(*APPLICATION_ADMINISTRATORS) and not owner:
        raise denied()


def demand_purge(request: Request) -> None:
    """Deleting for good is for administrators."""
    request.demand((WRITE_ALL, AS_USER), (WRITE_ALL, OWNED_BY))
    if request.caller.user is not None and not request.caller.has_role(*APPLICATION_ADMINISTRATORS):
        raise denied()


def demand_grant(request: Request) -> None:
    """Consenting for others by writing grants."""
    request.demand((*WRITE_GRANTS, AS_USER), WRITE_GRANTS)
    if request.caller.user is not None and not request.caller.has_role(*GRANTING_ROLES):
        raise denied()


def demand_assign(request: Request, resource: Document) -> None:
    """Giving application permissions; those of Microsoft Graph are for the highest roles."""
    request.demand((*WRITE_ASSIGNMENTS, AS_USER), WRITE_ASSIGNMENTS)
    if request.caller.user is None:
        return
    of_graph = resource["appId"] == first_party_apps.GRAPH_APP_ID
    roles = GRAPH_ROLE_GRANTING_ROLES if of_graph else GRANTING_ROLES
    if not request.caller.has_role(*roles):
        raise denied()


def demand_read_policies(request: Request) -> None:
    """Reading tenant policies: the permission, and for people an administrator's role."""
    request.demand(READ_POLICIES, READ_POLICIES)
    if request.caller.user is not None and not request.caller.has_role(*GRANTING_ROLES):
        raise denied()


def demand_write_policies(request: Request) -> None:
    """Changing application management policies: as for reading, with a permission of its own."""
    request.demand(WRITE_POLICIES, WRITE_POLICIES)
    if request.caller.user is not None and not request.caller.has_role(*GRANTING_ROLES):
        raise denied()


def demand_quota(request: Request) -> None:
    """Entra docs, app registration limits: 250 objects for somebody who is no administrator."""
    caller = request.caller
    if caller.user is None or caller.has_role(*APPLICATION_ADMINISTRATORS):
        return
    made = sum(
        document.get("_creator") == caller.object_id
        for kind in (APPLICATION, SERVICE_PRINCIPAL, DELETED)
        for _, document in request.cloud.store.all_latest(kind, request.tenant)
    )
    if made >= OBJECT_QUOTA:
        raise GraphError(
            403,
            "Directory_QuotaExceeded",
            "The directory object quota limit for the Principal has been exceeded. Please ask "
            "your administrator to increase the quota limit or delete objects to reduce the used "
            "quota.",
        )
