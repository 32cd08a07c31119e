"""Application management policies: what a tenant forbids its applications, and who is exempt.

Source: Graph v1.0 reference, tenantAppManagementPolicy and appManagementPolicy; Entra docs,
"Configure app management policies". The default policy reads the same for everybody: an exemption
is a custom policy that is applied to an application, or a caller whom a restriction excludes
(contract G8.8). What it says of audiences and redirect URIs is part of beta only, and so does not
show here (contract G8.9 and G8.10).
"""

from __future__ import annotations

import uuid
from typing import Any, Final
from urllib.parse import urlsplit

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.directory import APPLICATION
from bcrunbook.rehearsal.graph import access
from bcrunbook.rehearsal.graph.credentials import DEFAULT_POLICY
from bcrunbook.rehearsal.graph.errors import GraphError, bad_request, not_found
from bcrunbook.rehearsal.graph.request import Request, find, no_content, object_id
from bcrunbook.rehearsal.graph.schema import checked
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.routing import Key
from bcrunbook.rehearsal.state import Document

KIND: Final = "appManagementPolicy"
PASSWORD_ADDITION: Final = "passwordAddition"
_CONTEXT: Final = "policies/appManagementPolicies"
_SINCE: Final = "2019-10-19T10:37:00Z"
_EXEMPT: Final = {
    "customSecurityAttributes": [
        {
            "@odata.type": "#microsoft.graph.customSecurityAttributeStringValueExemption",
            "id": "PolicyExemptions_AppManagementExemption",
            "operator": "equals",
            "value": "ExemptFromPasswordBlock",
        }
    ]
}


def default(request: Request) -> Answer:
    """GET /policies/defaultAppManagementPolicy."""
    access.demand_read_policies(request)
    restrictions = _restrictions(request.caller.tenant)
    document: Document = {
        "id": DEFAULT_POLICY,
        "displayName": "Default app management tenant policy",
        "description": "Default tenant policy that enforces app management restrictions on "
        "applications and service principals.",
        "isEnabled": bool(restrictions),
        "applicationRestrictions": {"passwordCredentials": restrictions, "keyCredentials": []},
        "servicePrincipalRestrictions": {"passwordCredentials": [], "keyCredentials": []},
    }
    return request.one(
        document,
        type_name="tenantAppManagementPolicy",
        context="policies/defaultAppManagementPolicy",
    )


def list_all(request: Request) -> Answer:
    """GET /policies/appManagementPolicies."""
    access.demand_read_policies(request)
    found = [document for _, document in request.cloud.store.all_latest(KIND, request.tenant)]
    return request.page(found, type_name=KIND, context=_CONTEXT)


def create(request: Request) -> Answer:
    """POST /policies/appManagementPolicies."""
    access.demand_write_policies(request)
    given = checked(KIND, request.json())
    for name in ("displayName", "restrictions"):
        if not given.get(name):
            raise bad_request(f"The property '{name}' is required.", target=name)
    document = {
        "id": str(uuid.uuid4()),
        "description": None,
        "isEnabled": True,
        **given,
        "_appliesTo": [],
    }
    request.cloud.store.put(KIND, request.tenant, document["id"], document)
    return request.one(document, type_name=KIND, context=_CONTEXT, status=201)


def get(request: Request, key: str | Key) -> Answer:
    """GET /policies/appManagementPolicies/{id}."""
    access.demand_read_policies(request)
    return request.one(_policy(request, key), type_name=KIND, context=_CONTEXT)


def delete(request: Request, key: str | Key) -> Answer:
    """DELETE /policies/appManagementPolicies/{id}."""
    access.demand_write_policies(request)
    request.cloud.store.put(KIND, request.tenant, _policy(request, key)["id"], None)
    return no_content()


def of_application(request: Request, key: str | Key) -> Answer:
    """GET /applications/{id}/appManagementPolicies."""
    access.demand_read_policies(request)
    found, _ = find(request, APPLICATION, key)
    return request.page(_applied(request, found), type_name=KIND, context=_CONTEXT)


