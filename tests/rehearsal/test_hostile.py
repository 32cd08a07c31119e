"""Input that nobody sends by accident: every host refuses it in its own words, none breaks down."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.codat_support import API, basic
from tests.rehearsal.support import GRAPH, app_token

DEEP = b"[" * 100_000
BODIES = [
    DEEP,
    b'{"name": NaN}',
    b'{"value": "\\ud800", "name": "\\ud800"}',
    b'{"name": "\xff"}',
    b"{",
    b"5",
    b"null",
]


def vault_token(http: httpx.Client, description: RehearsalDescription) -> str:
    """A token of the batch identity for Key Vault."""
    identity = description.batch_identity
    answer = http.post(
        f"https://login.microsoftonline.com/{identity['tenant']}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": identity["client_id"],
            "client_secret": identity["client_secret"],
            "scope": "https://vault.azure.net/.default",
        },
    )
    return str(answer.json()["access_token"])


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_that_means_nothing(
    rehearsal: RehearsalDescription, http: httpx.Client, body: bytes
) -> None:
    """Codat, Microsoft Graph and Key Vault answer 400, in their own envelopes."""
    vault = rehearsal.vaults[0]["url"].rstrip("/")
    codat = {"Authorization": basic(rehearsal.codat["api_key"])}
    graph = {"Authorization": f"Bearer {app_token(http, rehearsal)}"}
    secrets = {"Authorization": f"Bearer {vault_token(http, rehearsal)}"}
    asked: list[tuple[str, str, dict[str, str]]] = [
        ("POST", f"{API}/companies", codat),
        ("POST", f"{API}/webhooks", codat),
        ("POST", f"{GRAPH}/applications", graph),
        ("POST", f"{GRAPH}/$batch", graph),
        ("PUT", f"{vault}/secrets/odd?api-version=7.5", secrets),
    ]
    for method, url, headers in asked:
        answer = http.request(
            method, url, headers={**headers, "Content-Type": "application/json"}, content=body
        )
        assert answer.status_code == 400, (url, answer.text[:200])
        assert "error" in answer.json()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/webhooks", {"url": "https://a b/", "eventTypes": ["read.completed"]}),
        ("/webhooks", {"url": "https://\u00fc.example/", "eventTypes": ["read.completed"]}),
        ("/webhooks", {"url": "https://x.example:99999/", "eventTypes": ["read.completed"]}),
        ("/webhooks", {"url": "https://x.example/", "eventTypes": ["a.b"], "disabled": 0}),
        ("/corsSettings", {"allowedOrigins": ["https://@/"]}),
    ],
)
def test_what_codats_own_schema_would_not_take_back(
    rehearsal: RehearsalDescription, http: httpx.Client, path: str, body: dict[str, Any]
) -> None:
    """Addresses that are no URI, and flags that are none, are refused and not kept."""
    headers = {"Authorization": basic(rehearsal.codat["api_key"])}
    assert http.post(f"{API}{path}", headers=headers, json=body).status_code == 400


def test_ids_may_be_written_in_capitals(
    rehearsal: RehearsalDescription, http: httpx.Client
) -> None:
    """A GUID is the same in either case."""
    headers = {"Authorization": basic(rehearsal.codat["api_key"])}
    made = http.post(f"{API}/companies", headers=headers, json={"name": "Capitals"}).json()
    found = http.get(f"{API}/companies/{made['id'].upper()}", headers=headers)
    assert found.status_code == 200 and found.json()["id"] == made["id"]


@pytest.mark.parametrize("tags", [5, True, "a:b", {}, [5], ["no-colon"]])
def test_odd_company_tags_of_a_webhook(
    rehearsal: RehearsalDescription, http: httpx.Client, tags: Any
) -> None:
    """They are a list of key:value or they are refused."""
    body = {"url": "https://example.org/hook", "eventTypes": ["read.completed"]}
    answer = http.post(
        f"{API}/webhooks",
        headers={"Authorization": basic(rehearsal.codat["api_key"])},
        json={**body, "companyTags": tags},
    )
    assert answer.status_code == 400, answer.text


def test_a_token_that_is_none(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """However it is made up, a bearer token that nobody issued is refused with 401."""
    part = base64.urlsafe_b64encode(DEEP).rstrip(b"=").decode()
    odd = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    vault = rehearsal.vaults[0]["url"].rstrip("/")
    addresses = [
        f"{vault}/secrets?api-version=7.5",
        f"{GRAPH}/organization",
        "https://management.azure.com/tenants?api-version=2022-12-01",
    ]
    for token in (f"{odd}.{odd}.", f"{odd}.{part[:6000]}.x", "x.y", "."):
        for url in addresses:
            answer = http.get(url, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 401, (url, answer.text[:200])
