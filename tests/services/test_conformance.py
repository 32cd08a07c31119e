"""What this program sends to Graph, Codat and Business Central, and gets, as they describe it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from bcrunbook.cloud import rehearsal_cloud
from bcrunbook.errors import NotFound, RunbookError
from bcrunbook.http.client import Http
from bcrunbook.http.network import Network
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.secrets import Secret
from bcrunbook.services.businesscentral.client import BusinessCentral
from bcrunbook.services.codat.client import BUSINESS_CENTRAL_PLATFORM, Codat
from bcrunbook.steps.opening import open_context
from tests.conftest import MakeWorkspace, only_account
from tests.rehearsal.codat_support import NOBODY, SANDBOX, key_of
from tests.rehearsal.support import client_of
from tests.services.test_codat import settled
from tests.support.conformance import (
    CONTRACTS,
    Description,
    read_codat_description,
    read_description,
)
from tests.support.independent_client import MakeClient, person_of
from tests.support.running import run_steps, states

GRAPH = "graph.microsoft.com"
CODAT = "api.codat.io"
API = "api.businesscentral.dynamics.com"
Exchanges = dict[str, list[httpx.Response]]


def read_business_central_description() -> Description:
    """The one of Business Central; a test that needs it is skipped where it is not at hand."""
    file = CONTRACTS / "businesscentral.openapi.json"
    if not file.exists():
        pytest.skip("the OpenAPI description of Business Central is not beside this repository")
    data = json.loads(file.read_text("utf-8"))
    del data["security"]  # openapi-core cannot check OAuth 2.0, and warns each time
    return Description(data)


READERS = {
    GRAPH: read_description,
    CODAT: read_codat_description,
    API: read_business_central_description,
}


@cache
def described(host: str) -> Description:
    """A service's description, read once."""
    return READERS[host]()


class Recorder(httpx.AsyncBaseTransport):
    """The real way to the network, which keeps a copy of every exchange, by host."""

    def __init__(self, inner: httpx.AsyncBaseTransport, kept: Exchanges) -> None:
        self._inner = inner
        self._kept = kept

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass on, and keep."""
        answer = await self._inner.handle_async_request(request)
        content = await answer.aread()
        headers = [pair for pair in answer.headers.items() if pair[0] != "content-encoding"]
        kept = httpx.Response(answer.status_code, headers=headers, content=content)
        kept.request = request
        self._kept[request.url.host].append(kept)
        await answer.aclose()
        # What was read is read: the stack above gets a copy of its own.
        return httpx.Response(answer.status_code, headers=headers, content=content)

    async def aclose(self) -> None:
        """Close what is underneath."""
        await self._inner.aclose()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud of this module's own: a first run makes Business Central known for good."""
    with launch(
        tmp_path_factory.mktemp("conformance") / "cloud", skips=True, lags="worst"
    ) as description:
        yield description


@pytest.fixture
def exchanges(monkeypatch: pytest.MonkeyPatch) -> Exchanges:
    """Every answer during the test, each with its request, by host."""
    kept: Exchanges = defaultdict(list)
    real = Network.transport

    def recording(network: Network) -> httpx.AsyncBaseTransport:
        return Recorder(real(network), kept)

    monkeypatch.setattr(Network, "transport", recording)
    return kept


def single(answer: httpx.Response) -> list[httpx.Response]:
    """An exchange; a batch, which the description does not know, as the exchanges in it."""
    if not answer.request.url.path.endswith("/$batch"):
        return [answer]
    parts = {one["id"]: one for one in answer.json()["responses"]}
    asked = json.loads(answer.request.content)["requests"]
    assert parts.keys() == {one["id"] for one in asked} and len(asked) <= 20
    return [_part(answer.request, one, parts[one["id"]]) for one in asked]


def _part(outer: httpx.Request, asked: dict[str, Any], part: dict[str, Any]) -> httpx.Response:
    assert str(asked["url"]).startswith("/")
    headers = {"Authorization": outer.headers["Authorization"], **asked.get("headers", {})}
    request = httpx.Request(
        asked["method"],
        f"https://{GRAPH}/v1.0{asked['url']}",
        headers=headers,
        json=asked.get("body"),
    )
    body = part.get("body")
    content = b"" if body is None else json.dumps(body).encode()
    answer = httpx.Response(part["status"], headers=part.get("headers"), content=content)
    answer.request = request
    return answer


