"""The client of Business Central: quirks of the wire, refusals as facts, errors by their class."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.errors import FixInput, NotFound, ReportBug, SignInAgain, WaitAndRetry
from bcrunbook.http.client import Http
from bcrunbook.secrets import Secret
from bcrunbook.services.businesscentral.client import BusinessCentral
from bcrunbook.services.businesscentral.errors import BusinessCentralReply, Kind
from bcrunbook.services.businesscentral.models import (
    BusinessCentralCompany,
    Deployment,
    Environment,
    Extension,
    Operation,
)
from bcrunbook.signin import Token
from tests.support.conformance import CONTRACTS

EXAMPLES = CONTRACTS / "examples" / "businesscentral.jsonl"
TENANT = "contoso.example"
COMPANY = "a0a0a0a0-bbbb-cccc-dddd-e1e1e1e1e1e1"
needs_contracts = pytest.mark.skipif(
    not EXAMPLES.is_file(), reason="the contracts' examples are not beside this project"
)


@dataclass
class Service:
    """A Business Central that answers as the test says, and what it was asked."""

    answer: Callable[[httpx.Request], httpx.Response]
    seen: list[httpx.Request] = field(default_factory=list)
    fresh: list[bool] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def client(self, **options: str) -> AsyncIterator[BusinessCentral]:
        """A client whose every request comes here."""

        def handle(request: httpx.Request) -> httpx.Response:
            self.seen.append(request)
            return self.answer(request)

        async def token(*, fresh: bool, claims: str) -> Token:
            self.fresh.append(fresh)
            self.claims.append(claims)
            return Token(Secret("a-token-of-the-test"), TENANT, "", frozenset(), None)

        cloud = Cloud(kind="live", pace=Pace(1000))
        async with Http(cloud, transport=httpx.MockTransport(handle)) as http:
            yield BusinessCentral(http, token, TENANT, **options)


def saying(status: int, body: Any = None, **headers: str) -> Service:
    """A service that says the same to everything."""
    return Service(lambda _: httpx.Response(status, json=body, headers=headers))


def wrapped(code: str, message: str = "No.") -> dict[str, Any]:
    """An error of the business or the automation API."""
    return {"error": {"code": code, "message": message}}


async def test_requests_name_tenant_environment_and_language() -> None:
    """The explicit tenant, names percent-encoded, GUID keys unquoted, messages in English.

    contract B1.1, B1.3, B1.5, B1.8, B1.15, B3.5, B3.11 and B3.12
    """
    service = saying(200, {"value": []})
    async with service.client() as client:
        await client.extensions("My Env/ä", COMPANY, "O'Neill")
    (request,) = service.seen
    assert request.url.host == "api.businesscentral.dynamics.com"
    path, _, query = request.url.raw_path.decode().partition("?")
    assert path == (
        f"/v2.0/{TENANT}/My%20Env%2F%C3%A4/api/microsoft/automation/v2.0"
        f"/companies({COMPANY})/extensions"
    )
    assert httpx.QueryParams(query)["$filter"] == "publisher eq 'O''Neill'"
    assert request.headers["Accept-Language"] == "en-US"
    assert request.headers["Authorization"] == "Bearer a-token-of-the-test"


async def test_pages_are_followed_on_this_host_only() -> None:
    """A next link is followed; one to another host is not, since the token would go there.

    contract B3.1 and B3.2
    """
    first = "https://api.businesscentral.dynamics.com/v2.0/x"
    row = {"id": COMPANY, "name": "One"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v2.0/x":
            return httpx.Response(200, json={"value": [row]})
        return httpx.Response(200, json={"value": [row], "@odata.nextLink": first})

    service = Service(answer)
    async with service.client() as client:
        found = await client.companies("Production")
    assert found.value is not None and len(found.value) == 2


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v2.0/x",
        "https://api.businesscentral.dynamics.com.evil.example/v2.0/x",
        "https://api.businesscentral.dynamics.com@evil.example/v2.0/x",
        "http://api.businesscentral.dynamics.com/v2.0/x",
        "//evil.example/v2.0/x",
        "https://api.businesscentral.dynamics.com:8443/v2.0/x",
        "https://[/v2.0/x",
        "https://api.businesscentral.dynamics.com/v2.0/\0x",
    ],
)
async def test_the_token_goes_nowhere_else(link: str) -> None:
    """A next link to another host, in plain text, or that is none: told, not followed.

    contract B3.2
    """
    service = saying(200, {"value": [], "@odata.nextLink": link})
    async with service.client() as client:
        with pytest.raises(ReportBug):
            await client.companies("Production")
    assert len(service.seen) == 1


@pytest.mark.parametrize("body", [{"name": "P", "type": "Production", "status": "Active"}, None])
async def test_environments_come_bare_or_wrapped(body: dict[str, Any] | None) -> None:
    """Documented in a list, met as a bare object; the version in either place.

    contract B3.4 and B4.4
    """
    one = {"name": "P", "status": "Active", "versionDetails": {"version": "27.1"}}
    async with saying(200, body or {"value": [one]}).client() as client:
        seen = await client.admin_environments()
    assert seen.value is not None
    (found,) = seen.value
    assert (found.name, found.status) == ("P", "Active")
    assert found.version == ("" if body else "27.1")
    assert Environment.model_validate({"name": "P", "applicationVersion": "26.0"}).version == "26.0"


def test_quirks_of_the_wire_are_read() -> None:
    """A leading blank, `_x0020_`, dates that are none, codes within prose.

    contract B3.7, B3.10, B7.4 and B9.22
    """
    row = {"id": "a", "packageId": "p", "versionMajor": 1, "versionBuild": 3, "isInstalled": True}
    for text in (" PTE", "_x0020_PTE"):
        extension = Extension.model_validate({**row, "publishedAs": text})
        assert (extension.published_as, extension.version) == ("PTE", (1, 0, 3, 0))
    deployment = Deployment.model_validate({"status": "Unknown", "startedOn": "0001-01-01T00:00Z"})
    assert deployment.started_on is None
    message = 'Failed.\r\n{"code": "ExtensionChangeFailed", "innerError": {"code": "SyncFailure"}}'
    operation = Operation.model_validate({"id": "o", "errorMessage": message, "parameters": None})
    assert operation.error_codes == ("ExtensionChangeFailed", "SyncFailure")
    assert (operation.app_id, operation.parameters) == ("", {})


def test_what_is_missing_or_null_is_read_as_blank() -> None:
    """Blank and null alike, a date that is none: nothing stops for them.

    contract B3.10 and B9.20
    """
    environment = Environment.model_validate(
        {"name": "P", "status": None, "versionDetails": None, "applicationVersion": None}
    )
    assert (environment.status, environment.version) == ("", "")
    row = {"id": "a", "packageId": "p", "isInstalled": False, "versionMinor": None}
    assert Extension.model_validate(row).version == (0, 0, 0, 0)
    for moment, is_none in (("soon", True), ("2021-04-23T09:41:28.8300669Z", False)):
        read = Operation.model_validate({"id": "o", "createdOn": moment})
        assert (read.created_on is None) == is_none


def test_a_key_of_the_environments_telemetry_is_never_kept() -> None:
    """`appInsightsKey` is in no form of an environment that is read (contract B4.5)."""
    body = {"name": "P", "appInsightsKey": "a-key-to-write-telemetry"}
    read = Environment.model_validate(body)
    assert "a-key" not in repr(read) + read.model_dump_json()


@pytest.mark.parametrize("status", ["Active", "Hibernating", "_x0020_", " "])
def test_values_that_are_new_survive(status: str) -> None:
    """Microsoft adds states: an unknown one is read as it is, and a blank one as blank.

    contract B3.9
    """
    read = Environment.model_validate({"name": "P", "status": status})
    assert read.status == status.replace("_x0020_", "").strip()


@pytest.mark.parametrize("rows", [[None], ["x"], [5], [[]], [{}]])
@pytest.mark.parametrize("name", ["environments", "admin_environments", "companies", "deployments"])
async def test_rows_that_are_none_are_no_traceback(name: str, rows: list[Any]) -> None:
    """An answer of another form is told as such; a deployment alone has nothing that it needs."""
    asked: dict[str, Callable[[BusinessCentral], Any]] = {
        "environments": lambda client: client.environments(),
        "admin_environments": lambda client: client.admin_environments(),
        "companies": lambda client: client.companies("P"),
        "deployments": lambda client: client.deployments("P", COMPANY),
    }
    async with saying(200, {"value": rows}).client() as client:
        if name == "deployments" and rows == [{}]:
            assert (await asked[name](client)).value == (Deployment(),)
            return
        with pytest.raises(ReportBug):
            await asked[name](client)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"code": "Forbidden", "message": "No."}),
        (401, wrapped("Authentication_InvalidCredentials")),
        (403, wrapped("Authorization_RequestDenied")),
        (400, wrapped("Application_DialogException", "You do not have the required permissions")),
        (403, None),
    ],
)
async def test_a_refusal_is_a_fact_that_is_unknown(status: int, body: Any) -> None:
    """Never absent, and with the reason; a 401 only after a fresh token was refused as well.

    contract B7.9, B8.7, B11.8, B11.10, B11.11, B11.12 and B11.26
    """
    service = saying(status, body)
    async with service.client() as client:
        seen = await client.companies("Production")
    assert seen.value is None and seen.unknown and not seen.is_absent
    assert service.fresh == ([False, True] if status == 401 else [False])


async def test_a_tenant_out_of_reach_is_unknown() -> None:
    """Where Entra gives no token, nothing is known of the tenant, and nothing is asked."""

    async def token(**_: Any) -> Token:
        raise SignInAgain("AADSTS700016: not found in the directory", code="AADSTS700016")

    service = saying(200, {"value": []})
    async with Http(
        Cloud(kind="live"), transport=httpx.MockTransport(lambda _: httpx.Response(500))
    ) as http:
        seen = await BusinessCentral(http, token, TENANT).environments()
    assert "AADSTS700016" in seen.unknown
    assert not service.seen


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, None, WaitAndRetry),
        (503, wrapped("Application_ServiceUnavailable"), WaitAndRetry),
        (
            400,
            wrapped("Unknown", "An administrator changed one or more extensions in"),
            WaitAndRetry,
        ),
        (404, wrapped("BadRequest_NotFound"), WaitAndRetry),
        (400, wrapped("", "Could not find a property named 'isInstalled'"), WaitAndRetry),
        (429, wrapped("", "Too many requests reached."), WaitAndRetry),
        (404, wrapped("NoEnvironment"), NotFound),
        (404, {"code": "EnvironmentNotFound", "message": "No."}, NotFound),
        (404, wrapped("Internal_CompanyNotFound"), FixInput),
        (500, wrapped("Internal_CompanyNotFound"), FixInput),
        (503, wrapped("internal_companynotfound"), FixInput),
        (404, {"code": "resourceDoesNotExist", "message": "No."}, FixInput),
        (413, None, FixInput),
    ],
)
async def test_other_errors_say_whether_they_pass(
    status: int, body: Any, error: type[Exception]
) -> None:
    """What passes by itself is raised at once: whoever watches knows how long to go on.

    contract B11.5, B11.14, B11.15, B11.16, B11.20, B11.21, B11.22, B11.23, B11.26 and B12.5
    """
    service = saying(status, body)
    async with service.client() as client:
        with pytest.raises(error):
            await client.companies("Production")
    assert len(service.seen) == 1


async def test_a_broken_connection_passes_like_any_other_trouble() -> None:
    """Connections break during installations that end well: whoever watches goes on.

    contract B11.28
    """

    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset")

    async with Service(answer).client() as client:
        with pytest.raises(WaitAndRetry) as caught:
            await client.companies("Production")
    assert "reset" in caught.value.what and caught.value.next


async def test_the_admin_centre_is_asked_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """By all who share the client; the other APIs do not wait for it (contract B12.10)."""
    moments, now = [], [100.0]
    monkeypatch.setattr(Pace, "now", lambda _: now[0])

    async def sleep(_: Pace, seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(Pace, "sleep", sleep)

    def answer(request: httpx.Request) -> httpx.Response:
        moments.append((request.url.path.startswith("/admin/"), now[0]))
        return httpx.Response(200, json={"value": []})

    async with Service(answer).client() as client:
        for _ in range(3):
            await client.admin_environments()
        before = now[0]
        for name in "PQR":
            await client.companies(name)
    assert [at for is_admin, at in moments if is_admin] == [100.0, 101.0, 102.0]
    assert now[0] == before


async def test_five_requests_are_under_way_at_most() -> None:
    """One principal has five processed at once: the others wait here rather than there.

    contract B12.2
    """
    under_way, most = 0, 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _turn in range(20):
            await asyncio.sleep(0)
        under_way -= 1
        return httpx.Response(200, json={"value": []})

    async def token(**_: Any) -> Token:
        return Token(Secret("a-token-of-the-test"), TENANT, "", frozenset(), None)

    async with Http(Cloud(kind="live"), transport=httpx.MockTransport(answer)) as http:
        client = BusinessCentral(http, token, TENANT)
        await asyncio.gather(*(client.companies(name) for name in "abcdefghijkl"))
    assert most == 5


async def test_the_correlation_id_is_kept_and_not_shown() -> None:
    """At the end of the text, or in a header: for Microsoft's support (contract B11.3)."""
    guid = "11111111-2222-3333-4444-555555555555"
    text = f"Cannot find the company.  CorrelationId:  {guid}."
    async with saying(404, wrapped("Internal_CompanyNotFound", text)).client() as client:
        with pytest.raises(FixInput) as caught:
            await client.companies("Production")
    assert caught.value.request_id == guid
    assert guid not in caught.value.what
    assert BusinessCentralReply(500, {"ms-correlation-x": guid}, None).correlation_id == guid


