"""The first content of a folder: principals, consents, the batch identity, random secrets.

Everything that can be a constant is one, so that two fresh folders differ only in what must be
secret. Seeding a folder that has been seeded changes nothing.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal import first_party_apps, world
from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import SECRET, RehearsalCloud
from bcrunbook.rehearsal.codat import world as codat
from bcrunbook.rehearsal.directory import (
    APPLICATION,
    SERVICE_PRINCIPAL,
    Registered,
    find_application,
    find_principal,
    first_party_principal,
    new_application,
    new_service_principal,
    put_assignment,
    put_grant,
)
from bcrunbook.rehearsal.drawn_secrets import (
    BATCH_SECRET,
    new_api_key,
    new_password,
    new_platform_proof,
    new_secret,
    new_telemetry_key,
    password_name,
    telemetry_name,
)
from bcrunbook.rehearsal.platforms.jobs import AZURE_PIPELINES_PROOF, GITHUB_PROOF
from bcrunbook.rehearsal.platforms.machine import APP_PROOF
from bcrunbook.rehearsal.state import GLOBAL, Document

SEEDED: Final = "seeded"
"""The kind of record that says what has been added to a folder since it was filled."""

BATCH_BUSINESS_CENTRAL: Final = "batch in Business Central"
BATCH_SECRET_DAYS: Final = 365


def seed(cloud: RehearsalCloud) -> None:
    """Fill a fresh folder, or what a newer version has added; note its secrets as canaries."""
    with cloud.store.transaction():
        _draw_secrets(cloud)
        # A tenant that is there already has been worked in: what it holds is left alone.
        new = [one for one in world.TENANTS.values() if not _has_directory(cloud, one)]
        for tenant in new:
            _first_parties(cloud, tenant)
        if world.TENANTS[world.TRIAL] in new:
            _batch_application(cloud)
            _bootstrap_application(cloud)
        batch = find_application(cloud, world.BATCH_CLIENT)
        bootstrap = find_application(cloud, world.BOOTSTRAP_CLIENT)
        for tenant in new:
            if batch is not None and tenant.batch_roles is not None:
                principal = _principal(cloud, tenant, batch)
                _assign(cloud, tenant, principal, first_party_apps.GRAPH_APP_ID, tenant.batch_roles)
            if bootstrap is not None:
                _consent(cloud, tenant, _principal(cloud, tenant, bootstrap))
        if cloud.store.latest(SEEDED, GLOBAL, BATCH_BUSINESS_CENTRAL) is None:
            _admit_batch(cloud, batch)
            cloud.store.put(SEEDED, GLOBAL, BATCH_BUSINESS_CENTRAL, {})
    for _, document in cloud.store.all_latest(SECRET, GLOBAL):
        cloud.canaries.add(document["value"])


def _has_directory(cloud: RehearsalCloud, tenant: world.Tenant) -> bool:
    return find_principal(cloud, tenant.id, first_party_apps.GRAPH_APP_ID) is not None


def _admit_batch(cloud: RehearsalCloud, batch: Registered | None) -> None:
    """Let the batch identity ask for Business Central's permissions, and grant them where meant."""
    if batch is None:
        return
    document = {**batch.document, "requiredResourceAccess": _batch_requirements()}
    cloud.store.put(APPLICATION, batch.tenant, batch.id, document)
    for tenant in world.TENANTS.values():
        principal = find_principal(cloud, tenant.id, world.BATCH_CLIENT)
        if principal is not None and tenant.batch_business_central:
            roles = tenant.batch_business_central
            _assign(cloud, tenant, principal, first_party_apps.BUSINESS_CENTRAL_APP_ID, roles)


def _batch_requirements() -> list[Document]:
    wanted = {
        first_party_apps.GRAPH_APP_ID: world.BATCH_ROLES,
        first_party_apps.BUSINESS_CENTRAL_APP_ID: world.BUSINESS_CENTRAL_ROLES,
    }
    return [
        {
            "resourceAppId": app_id,
            "resourceAccess": [
                {"id": role.id, "type": "Role"}
                for role in first_party_apps.BY_APP_ID[app_id].roles
                if role.value in values
            ],
        }
        for app_id, values in wanted.items()
    ]


