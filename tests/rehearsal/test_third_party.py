"""Programs that know nothing of this one rehearse too: proxy and CA bundle are all they need."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.rehearsal import RehearsalDescription, launch
from tests.rehearsal.journey import (
    BASE,
    BUSINESS_CENTRAL_APP_ID,
    NOT_SPREAD,
    SCOPES,
    TWIN,
    Answer,
    set_up,
)
from tests.rehearsal.support import Graph, app_token, client_of, wait_for

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"


def environment(description: RehearsalDescription) -> dict[str, str]:
    """What an independent program is given: the proxy, and the CA under the usual names."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    bundles = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    return {**kept, "HTTPS_PROXY": description.proxy, **dict.fromkeys(bundles, description.ca)}


def check(batch: Graph, made: dict[str, Any]) -> None:
    """Everything that the journey made is there."""
    app = batch("GET", f"/applications/{made['object_id']}").json()
    assert app["appId"] == made["app_id"]
    assert [one["keyId"] for one in app["passwordCredentials"]] == [made["key_id"]]
    (required,) = app["requiredResourceAccess"]
    assert required["resourceAppId"] == BUSINESS_CENTRAL_APP_ID
    assert len(required["resourceAccess"]) == len(SCOPES)
    own = batch("GET", f"/servicePrincipals(appId='{made['app_id']}')").json()["id"]
    path = f"/oauth2PermissionGrants?$filter=clientId eq '{own}'"
    (grant,) = wait_for(lambda: batch("GET", path).json()["value"])
    assert set(grant["scope"].split()) == set(SCOPES)


def go_the_whole_way(description: RehearsalDescription, retried: Collection[int]) -> dict[str, Any]:
    """What msgraph-core with azure-identity made, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.rehearsal.third_party"],
        cwd=ROOT,
        env=environment(description),
        input=json.dumps({**description.batch_identity, "retried": retried}),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def test_an_unmodified_client_goes_the_whole_way(
    rehearsal: RehearsalDescription, batch: Graph
) -> None:
    """msgraph-core with azure-identity registers, makes a secret, and grants the permissions."""
    check(batch, go_the_whole_way(rehearsal, NOT_SPREAD))


def test_at_the_default_a_client_waits_for_the_consumer_side_alone(tmp_path: Path) -> None:
    """Without repeating anything else, as clients do that never met a lag (contract G13.1)."""
    with launch(tmp_path, speed=200) as description, client_of(description) as http:
        made = go_the_whole_way(description, TWIN)
        check(Graph(http, app_token(http, description)), made)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_curl_goes_the_whole_way(rehearsal: RehearsalDescription, batch: Graph) -> None:
    """The same journey with curl, whose secrets travel on stdin."""

    def curl(url: str, *options: str, config: str) -> Answer:
        command = ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}"]
        done = subprocess.run(
            [*command, *options, "--config", "-", url],
            env=environment(rehearsal),
            input=config,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body) if body else {}

    identity = rehearsal.batch_identity
    form = {
        "grant_type": "client_credentials",
        "client_id": identity["client_id"],
        "client_secret": identity["client_secret"],
        "scope": "https://graph.microsoft.com/.default",
    }
    fields = "\n".join(f'data-urlencode = "{name}={value}"' for name, value in form.items())
    status, answer = curl(TOKEN.format(tenant=identity["tenant"]), config=fields)
    assert status == 200
    head = f'header = "Authorization: Bearer {answer["access_token"]}"\n'

    def send(method: str, path: str, body: Any) -> Answer:
        options = ["--request", method]
        if body is not None:
            options += ["--header", "Content-Type: application/json", "--data", json.dumps(body)]
        return curl(BASE + path, *options, config=head)

    check(batch, set_up(send, NOT_SPREAD))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_without_the_ca_nothing_is_trusted(rehearsal: RehearsalDescription) -> None:
    """The rehearsal cloud is reached only by who was told of its authority."""
    without_ca = {
        name: value for name, value in environment(rehearsal).items() if value != rehearsal.ca
    }
    done = subprocess.run(
        ["curl", "--silent", "--show-error", f"{BASE}/organization"],
        env=without_ca,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 60  # curl: the peer's certificate cannot be authenticated
