"""Where the real service is strict, so is the rehearsal cloud: bodies, limits, queries, rights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.rehearsal.keys import SigningKey
from tests.rehearsal.support import Graph, desired, eventually, person, user_token

NO_ID = "00000000-0000-0000-0000-000000000000"

BODIES: list[tuple[str, dict[str, Any], int, str]] = [
    ("unknown property", desired(colour="red"), 400, "Request_BadRequest"),
    ("unknown nested property", desired(web={"redirects": []}), 400, "Request_BadRequest"),
    ("wrong type", desired(tags="one"), 400, "Request_BadRequest"),
    ("null in a collection", desired(tags=[None]), 400, "Request_BadRequest"),
    ("null collection", desired(tags=None), 400, "Request_BadRequest"),
    ("read-only property", desired(appId=NO_ID), 400, "Request_BadRequest"),
    ("token version 1", desired(api={}), 400, "InvalidAccessTokenVersion"),
    (
        "token version null",
        desired(api={"requestedAccessTokenVersion": None}),
        400,
        "InvalidAccessTokenVersion",
    ),
    (
        "misspelt audience",
        desired(signInAudience="AzureADAndMicrosoftAccounts"),
        400,
        "Request_BadRequest",
    ),
    ("name too long", desired(displayName="x" * 91), 400, "Request_BadRequest"),
    ("no name", desired(displayName=""), 400, "Request_BadRequest"),
    ("http redirect", desired(web={"redirectUris": ["http://a.example/x"]}), 400, ""),
    ("redirect with a query", desired(web={"redirectUris": ["https://a.example/?x=1"]}), 400, ""),
    ("wildcard redirect", desired(web={"redirectUris": ["https://*.a.example/"]}), 400, ""),
    ("redirect with a comma", desired(web={"redirectUris": ["https://a.example/a,b"]}), 400, ""),
    (
        "redirect too long",
        desired(web={"redirectUris": [f"https://a.example/{'x' * 256}"]}),
        400,
        "",
    ),
    (
        "too many redirects",
        desired(web={"redirectUris": [f"https://a.example/{n}" for n in range(101)]}),
        400,
        "",
    ),
    ("tag with a space", desired(tags=["a b"]), 400, "Request_BadRequest"),
    ("tag twice", desired(tags=["a", "a"]), 400, "Request_BadRequest"),
    (
        "app roles",
        desired(appRoles=[{"id": NO_ID, "value": "x", "displayName": "x", "isEnabled": True}]),
        400,
        "",
    ),
    (
        "31 permissions of one API",
        desired(
            requiredResourceAccess=[
                {
                    "resourceAppId": "00000003-0000-0000-c000-000000000000",
                    "resourceAccess": [
                        {"id": f"{n:08d}-0000-0000-0000-000000000000", "type": "Scope"}
                        for n in range(31)
                    ],
                }
            ]
        ),
        400,
        "",
    ),
    ("three secrets at once", desired(passwordCredentials=[{}, {}, {}]), 400, ""),
    ("own secret text", desired(passwordCredentials=[{"secretText": "mine"}]), 400, ""),
    ("unique name while creating", desired(uniqueName="mine"), 400, ""),
]


@pytest.mark.parametrize(("case", "body", "status", "code"), BODIES, ids=[b[0] for b in BODIES])
def test_bodies(admin: Graph, case: str, body: dict[str, Any], status: int, code: str) -> None:
    """A body that breaks a documented limit is refused with the documented code.

    contract G3.1, G3.3, G4.4, G4.9, G12.1 and G12.3
    """
    answer = admin("POST", "/applications", body)
    assert answer.status_code == status, case
    error = answer.json()["error"]
    assert code in ("", error["code"])
    assert error["innerError"]["request-id"] == answer.headers["request-id"]


GETS = [
    ("/applications?$select=nothing", 400, "BadRequest"),
    ("/applications?$top=1000", 400, "Request_BadRequest"),
    ("/applications?$top=0", 400, "Request_BadRequest"),
    ("/applications?$skip=1", 400, "BadRequest"),
    ("/applications?$fliter=x", 400, "BadRequest"),
    ("/applications?$filter=displayName", 400, "BadRequest"),
    ("/applications?$filter=nothing eq 'x'", 400, "BadRequest"),
    ("/applications?$filter=displayName ne 'x'", 400, "Request_UnsupportedQuery"),
    ("/applications?$filter=endswith(displayName,'x')", 400, "Request_UnsupportedQuery"),
    ('/applications?$search="displayName:x"', 400, "Request_UnsupportedQuery"),
    ("/applications?$orderby=displayName", 400, "Request_UnsupportedQuery"),
    ("/applications?$count=true", 400, "Request_UnsupportedQuery"),
    ("/applications/$count", 400, "Request_UnsupportedQuery"),
    ("/applications/nonsense", 400, "Request_BadRequest"),
    (f"/applications/{NO_ID}", 404, "Request_ResourceNotFound"),
    (f"/applications(appId='{NO_ID}')", 404, "Request_ResourceNotFound"),
    ("/applications(colour='red')", 400, "Request_BadRequest"),
    ("/apps", 400, "BadRequest"),
    ("/applications/a/b/c/d", 400, "BadRequest"),
    ("https://graph.microsoft.com/v2.0/me", 400, "BadRequest"),
]


@pytest.mark.parametrize(("path", "status", "code"), GETS)
def test_queries(admin: Graph, path: str, status: int, code: str) -> None:
    """A query that the directory does not answer is refused, not guessed at.

    contract G5.7, G5.9, G12.3 and G12.6
    """
    answer = admin("GET", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


QUERIES = [
    "/applications?$filter=startswith(displayName,'Runbook') and appId ne null"
    "&$count=true&$orderby=displayName",
    '/applications?$search="displayName:Runbook"&$count=true',
    "/applications/$count",
    "/servicePrincipals?$filter=servicePrincipalNames/any(n:n eq 'https://graph.microsoft.com')",
    "/servicePrincipals?$filter=displayName eq 'Microsoft Graph'&$select=id,appId",
    "/serviceprincipals?$filter=appId in ('00000003-0000-0000-c000-000000000000')",
    "/myorganization/applications?$top=1",
    "https://graph.microsoft.com/beta/applications?$expand=owners",
    "/me/memberOf",
    "/users?$filter=userPrincipalName eq 'robin.hale@millrace-trial.example'",
    "/domains",
    "/directoryRoles",
    "/policies/appManagementPolicies",
    "/organization?$select=id,displayName,tenantType,verifiedDomains",
    "https://graph.microsoft.com/oidc/userinfo",
]


@pytest.mark.parametrize("path", QUERIES)
def test_supported_queries(admin: Graph, path: str) -> None:
    """The queries that common clients send are answered."""
    answer = admin("GET", path, headers={"ConsistencyLevel": "eventual"})
    assert answer.status_code == 200, answer.text


def test_names_are_compared_with_doubled_quotes(admin: Graph) -> None:
    """A quote in a name is doubled in a filter and in a key (contract G5.5)."""
    app = admin.application(displayName="O'Neill's books")
    found = admin("GET", "/applications?$filter=displayName eq 'O''Neill''s books'").json()["value"]
    assert app["id"] in {entry["id"] for entry in found}


def test_method_and_content_type(admin: Graph) -> None:
    """A wrong method is a 405 and a body that is not JSON is refused."""
    assert admin("DELETE", "/applications").status_code == 405
    headers = {"Authorization": f"Bearer {admin.token}"}
    address = "https://graph.microsoft.com/v1.0/applications"
    wrong = {**headers, "Content-Type": "text/plain"}
    assert admin.http.post(address, content=b"{}", headers=wrong).status_code == 415
    broken = {**headers, "Content-Type": "application/json"}
    assert admin.http.post(address, content=b"{", headers=broken).status_code == 400


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_tokens(http: httpx.Client, token: str) -> None:
    """A missing or foreign token is a 401 with the challenge (contract G12.4)."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = http.get("https://graph.microsoft.com/v1.0/me", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        401,
        "InvalidAuthenticationToken",
    )
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_expired_token(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """A token of our own that has run out is refused like a foreign one, and says why.

    contract G12.4
    """
    key = SigningKey.kept_in(Path(rehearsal.directory) / "signing.key.pem")
    token = key.sign({"aud": "https://graph.microsoft.com", "exp": 1, "tid": "x", "oid": "x"})
    answer = Graph(http, token)("GET", "/me")
    assert answer.status_code == 401 and "expired" in answer.json()["error"]["message"]


def test_rights_are_the_intersection_of_scope_and_role(
    rehearsal: RehearsalDescription, http: httpx.Client, admin: Graph
) -> None:
    """The same token scopes let a developer register but not consent, and a guest do neither.

    contract G6.15, G10.8, G10.9 and G12.5
    """
    developer = Graph(http, user_token(http, rehearsal, person(rehearsal, "Application Developer")))
    guest = Graph(http, user_token(http, rehearsal, person(rehearsal, "Guest User")))
    refused = guest("POST", "/applications", desired())
    assert (refused.status_code, refused.json()["error"]["code"]) == (
        403,
        "Authorization_RequestDenied",
    )
    made = developer("POST", "/applications", desired())
    assert made.status_code == 201
    principal = developer.principal(made.json()["appId"])
    graph = admin("GET", "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')").json()
    grant = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": graph["id"],
        "scope": "User.Read",
    }
    assert developer("POST", "/oauth2PermissionGrants", grant).status_code == 403
    cloud_admin = Graph(
        http, user_token(http, rehearsal, person(rehearsal, "Cloud Application Administrator"))
    )
    assert cloud_admin("POST", "/oauth2PermissionGrants", grant).status_code == 201


