"""Faults: what goes wrong is said in a file, and goes wrong exactly so."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msal
import pytest

from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.rehearsal.faults import InvalidFaults, load
from tests.rehearsal.support import Graph, app_token, client_of, desired, lines, wait_for

HOST = "graph.microsoft.com"
DEMAND = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
RULES: list[dict[str, Any]] = [
    {"host": HOST, "method": "POST", "path": "/applications$", "nth": 1, "drop": "after"},
    {"host": HOST, "method": "POST", "path": "/applications$", "nth": 2, "drop": "before"},
    {"host": HOST, "method": "POST", "path": "/applications$", "nth": 3, "hold": "after"},
    {
        "host": HOST,
        "method": "GET",
        "path": "/organization$",
        "nth": [1, 2],
        "status": 503,
        "headers": {"Retry-After": "1"},
        "body": {"error": {"code": "serviceNotAvailable", "message": "later"}},
    },
    {"host": HOST, "path": "/me$", "delay": 0.3},
    {
        "host": HOST,
        "path": "/servicePrincipals$",
        "nth": 1,
        "status": 401,
        "headers": {
            "WWW-Authenticate": 'Bearer realm="", authorization_uri="https://login.microsoftonline'
            '.com/common/oauth2/authorize", error="insufficient_claims", claims="'
            + base64.b64encode(DEMAND.encode()).decode()
            + '"'
        },
        "body": {"error": {"code": "InvalidAuthenticationToken", "message": "Not any more."}},
    },
]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A cloud in which `RULES` hold."""
    folder = tmp_path_factory.mktemp("faulty")
    rules = folder / "faults.json"
    rules.write_text(json.dumps(RULES))
    with launch(folder / "cloud", speed=200, faults=rules, lags="worst") as description:
        yield description


@pytest.fixture
def graph(faulty: RehearsalDescription) -> Iterator[Graph]:
    """Graph of that cloud, as the application for unattended runs."""
    with client_of(faulty) as client:
        yield Graph(client, app_token(client, faulty))


def fired(description: RehearsalDescription) -> list[dict[str, Any]]:
    """The faults that have happened, as their log has them."""
    return [json.loads(line) for line in lines(Path(description.directory) / "faults.log")]


def test_lost_answers(faulty: RehearsalDescription, graph: Graph) -> None:
    """A connection cut after the effect leaves the effect, one cut before leaves nothing.

    A held answer has had its effect when the client gives up.

    contract G5.4
    """

    def made(tag: str) -> list[Any]:
        path = f"/applications?$filter=tags/any(t:t eq '{tag}')"
        return list(graph("GET", path).json()["value"])

    with pytest.raises(httpx.TransportError):
        graph("POST", "/applications", desired(tags=["after"]))
    with pytest.raises(httpx.TransportError):
        graph("POST", "/applications", desired(tags=["before"]))
    graph.http.timeout = httpx.Timeout(1.0)
    with pytest.raises(httpx.ReadTimeout):
        graph("POST", "/applications", desired(tags=["held"]))
    graph.http.timeout = httpx.Timeout(20.0)
    assert graph("POST", "/applications", desired(tags=["fine"])).status_code == 201
    for tag in ("after", "held", "fine"):
        assert len(wait_for(partial(made, tag))) == 1
    assert made("before") == []
    rules = [entry["rule"] for entry in fired(faulty) if entry["path"].endswith("applications")]
    assert rules == [0, 1, 2]
    statuses = [
        entry["status"]
        for entry in map(json.loads, lines(faulty.requests))
        if entry["method"] == "POST" and entry["path"].endswith("/applications")
    ]
    assert statuses.count(0) >= 2 and 201 in statuses


def test_answered_instead(graph: Graph) -> None:
    """A rule can answer in the place of the service, for chosen calls only."""
    first = graph("GET", "/organization")
    assert (first.status_code, first.headers["Retry-After"]) == (503, "1")
    assert first.json()["error"]["code"] == "serviceNotAvailable"
    assert graph("GET", "/organization").status_code == 503
    assert graph("GET", "/organization").status_code == 200


def test_delay(graph: Graph) -> None:
    """A delayed answer comes late and is otherwise itself."""
    answer = graph("GET", "/me")
    assert answer.elapsed.total_seconds() >= 0.3 and answer.status_code == 400


WRONG: list[tuple[Any, str]] = [
    ({}, "must hold a list"),
    (["x"], "must be an object"),
    ([{"drop": "after", "methods": "GET"}], "did you mean 'method'?"),
    ([{"host": "x"}], "exactly one of"),
    ([{"delay": 1, "drop": "before"}], "exactly one of"),
    ([{"drop": "later"}], '"before" or "after"'),
    ([{"status": 999}], "200 to 599"),
    ([{"delay": -1}], "seconds"),
    ([{"status": 500, "nth": 0}], "nth must be"),
    ([{"status": 500, "path": "("}], "no regular expression"),
    ([{"delay": 1, "body": "x"}], "go with status only"),
]


@pytest.mark.parametrize(("content", "message"), WRONG)
def test_wrong_rules(tmp_path: Path, content: Any, message: str) -> None:
    """A rules file that cannot be used says what is wrong with it."""
    path = tmp_path / "faults.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InvalidFaults) as problem:
        load(path)
    assert message in str(problem.value)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--faults", "missing.json"],
        ["--speed", "0"],
        ["--speed", "-1"],
        ["--latency", "-1"],
        ["--dir", "a-file"],
    ],
)
def test_wrong_use_is_one_message(tmp_path: Path, arguments: list[str]) -> None:
    """Wrong use ends with code 2 and one line, not with a traceback."""
    (tmp_path / "a-file").write_text("")
    command = [sys.executable, "-m", "bcrunbook.rehearsal", "--dir", "cloud", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_a_claims_challenge_is_one_that_msal_can_answer(
    faulty: RehearsalDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule makes the challenge (contract G11.6 and G17.9).

    Unmodified msal gets a token that has what is demanded, and it is let in.
    """
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", faulty.ca)
    identity = faulty.batch_identity
    app = msal.ConfidentialClientApplication(
        identity["client_id"],
        client_credential=identity["client_secret"],
        authority=f"https://login.microsoftonline.com/{identity['tenant']}",
        proxies={"https": faulty.proxy},
        verify=faulty.ca,
    )
    scopes = [f"https://{HOST}/.default"]

    def ask(token: str) -> httpx.Response:
        with client_of(faulty) as client:
            return client.get(
                f"https://{HOST}/v1.0/servicePrincipals",
                headers={"Authorization": f"Bearer {token}"},
            )

    refused = ask(app.acquire_token_for_client(scopes)["access_token"])
    challenge = refused.headers["WWW-Authenticate"].partition('claims="')[2].rstrip('"')
    claims = base64.b64decode(challenge).decode()
    assert (refused.status_code, claims) == (401, DEMAND)
    token = app.acquire_token_for_client(scopes, claims_challenge=claims)["access_token"]
    payload = token.split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "==="))["acrs"] == ["c1"]
    assert ask(token).status_code == 200
