"""The stand-in for Key Vault: an independent client works, and what is wrong is refused."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription, launch
from tests.rehearsal.support import LOGIN, app_token, client_of, person, user_token, wait_for
from tests.rehearsal.test_third_party import ROOT, environment

SCOPE = "https://vault.azure.net/.default"
VERSION = "7.5"
NEWEST = "2026-04-01"


class Vault:
    """A vault with a token."""

    def __init__(self, http: httpx.Client, url: str, token: str) -> None:
        self.http = http
        self.url = url
        self.token = token

    def __call__(
        self, method: str, path: str, body: Any = None, version: str | None = VERSION
    ) -> httpx.Response:
        """Ask with the token, if there is one, in a version of the API."""
        asked = f"{'&' if '?' in path else '?'}api-version={version}" if version else ""
        return self.http.request(
            method,
            f"{self.url}{path}{asked}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}"} if self.token else {},
        )


def vault_token(
    http: httpx.Client,
    description: RehearsalDescription,
    tenant: str | None = None,
    scope: str = SCOPE,
) -> str:
    """An access token of the batch identity for Key Vault."""
    identity = description.batch_identity
    answer = http.post(
        f"{LOGIN}/{tenant or identity['tenant']}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": identity["client_id"],
            "client_secret": identity["client_secret"],
            "scope": scope,
        },
    )
    return str(answer.raise_for_status().json()["access_token"])


@pytest.fixture
def vault(rehearsal: RehearsalDescription, http: httpx.Client) -> Vault:
    """The trial's vault, as the batch identity opens it."""
    return Vault(http, rehearsal.accounts["trial"]["vault"], vault_token(http, rehearsal))


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and inner code of a refusal."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("innererror", {}).get("code", "")


# --- an independent client --------------------------------------------------------------------


def run_third_party(description: RehearsalDescription, kind: str, account: str) -> dict[str, Any]:
    """What azure-keyvault-secrets sees in a process of its own."""
    given = {
        **description.batch_identity,
        "tenant": description.accounts[account]["tenant"],
        "vault": description.accounts[account]["vault"],
        "prefix": f"stranger-{kind}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.rehearsal.keyvault_third_party", kind],
        cwd=ROOT,
        env=environment(description),
        input=json.dumps(given),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_an_unmodified_client_sees_a_whole_life(rehearsal: RehearsalDescription) -> None:
    """Versions, paging, disabling, soft delete, conflict, recovery and purge, all as documented.

    contract G22.1, G22.3, G22.11, G23.1, G23.3 and G23.8
    """
    seen = run_third_party(rehearsal, "sync", "trial")
    url = rehearsal.accounts["trial"]["vault"]
    assert url == "https://millrace-trial-kv.vault.azure.net"
    assert seen["id"] == f"{url}/secrets/stranger-sync-Books/{seen['version']}"
    assert len(seen["version"]) == 32 and int(seen["version"], 16)
    assert seen["newest"] == "second-value-7351" and seen["versions"]
    assert seen["old"] == ["first-value-7351", {"a": "b"}, "text"]
    assert seen["expires"].startswith("2031-05-01")
    assert seen["pages"] == 2
    assert seen["listed"] == ["stranger-sync-0", "stranger-sync-1", "stranger-sync-2",
                              "stranger-sync-3", "stranger-sync-Books"]  # fmt: skip
    assert seen["disabled"] == [403, "SecretDisabled"]
    assert seen["gone"] == seen["purged"] == "SecretNotFound" and seen["deleted"]
    assert seen["conflict"] == "ObjectIsDeletedButRecoverable"
    assert seen["recovered"] == "second-value-7351"


def test_the_asynchronous_client_works_too(rehearsal: RehearsalDescription) -> None:
    """The same library over aiohttp, in the other tenant's vault."""
    seen = run_third_party(rehearsal, "aio", "production")
    assert seen == {"value": "only-value-8264", "listed": True, "deleted": True}


def test_values_are_canaries_and_never_logged(
    rehearsal: RehearsalDescription, vault: Vault
) -> None:
    """Every value that was kept is a canary, line by line, and the request log holds none."""
    value = "canary-line-one-5541\ncanary-line-two-5541"
    assert vault("PUT", "/secrets/canary", {"value": value}).status_code == 200
    canaries = Path(rehearsal.canaries).read_text("utf-8").splitlines()
    assert set(value.split("\n")) <= set(canaries)
    log = Path(rehearsal.requests).read_text("utf-8")
    assert "/secrets/canary" in log and "canary-line" not in log


