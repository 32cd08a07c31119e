"""The first content of a folder: principals, consents, the batch identity, random secrets.

Everything that can be a constant is one, so that two fresh folders differ only in what must be
secret. Seeding a folder that has been seeded changes nothing.
"""

from __future__ import annotations

import secrets
import string

from bcrunbook.rehearsal import catalogue, world
from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import SECRET, Cloud
from bcrunbook.rehearsal.codat import world as codat
from bcrunbook.rehearsal.directory import (
    APPLICATION,
    SERVICE_PRINCIPAL,
    Registered,
    find_principal,
    first_party_principal,
    new_application,
    new_service_principal,
    put_assignment,
    put_grant,
)
from bcrunbook.rehearsal.state import GLOBAL, Document

BATCH_SECRET = "batch"
SECRET_ALPHABET = string.ascii_letters + string.digits + "~.-_"
API_KEY_ALPHABET = string.ascii_letters + string.digits
BATCH_SECRET_DAYS = 365


def password_name(upn: str) -> str:
    """Under which name a person's password is kept."""
    return f"password:{upn.lower()}"


def new_secret(length: int = 40) -> str:
    """A client secret of the shape that the directory makes."""
    return "".join(secrets.choice(SECRET_ALPHABET) for _ in range(length))


def new_password() -> str:
    """A password that any policy takes."""
    return f"{secrets.token_urlsafe(12)}-Aa1"


def new_api_key() -> str:
    """An API key of the shape that Codat makes: 40 letters and digits."""
    return "".join(secrets.choice(API_KEY_ALPHABET) for _ in range(40))


def seed(cloud: Cloud) -> None:
    """Fill a fresh folder, or what a newer version has added; note its secrets as canaries."""
    is_fresh = cloud.store.latest(SECRET, GLOBAL, BATCH_SECRET) is None
    with cloud.store.transaction():
        _draw_secrets(cloud)
    if is_fresh:
        with cloud.store.transaction():
            for tenant in world.TENANTS.values():
                _first_parties(cloud, tenant)
            batch = _batch_application(cloud)
            bootstrap = _bootstrap_application(cloud)
            for tenant in world.TENANTS.values():
                if tenant.batch_roles is not None:
                    _assign(cloud, tenant, _principal(cloud, tenant, batch), tenant.batch_roles)
                _consent(cloud, tenant, _principal(cloud, tenant, bootstrap))
    for _, document in cloud.store.all_latest(SECRET, GLOBAL):
        cloud.canaries.add(document["value"])


def _draw_secrets(cloud: Cloud) -> None:
    values = {BATCH_SECRET: new_secret()}
    for instance in codat.INSTANCES.values():
        values[codat.api_key_name(instance)] = new_api_key()
    for tenant in world.TENANTS.values():
        for user in tenant.users:
            values[password_name(user.upn)] = new_password()
    for person in codat.PORTAL_USERS.values():
        values[codat.portal_password_name(person.email)] = new_password()
    for name, value in values.items():
        if cloud.store.latest(SECRET, GLOBAL, name) is None:
            cloud.store.put(SECRET, GLOBAL, name, {"value": value})


def _first_parties(cloud: Cloud, tenant: world.Tenant) -> None:
    for application in catalogue.FIRST_PARTY:
        if application.app_id == catalogue.BUSINESS_CENTRAL and not tenant.business_central:
            continue
        document = first_party_principal(tenant.id, application)
        cloud.store.put(SERVICE_PRINCIPAL, tenant.id, document["id"], document)