def check(description: Description, exchanges: list[httpx.Response]) -> None:
    """Fail unless each request and each answer is one that the description knows."""
    for one in exchanges:
        description.check_request(one.request)
        description.check_answer(one)


def by_person(description: RehearsalDescription) -> dict[str, Any]:
    """The [sign_in] table of a person."""
    return {
        "method": "device_code",
        "client_id": description.clients["bootstrap"],
        "cache": "memory",
    }


TENANTS = {"no Business Central": "without_business_central", "short secrets": "short_secrets"}


@pytest.mark.parametrize("case", ["an application", "a person", "adopted", *TENANTS])
async def test_every_exchange_of_a_first_run_fits_the_description(
    make_workspace: MakeWorkspace,
    own: RehearsalDescription,
    exchanges: Exchanges,
    make_client: MakeClient,
    case: str,
) -> None:
    """What needs no person sends only what Microsoft describes, and gets nothing else back."""
    description = described(GRAPH)
    tenant = own.accounts[TENANTS.get(case, "trial")]["tenant"]
    person = person_of(own, "robin") if case == "a person" else None
    changes = {"sign_in": by_person(own)} if person else {}
    if case == "adopted":
        app = make_client(on=own).call("POST", "/applications", {"displayName": "By hand"}).json()
        changes = {"client_id": app["appId"]}
    workspace = make_workspace(on=own, tenant=tenant, **changes)
    outcomes = await run_steps(workspace, person=person)
    assert set(states(outcomes)) <= {"done", "changed"}
    checked = [one for exchange in exchanges[GRAPH] for one in single(exchange)]
    check(description, checked)
    assert {"GET", "POST"} <= {one.request.method for one in checked}


async def test_every_exchange_of_the_portal_steps_fits_the_description(
    make_workspace: MakeWorkspace, own: RehearsalDescription, exchanges: Exchanges
) -> None:
    """What needs one asks Codat only for what it describes, and gets nothing else back."""
    description = described(CODAT)
    steps = ("register_application", "client_secret", "codat_keys", "enable_integration")
    outcomes = await run_steps(make_workspace(on=own), *steps)
    assert states(outcomes) == ["changed", "changed", "needs_person", "needs_person"]
    check(description, exchanges[CODAT])
    assert {one.request.url.path for one in exchanges[CODAT]} == {
        "/profile",
        f"/integrations/{BUSINESS_CENTRAL_PLATFORM}",
    }


async def every_call(own: RehearsalDescription, codat: Codat, customer: httpx.Client) -> None:
    """Each public call of the client once, and those that find nothing or are refused."""
    await codat.instance()
    await codat.integration(BUSINESS_CENTRAL_PLATFORM)
    assert await codat.integration("zzzz") is None
    tags = {"bcrunbook-test": "conformance & more"}
    owner = await codat.create_company("Wickham", tags=tags, description="A test.")
    await codat.create_company("Bare", tags={})
    assert [one.id for one in await codat.companies(tags)] == [owner.id]
    ((name, value),) = tags.items()
    assert [one.id for one in await codat.companies_tagged(name, value[:-1])] == [owner.id]
    await codat.companies()
    await codat.company(owner.id)
    assert await codat.company(NOBODY) is None
    made = await codat.create_connection(owner.id, SANDBOX)
    with pytest.raises(RunbookError):
        await codat.refresh(owner.id, "company", made.id)
    failing = await codat.create_connection(owner.id, BUSINESS_CENTRAL_PLATFORM)
    for one in (made, failing):
        customer.get(one.link_url)
    await codat.connection(owner.id, failing.id)
    assert await codat.connection(owner.id, NOBODY) is None
    await codat.connections(owner.id)
    await codat.data_status(owner.id)
    await settled(codat, owner.id, on=own)
    await codat.refresh(owner.id, "company", made.id)
    await codat.unlink(owner.id, made.id)
    await codat.delete_connection(owner.id, failing.id)
    await codat.delete_company(owner.id)
    await codat.delete_company(owner.id)
    with pytest.raises(RunbookError):
        await codat.connections(NOBODY)


async def test_every_exchange_of_the_client_of_codat_fits_the_description(
    own: RehearsalDescription, exchanges: Exchanges
) -> None:
    """Whatever the client can ask for is described, and so are the answers it gets."""
    description = described(CODAT)

    async def key() -> Secret:
        return Secret(key_of(own, own.codat["instance"]))

    with client_of(own) as customer:
        async with Http(rehearsal_cloud(Path(own.directory))) as http:
            await every_call(own, Codat(http, key), customer)
    check(description, exchanges[CODAT])
    assert {one.status_code for one in exchanges[CODAT]} == {200, 204, 400, 404}
    methods = {one.request.method for one in exchanges[CODAT]}
    assert methods == {"GET", "POST", "PATCH", "DELETE"}


