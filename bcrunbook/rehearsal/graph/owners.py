"""Owners of applications and service principals.

Source: Graph v1.0 reference, application: list owners, add owner, remove owner.
"""

from __future__ import annotations

from collections.abc import Callable

from bcrunbook.rehearsal.directory import SERVICE_PRINCIPAL
from bcrunbook.rehearsal.graph import access, principals
from bcrunbook.rehearsal.graph.errors import bad_request, not_found
from bcrunbook.rehearsal.graph.request import (
    Request,
    find,
    no_content,
    object_id,
    odata_answer,
)
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.routing import Key

Handler = Callable[[Request, str | Key], Answer]


def listing(kind: str) -> Handler:
    """GET .../owners."""

    def handle(request: Request, key: str | Key) -> Answer:
        access.demand_read_applications(request)
        _, document = find(request, kind, key)
        owners = [principals.directory_object(request, owner) for owner in document["_owners"]]
        return request.page(owners, type_name="owner", context="directoryObjects")

    return handle


def references(kind: str) -> Handler:
    """GET .../owners/$ref."""

    def handle(request: Request, key: str | Key) -> Answer:
        access.demand_read_applications(request)
        _, document = find(request, kind, key)
        # Microsoft's description of the answer says texts, and generated clients read texts.
        links = [f"{request.base}/directoryObjects/{owner}" for owner in document["_owners"]]
        context = f"{request.base}/$metadata#Collection($ref)"
        return odata_answer(200, {"@odata.context": context, "value": links})

    return handle


def adding(kind: str) -> Handler:
    """POST .../owners/$ref."""

    def handle(request: Request, key: str | Key) -> Answer:
        found, _ = find(request, kind, key)
        document = request.cloud.store.latest(kind, request.tenant, found)
        if document is None:
            raise not_found(found)
        access.demand_write(request, document)
        link = str(request.body("reference").get("@odata.id") or "")
        owner = object_id(link.rstrip("/").rpartition("/")[2])
        kind_of_owner = principals.directory_object(request, owner)["@odata.type"]
        if kind_of_owner not in ("#microsoft.graph.user", f"#microsoft.graph.{SERVICE_PRINCIPAL}"):
            raise bad_request("Only a user or a service principal can be an owner.")
        if owner in document["_owners"]:
            raise bad_request(
                "One or more added object references already exist for the following modified "
                "properties: 'owners'."
            )
        changed = {**document, "_owners": [*document["_owners"], owner]}
        request.cloud.store.put(kind, request.tenant, found, changed, "patched")
        return no_content()

    return handle


def removing(kind: str) -> Callable[[Request, str | Key, str], Answer]:
    """DELETE .../owners/{id}/$ref."""

    def handle(request: Request, key: str | Key, owner: str) -> Answer:
        found, _ = find(request, kind, key)
        document = request.cloud.store.latest(kind, request.tenant, found)
        if document is None or owner not in document["_owners"]:
            raise not_found(owner)
        access.demand_write(request, document)
        kept = [one for one in document["_owners"] if one != owner]
        if not kept and request.caller.user is None:
            raise bad_request("The last owner cannot be removed.")
        changed = {**document, "_owners": kept}
        request.cloud.store.put(kind, request.tenant, found, changed, "patched")
        return no_content()

    return handle
