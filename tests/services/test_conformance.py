"""What this program sends to Microsoft Graph, and what it gets, against Microsoft's description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import bcrunbook.http
from bcrunbook.cloud import Cloud
from bcrunbook.rehearsal import RehearsalDescription, launch
from tests.conformance import read_description
from tests.conftest import SPEED, MakeWorkspace
from tests.strangers import Meet, person_of
from tests.walking import states, walk

GRAPH = "https://graph.microsoft.com"


class Recorder(httpx.AsyncBaseTransport):
    """The real way to the network, which keeps a copy of every exchange with Microsoft Graph."""

    def __init__(self, inner: httpx.AsyncBaseTransport, kept: list[httpx.Response]) -> None:
        self._inner = inner
        self._kept = kept

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass on, and keep."""
        answer = await self._inner.handle_async_request(request)
        if request.url.host == "graph.microsoft.com":
            content = await answer.aread()
            headers = [pair for pair in answer.headers.items() if pair[0] != "content-encoding"]
            kept = httpx.Response(answer.status_code, headers=headers, content=content)
            kept.request = request
            self._kept.append(kept)
        return answer

    async def aclose(self) -> None:
        """Close what is underneath."""
        await self._inner.aclose()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud of this module's own: a first run makes Business Central known for good."""
    with launch(tmp_path_factory.mktemp("conformance") / "cloud", speed=SPEED) as told:
        yield told


@pytest.fixture
def exchanges(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Response]:
    """Every answer of Microsoft Graph during the test, each with its request."""
    kept: list[httpx.Response] = []
    real = bcrunbook.http._transport

    def recording(cloud: Cloud) -> httpx.AsyncBaseTransport:
        return Recorder(real(cloud), kept)

    monkeypatch.setattr(bcrunbook.http, "_transport", recording)
    return kept


def single(answer: httpx.Response) -> list[httpx.Response]:
    """An exchange; a batch, which the description does not know, as the exchanges in it."""
    if not answer.request.url.path.endswith("/$batch"):
        return [answer]
    parts = {one["id"]: one for one in answer.json()["responses"]}
    asked = json.loads(answer.request.content)["requests"]
    assert parts.keys() == {one["id"] for one in asked} and len(asked) <= 20
    return [_part(answer.request, one, parts[one["id"]]) for one in asked]


def _part(outer: httpx.Request, asked: dict[str, Any], told: dict[str, Any]) -> httpx.Response:
    assert str(asked["url"]).startswith("/")
    headers = {"Authorization": outer.headers["Authorization"], **asked.get("headers", {})}
    request = httpx.Request(
        asked["method"], f"{GRAPH}/v1.0{asked['url']}", headers=headers, json=asked.get("body")
    )
    body = told.get("body")
    content = b"" if body is None else json.dumps(body).encode()
    answer = httpx.Response(told["status"], headers=told.get("headers"), content=content)
    answer.request = request
    return answer


def by_person(told: RehearsalDescription) -> dict[str, Any]:
    """The [sign_in] table of a person."""
    return {"method": "device_code", "client_id": told.clients["bootstrap"], "cache": "memory"}


TENANTS = {"no Business Central": "without_business_central", "short secrets": "short_secrets"}


@pytest.mark.parametrize("case", ["an application", "a person", "adopted", *TENANTS])
async def test_every_exchange_of_a_first_run_fits_the_description(
    make_workspace: MakeWorkspace,
    own: RehearsalDescription,
    exchanges: list[httpx.Response],
    meet: Meet,
    case: str,
) -> None:
    """Steps 0 to 3 send only what Microsoft describes, and get nothing else back."""
    description = read_description()
    tenant = own.accounts[TENANTS.get(case, "trial")]["tenant"]
    person = person_of(own, "robin") if case == "a person" else None
    changes = {"sign_in": by_person(own)} if person else {}
    if case == "adopted":
        app = meet(on=own).call("POST", "/applications", {"displayName": "By hand"}).json()
        changes = {"client_id": app["appId"]}
    workspace = make_workspace(on=own, tenant=tenant, **changes)
    outcomes = await walk(workspace, person=person)
    assert set(states(outcomes)) <= {"done", "changed"}
    checked = [one for exchange in exchanges for one in single(exchange)]
    for one in checked:
        description.check_request(one.request)
        description.check_answer(one)
    assert {"GET", "PATCH", "POST"} <= {one.request.method for one in checked}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/nonsense", None),
        ("DELETE", "/organization", None),
        ("POST", "/applications", {"displayName": 5}),
    ],
)
def test_a_request_that_does_not_fit_is_noticed(method: str, path: str, body: Any) -> None:
    """The description is strict enough to tell a wrong request."""
    description = read_description()
    headers = {"Authorization": "Bearer x"}
    request = httpx.Request(method, f"{GRAPH}/v1.0{path}", headers=headers, json=body)
    with pytest.raises(AssertionError):
        description.check_request(request)
