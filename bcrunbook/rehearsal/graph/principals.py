"""Service principals: what an application is in one directory.

Source: Graph v1.0 reference, servicePrincipal. Registering an application does not make one. The
application has to have replicated first; with the owned-by permission alone it must also be in the
caller's own directory.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal import first_party_apps, world
from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.directory import (
    APPLICATION,
    ASSIGNMENT,
    DELETED,
    GRANT,
    SERVICE_PRINCIPAL,
    find_application,
    find_principal,
    first_party_principal,
    merged,
    new_service_principal,
    public,
)
from bcrunbook.rehearsal.graph import access, credentials
from bcrunbook.rehearsal.graph.as_read import application_as_read, with_newest_secrets_first
from bcrunbook.rehearsal.graph.errors import GraphError, bad_request, conflict, denied, not_found
from bcrunbook.rehearsal.graph.request import (
    Request,
    find,
    no_content,
    object_id,
    odata_answer,
)
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.routing import Key
from bcrunbook.rehearsal.state import Document

TYPE: Final = "servicePrincipal"
CONTEXT: Final = "servicePrincipals"
FIXED: Final = ("appId", "appRoles", "oauth2PermissionScopes", "servicePrincipalType")


def list_all(request: Request) -> Answer:
    """GET /servicePrincipals."""
    access.demand_read_applications(request)
    found = request.cloud.store.all_visible(
        SERVICE_PRINCIPAL, request.tenant, index=request.query.indexed
    )
    documents = [_shown(request, document) for _, document in found]
    return request.page(documents, type_name=TYPE, context=CONTEXT)


def get(request: Request, key: str | Key) -> Answer:
    """GET /servicePrincipals/{id}, also by appId."""
    access.demand_read_applications(request)
    _, document = find(request, SERVICE_PRINCIPAL, key)
    return request.one(_shown(request, document), type_name=TYPE, context=CONTEXT)


def create(request: Request) -> Answer:
    """POST /servicePrincipals."""
    request.demand((access.WRITE_ALL, access.AS_USER), (access.WRITE_ALL, access.OWNED_BY))
    given = request.body(TYPE)
    app_id = given.pop("appId", None)
    if not app_id:
        raise bad_request(
            "A value is required for property 'appId' of resource 'ServicePrincipal'.",
            target="appId",
            code="ObjectMissing",
        )
    return _created(request, object_id(app_id), given)


def change(request: Request, key: str | Key) -> Answer:
    """PATCH /servicePrincipals/{id}; by appId and with the right preference also an upsert."""
    request.demand((access.WRITE_ALL, access.AS_USER), (access.WRITE_ALL, access.OWNED_BY))
    if isinstance(key, Key) and request.prefers("create-if-missing"):
        existing = find_principal(request.cloud, request.tenant, key.value)
        if existing is None:
            given = request.body(TYPE, optional=True)
            given.pop("appId", None)
            return _created(request, object_id(key.value), given)
    found, document = _writable(request, key)
    given = request.body(TYPE)
    credentials.demand_same_secrets(document, given)
    certificates = given.pop("keyCredentials", None)
    for name in FIXED:
        if name in given and given[name] != document[name]:
            raise bad_request(f"Property '{name}' cannot be changed.", target=name)
    changed = merged(document, given)
    if certificates is not None:
        changed = credentials.set_certificates(changed, certificates)
    request.cloud.store.put(SERVICE_PRINCIPAL, request.tenant, found, changed, "patched")
    return no_content()


def add_password(request: Request, key: str | Key) -> Answer:
    """POST /servicePrincipals/{id}/addPassword: a secret without a hint (contract G7.4)."""
    found, document = _writable(request, key)
    changed, answer = credentials.add_secret(request, document, maximum=None, is_hinted=False)
    request.cloud.store.put(SERVICE_PRINCIPAL, request.tenant, found, changed, "credential")
    return answer


def remove_password(request: Request, key: str | Key) -> Answer:
    """POST /servicePrincipals/{id}/removePassword."""
    found, document = _writable(request, key)
    changed = credentials.remove_secret(request, document)
    request.cloud.store.put(SERVICE_PRINCIPAL, request.tenant, found, changed, "credential")
    return no_content()


def delete(request: Request, key: str | Key) -> Answer:
    """DELETE /servicePrincipals/{id}."""
    found, document = _writable(request, key)
    remove(request.cloud, request.tenant, found, document)
    return no_content()


def remove(cloud: RehearsalCloud, tenant: str, key: str, document: Document) -> None:
    """Move a principal to the deleted items; what it was granted goes for good."""
    cloud.store.put(SERVICE_PRINCIPAL, tenant, key, None, "deleted")
    now = timestamp(cloud.clock.now(), fraction=False)
    gone = {**document, "deletedDateTime": now, "_kind": SERVICE_PRINCIPAL}
    cloud.store.put(DELETED, tenant, key, gone, "deleted")
    for kind in (GRANT, ASSIGNMENT):
        for other, permission in list(cloud.store.all_latest(kind, tenant)):
            if key in (permission.get("clientId"), permission["principalId"]) or (
                permission["resourceId"] == key
            ):
                cloud.store.put(kind, tenant, other, None, "deleted")


def restored(request: Request, key: str, document: Document) -> Answer:
    """Bring a deleted principal back; called by the deleted items."""
    access.demand_write(request, document)
    if find_principal(request.cloud, request.tenant, document["appId"]) is not None:
        raise _taken(document["appId"])
    back = {name: value for name, value in document.items() if name != "_kind"}
    back["deletedDateTime"] = None
    request.cloud.store.put(DELETED, request.tenant, key, None)
    request.cloud.store.put(
        SERVICE_PRINCIPAL, request.tenant, key, back, "service_principal_created"
    )
    body = {
        "@odata.context": f"{request.base}/$metadata#directoryObjects/$entity",
        "@odata.type": "#microsoft.graph.servicePrincipal",
        **public(with_newest_secrets_first(back)),
    }
    return odata_answer(200, body)


def directory_object(request: Request, key: str) -> Document:
    """Anything that can own something, as a directory object; 404 for what is not there."""
    user = world.users_by_oid().get((request.tenant, key))
    if user is not None:
        return {"@odata.type": "#microsoft.graph.user", **user_document(user)}
    document = request.cloud.store.visible(SERVICE_PRINCIPAL, request.tenant, key)
    if document is not None:
        shown = public(with_newest_secrets_first(document))
        return {"@odata.type": "#microsoft.graph.servicePrincipal", **shown}
    document = request.cloud.store.visible(APPLICATION, request.tenant, key)
    if document is not None:
        shown = public(application_as_read(document))
        return {"@odata.type": "#microsoft.graph.application", **shown}
    raise not_found(key)


def user_document(user: world.User) -> Document:
    """A person as Graph prints one by default."""
    given, _, surname = user.name.partition(" ")
    return {
        "businessPhones": [],
        "displayName": user.name,
        "givenName": given,
        "jobTitle": None,
        "mail": user.upn,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": surname,
        "userPrincipalName": user.directory_upn,
        "id": user.oid,
    }


def _created(request: Request, app_id: str, given: Document) -> Answer:
    cloud, tenant = request.cloud, request.tenant
    secrets = given.pop("passwordCredentials", [])
    certificates = given.pop("keyCredentials", [])
    credentials.demand_no_key_ids(secrets, certificates)
    # Entra sets it, whatever is given (contract G9.9).
    given.pop("servicePrincipalType", None)
    document = merged(_backed(request, app_id), given)
    if find_principal(cloud, tenant, app_id) is not None:
        raise _taken(app_id)
    document, shown = credentials.add_secrets(
        cloud, request.caller.tenant, document, secrets, maximum=None, is_hinted=False
    )
    document = credentials.set_certificates(document, certificates)
    cloud.store.put(
        SERVICE_PRINCIPAL, tenant, document["id"], document, "service_principal_created"
    )
    made = {**document, "passwordCredentials": shown}
    answer = request.one(made, type_name=TYPE, context=CONTEXT, status=201)
    return answer.with_headers(request.location_of(document["id"], "ServicePrincipal"))


def _backed(request: Request, app_id: str) -> Document:
    """The new principal, if its application may be used here."""
    cloud, caller = request.cloud, request.caller
    everything = caller.user is not None or access.WRITE_ALL in caller.permissions
    own = first_party_apps.BY_APP_ID.get(app_id)
    if own is not None:
        if not everything:
            raise _foreign()
        if caller.user is not None and not caller.has_role(*access.APPLICATION_ADMINISTRATORS):
            raise denied()
        return first_party_principal(request.tenant, own)
    registered = find_application(cloud, app_id)
    local = registered is not None and registered.tenant == request.tenant
    seen = registered is not None and (
        cloud.store.visible(APPLICATION, registered.tenant, registered.id) is not None
    )
    if not everything and not (local and seen):
        raise _foreign()
    if (
        registered is None
        or not (local or registered.multi_tenant)
        or not cloud.clock.passed(
            registered.document["_created"], "application_referable", registered.id
        )
    ):
        raise GraphError(
            400,
            "Request_BadRequest",
            f"The appId '{app_id}' of the service principal does not reference a valid "
            "application object.",
            details=[
                {
                    "code": "NoBackingApplicationObject",
                    "message": f"The appId '{app_id}' of the service principal does not "
                    "reference a valid application object.",
                    "target": "appId",
                }
            ],
        )
    if local:
        access.demand_write(request, registered.document)
    elif caller.user is not None and not caller.has_role(*access.APPLICATION_ADMINISTRATORS):
        raise denied()
    access.demand_quota(request)
    # A person does not become its owner (contract G9.7); an application that may change only what
    # it owns does, or it could never change it.
    owner = caller.object_id if caller.user is None else None
    return new_service_principal(
        cloud, registered, key=cloud.ids.draw(), creator=caller.object_id, owner=owner
    )


def _foreign() -> GraphError:
    return denied(
        "When using this permission, the backing application of the service principal being "
        "created must in the local tenant"
    )


def _taken(app_id: str) -> GraphError:
    return conflict(
        "Request_MultipleObjectsWithSameKeyValue",
        f"The service principal cannot be created, updated, or restored because the service "
        f"principal name {app_id} is already in use.",
    )


def _writable(request: Request, key: str | Key) -> tuple[str, Document]:
    found, _ = find(request, SERVICE_PRINCIPAL, key)
    document = request.cloud.store.latest(SERVICE_PRINCIPAL, request.tenant, found)
    if document is None:
        raise not_found(found)
    access.demand_write(request, document)
    return found, document


def _shown(request: Request, document: Document) -> Document:
    """A principal as reads print it, with what was asked to be expanded."""
    document = with_newest_secrets_first(document)
    if not request.query.expand:
        return document
    if request.query.expand != ("owners",):
        raise bad_request("Only owners can be expanded here.")
    owners = [directory_object(request, owner) for owner in document["_owners"]]
    return {**document, "owners": owners}