# --- who may -----------------------------------------------------------------------------------


def test_without_a_token_the_vault_tells_where_to_get_one(
    rehearsal: RehearsalDescription, http: httpx.Client
) -> None:
    """401 with the challenge that names tenant and resource; the region is told even then.

    contract G22.5 and G22.13
    """
    account = rehearsal.accounts["trial"]
    answer = Vault(http, account["vault"], "")("PUT", "/secrets/x", version=None)
    assert refusal(answer) == (401, "Unauthorized", "")
    assert answer.headers["www-authenticate"] == (
        f'Bearer authorization="{LOGIN}/{account["tenant"]}", resource="https://vault.azure.net"'
    )
    assert answer.headers["x-ms-keyvault-region"] == "uksouth"
    assert answer.headers["x-ms-request-id"]


def test_tokens_for_others_are_refused(
    rehearsal: RehearsalDescription, http: httpx.Client, vault: Vault
) -> None:
    """Another audience, another tenant's issuer and a broken signature are each 401.

    contract G22.7
    """
    production = rehearsal.accounts["production"]["tenant"]
    cases = {
        app_token(http, rehearsal): "AKV10022",
        vault_token(http, rehearsal, production): "AKV10032",
        f"{vault.token[:-8]}AAAAAAAA": "BearerReadAccessTokenFailed",
        "nonsense": "BearerReadAccessTokenFailed",
    }
    for token, says in cases.items():
        answer = Vault(http, vault.url, token)("GET", "/secrets")
        assert refusal(answer)[:2] == (401, "Unauthorized")
        assert says in answer.json()["error"]["message"]
        assert "Bearer authorization=" in answer.headers["www-authenticate"]


def test_roles_decide_who_may_read_and_who_may_write(
    rehearsal: RehearsalDescription, http: httpx.Client, vault: Vault
) -> None:
    """Officers do everything, a Secrets User reads, and a guest without a role is forbidden.

    contract G22.9 and G22.11
    """
    assert vault("PUT", "/secrets/shared", {"value": "shared-value-1"}).status_code == 200

    def of(role: str) -> Vault:
        who = person(rehearsal, role)
        return Vault(http, vault.url, user_token(http, rehearsal, who, SCOPE))

    for role in ("Global Administrator", "Cloud Application Administrator"):
        assert of(role)("PUT", "/secrets/shared", {"value": "shared-value-2"}).status_code == 200
    reader = of("Application Developer")
    assert reader("GET", "/secrets/shared").json()["value"] == "shared-value-2"
    assert reader("GET", "/secrets").status_code == 200
    forbidden = (403, "Forbidden", "ForbiddenByRbac")
    for method, path in (
        ("PUT", "/secrets/shared"),
        ("PATCH", "/secrets/shared"),
        ("DELETE", "/secrets/shared"),
        ("DELETE", "/deletedsecrets/shared"),
        ("POST", "/deletedsecrets/shared/recover"),
    ):
        assert refusal(reader(method, path, {})) == forbidden
    answer = of("Guest User")("GET", "/secrets/shared")
    assert refusal(answer) == forbidden
    assert "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'" in answer.text


# --- strictness --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [None, "", "7.9", "latest", "7.5-preview"])
def test_the_api_version_is_demanded(vault: Vault, version: str | None) -> None:
    """Without a known api-version nothing is done (contract G22.8)."""
    assert refusal(vault("GET", "/secrets", version=version)) == (400, "BadParameter", "")


def test_known_versions_work(vault: Vault) -> None:
    """The oldest and the newest documented version are both served (contract G22.8)."""
    for version in ("2016-10-01", "7.0", "7.6", "2025-07-01", NEWEST):
        assert vault("GET", "/secrets", version=version).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/secrets/under_score", {"value": "x"}),
        ("GET", f"/secrets/{'a' * 128}", None),
        ("PUT", "/secrets/strict", None),
        ("PUT", "/secrets/strict", ["value"]),
        ("PUT", "/secrets/strict", {}),
        ("PUT", "/secrets/strict", {"value": 1}),
        ("PUT", "/secrets/strict", {"value": "v" * (25 * 1024 + 1)}),
        ("PUT", "/secrets/strict", {"value": "x", "valeu": "x"}),
        ("PUT", "/secrets/strict", {"value": "x", "contentType": "t" * 256}),
        ("PUT", "/secrets/strict", {"value": "x", "tags": {str(n): "" for n in range(16)}}),
        ("PUT", "/secrets/strict", {"value": "x", "tags": ["a"]}),
        ("PUT", "/secrets/strict", {"value": "x", "attributes": {"exp": "tomorrow"}}),
        ("PUT", "/secrets/strict", {"value": "x", "attributes": []}),
        ("POST", "/secrets/strict", None),
        ("POST", "/secrets/strict/backup", None),
        ("GET", "/keys", None),
        ("GET", "/secrets?maxresults=26", None),
        ("GET", "/secrets?maxresults=none", None),
        ("GET", "/secrets?$skiptoken=%FF", None),
    ],
)
def test_what_is_wrong_is_a_bad_parameter(vault: Vault, method: str, path: str, body: Any) -> None:
    """Names, bodies, sizes, operations and paging are checked, and nothing is kept.

    contract G22.3 and G22.4
    """
    head, _, query = path.partition("?")
    answer = vault.http.request(
        method,
        f"{vault.url}{head}?api-version={VERSION}&{query}",
        json=body,
        headers={"Authorization": f"Bearer {vault.token}"},
    )
    assert refusal(answer) == (400, "BadParameter", "")
    assert vault("GET", "/secrets/strict").status_code == 404


