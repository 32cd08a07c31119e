"""The rest of the directory: people, the organisation, domains, roles, policies, deleted items.

Source: Graph v1.0 reference of each resource.
"""

from __future__ import annotations

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.directory import APPLICATION, DELETED, SERVICE_PRINCIPAL, public
from bcrunbook.rehearsal.graph import access, applications, principals
from bcrunbook.rehearsal.graph.as_read import application_as_read, with_newest_secrets_first
from bcrunbook.rehearsal.graph.errors import bad_request, not_found
from bcrunbook.rehearsal.graph.request import Request, no_content, object_id, odata_answer
from bcrunbook.rehearsal.messages import Answer, json_answer
from bcrunbook.rehearsal.state import Document


def me(request: Request) -> Answer:
    """GET /me: there is no such thing for an application without a person."""
    return _person(request, _signed_in(request), "users")


def my_roles(request: Request) -> Answer:
    """GET /me/memberOf."""
    user = _signed_in(request)
    request.demand(access.READ_ME, ())
    roles = [_role(request, name) for name in user.roles if name in world.ROLE_TEMPLATES]
    return request.page(
        [{"@odata.type": "#microsoft.graph.directoryRole", **role} for role in roles],
        type_name="directoryRole",
        context="directoryObjects",
    )


def user_info(request: Request) -> Answer:
    """GET /oidc/userinfo."""
    user = _signed_in(request)
    return json_answer(
        200,
        {
            "sub": user.oid,
            "name": user.name,
            "email": user.upn,
            "given_name": user.name.partition(" ")[0],
            "family_name": user.name.partition(" ")[2],
        },
    )


def users(request: Request) -> Answer:
    """GET /users."""
    request.demand((*access.READ_USERS, access.AS_USER), access.READ_USERS)
    documents = [_user(request, user) for user in request.caller.tenant.users]
    return request.page(documents, type_name="user", context="users")


def user(request: Request, key: str) -> Answer:
    """GET /users/{id or user principal name}."""
    for found in request.caller.tenant.users:
        if key.lower() in (found.oid, found.directory_upn.lower()):
            if request.caller.user is not found:
                request.demand((*access.READ_USERS, access.AS_USER), access.READ_USERS)
            return _person(request, found, "users")
    request.demand((*access.READ_USERS, access.AS_USER), access.READ_USERS)
    raise not_found(key)


def organizations(request: Request) -> Answer:
    """GET /organization."""
    return request.page([_organization(request)], type_name="organization", context="organization")


def organization(request: Request, key: str) -> Answer:
    """GET /organization/{id}."""
    if object_id(key) != request.tenant:
        raise not_found(key)
    return request.one(_organization(request), type_name="organization", context="organization")


def domains(request: Request) -> Answer:
    """GET /domains."""
    allowed = ("Domain.Read.All", "Directory.Read.All", "Directory.ReadWrite.All")
    request.demand((*allowed, access.AS_USER), allowed)
    tenant = request.caller.tenant
    documents: list[Document] = [
        {
            "id": name,
            "authenticationType": "Managed",
            "isDefault": name == tenant.domain,
            "isInitial": name == tenant.initial_domain,
            "isRoot": True,
            "isVerified": True,
            "supportedServices": ["Email"],
        }
        for name in (tenant.domain, tenant.initial_domain)
    ]
    return request.page(documents, type_name="domain", context="domains")


def directory_roles(request: Request) -> Answer:
    """GET /directoryRoles."""
    allowed = ("RoleManagement.Read.Directory", "Directory.Read.All", "Directory.ReadWrite.All")
    request.demand((*allowed, access.AS_USER), allowed)
    names = {name for user in request.caller.tenant.users for name in user.roles}
    roles = [
        _role(request, name)
        for name in world.ROLE_TEMPLATES
        if name in names and name not in (world.GUEST, world.MEMBER)
    ]
    return request.page(roles, type_name="directoryRole", context="directoryRoles")


def directory_object(request: Request, key: str) -> Answer:
    """GET /directoryObjects/{id}."""
    access.demand_read_applications(request)
    document = principals.directory_object(request, object_id(key))
    context = f"{request.base}/$metadata#directoryObjects/$entity"
    return odata_answer(200, {"@odata.context": context, **document})


def deleted_applications(request: Request) -> Answer:
    """GET /directory/deletedItems/microsoft.graph.application."""
    return _deleted(request, APPLICATION)


def deleted_principals(request: Request) -> Answer:
    """GET /directory/deletedItems/microsoft.graph.servicePrincipal."""
    return _deleted(request, SERVICE_PRINCIPAL)


