"""Lag and throttling, on a server slow enough for both to be seen."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.support import (
    Graph,
    app_token,
    client_of,
    desired,
    eventually,
    signing_in,
    wait_for,
)


@pytest.fixture(scope="module")
def slow_http(slow: RehearsalDescription) -> Iterator[httpx.Client]:
    """A client that reaches the slow cloud by its proxy."""
    with client_of(slow) as client:
        yield client


@pytest.fixture(scope="module")
def graph(slow: RehearsalDescription, slow_http: httpx.Client) -> Graph:
    """Graph of the slow cloud, as the application for unattended runs."""
    return Graph(slow_http, app_token(slow_http, slow))


def test_new_application_replicates(
    slow: RehearsalDescription, slow_http: httpx.Client, graph: Graph
) -> None:
    """Right after creation an application is not everywhere yet, and all of that passes.

    It is absent from reads, refused as the backing of a principal, in conflict for changes, and its
    secret does not sign in.

    contract G9.6 and G12.7
    """
    app = graph("POST", "/applications", desired()).json()
    where = f"/applications/{app['id']}"
    assert graph("GET", where).status_code == 404
    assert graph("GET", f"/applications(appId='{app['appId']}')").status_code == 404
    listed = graph("GET", f"/applications?$filter=appId eq '{app['appId']}'").json()["value"]
    assert listed == []
    early = graph("POST", "/servicePrincipals", {"appId": app["appId"]})
    assert early.status_code == 403 and "local tenant" in early.json()["error"]["message"]
    eventually(lambda: graph("GET", where))
    early = graph("POST", "/servicePrincipals", {"appId": app["appId"]})
    assert early.status_code == 400
    assert "does not reference a valid application object" in early.json()["error"]["message"]
    for method, path in (("PATCH", where), ("POST", f"{where}/addPassword")):
        conflict = graph(method, path, {})
        assert conflict.json()["error"]["code"] == "Error_MsaAppDoesNotExist"
    secret = eventually(lambda: graph("POST", f"{where}/addPassword", {})).json()
    assert graph("GET", where).json()["passwordCredentials"] == []
    # Each lag has a jitter of its own: an application may be changed before it may be referred to.
    principal = eventually(
        lambda: graph("POST", "/servicePrincipals", {"appId": app["appId"]})
    ).json()
    resource = graph("GET", "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")
    grant = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": resource.json()["id"],
        "scope": "User.Read",
    }
    assert graph("POST", "/oauth2PermissionGrants", grant).status_code == 400

    def sign_in() -> httpx.Response:
        tenant = slow.accounts["trial"]["tenant"]
        return signing_in(slow_http, tenant, app["appId"], secret["secretText"])

    assert sign_in().json()["error_codes"] == [7000215]
    eventually(sign_in)
    eventually(lambda: graph("POST", "/oauth2PermissionGrants", grant), until=201)
    wait_for(lambda: graph("GET", where).json()["passwordCredentials"])


def test_index_trails(graph: Graph) -> None:
    """An advanced query still misses what a plain read already sees (contract G5.8)."""
    app = graph("POST", "/applications", desired()).json()
    eventually(lambda: graph("GET", f"/applications/{app['id']}"))
    path = f"/applications?$filter=appId eq '{app['appId']}'&$count=true"

    def found() -> list[object]:
        answer = graph("GET", path, headers={"ConsistencyLevel": "eventual"})
        return list(answer.json()["value"])

    assert found() == []
    assert wait_for(found)


def test_writes_for_this_audience_are_throttled(graph: Graph) -> None:
    """More than sixty writes a minute to applications of this audience meet a 429.

    contract G12.11 and G14.1
    """
    for _ in range(400):
        answer = graph("POST", "/applications", desired(tags=["a b"]))
        if answer.status_code == 429:
            break
    assert answer.json()["error"]["code"] == "TooManyRequests"
    assert float(answer.headers["Retry-After"]) >= 1
    assert graph("GET", "/applications?$top=1").status_code == 200
    eventually(lambda: graph("POST", "/applications", desired()), until=201)