def test_the_largest_value_fits(vault: Vault) -> None:
    """25 kilobytes are taken, an empty value too, and both come back unchanged (contract G22.4)."""
    for value in ("v" * 25 * 1024, ""):
        assert vault("PUT", "/secrets/size", {"value": value}).status_code == 200
        assert vault("GET", "/secrets/size").json()["value"] == value


def test_an_unknown_name_or_version_is_not_found(vault: Vault) -> None:
    """A name that never was, a version that never was, and a deleted secret that never was.

    contract G23.10
    """
    vault("PUT", "/secrets/known", {"value": "known-value-1"})
    for method, path in (
        ("GET", "/secrets/unknown-name"),
        ("DELETE", "/secrets/unknown-name"),
        ("PATCH", "/secrets/unknown-name"),
        ("GET", f"/secrets/known/{'0' * 32}"),
        ("GET", "/deletedsecrets/known"),
        ("DELETE", "/deletedsecrets/known"),
        ("POST", "/deletedsecrets/unknown-name/recover"),
    ):
        assert refusal(vault(method, path, {})) == (404, "SecretNotFound", "")


def test_an_unknown_name_has_no_versions(vault: Vault) -> None:
    """An empty list, unlike every other question about it."""
    answer = vault("GET", "/secrets/unknown-name/versions", {})
    assert (answer.status_code, answer.json()["value"]) == (200, [])


def test_what_is_there_cannot_be_recovered(vault: Vault) -> None:
    """Recovering a live secret is a refusal of its own, not a 404 (contract G23.7)."""
    vault("PUT", "/secrets/alive", {"value": "alive-value-1"})
    refused = vault("POST", "/deletedsecrets/alive/recover", {})
    assert refusal(refused) == (400, "MethodNotAllowed", "RequestNotAllowedOnNonDeletedObject")
    assert refused.json()["error"]["message"] == "Secret exists already: alive"


@pytest.mark.parametrize("asked", ["0", "26", "9" * 5000, "\u0663", "x"])
def test_the_size_of_a_page_has_bounds(vault: Vault, asked: str) -> None:
    """From 1 to 25, in plain digits."""
    assert vault("GET", f"/secrets?maxresults={asked}", {}).status_code == 400


@pytest.mark.parametrize("seconds", [-1, 10**18, 10**400, True, "1"])
def test_dates_are_ones_that_clients_can_hold(vault: Vault, seconds: object) -> None:
    """An end that no calendar has is refused."""
    body = {"value": "a-value", "attributes": {"exp": seconds}}
    assert vault("PUT", "/secrets/dated", body).status_code == 400


# --- in between --------------------------------------------------------------------------------


@pytest.fixture
def unhurried(slow: RehearsalDescription) -> Iterator[Vault]:
    """A vault whose states in between are seen."""
    with client_of(slow) as http:
        yield Vault(http, slow.accounts["trial"]["vault"], vault_token(http, slow))