def test_owned_by_reaches_own_applications_only(admin: Graph, batch: Graph) -> None:
    """The owned-by permission changes what the application made and nothing else.

    contract G6.11 and G15.2
    """
    foreign = admin.application()
    where = f"/applications/{foreign['id']}"
    assert batch("PATCH", where, {"displayName": "x"}).status_code == 403
    assert batch("POST", "/servicePrincipals", {"appId": foreign["appId"]}).status_code == 403
    own = batch.application()
    assert batch("PATCH", f"/applications/{own['id']}", {"notes": "x"}).status_code == 204


GRANTS = [
    ({"clientId": "996def3d-b36c-4153-8607-a6fd3c01b89f"}, 400),
    ({"clientId": "nonsense"}, 400),
    ({"consentType": "Everybody"}, 400),
    ({"principalId": NO_ID}, 400),
    ({"scope": "x" * 3851}, 400),
    ({"scope": None}, 400),
]


@pytest.mark.parametrize(("change", "status"), GRANTS)
def test_grants(admin: Graph, change: dict[str, Any], status: int) -> None:
    """A grant names object ids of principals, a consent type and a scope of bounded length.

    contract G10.1 and G10.3
    """
    graph = admin("GET", "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')").json()
    body = {
        "clientId": graph["id"],
        "consentType": "AllPrincipals",
        "resourceId": graph["id"],
        "scope": "User.Read",
        **change,
    }
    assert admin("POST", "/oauth2PermissionGrants", body).status_code == status