def _draw_secrets(cloud: RehearsalCloud) -> None:
    values = {BATCH_SECRET: new_secret()}
    for instance in codat.INSTANCES.values():
        values[codat.api_key_name(instance)] = new_api_key()
    for tenant in world.TENANTS.values():
        for user in tenant.users:
            values[password_name(user.upn)] = new_password()
    for one in world.ENVIRONMENTS:
        if one.has_telemetry:
            values[telemetry_name(one.tenant, one.name)] = new_telemetry_key()
    for person in codat.PORTAL_USERS.values():
        values[codat.portal_password_name(person.email)] = new_password()
    for proof in (GITHUB_PROOF, AZURE_PIPELINES_PROOF, APP_PROOF):
        values[proof] = new_platform_proof()
    for name, value in values.items():
        if cloud.store.latest(SECRET, GLOBAL, name) is None:
            cloud.store.put(SECRET, GLOBAL, name, {"value": value})


def _first_parties(cloud: RehearsalCloud, tenant: world.Tenant) -> None:
    for application in first_party_apps.FIRST_PARTY:
        if (
            application.app_id == first_party_apps.BUSINESS_CENTRAL_APP_ID
            and not tenant.business_central
        ):
            continue
        document = first_party_principal(tenant.id, application)
        cloud.store.put(SERVICE_PRINCIPAL, tenant.id, document["id"], document)


def _batch_application(cloud: RehearsalCloud) -> None:
    now = cloud.clock.now()
    value = cloud.secret(BATCH_SECRET)
    key = world.derived_id("secret", "batch")
    given: Document = {
        "displayName": "Runbook batch identity",
        "signInAudience": "AzureADMultipleOrgs",
        "api": {"requestedAccessTokenVersion": 2},
        "requiredResourceAccess": _batch_requirements(),
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


def _bootstrap_application(cloud: RehearsalCloud) -> None:
    scopes = first_party_apps.BY_APP_ID[first_party_apps.GRAPH_APP_ID].scopes
    given: Document = {
        "displayName": "Runbook sign-in",
        "signInAudience": "AzureADMultipleOrgs",
        "isFallbackPublicClient": True,
        "publicClient": {"redirectUris": ["http://localhost"]},
        "requiredResourceAccess": [
            {
                "resourceAppId": first_party_apps.GRAPH_APP_ID,
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
                        for scope in first_party_apps.BY_APP_ID[resource].scopes
                    ],
                }
                for resource in (
                    first_party_apps.AZURE_MANAGEMENT_APP_ID,
                    first_party_apps.KEY_VAULT_APP_ID,
                )
            ),
        ],
    }
    _register(cloud, world.BOOTSTRAP_CLIENT, given)


def _register(cloud: RehearsalCloud, app_id: str, given: Document) -> Registered:
    tenant = world.TENANTS[world.TRIAL]
    key = world.derived_id("application", app_id)
    document = new_application(cloud, tenant, given, key=key, app_id=app_id, creator=None)
    document = {
        **document,
        "createdDateTime": "2024-02-01T09:00:00Z",
        "_created": 0.0,
    }
    cloud.store.put(APPLICATION, tenant.id, document["id"], document)
    return Registered(tenant.id, document["id"], document)


def _principal(cloud: RehearsalCloud, tenant: world.Tenant, registered: Registered) -> Document:
    key = world.derived_id("servicePrincipal", tenant.id, registered.document["appId"])
    document = {
        **new_service_principal(cloud, registered, key=key, creator=None),
        "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
        "_created": 0.0,
    }
    cloud.store.put(SERVICE_PRINCIPAL, tenant.id, document["id"], document)
    return document


def _assign(
    cloud: RehearsalCloud,
    tenant: world.Tenant,
    principal: Document,
    app_id: str,
    roles: tuple[str, ...],
) -> None:
    resource = find_principal(cloud, tenant.id, app_id)
    if resource is None:
        raise LookupError(f"the tenant has no {app_id}")
    for role in resource["appRoles"]:
        if role["value"] in roles:
            put_assignment(cloud, tenant.id, principal, resource, role["id"], lag="at_once")


def _consent(cloud: RehearsalCloud, tenant: world.Tenant, principal: Document) -> None:
    wanted = {
        first_party_apps.GRAPH_APP_ID: world.BOOTSTRAP_SCOPES,
        first_party_apps.AZURE_MANAGEMENT_APP_ID: ("user_impersonation",),
        first_party_apps.KEY_VAULT_APP_ID: ("user_impersonation",),
    }
    for app_id, scopes in wanted.items():
        resource = find_principal(cloud, tenant.id, app_id)
        if resource is not None:
            put_grant(cloud, tenant.id, principal["id"], resource["id"], scopes, lag="at_once")
