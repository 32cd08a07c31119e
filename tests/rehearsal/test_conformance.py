"""Answers against Microsoft's own description of Graph, and against documented examples."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.support import GRAPH, Graph, desired, eventually
from tests.support.conformance import CONTRACTS, Description, read_description

EXAMPLES = CONTRACTS / "examples" / "graph.jsonl"
UPSERT = {"Prefer": "create-if-missing"}
BUSINESS_CENTRAL_APP_ID = "996def3d-b36c-4153-8607-a6fd3c01b89f"


@pytest.fixture(scope="module")
def description() -> Description:
    """Microsoft's own description of Graph."""
    return read_description()


def test_answers_fit_the_description(description: Description, admin: Graph) -> None:
    """Every kind of answer validates against the official description."""
    app = admin.application(tags=["conformance"])
    made = admin("POST", "/applications", desired())
    principal = admin.principal(app["appId"])
    resource = admin("GET", f"/servicePrincipals(appId='{BUSINESS_CENTRAL_APP_ID}')")
    grant = admin(
        "POST",
        "/oauth2PermissionGrants",
        {
            "clientId": principal["id"],
            "consentType": "AllPrincipals",
            "resourceId": resource.json()["id"],
            "scope": "user_impersonation",
        },
    )
    secret = admin("POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {}})
    fic = {
        "name": "x",
        "issuer": "https://issuer.example",
        "subject": "s",
        "audiences": ["api://AzureADTokenExchange"],
    }
    role = resource.json()["appRoles"][0]["id"]
    assignment = {
        "principalId": principal["id"],
        "resourceId": resource.json()["id"],
        "appRoleId": role,
    }
    sp = f"/servicePrincipals/{principal['id']}"
    gone = admin.application()
    admin("DELETE", f"/applications/{gone['id']}")
    binned = eventually(lambda: admin("GET", f"/directory/deletedItems/{gone['id']}"))
    eventually(lambda: admin("GET", f"/oauth2PermissionGrants/{grant.json()['id']}"))
    answers = [
        made,
        resource,
        grant,
        secret,
        binned,
        admin("GET", "/applications"),
        admin("GET", f"/applications/{app['id']}"),
        admin("GET", f"/applications(appId='{app['appId']}')"),
        admin("PATCH", "/applications(uniqueName='conformance')", desired(), UPSERT),
        admin("GET", f"/applications/{app['id']}/owners"),
        admin("GET", f"/applications/{app['id']}/owners/$ref"),
        admin("POST", f"/applications/{app['id']}/federatedIdentityCredentials", fic),
        admin("GET", f"/applications/{app['id']}/federatedIdentityCredentials"),
        admin("GET", "/servicePrincipals"),
        admin("GET", sp),
        admin("GET", f"{sp}/oauth2PermissionGrants"),
        admin("POST", f"{sp}/appRoleAssignments", assignment),
        admin("GET", f"{sp}/appRoleAssignments"),
        admin("GET", f"/servicePrincipals/{resource.json()['id']}/appRoleAssignedTo"),
        admin("GET", "/oauth2PermissionGrants"),
        admin("GET", f"/oauth2PermissionGrants/{grant.json()['id']}"),
        admin("GET", "/policies/defaultAppManagementPolicy"),
        admin("GET", "/policies/appManagementPolicies"),
        admin("GET", "/organization"),
        admin("GET", "/me"),
        admin("GET", "/directory/deletedItems/graph.application"),
        admin("POST", f"/directory/deletedItems/{gone['id']}/restore", {}),
        admin("GET", "/applications/nonsense"),
        admin("POST", "/applications", desired(api={})),
    ]
    for answer in answers:
        description.check_answer(answer)


def test_count_is_a_bare_number(admin: Graph) -> None:
    """The count segment answers with plain text, which no JSON validator understands."""
    answer = admin("GET", "/applications/$count", headers={"ConsistencyLevel": "eventual"})
    assert answer.headers["content-type"].startswith("text/plain") and int(answer.text) > 0


def _examples() -> list[dict[str, Any]]:
    if not EXAMPLES.exists():
        return []
    return [json.loads(line) for line in EXAMPLES.read_text("utf-8").splitlines()]


SHAPES = {
    "application-create": ("GET", "/applications/{app}"),
    "serviceprincipal-create": ("GET", "/servicePrincipals/{sp}"),
    "organization-list": ("GET", "/organization"),
    "me-get": ("GET", "/me"),
    "default-app-management-policy": ("GET", "/policies/defaultAppManagementPolicy"),
}
LEFT_OUT = {
    "@odata.id",
    "publisherName",
    "deletedDateTime",
}
"""Properties of the examples that newer schemas dropped or that say nothing here."""


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the documented examples are not at hand")
@pytest.mark.parametrize("name", SHAPES)
def test_answers_have_the_properties_of_the_examples(
    rehearsal: RehearsalDescription, admin: Graph, name: str
) -> None:
    """Where the documentation prints an object, ours has the same properties."""
    app = admin.application()
    principal = admin.principal(app["appId"])
    (example,) = (entry for entry in _examples() if entry["id"] == name)
    method, path = SHAPES[name]
    answer = admin(method, path.format(app=app["id"], sp=principal["id"])).json()
    wanted, found = example["response_body"], answer
    if "value" in wanted:
        wanted, found = wanted["value"][0], found["value"][0]
    assert set(wanted) - LEFT_OUT <= set(found)


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the documented examples are not at hand")
def test_documented_requests_are_understood(admin: Graph) -> None:
    """Every documented request on a collection is understood: no 5xx, and reads succeed."""
    for example in _examples():
        url, method = str(example["url"] or ""), example["method"]
        if method != "GET" or not url.startswith(GRAPH) or "{" in url:
            continue
        answer = admin(method, url, headers=example["request_headers"])
        wanted = {example.get("expected_status") or example["status"], 404}
        assert answer.status_code in wanted, (example["id"], answer.text)
