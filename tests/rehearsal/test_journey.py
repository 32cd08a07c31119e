"""The whole way: register, secret, principal, permissions, consent, and undoing it."""

from __future__ import annotations

import httpx

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.support import (
    LOGIN,
    Graph,
    app_token,
    desired,
    eventually,
    lines,
    tenant_of,
    wait_for,
)

BUSINESS_CENTRAL_APP_ID = "996def3d-b36c-4153-8607-a6fd3c01b89f"


def test_setup_from_registration_to_grant(
    rehearsal: RehearsalDescription, http: httpx.Client, batch: Graph
) -> None:
    """The calls of the setup, in order and with retries, end in a consented application.

    Its secret signs in.

    contract G2.1, G5.1, G6.1, G7.1, G7.2, G7.4, G10.1, G10.2, G10.3, G10.4, G10.5, G12.4 and G12.9
    """
    unique = "bcrunbook-journey"
    address = f"/applications(uniqueName='{unique}')"
    upsert = {"Prefer": "create-if-missing"}
    assert batch("GET", address).status_code == 404
    made = batch("PATCH", address, desired(), upsert)
    assert made.status_code == 201
    app = made.json()
    assert app["uniqueName"] == unique and app["createdDateTime"].endswith("Z")
    again = eventually(lambda: batch("PATCH", address, desired(), upsert), until=204)
    assert again.content == b""

    secret = batch(
        "POST",
        f"/applications(appId='{app['appId']}')/addPassword",
        {"passwordCredential": {"displayName": "first", "endDateTime": "2027-11-01T00:00:00Z"}},
    )
    assert secret.status_code == 200
    value = secret.json()["secretText"]
    assert 16 <= len(value) <= 64 and secret.json()["hint"] == value[:3]
    assert value in lines(rehearsal.canaries)

    principal = batch.principal(app["appId"])
    resource = batch("GET", f"/servicePrincipals(appId='{BUSINESS_CENTRAL_APP_ID}')").json()
    scopes = {scope["value"]: scope["id"] for scope in resource["oauth2PermissionScopes"]}
    assert scopes["user_impersonation"] == "bce0976a-cb0b-473b-8800-84eda9f8e447"
    grant = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": resource["id"],
        "scope": "user_impersonation",
    }
    made = batch("POST", "/oauth2PermissionGrants", grant)
    assert made.status_code == 201 and made.json()["principalId"] is None
    twice = batch("POST", "/oauth2PermissionGrants", grant)
    assert (twice.status_code, twice.json()["error"]["code"]) == (
        409,
        "Request_MultipleObjectsWithSameKeyValue",
    )
    wider = {"scope": "user_impersonation Financials.ReadWrite.All"}
    key = made.json()["id"]
    assert batch("PATCH", f"/oauth2PermissionGrants/{key}", wider).status_code == 204
    query = f"?$filter=clientId eq '{principal['id']}' and consentType eq 'AllPrincipals'"

    def granted() -> list[str]:
        listed = batch("GET", f"/oauth2PermissionGrants{query}").json()["value"]
        return [entry["scope"] for entry in listed]

    wait_for(lambda: granted() == [wider["scope"]])

    shown = wait_for(lambda: batch("GET", address).json()["passwordCredentials"])
    assert shown[0]["secretText"] is None and shown[0]["hint"] == value[:3]
    tenant = tenant_of(rehearsal, "trial")["id"]
    signed_in = eventually(
        lambda: http.post(
            f"{LOGIN}/{tenant}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": app["appId"],
                "client_secret": value,
                "scope": "https://api.businesscentral.dynamics.com/.default",
            },
        )
    )
    token = signed_in.json()["access_token"]
    wrong = Graph(http, token)("GET", "/organization")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    assert "WWW-Authenticate" in wrong.headers


def test_delete_restore_and_purge(admin: Graph) -> None:
    """A deleted application can be brought back with the same ids, until it is purged.

    contract G5.13 and G6.8
    """
    app = admin.application()
    where = f"/applications/{app['id']}"
    bin_ = f"/directory/deletedItems/{app['id']}"
    assert admin("DELETE", where).status_code == 204
    eventually(lambda: admin("GET", where), until=404)
    listed = admin("GET", "/directory/deletedItems/graph.application").json()["value"]
    assert app["id"] in {entry["id"] for entry in listed}
    restored = admin("POST", f"{bin_}/restore")
    assert (restored.status_code, restored.json()["appId"]) == (200, app["appId"])
    eventually(lambda: admin("GET", where))
    assert admin("DELETE", where).status_code == 204
    eventually(lambda: admin("DELETE", bin_), until=204)
    assert admin("GET", bin_).status_code == 404