def _batch_application(cloud: Cloud) -> Registered:
    now = cloud.clock.now()
    value = cloud.secret(BATCH_SECRET)
    key = world.derived_id("secret", "batch")
    given: Document = {
        "displayName": "Runbook batch identity",
        "signInAudience": "AzureADMultipleOrgs",
        "api": {"requestedAccessTokenVersion": 2},
        "requiredResourceAccess": [
            {
                "resourceAppId": catalogue.GRAPH,
                "resourceAccess": [
                    {"id": role.id, "type": "Role"}
                    for role in catalogue.BY_APP_ID[catalogue.GRAPH].roles
                    if role.value in world.BATCH_ROLES
                ],
            }
        ],
        "passwordCredentials": [
            {
                "customKeyIdentifier": None,
                "displayName": "batch",
                "endDateTime": timestamp(now + BATCH_SECRET_DAYS * 86400),
                "hint": value[:3],
                "keyId": key,
                "secretText": None,
                "startDateTime": timestamp(now),
            }
        ],
    }
    registered = _register(cloud, world.BATCH_CLIENT, given)
    document = {**registered.document, "_secrets": {key: {"value": value, "at": 0.0}}}
    cloud.store.put(APPLICATION, world.TRIAL, registered.id, document)
    return Registered(registered.tenant, registered.id, document)


def _bootstrap_application(cloud: Cloud) -> Registered:
    scopes = catalogue.BY_APP_ID[catalogue.GRAPH].scopes
    given: Document = {
        "displayName": "Runbook sign-in",
        "signInAudience": "AzureADMultipleOrgs",
        "isFallbackPublicClient": True,
        "publicClient": {"redirectUris": ["http://localhost"]},
        "requiredResourceAccess": [
            {
                "resourceAppId": catalogue.GRAPH,
                "resourceAccess": [
                    {"id": scope.id, "type": "Scope"}
                    for scope in scopes
                    if scope.value in world.BOOTSTRAP_SCOPES
                ],
            },
            *(
                {
                    "resourceAppId": resource,
                    "resourceAccess": [
                        {"id": scope.id, "type": "Scope"}
                        for scope in catalogue.BY_APP_ID[resource].scopes
                    ],
                }
                for resource in (catalogue.AZURE_MANAGEMENT, catalogue.KEY_VAULT)
            ),
        ],
    }
    return _register(cloud, world.BOOTSTRAP_CLIENT, given)


def _register(cloud: Cloud, app_id: str, given: Document) -> Registered:
    tenant = world.TENANTS[world.TRIAL]
    document = new_application(cloud, tenant, given, app_id=app_id, creator=None)
    document = {
        **document,
        "id": world.derived_id("application", app_id),
        "createdDateTime": "2024-02-01T09:00:00Z",
        "_created": 0.0,
    }
    cloud.store.put(APPLICATION, tenant.id, document["id"], document)
    return Registered(tenant.id, document["id"], document)


def _principal(cloud: Cloud, tenant: world.Tenant, registered: Registered) -> Document:
    document = {
        **new_service_principal(cloud, registered, {}, creator=None),
        "id": world.derived_id("servicePrincipal", tenant.id, registered.document["appId"]),
        "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
        "_created": 0.0,
    }
    cloud.store.put(SERVICE_PRINCIPAL, tenant.id, document["id"], document)
    return document


def _assign(
    cloud: Cloud, tenant: world.Tenant, principal: Document, roles: tuple[str, ...]
) -> None:
    graph = find_principal(cloud, tenant.id, catalogue.GRAPH)
    if graph is None:
        raise LookupError("the tenant has no Microsoft Graph")
    for role in graph["appRoles"]:
        if role["value"] in roles:
            put_assignment(cloud, tenant.id, principal, graph, role["id"], lag="at_once")


def _consent(cloud: Cloud, tenant: world.Tenant, principal: Document) -> None:
    wanted = {
        catalogue.GRAPH: world.BOOTSTRAP_SCOPES,
        catalogue.AZURE_MANAGEMENT: ("user_impersonation",),
        catalogue.KEY_VAULT: ("user_impersonation",),
    }
    for app_id, scopes in wanted.items():
        resource = find_principal(cloud, tenant.id, app_id)
        if resource is not None:
            put_grant(cloud, tenant.id, principal["id"], resource["id"], scopes, lag="at_once")
