"""Federated identity credentials of an application.

Source: Graph v1.0 reference, federatedIdentityCredential. One is known by its id or by its name.
"""

from __future__ import annotations

import uuid
from typing import Final

from bcrunbook.rehearsal.directory import APPLICATION
from bcrunbook.rehearsal.graph import access, applications
from bcrunbook.rehearsal.graph.errors import bad_request, conflict, not_found
from bcrunbook.rehearsal.graph.limits import MAX_FEDERATED_CREDENTIALS
from bcrunbook.rehearsal.graph.request import Request, find, no_content
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.routing import Key
from bcrunbook.rehearsal.state import Document

TYPE: Final = "federatedIdentityCredential"
REQUIRED: Final = ("name", "issuer", "subject", "audiences")


def list_all(request: Request, key: str | Key) -> Answer:
    """GET /applications/{id}/federatedIdentityCredentials."""
    access.demand_read_applications(request)
    found, document = find(request, APPLICATION, key)
    return request.page(document["_fics"], type_name=TYPE, context=_context(found))


def get(request: Request, key: str | Key, name: str) -> Answer:
    """GET /applications/{id}/federatedIdentityCredentials/{id or name}."""
    access.demand_read_applications(request)
    found, document = find(request, APPLICATION, key)
    return request.one(_chosen(document, name), type_name=TYPE, context=_context(found))


def create(request: Request, key: str | Key) -> Answer:
    """POST /applications/{id}/federatedIdentityCredentials."""
    found, document = applications.writable(request, key)
    given = request.body(TYPE)
    if len(document["_fics"]) >= MAX_FEDERATED_CREDENTIALS:
        raise bad_request(
            f"At most {MAX_FEDERATED_CREDENTIALS} federated identity credentials are allowed."
        )
    added = {"description": None, **given, "id": str(uuid.uuid4())}
    _keep(request, found, document, [*document["_fics"], added])
    answer = request.one(added, type_name=TYPE, context=_context(found), status=201)
    return answer.with_headers(request.location(f"federatedIdentityCredentials/{added['id']}"))


def change(request: Request, key: str | Key, name: str) -> Answer:
    """PATCH /applications/{id}/federatedIdentityCredentials/{id or name}."""
    found, document = applications.writable(request, key)
    old = _chosen(document, name)
    given = request.body(TYPE)
    for fixed in ("id", "name"):
        if fixed in given and given[fixed] != old[fixed]:
            raise bad_request(f"Property '{fixed}' cannot be changed.", target=fixed)
    changed = {**old, **given}
    _keep(request, found, document, [changed if one is old else one for one in document["_fics"]])
    return no_content()


def delete(request: Request, key: str | Key, name: str) -> Answer:
    """DELETE /applications/{id}/federatedIdentityCredentials/{id or name}."""
    found, document = applications.writable(request, key)
    gone = _chosen(document, name)
    _keep(request, found, document, [one for one in document["_fics"] if one is not gone])
    return no_content()


def _chosen(document: Document, name: str) -> Document:
    for one in document["_fics"]:
        if name in (one["id"], one["name"]):
            chosen: Document = one
            return chosen
    raise not_found(name)


def _keep(request: Request, found: str, document: Document, credentials: list[Document]) -> None:
    """Write the application with exactly these credentials, if they can stand side by side."""
    for one in credentials:
        for name in REQUIRED:
            if not one.get(name):
                raise bad_request(f"The property '{name}' is required.", target=name)
    names = {one["name"] for one in credentials}
    parties = {(one["issuer"], one["subject"]) for one in credentials}
    if min(len(names), len(parties)) < len(credentials):
        raise conflict(
            "Request_MultipleObjectsWithSameKeyValue",
            "FederatedIdentityCredential with the same name, or issuer and subject, already "
            "exists.",
        )
    changed = {**document, "_fics": credentials}
    request.cloud.store.put(APPLICATION, request.tenant, found, changed, "credential")


def _context(application: str) -> str:
    return f"applications('{application}')/federatedIdentityCredentials"