async def test_the_probe_says_which_part_failed() -> None:
    """Three reads; an empty list is a pass; what is refused is named (contract B6.6)."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/accounts"):
            return httpx.Response(403, json=wrapped("Authorization_RequestDenied", "No rights."))
        return httpx.Response(200, json={"value": []})

    async with Service(answer).client() as client:
        probe = await client.probe("Production", COMPANY)
    assert "accounts" in probe.failed and "No rights." in probe.failed
    async with saying(200, {"value": []}).client() as client:
        probe = await client.probe("Production", COMPANY)
    assert (probe.text, len(probe.empty)) == ("passed", 3)


json_bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "code", "message", "data"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(status=st.integers(400, 599), body=json_bodies)
def test_any_answer_has_a_class(status: int, body: Any) -> None:
    """Whatever a gateway says: a class, a code and a text, and never an exception.

    contract B11.2
    """
    reply = BusinessCentralReply(status, {}, body)
    assert reply.kind in Kind
    assert isinstance(reply.code, str) and isinstance(reply.message, str)


def _cases(*kinds: str) -> list[dict[str, Any]]:
    if not EXAMPLES.is_file():
        return []
    cases = [json.loads(line) for line in EXAMPLES.read_text("utf-8").splitlines()]
    return [case for case in cases if case["kind"] in kinds]


@needs_contracts
def test_the_documented_errors_have_a_sensible_class() -> None:
    """What a session loses by an extension change passes; a wrong company does not."""
    kinds: dict[str, Kind] = {}
    for case in _cases("docs-error-table", "field-report"):
        body = case["response_body"]
        reply = BusinessCentralReply(case["status"] or 400, {}, body)
        if isinstance(body, dict) and ("error" in body or "code" in body):
            kinds[reply.code] = reply.kind
    assert kinds["Authentication_InvalidCredentials"] is Kind.REFUSED
    assert kinds["Application_ServiceUnavailable"] is Kind.RETRY
    assert kinds["Unknown"] is Kind.RETRY
    assert kinds["Internal_CompanyNotFound"] is Kind.FATAL
    assert kinds["EnvironmentAppOperationFailed"] is Kind.REFUSED


READS = {
    "environments/v1.2": Environment.model_validate,
    "/operations": Operation.model_validate,
    "/environments": Environment.model_validate,
    "/extensions": Extension.model_validate,
    "/extensionDeploymentStatus": Deployment.model_validate,
    "/companies": BusinessCentralCompany.model_validate,
}


@needs_contracts
def test_the_documented_answers_are_understood() -> None:
    """Every example of what we read parses into its model."""
    read = 0
    for case in _cases("docs-example", "field-report"):
        path = (case["url"] or "").partition("?")[0].rstrip("/")
        body = case["response_body"]
        match = next((model for end, model in READS.items() if path.endswith(end)), None)
        if match is None or case["method"] != "GET" or case["status"] != 200:
            continue
        rows = body.get("value", [body]) if isinstance(body, dict) else []
        for row in rows:
            match(row)
            read += 1
    assert read >= 10


async def test_a_claims_challenge_is_answered() -> None:
    """A token that was refused while it lasts is replaced by one with what is demanded of it.

    contract G11.6
    """
    demand = '{"access_token":{"acrs":{"value":"c1"}}}'
    header = f'Bearer error="insufficient_claims", claims="{b64encode(demand.encode()).decode()}"'
    answers = [
        httpx.Response(401, headers={"WWW-Authenticate": header}),
        httpx.Response(200, json={"value": []}),
    ]
    service = Service(lambda _: answers.pop(0))
    async with service.client() as client:
        assert (await client.environments()).value == ()
    assert service.claims == ["", demand]