def apply(request: Request, key: str | Key) -> Answer:
    """POST /applications/{id}/appManagementPolicies/$ref."""
    access.demand_write_policies(request)
    found, _ = find(request, APPLICATION, key)
    link = str(request.body("reference").get("@odata.id") or "")
    policy = _policy(request, object_id(link.rstrip("/").rpartition("/")[2]))
    if _applied(request, found):
        raise bad_request("At most one app management policy can be assigned to an application.")
    changed = {**policy, "_appliesTo": [*policy["_appliesTo"], found]}
    request.cloud.store.put(KIND, request.tenant, policy["id"], changed)
    return no_content()


def take_off(request: Request, key: str | Key, policy: str) -> Answer:
    """DELETE /applications/{id}/appManagementPolicies/{policy}/$ref."""
    access.demand_write_policies(request)
    found, _ = find(request, APPLICATION, key)
    kept = _policy(request, policy)
    if found not in kept["_appliesTo"]:
        raise not_found(policy)
    changed = {**kept, "_appliesTo": [one for one in kept["_appliesTo"] if one != found]}
    request.cloud.store.put(KIND, request.tenant, kept["id"], changed)
    return no_content()


def demand_secret(request: Request, application: Document) -> None:
    """Refuse another client secret where the tenant forbids them, and nobody is exempt."""
    policy = request.caller.tenant.policy
    if not policy.forbids_secrets or request.caller.app_id in policy.exempt_clients:
        return
    for custom in _applied(request, application["id"]):
        rules = custom["restrictions"].get("passwordCredentials", [])
        if custom["isEnabled"] and any(
            rule.get("restrictionType") == PASSWORD_ADDITION and rule.get("state") == "disabled"
            for rule in rules
        ):
            return
    raise GraphError(
        400,
        "CredentialTypeNotAllowedAsPerAppPolicy",
        f"Credential type not allowed as per assigned policy '{DEFAULT_POLICY}'.",
    )


def demand_allowed(tenant: world.Tenant, application: Document) -> None:
    """Refuse an application whose audience or redirect URIs the tenant forbids."""
    policy, audience = tenant.policy, application["signInAudience"]
    if audience in policy.forbidden_audiences:
        raise GraphError(
            400,
            "SignInAudienceNotAllowedAsPerAppPolicy",
            f"'signInAudience' property value '{audience}' is not allowed as per assigned policy "
            f"'{DEFAULT_POLICY}'.",
        )
    for uri in application["web"]["redirectUris"]:
        host = urlsplit(uri).hostname or ""
        if any(host == one or host.endswith(f".{one}") for one in policy.blocked_domains):
            # Nobody has published the code: one of the family (contract G8.10).
            raise GraphError(
                400,
                "RedirectUriNotAllowedAsPerAppPolicy",
                f"'web.redirectUris' property value '{uri}' is not allowed as per assigned policy "
                f"'{DEFAULT_POLICY}'.",
            )


def _restrictions(tenant: world.Tenant) -> list[dict[str, Any]]:
    policy = tenant.policy
    rules: list[dict[str, Any]] = []
    common = {"state": "enabled", "restrictForAppsCreatedAfterDateTime": _SINCE}
    if policy.max_secret_days is not None:
        days = f"P{policy.max_secret_days}D"
        rules.append({"restrictionType": "passwordLifetime", **common, "maxLifetime": days})
    if policy.forbids_secrets:
        rules.append(
            {
                "restrictionType": PASSWORD_ADDITION,
                **common,
                "maxLifetime": None,
                "excludeActors": _EXEMPT if policy.exempt_clients else None,
            }
        )
    return rules


def _policy(request: Request, key: str | Key) -> Document:
    found = request.cloud.store.latest(KIND, request.tenant, object_id(str(key)))
    if found is None:
        raise not_found(str(key))
    return found


def _applied(request: Request, application: str) -> list[Document]:
    return [
        document
        for _, document in request.cloud.store.all_latest(KIND, request.tenant)
        if application in document["_appliesTo"]
    ]
