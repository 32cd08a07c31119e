"""Delegated permission grants and app role assignments: consent, as the directory stores it.

Source: Graph v1.0 reference, oAuth2PermissionGrant and appRoleAssignment. There is one grant for
each client, resource, consent type and person; its scope is the only thing that can change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.directory import (
    ASSIGNMENT,
    GRANT,
    SERVICE_PRINCIPAL,
    grant_id,
    put_assignment,
    put_grant,
)
from bcrunbook.rehearsal.graph import access
from bcrunbook.rehearsal.graph.errors import bad_request, conflict, not_found
from bcrunbook.rehearsal.graph.limits import MAX_SCOPE_LENGTH
from bcrunbook.rehearsal.graph.request import Request, find, no_content
from bcrunbook.rehearsal.graph.schema import GUID
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.routing import Key
from bcrunbook.rehearsal.state import Document

TYPE: Final = "oAuth2PermissionGrant"
CONTEXT: Final = "oauth2PermissionGrants"
ALL_PRINCIPALS: Final = "AllPrincipals"
PRINCIPAL: Final = "Principal"
NIL_ROLE: Final = "00000000-0000-0000-0000-000000000000"


def list_all(request: Request) -> Answer:
    """GET /oauth2PermissionGrants."""
    request.demand((*access.READ_GRANTS, access.AS_USER), access.READ_GRANTS)
    return request.page(_visible(request, GRANT), type_name=TYPE, context=CONTEXT)


def get(request: Request, key: str) -> Answer:
    """GET /oauth2PermissionGrants/{id}."""
    request.demand((*access.READ_GRANTS, access.AS_USER), access.READ_GRANTS)
    document = request.cloud.store.visible(GRANT, request.tenant, key)
    if document is None:
        raise not_found(key)
    return request.one(document, type_name=TYPE, context=CONTEXT)


def create(request: Request) -> Answer:
    """POST /oauth2PermissionGrants."""
    access.demand_grant(request)
    given = request.body(TYPE)
    client = _party(request, given, "clientId")
    resource = _party(request, given, "resourceId")
    principal = _person(request, given)
    scopes = _scopes(given)
    if request.cloud.store.latest(GRANT, request.tenant, grant_id(client, resource, principal)):
        raise conflict(
            "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists."
        )
    document = put_grant(request.cloud, request.tenant, client, resource, scopes, principal)
    answer = request.one(document, type_name=TYPE, context=CONTEXT, status=201)
    return answer.with_headers(request.location(f"oauth2PermissionGrants/{document['id']}"))


def change(request: Request, key: str) -> Answer:
    """PATCH /oauth2PermissionGrants/{id}."""
    access.demand_grant(request)
    document = request.cloud.store.latest(GRANT, request.tenant, key)
    if document is None:
        raise not_found(key)
    given = request.body(TYPE)
    for name in ("clientId", "consentType", "principalId", "resourceId", "id"):
        if name in given and given[name] != document[name]:
            raise bad_request(f"Property '{name}' cannot be changed.", target=name)
    if "scope" in given:
        changed = {**document, "scope": " ".join(_scopes(given))}
        request.cloud.store.put(GRANT, request.tenant, key, changed, "patched")
    return no_content()


def delete(request: Request, key: str) -> Answer:
    """DELETE /oauth2PermissionGrants/{id}."""
    access.demand_grant(request)
    if request.cloud.store.latest(GRANT, request.tenant, key) is None:
        raise not_found(key)
    request.cloud.store.put(GRANT, request.tenant, key, None, "deleted")
    return no_content()


def of_principal(request: Request, key: str | Key) -> Answer:
    """GET /servicePrincipals/{id}/oauth2PermissionGrants."""
    request.demand((*access.READ_GRANTS, access.AS_USER), access.READ_GRANTS)
    found, _ = find(request, SERVICE_PRINCIPAL, key)
    grants = [grant for grant in _visible(request, GRANT) if grant["clientId"] == found]
    return request.page(grants, type_name=TYPE, context=CONTEXT)


def assignments(side: str) -> Callable[[Request, str | Key], Answer]:
    """GET .../appRoleAssignments (side principalId) or .../appRoleAssignedTo (resourceId)."""

    def handle(request: Request, key: str | Key) -> Answer:
        access.demand_read_applications(request)
        found, _ = find(request, SERVICE_PRINCIPAL, key)
        chosen = [one for one in _visible(request, ASSIGNMENT) if one[side] == found]
        return request.page(chosen, type_name="appRoleAssignment", context="appRoleAssignments")

    return handle


def assign(side: str) -> Callable[[Request, str | Key], Answer]:
    """POST to the same addresses."""

    def handle(request: Request, key: str | Key) -> Answer:
        found, _ = find(request, SERVICE_PRINCIPAL, key)
        given = request.body("appRoleAssignment")
        for name in ("principalId", "resourceId", "appRoleId"):
            if not given.get(name):
                raise bad_request(f"Property '{name}' is required.", target=name)
        if given[side].lower() != found:
            raise bad_request(
                f"The {side} of the assignment differs from the one in the address.", target=side
            )
        _, resource = find(request, SERVICE_PRINCIPAL, given["resourceId"])
        access.demand_assign(request, resource)
        _, principal = find(request, SERVICE_PRINCIPAL, given["principalId"])
        role = given["appRoleId"].lower()
        if role != NIL_ROLE and role not in {known["id"] for known in resource["appRoles"]}:
            raise bad_request("Permission being assigned was not found on application.")
        for _, other in request.cloud.store.all_latest(ASSIGNMENT, request.tenant):
            if (other["principalId"], other["resourceId"], other["appRoleId"]) == (
                principal["id"],
                resource["id"],
                role,
            ):
                raise bad_request("Permission being assigned already exists on the object.")
        document = put_assignment(request.cloud, request.tenant, principal, resource, role)
        return request.one(
            document, type_name="appRoleAssignment", context="appRoleAssignments", status=201
        )

    return handle


def unassign(request: Request, key: str | Key, assignment: str) -> Answer:
    """DELETE .../appRoleAssignments/{id} and .../appRoleAssignedTo/{id}."""
    found, _ = find(request, SERVICE_PRINCIPAL, key)
    document = request.cloud.store.latest(ASSIGNMENT, request.tenant, assignment)
    if document is None or found not in (document["principalId"], document["resourceId"]):
        raise not_found(assignment)
    _, resource = find(request, SERVICE_PRINCIPAL, document["resourceId"])
    access.demand_assign(request, resource)
    request.cloud.store.put(ASSIGNMENT, request.tenant, assignment, None, "deleted")
    return no_content()


def _visible(request: Request, kind: str) -> Iterable[Document]:
    found = request.cloud.store.all_visible(kind, request.tenant, index=request.query.indexed)
    return [document for _, document in found]


def _party(request: Request, given: Document, name: str) -> str:
    """The object id of a service principal that has replicated; an application id is none."""
    value = given.get(name)
    if not value:
        raise bad_request(f"Property '{name}' is required.", target=name)
    if not GUID.fullmatch(value):
        raise bad_request(f"Invalid GUID:{value}", target=name)
    key = str(value).lower()
    if request.cloud.store.visible(SERVICE_PRINCIPAL, request.tenant, key) is None:
        raise bad_request(
            f"Resource '{value}' does not exist or one of its queried reference-property objects "
            "are not present.",
            target=name,
        )
    return key


def _person(request: Request, given: Document) -> str | None:
    kind, principal = given.get("consentType"), given.get("principalId")
    if kind == ALL_PRINCIPALS:
        if principal is not None:
            raise bad_request("principalId must be null for AllPrincipals.", target="principalId")
        return None
    if kind != PRINCIPAL:
        raise bad_request(
            "Invalid value specified for property 'consentType': AllPrincipals or Principal is "
            "expected.",
            target="consentType",
        )
    if principal is None or (request.tenant, str(principal).lower()) not in world.users_by_oid():
        raise bad_request("principalId must be a user of this tenant.", target="principalId")
    return str(principal).lower()


def _scopes(given: Document) -> list[str]:
    text = given.get("scope")
    if text is None or not text.strip():
        raise bad_request("Property 'scope' is required.", target="scope")
    if len(text) > MAX_SCOPE_LENGTH:
        raise bad_request(
            f"Property 'scope' may have at most {MAX_SCOPE_LENGTH} characters.", target="scope"
        )
    return list(dict.fromkeys(text.split()))