def test_unique_name_is_set_once(admin: Graph) -> None:
    """An application made by POST can be given a unique name once, and nobody else can have it.

    contract G5.3 and G6.9
    """
    first, second = admin.application(), admin.application()
    where = f"/applications/{first['id']}"
    assert admin("PATCH", where, {"uniqueName": "adopted"}).status_code == 204
    assert admin("PATCH", where, {"uniqueName": "other"}).status_code == 400
    taken = admin("PATCH", f"/applications/{second['id']}", {"uniqueName": "adopted"})
    assert taken.status_code == 400
    assert admin("DELETE", where).status_code == 204
    upsert = {"Prefer": "create-if-missing"}
    named = "/applications(uniqueName='adopted')"
    kept = eventually(lambda: admin("PATCH", named, desired(), upsert), until=400)
    error = kept.json()["error"]
    assert error["code"] == "Request_BadRequest" and "uniqueName already exists" in error["message"]


def test_changing_the_audience_checks_what_is_there(admin: Graph) -> None:
    """Audience and token version travel together, or the change is refused (contract G3.7)."""
    app = admin.application(signInAudience="AzureADMultipleOrgs", api={})
    where = f"/applications/{app['id']}"
    alone = {"signInAudience": "AzureADandPersonalMicrosoftAccount"}
    refused = admin("PATCH", where, alone)
    assert refused.json()["error"]["code"] == "InvalidAccessTokenVersion"
    together = {**alone, "api": {"requestedAccessTokenVersion": 2}}
    assert admin("PATCH", where, together).status_code == 204