def deleted_item(request: Request, key: str) -> Answer:
    """GET /directory/deletedItems/{id}."""
    access.demand_read_applications(request)
    document = _deleted_document(request, key)
    body = {
        "@odata.context": f"{request.base}/$metadata#directoryObjects/$entity",
        "@odata.type": f"#microsoft.graph.{document['_kind']}",
        **public(_as_read(document)),
    }
    return odata_answer(200, body)


def restore(request: Request, key: str) -> Answer:
    """POST /directory/deletedItems/{id}/restore."""
    request.body("restore", optional=True)
    document = _deleted_document(request, key)
    if document["_kind"] == APPLICATION:
        return applications.restored(request, key.lower(), document)
    return principals.restored(request, key.lower(), document)


def purge(request: Request, key: str) -> Answer:
    """DELETE /directory/deletedItems/{id}."""
    access.demand_purge(request)
    document = _deleted_document(request, key)
    if request.caller.user is None:
        access.demand_write(request, document)
    request.cloud.store.put(DELETED, request.tenant, key.lower(), None)
    return no_content()


def _deleted(request: Request, kind: str) -> Answer:
    access.demand_read_applications(request)
    found = request.cloud.store.all_visible(DELETED, request.tenant)
    documents = [_as_read(document) for _, document in found if document["_kind"] == kind]
    context = "applications" if kind == APPLICATION else "servicePrincipals"
    return request.page(documents, type_name=kind, context=context)


def _as_read(document: Document) -> Document:
    if document["_kind"] == APPLICATION:
        return application_as_read(document)
    return with_newest_secrets_first(document)


def _deleted_document(request: Request, key: str) -> Document:
    document = request.cloud.store.visible(DELETED, request.tenant, object_id(key))
    if document is None:
        raise not_found(key)
    return document


def _signed_in(request: Request) -> world.User:
    if request.caller.user is None:
        raise bad_request("/me request is only valid with delegated authentication flow.")
    return request.caller.user


def _person(request: Request, user: world.User, context: str) -> Answer:
    request.demand(access.READ_ME, access.READ_USERS)
    return request.one(_user(request, user), type_name="user", context=context)


def _user(request: Request, user: world.User) -> Document:
    """A person; some properties are printed only when they are selected."""
    document = principals.user_document(user)
    if request.query.select is None and request.query.filter is None:
        return document
    return {
        **document,
        "accountEnabled": True,
        "deletedDateTime": None,
        "userType": "Guest" if user.guest else "Member",
    }


def _role(request: Request, name: str) -> Document:
    return {
        "id": world.derived_id("role", request.tenant, name),
        "deletedDateTime": None,
        "description": name,
        "displayName": name,
        "roleTemplateId": world.ROLE_TEMPLATES[name],
    }


def _organization(request: Request) -> Document:
    """The tenant; with User.Read alone only its id, name and domains are told."""
    request.demand(
        (*access.READ_ORGANIZATION, "User.Read", access.AS_USER), access.READ_ORGANIZATION
    )
    tenant = request.caller.tenant
    full = request.caller.may((*access.READ_ORGANIZATION, access.AS_USER), access.READ_ORGANIZATION)
    return {
        "id": tenant.id,
        "deletedDateTime": None,
        "businessPhones": [],
        "city": None,
        "country": None,
        "countryLetterCode": tenant.country if full else None,
        "createdDateTime": "2024-01-15T09:00:00Z" if full else None,
        "defaultUsageLocation": None,
        "directorySizeQuota": {"used": 1200, "total": 300000} if full else None,
        "displayName": tenant.name,
        "isMultipleDataLocationsForServicesEnabled": None,
        "marketingNotificationEmails": [],
        "onPremisesLastSyncDateTime": None,
        "onPremisesSyncEnabled": None,
        "onPremisesSyncStatus": [],
        "partnerTenantType": None,
        "postalCode": None,
        "preferredLanguage": "en" if full else None,
        "privacyProfile": None,
        "securityComplianceNotificationMails": [],
        "securityComplianceNotificationPhones": [],
        "state": None,
        "street": None,
        "technicalNotificationMails": [f"it@{tenant.domain}"] if full else [],
        "tenantType": "AAD" if full else None,
        "assignedPlans": [],
        "provisionedPlans": [],
        "verifiedDomains": [
            {
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": name == tenant.domain,
                "isInitial": name == tenant.initial_domain,
                "name": name,
                "type": "Managed",
            }
            for name in (tenant.domain, tenant.initial_domain)
        ],
    }