def test_every_public_call_is_made() -> None:
    """A call that is added to the client has to be added to the exchanges that are checked."""
    public = {name for name, value in vars(Codat).items() if callable(value) and name[0] != "_"}
    assert public - {"check_spare"} == set(every_call.__code__.co_names) & public


def without_tenant(answer: httpx.Response) -> httpx.Response:
    """An exchange in the shorter form of the URL: only that one is described."""
    url = str(answer.request.url)
    short = re.sub(rf"^(https://{re.escape(API)}/v2\.0)/[^/]+(?=/[^/]+/api/)", r"\1", url)
    request = httpx.Request(answer.request.method, short, headers=answer.request.headers)
    copy = httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
    copy.request = request
    return copy


async def every_look(client: BusinessCentral, environment: str) -> None:
    """Each public call of the client once, and those that find nothing."""
    listed = await client.environments()
    assert environment in {one.name for one in listed.value or ()}
    await client.admin_environments()
    await client.admin_operations()
    companies = await client.companies(environment)
    assert companies.value
    for company in companies.value:
        await client.extensions(environment, company.id, "Codat")
        await client.deployments(environment, company.id)
        assert (await client.probe(environment, company.id)).text == "passed"
    with pytest.raises(NotFound):
        await client.companies("Nowhere")
    with pytest.raises(RunbookError):
        await client.extensions(environment, NOBODY, "Codat")


async def test_every_exchange_with_business_central_fits_the_description(
    make_workspace: MakeWorkspace, own: RehearsalDescription, exchanges: Exchanges
) -> None:
    """Whatever the client can ask for is described, and so are the answers it gets."""
    description = described(API)
    (tenant,) = (one["id"] for one in own.tenants if one["domain"].startswith("brackenfield"))
    environment = next(one["environment"] for one in own.businesscentral if one["tenant"] == tenant)
    workspace = make_workspace(on=own)
    account = workspace.account(only_account(workspace))
    async with open_context(workspace, account) as context:
        await every_look(context.tenant(tenant).service, environment)
    check(description, [without_tenant(one) for one in exchanges[API]])
    paths = {one.request.url.path for one in exchanges[API]}
    assert all(path.startswith(("/admin/", "/environments/", f"/v2.0/{tenant}/")) for path in paths)
    assert {one.request.method for one in exchanges[API]} == {"GET"}


def test_every_look_is_made() -> None:
    """A call that is added to the client has to be added to the exchanges that are checked."""
    named = vars(BusinessCentral).items()
    public = {name for name, value in named if callable(value) and name[0] != "_"}
    assert public == set(every_look.__code__.co_names) & public


@pytest.mark.parametrize(
    ("host", "method", "path", "body"),
    [
        (GRAPH, "GET", "/v1.0/nonsense", None),
        (GRAPH, "DELETE", "/v1.0/organization", None),
        (GRAPH, "POST", "/v1.0/applications", {"displayName": 5}),
        (API, "GET", "/environments/v0", None),
        (API, "DELETE", "/environments/v1.2", None),
        (API, "GET", f"/v2.0/P/api/v2.0/companies('{NOBODY}')/accounts", None),
        (API, "GET", "/v2.0/P/api/v2.0/companies?$top=many", None),
        (CODAT, "GET", "/nonsense", None),
        (CODAT, "POST", f"/companies/{NOBODY}/dataStatus", None),
        (CODAT, "GET", "/companies?page=1&pageSize=many", None),
        (CODAT, "POST", "/companies", {"name": 5}),
        (CODAT, "POST", "/companies", {"name": "Codat[1]"}),
        (CODAT, "PATCH", f"/companies/{NOBODY}", {"tags": {"a": 5}}),
    ],
)
def test_a_request_that_does_not_fit_is_noticed(
    host: str, method: str, path: str, body: Any
) -> None:
    """The description is strict enough to tell a wrong request."""
    description = described(host)
    headers = {"Authorization": "Bearer x"}
    request = httpx.Request(method, f"https://{host}{path}", headers=headers, json=body)
    with pytest.raises(AssertionError):
        description.check_request(request)