def test_states_in_between_are_conflicts(unhurried: Vault) -> None:
    """Being deleted, being recovered, readable and not yet writable, being purged: each is seen.

    contract G23.2, G23.3, G23.4 and G23.11
    """

    def put() -> httpx.Response:
        return unhurried("PUT", "/secrets/between", {"value": "between-value-1"})

    def conflict(code: str) -> bool:
        return refusal(put()) == (409, "Conflict", code)

    assert put().status_code == 200
    assert unhurried("DELETE", "/secrets/between").json()["recoveryId"].endswith("/between")
    assert unhurried("GET", "/deletedsecrets/between").status_code == 404
    assert conflict("ObjectIsBeingDeleted")
    for early in (
        unhurried("POST", "/deletedsecrets/between/recover"),
        unhurried("DELETE", "/deletedsecrets/between"),
    ):
        assert refusal(early) == (409, "Conflict", "ObjectIsBeingDeleted")
        # Without the words about creating again that a new version meets (contract G23.11).
        assert early.json()["error"]["message"].endswith("is currently being deleted.")
    assert "cannot be re-created" in put().json()["error"]["message"]
    wait_for(lambda: unhurried("GET", "/deletedsecrets/between").status_code == 200)
    assert conflict("ObjectIsDeletedButRecoverable")
    assert unhurried("POST", "/deletedsecrets/between/recover").status_code == 200
    assert unhurried("GET", "/secrets/between").status_code == 404
    assert conflict("ObjectIsBeingRecovered")
    wait_for(lambda: unhurried("GET", "/secrets/between").status_code == 200)
    assert conflict("ObjectIsBeingRecovered")
    wait_for(lambda: put().status_code == 200)
    unhurried("DELETE", "/secrets/between")
    wait_for(lambda: unhurried("DELETE", "/deletedsecrets/between").status_code == 204)
    assert conflict("ObjectIsBeingDeleted")
    wait_for(lambda: put().status_code == 200)
    versions = unhurried("GET", "/secrets/between/versions").json()["value"]
    assert len(versions) == 1  # the purged ones are gone for good


def test_a_deleted_secret_is_kept_for_ninety_days(vault: Vault) -> None:
    """As the vault is set up; its answers say so (contract G23.2)."""
    vault("PUT", "/secrets/kept", {"value": "kept-value-1"})
    gone = vault("DELETE", "/secrets/kept").json()
    assert gone["scheduledPurgeDate"] - gone["deletedDate"] == 90 * 24 * 3600
    assert gone["attributes"]["recoverableDays"] == 90


def test_a_repeated_request_does_no_harm(vault: Vault) -> None:
    """A version that says the same, a second deletion, a second recovery (contract G23.9)."""
    path = "/secrets/repeated"
    for _ in range(2):
        assert vault("PUT", path, {"value": "repeated-value-1"}).status_code == 200
    vault("DELETE", path)
    wait_for(lambda: vault("GET", f"/deleted{path[1:]}").status_code == 200)
    assert vault("DELETE", path).status_code == 404
    for _ in range(2):
        vault("POST", f"/deleted{path[1:]}/recover")
    wait_for(lambda: vault("GET", path).status_code == 200)
    assert vault("POST", f"/deleted{path[1:]}/recover").status_code in (400, 409)
    assert vault("GET", path).json()["value"] == "repeated-value-1"


def test_secrets_outlive_the_server(tmp_path: Path) -> None:
    """What a vault keeps is there again after a restart on the same folder."""
    folder = tmp_path / "cloud"
    for number in range(2):
        with launch(folder) as description, client_of(description) as http:
            vault = Vault(
                http, description.accounts["trial"]["vault"], vault_token(http, description)
            )
            if number == 0:
                assert vault("PUT", "/secrets/kept", {"value": "kept-value-1"}).status_code == 200
            assert vault("GET", "/secrets/kept").json()["value"] == "kept-value-1"


def test_a_governed_vault_wants_content_type_and_end(
    rehearsal: RehearsalDescription, http: httpx.Client
) -> None:
    """Under Azure's policies in Deny mode a secret needs both; the refusal names the policy.

    contract G22.12 and G25.5
    """
    (url,) = (one["url"] for one in rehearsal.vaults if "governed" in one["name"])
    vault = Vault(http, url, vault_token(http, rehearsal))
    end, late = ({"exp": int(time.time()) + days * 86400} for days in (300, 400))
    kind = {"contentType": "text/plain"}
    for lacking in ({}, kind, {"attributes": end}, {**kind, "attributes": late}):
        answer = vault("PUT", "/secrets/governed-1", {"value": "v" * 20, **lacking})
        assert refusal(answer) == (403, "Forbidden", "ForbiddenByGovernancePolicy")
        assert "policy definition: '" in answer.json()["error"]["message"]
    whole = {"value": "v" * 20, "contentType": "text/plain", "attributes": end}
    assert vault("PUT", "/secrets/governed-1", whole).status_code == 200
    assert vault("GET", "/secrets/governed-1").json()["attributes"]["exp"] == end["exp"]
