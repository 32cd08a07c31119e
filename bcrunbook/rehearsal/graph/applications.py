"""Applications: register, read, change, upsert, delete, their secrets and owners.

Source: Graph v1.0 reference, application. A new application replicates: plain reads and writes that
name it fail with 404 for a moment, and one that serves personal accounts answers changes with 409
until its consumer-side twin exists.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.directory import (
    APPLICATION,
    DEFAULT_AUDIENCE,
    DELETED,
    SERVICE_PRINCIPAL,
    Registered,
    merged,
    mirrored,
    new_application,
    public,
)
from bcrunbook.rehearsal.graph import (
    access,
    app_policies,
    application_rules,
    credentials,
    principals,
)
from bcrunbook.rehearsal.graph.as_read import application_as_read
from bcrunbook.rehearsal.graph.errors import bad_request, conflict, denied, malformed, not_found
from bcrunbook.rehearsal.graph.request import (
    Request,
    find,
    no_content,
    object_id,
    odata_answer,
)
from bcrunbook.rehearsal.graph.schema import checked
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.routing import Key
from bcrunbook.rehearsal.state import Document

TYPE: Final = "application"
CONTEXT: Final = "applications"
OWNERS_BIND: Final = "owners@odata.bind"


def list_all(request: Request) -> Answer:
    """GET /applications."""
    access.demand_read_applications(request)
    found = request.cloud.store.all_visible(
        APPLICATION, request.tenant, index=request.query.indexed
    )
    documents = [_shown(request, document) for _, document in found]
    return request.page(documents, type_name=TYPE, context=CONTEXT)


def get(request: Request, key: str | Key) -> Answer:
    """GET /applications/{id}, also by appId or uniqueName."""
    access.demand_read_applications(request)
    _, document = find(request, APPLICATION, key)
    return request.one(_shown(request, document), type_name=TYPE, context=CONTEXT)


def create(request: Request) -> Answer:
    """POST /applications."""
    access.demand_create_application(request)
    body = request.json()
    given = checked(TYPE, body)
    if given.get("uniqueName") is not None:
        raise bad_request(
            "Property 'uniqueName' cannot be set while creating; use an upsert.",
            target="uniqueName",
        )
    return _created(request, given, _bound_owners(request, body))


def change(request: Request, key: str | Key) -> Answer:
    """PATCH /applications/{id}; by uniqueName and with the right preference also an upsert."""
    request.demand((access.WRITE_ALL, access.AS_USER), (access.WRITE_ALL, access.OWNED_BY))
    if isinstance(key, Key) and key.name == "uniqueName" and request.prefers("create-if-missing"):
        return _upsert(request, key)
    return _patch(request, *writable(request, key))


def delete(request: Request, key: str | Key) -> Answer:
    """DELETE /applications/{id}: kept for a while under the deleted items."""
    found, document = writable(request, key)
    cloud, tenant = request.cloud, request.tenant
    now = timestamp(cloud.clock.now(), fraction=False)
    cloud.store.put(APPLICATION, tenant, found, None, "deleted")
    gone = {**document, "deletedDateTime": now, "_kind": APPLICATION}
    cloud.store.put(DELETED, tenant, found, gone, "deleted")
    for other, principal in cloud.store.all_latest(SERVICE_PRINCIPAL, tenant):
        if principal["appId"] == document["appId"]:
            principals.remove(cloud, tenant, other, principal)
    return no_content()


def add_password(request: Request, key: str | Key) -> Answer:
    """POST /applications/{id}/addPassword."""
    found, document = writable(request, key, twin=True)
    app_policies.demand_secret(request, document)
    maximum = application_rules.limits_of(document).secrets
    changed, answer = credentials.add_secret(request, document, maximum=maximum)
    request.cloud.store.put(APPLICATION, request.tenant, found, changed, "credential")
    return answer


def remove_password(request: Request, key: str | Key) -> Answer:
    """POST /applications/{id}/removePassword."""
    found, document = writable(request, key, twin=True)
    changed = credentials.remove_secret(request, document)
    request.cloud.store.put(APPLICATION, request.tenant, found, changed, "credential")
    return no_content()


def set_verified_publisher(request: Request, key: str | Key) -> Answer:
    """POST /applications/{id}/setVerifiedPublisher: people only, and nobody here is a partner."""
    if request.caller.user is None:
        raise denied()
    _, document = writable(request, key)
    if not request.body("setVerifiedPublisher").get("verifiedPublisherId"):
        raise bad_request(
            "The parameter 'verifiedPublisherId' is required.", target="verifiedPublisherId"
        )
    if str(document["publisherDomain"]).endswith(".onmicrosoft.com"):
        raise bad_request(
            "PublisherDomainIsDomainNotVerified: the application's publisher domain must be a "
            "verified custom domain."
        )
    raise denied(
        "MPNAccountNotFoundOrNoAccess: the MPN ID does not exist, or you do not have access to it."
    )


def unset_verified_publisher(request: Request, key: str | Key) -> Answer:
    """POST /applications/{id}/unsetVerifiedPublisher."""
    if request.caller.user is None:
        raise denied()
    writable(request, key)
    return no_content()


def restored(request: Request, key: str, document: Document) -> Answer:
    """Bring a deleted application back with its ids; called by the deleted items."""
    access.demand_write(request, document)
    cloud, tenant = request.cloud, request.tenant
    back = {name: value for name, value in document.items() if name != "_kind"}
    back["deletedDateTime"] = None
    cloud.store.put(DELETED, tenant, key, None)
    cloud.store.put(APPLICATION, tenant, key, back, "application_created")
    body = {
        "@odata.context": f"{request.base}/$metadata#directoryObjects/$entity",
        "@odata.type": "#microsoft.graph.application",
        **public(application_as_read(back)),
    }
    return odata_answer(200, body)


def owners_of(request: Request, document: Document) -> list[Document]:
    """The owners of an application or a principal, as directory objects."""
    return [principals.directory_object(request, owner) for owner in document["_owners"]]


def _created(request: Request, given: dict[str, Any], owners: list[str]) -> Answer:
    cloud, caller = request.cloud, request.caller
    if given.get("signInAudience") is None:
        given = {**given, "signInAudience": DEFAULT_AUDIENCE}
    secrets = given.pop("passwordCredentials", [])
    certificates = given.pop("keyCredentials", [])
    credentials.demand_no_key_ids(secrets, certificates)
    document = new_application(
        cloud,
        caller.tenant,
        given,
        key=cloud.ids.draw(),
        app_id=str(uuid.uuid4()),
        creator=caller.object_id,
    )
    document["_owners"] = list(dict.fromkeys([*document["_owners"], *owners]))
    application_rules.check_new(cloud, Registered(caller.tenant.id, document["id"], document))
    app_policies.demand_allowed(caller.tenant, document)
    if secrets:
        app_policies.demand_secret(request, document)
    maximum = application_rules.limits_of(document).secrets
    document, shown = credentials.add_secrets(
        cloud, caller.tenant, document, secrets, maximum=maximum
    )
    document = credentials.set_certificates(document, certificates)
    cloud.store.put(APPLICATION, caller.tenant.id, document["id"], document, "application_created")
    made = {
        **document,
        "createdDateTime": timestamp(document["_created"]),
        "passwordCredentials": shown,
    }
    answer = request.one(made, type_name=TYPE, context=CONTEXT, status=201)
    return answer.with_headers(request.location_of(document["id"], "Application"))


def _upsert(request: Request, key: Key) -> Answer:
    """Graph docs, upsert application: 201 with the object when new, else 204 without a body."""
    for found, document in request.cloud.store.all_visible(APPLICATION, request.tenant):
        if document["uniqueName"] == key.value:
            return _patch(request, *writable(request, found))
    access.demand_create_application(request)
    _demand_free_name(request, key.value)
    body = request.json()
    given = checked(TYPE, body)
    if given.get("uniqueName") not in (None, key.value):
        raise bad_request(
            "The uniqueName in the body differs from the one in the address.", target="uniqueName"
        )
    given["uniqueName"] = key.value
    return _created(request, given, _bound_owners(request, body))


def _patch(request: Request, found: str, document: Document) -> Answer:
    given = request.body(TYPE)
    _demand_twin(request, found, document)
    credentials.demand_same_secrets(document, given)
    name = given.get("uniqueName")
    if "uniqueName" in given and name != document["uniqueName"]:
        if document["uniqueName"] is not None or name is None:
            raise bad_request(
                "Property 'uniqueName' is immutable once it is set.", target="uniqueName"
            )
        _demand_free_name(request, name)
    certificates = given.pop("keyCredentials", None)
    changed = merged(document, given)
    for name, value in changed.items():
        if value is None and isinstance(document.get(name), list):
            raise bad_request(f"Property '{name}' cannot be null.", target=name)
    application_rules.check(request.cloud, Registered(request.tenant, found, changed))
    app_policies.demand_allowed(request.caller.tenant, changed)
    maximum = application_rules.limits_of(changed).secrets
    if maximum is not None and len(changed["passwordCredentials"]) > maximum:
        raise bad_request(
            f"The new audience allows at most {maximum} passwords.", target="signInAudience"
        )
    if certificates is not None:
        changed = credentials.set_certificates(changed, certificates)
    request.cloud.store.put(APPLICATION, request.tenant, found, changed, "patched")
    _mirror(request, changed)
    return no_content()


def _mirror(request: Request, document: Document) -> None:
    """The principal in the same directory follows its application."""
    for key, principal in request.cloud.store.all_latest(SERVICE_PRINCIPAL, request.tenant):
        if principal["appId"] == document["appId"]:
            followed = {**principal, **mirrored(document)}
            if followed != principal:
                request.cloud.store.put(SERVICE_PRINCIPAL, request.tenant, key, followed, "patched")


def writable(request: Request, key: str | Key, *, twin: bool = False) -> tuple[str, Document]:
    """The newest version of an application that reads see and the caller may change."""
    found, _ = find(request, APPLICATION, key)
    document = request.cloud.store.latest(APPLICATION, request.tenant, found)
    if document is None:
        raise not_found(found)
    access.demand_write(request, document)
    if twin:
        _demand_twin(request, found, document)
    return found, document


def _demand_twin(request: Request, found: str, document: Document) -> None:
    if application_rules.is_consumer(document) and not request.cloud.clock.passed(
        document["_created"], "consumer_twin", found
    ):
        raise conflict(
            "Error_MsaAppDoesNotExist",
            f"The application '{document['appId']}' does not exist in the Microsoft account "
            "system.",
        )


def _demand_free_name(request: Request, name: str) -> None:
    """A deleted application keeps its name: reports of 2024 to 2026 have this status and text."""
    for kind in (APPLICATION, DELETED):
        for _, document in request.cloud.store.all_latest(kind, request.tenant):
            if document.get("uniqueName") == name:
                raise bad_request(
                    "Another object with the same value for property uniqueName already exists.",
                    target="uniqueName",
                    code="ObjectConflict",
                )


def _bound_owners(request: Request, body: Any) -> list[str]:
    """Owners given while creating, by `owners@odata.bind`."""
    links = body.get(OWNERS_BIND, []) if isinstance(body, dict) else []
    if not isinstance(links, list):
        raise bad_request("A collection was expected.", target=OWNERS_BIND)
    owners = [object_id(str(link).rstrip("/").rpartition("/")[2]) for link in links]
    for owner in owners:
        principals.directory_object(request, owner)
    return owners


def _shown(request: Request, document: Document) -> Document:
    """An application as reads print it, with what was asked to be expanded."""
    document = application_as_read(document)
    if not request.query.expand:
        return document
    if request.query.expand != ("owners",):
        raise malformed(
            f"Parsing OData Select and Expand failed: {', '.join(request.query.expand)}."
        )
    return {**document, "owners": owners_of(request, document)}