def test_principal_is_not_made_by_registering(admin: Graph) -> None:
    """Registering leaves the directory without a service principal until somebody makes one.

    contract G3.9 and G9.1
    """
    app = admin.application()
    address = f"/servicePrincipals(appId='{app['appId']}')"
    assert admin("GET", address).status_code == 404
    admin.principal(app["appId"])
    assert admin("GET", address).json()["appDisplayName"] == app["displayName"]


def test_two_secrets_at_most(admin: Graph) -> None:
    """An application for personal accounts holds two secrets; a third is refused until one goes.

    contract G4.2, G7.7 and G7.8
    """
    app = admin.application()
    add = f"/applications/{app['id']}/addPassword"
    first = admin("POST", add).json()
    assert admin("POST", add, {"passwordCredential": {}}).status_code == 200
    third = admin("POST", add)
    assert third.status_code == 400 and "maximum of 2" in third.json()["error"]["message"]
    remove = f"/applications/{app['id']}/removePassword"
    assert admin("POST", remove, {"keyId": first["keyId"]}).status_code == 204
    assert admin("POST", remove, {"keyId": first["keyId"]}).status_code == 400
    assert admin("POST", add).status_code == 200


def test_secret_lifetime_policy(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """Where a tenant limits secret lifetimes, a longer one is refused and the policy says why.

    contract G8.1, G8.3 and G8.5
    """
    graph = Graph(http, app_token(http, rehearsal, rehearsal.accounts["short_secrets"]["tenant"]))
    policy = graph("GET", "/policies/defaultAppManagementPolicy").json()
    (limit,) = policy["applicationRestrictions"]["passwordCredentials"]
    assert (policy["isEnabled"], limit["maxLifetime"], limit["state"]) == (True, "P90D", "enabled")
    app = graph.application()
    refused = graph("POST", f"/applications/{app['id']}/addPassword")
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["code"] == "CredentialInvalidLifetimeAsPerAppPolicy"
    assert error["details"][0]["target"] == "EndDate"


def test_business_central_can_be_provisioned(
    rehearsal: RehearsalDescription, http: httpx.Client
) -> None:
    """In a tenant that never used Business Central its principal is absent until it is made.

    contract G9.1, G9.4 and B2.8
    """
    tenant = rehearsal.accounts["without_business_central"]["tenant"]
    graph = Graph(http, app_token(http, rehearsal, tenant))
    address = f"/servicePrincipals(appId='{BUSINESS_CENTRAL_APP_ID}')"
    assert graph("GET", address).status_code == 404
    assert (
        graph("POST", "/servicePrincipals", {"appId": BUSINESS_CENTRAL_APP_ID}).status_code == 201
    )
    eventually(lambda: graph("GET", address))


def test_batch_runs_parts_through_the_same_handlers(admin: Graph) -> None:
    """A batch answers 200 with a status for each part, and a failed dependency is a 424.

    contract G11.1, G11.2 and G11.4
    """
    answer = admin(
        "POST",
        "/$batch",
        {
            "requests": [
                {"id": "1", "method": "GET", "url": "/me?$select=id"},
                {"id": "2", "method": "GET", "url": "/applications/nonsense"},
                {"id": "3", "method": "GET", "url": "/me", "dependsOn": ["2"]},
            ]
        },
    )
    assert answer.status_code == 200
    statuses = {part["id"]: part["status"] for part in answer.json()["responses"]}
    assert statuses == {"1": 200, "2": 400, "3": 424}
    too_many = [{"id": str(n), "method": "GET", "url": "/me"} for n in range(21)]
    assert admin("POST", "/$batch", {"requests": too_many}).status_code == 400


def test_paging(admin: Graph) -> None:
    """A list longer than the page is read to its end by following the links.

    contract G5.4 and G5.9
    """
    tag = "paging-test"
    for _ in range(3):
        admin("POST", "/applications", desired(tags=[tag]))
    path = f"/applications?$filter=tags/any(t:t eq '{tag}')&$top=2&$select=id"

    def read() -> list[str]:
        found, link = [], path
        while link:
            body = admin("GET", link).json()
            found += [entry["id"] for entry in body["value"]]
            link = body.get("@odata.nextLink", "")
        return found

    assert len(set(wait_for(lambda: ids if len(ids := read()) == 3 else None))) == 3
