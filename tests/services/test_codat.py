"""The client of Codat's API, against answers that the test decides and in the rehearsal cloud."""

from __future__ import annotations

import base64
import json
import logging
import re
import secrets as random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from bcrunbook.cloud import Cloud, rehearsal_cloud
from bcrunbook.core.pace import Pace
from bcrunbook.errors import (
    AnswerLost,
    AskAdministrator,
    FixInput,
    NotFound,
    ReportBug,
    RunbookError,
    Unreachable,
    WaitAndRetry,
)
from bcrunbook.http.client import Http
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.secrets import Secret
from bcrunbook.services.codat.client import BUSINESS_CENTRAL_PLATFORM, Codat
from tests.conftest import requests_of
from tests.rehearsal.codat_support import NOBODY, SANDBOX, key_of
from tests.rehearsal.support import client_of
from tests.support.clock import pace_of
from tests.support.conformance import CONTRACTS

EXAMPLES = CONTRACTS / "examples" / "codat.jsonl"
KEY = "kQ7vXw3ZpL9sTn2RbYc5"
HOST = "api.codat.io"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CORRELATION = "5f1d0c9be7a84c21a3d2f6b4908e7c15"
MIDNIGHT = "2030-01-02T00:00:00Z"
Answer = httpx.Response | Exception
Call = Callable[[Codat], Awaitable[Any]]


@dataclass
class Service:
    """A Codat that answers as the test says, the requests it saw, and how often the key was read.

    Args:
        answer: given a request, its answer.
    """

    answer: Callable[[httpx.Request], Answer]
    key: str = KEY
    seen: list[httpx.Request] = field(default_factory=list)
    key_reads: int = 0

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _read_key(self) -> Secret:
        self.key_reads += 1
        return Secret(self.key)

    async def do(self, *calls: Call) -> Any:
        """What the last of these calls of one client comes to."""
        cloud = Cloud(kind="rehearsal", pace=Pace(speed=1e5))
        async with Http(cloud, transport=httpx.MockTransport(self._handle)) as http:
            codat = Codat(http, self._read_key)
            result = None
            for call in calls:
                result = await call(codat)
            return result

    @property
    def keys(self) -> list[str]:
        """The idempotency key of every request."""
        return [one.headers.get("Idempotency-Key", "") for one in self.seen]


def scripted(*answers: Answer) -> Service:
    """A service that gives these answers in order."""
    left = iter(answers)
    return Service(lambda _: next(left))


def endless(answer: Callable[[], Answer]) -> Service:
    """A service that always gives the same answer."""
    return Service(lambda _: answer())


def json_reply(body: Any, status: int = 200, /, **headers: str) -> httpx.Response:
    """An answer in JSON."""
    return httpx.Response(status, json=body, headers=headers)


def refused(status: int, message: str = "no", **headers: str) -> httpx.Response:
    """An error of Codat, whose body names another status than the answer has."""
    body = {
        "statusCode": 418,
        "service": "PublicApi",
        "error": message,
        "correlationId": CORRELATION,
        "canBeRetried": "Unknown",
        "detailedErrorCode": 0,
    }
    return json_reply(body, status, **headers)


def listed(*results: Any, next: Any = None) -> httpx.Response:
    """A page of a list."""
    links = {"self": {"href": "/x"}, "current": {"href": "/x"}}
    if next is not None:
        links["next"] = {"href": next}
    return json_reply({"results": results, "pageNumber": 1, "totalResults": 9, "_links": links})


def company(id: str = "c", **fields: Any) -> dict[str, Any]:
    """A company as Codat describes it."""
    return {"id": id, "name": "Wickham", "redirect": f"https://link.codat.io/company/{id}"} | fields


def connection(**fields: Any) -> dict[str, Any]:
    """A connection as Codat describes it."""
    return {
        "id": "n",
        "platformName": "Dynamics 365 Business Central",
        "linkUrl": "https://link-api.codat.io/companies/c/connections/n/start",
        "status": "PendingAuth",
        "created": "2030-01-01T00:00:00Z",
    } | fields


INTEGRATION = {"key": BUSINESS_CENTRAL_PLATFORM, "name": "Business Central", "enabled": True}
PULL = {"id": "p", "dataType": "company", "status": "Queued"}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every pause that was made, in the cloud's seconds."""
    found: list[float] = []

    async def note(_: Pace, seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(Pace, "sleep", note)
    return found


@dataclass(frozen=True)
class Case:
    """One call of the client, the request it comes to, and an answer that suits it."""

    call: Call
    request: str
    answer: Callable[[], httpx.Response]
    body: Any = None


PAGE = "page=1&pageSize=100"
READS: dict[str, Case] = {
    "instance": Case(
        lambda codat: codat.instance(), "GET /profile", lambda: json_reply({"name": "i"})
    ),
    "integration": Case(
        lambda codat: codat.integration("trji"),
        "GET /integrations/trji",
        lambda: json_reply(INTEGRATION),
    ),
    "companies": Case(
        lambda codat: codat.companies(),
        f"GET /companies?{PAGE}",
        lambda: listed(company()),
    ),
    "companies whose tag begins so": Case(
        lambda codat: codat.companies_tagged("a", "b."),
        f"GET /companies?{PAGE}&tags=a~b.",
        lambda: listed(company(tags={"a": "b.1"})),
    ),
    "tagged companies": Case(
        lambda codat: codat.companies({"a": "1 & 2", "b": "x"}),
        f"GET /companies?{PAGE}&tags=a%3D1+%26+2%26%26b%3Dx",
        lambda: listed(company(tags={"a": "1 & 2", "b": "x"})),
    ),
    "company": Case(
        lambda codat: codat.company("a/b"),
        "GET /companies/a%2Fb",
        lambda: json_reply(company()),
    ),
    "connections": Case(
        lambda codat: codat.connections("c"),
        f"GET /companies/c/connections?{PAGE}",
        lambda: listed(connection()),
    ),
    "connection": Case(
        lambda codat: codat.connection("c", "n?x=1"),
        "GET /companies/c/connections/n%3Fx%3D1",
        lambda: json_reply(connection()),
    ),
    "data status": Case(
        lambda codat: codat.data_status("c"),
        "GET /companies/c/dataStatus",
        lambda: json_reply({}),
    ),
}
LISTS = ("companies", "tagged companies", "connections")
WRITES: dict[str, Case] = {
    "create company": Case(
        lambda codat: codat.create_company("Wickham", tags={"a": "1"}),
        "POST /companies",
        lambda: json_reply(company()),
        {"name": "Wickham", "tags": {"a": "1"}},
    ),
    "create described company": Case(
        lambda codat: codat.create_company("Wickham", tags={}, description="d"),
        "POST /companies",
        lambda: json_reply(company()),
        {"name": "Wickham", "tags": {}, "description": "d"},
    ),
    "create connection": Case(
        lambda codat: codat.create_connection("c", "trji"),
        "POST /companies/c/connections",
        lambda: json_reply(connection()),
        {"platformKey": "trji"},
    ),
    "refresh": Case(
        lambda codat: codat.refresh("c", "company", "n"),
        "POST /companies/c/data/queue/company?connectionId=n",
        lambda: json_reply(PULL),
    ),
}
CREATES = ("create company", "create connection")
REPEATABLE = ("refresh",)


@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_each_call_is_one_request(name: str) -> None:
    """Method, address and body are those of the description; ids are quoted, pages explicit.

    contract C1.1, C4.1, C4.2, C4.6, C4.9 and C9.15
    """
    one = (READS | WRITES)[name]
    service = scripted(one.answer())
    await service.do(one.call)
    (sent,) = service.seen
    assert f"{sent.method} {sent.url.raw_path.decode()}" == one.request
    assert (json.loads(sent.content) if sent.content else None) == one.body
    assert (sent.url.scheme, sent.url.host) == ("https", HOST)


# --- The API key ------------------------------------------------------------------------------


async def test_the_key_alone_is_encoded() -> None:
    """Basic, and the base64 of the bare key: no user name, no colon (contract C1.3)."""
    service = scripted(json_reply({"name": "i"}))
    await service.do(READS["instance"].call)
    scheme, _, value = service.seen[0].headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(value).decode()) == ("Basic", KEY)


async def test_the_key_is_read_once_and_only_when_needed() -> None:
    """A store may ask a person: nothing is read before the first call, nor a second time."""
    service = scripted(listed(), listed(), json_reply({"name": "i"}))

    async def nothing(codat: Codat) -> None:
        codat.check_spare()

    await service.do(nothing)
    assert service.key_reads == 0
    await service.do(READS["companies"].call, READS["companies"].call, READS["instance"].call)
    assert service.key_reads == 1


@pytest.mark.parametrize("key", [f"Basic {KEY}", f"basic {KEY}", f"{KEY} ", f"a {KEY}", f"{KEY}\n"])
async def test_what_is_no_bare_key_is_refused(key: str) -> None:
    """The ready header or a stray blank is told before anything is sent, and not repeated.

    contract C1.4
    """
    service = Service(lambda _: json_reply({}), key=key)
    with pytest.raises(FixInput) as caught:
        await service.do(READS["instance"].call)
    assert service.seen == []
    assert "codat_api_key" in caught.value.where
    assert KEY not in json.dumps(caught.value.as_dict())


# --- Lists ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LISTS)
async def test_all_pages_are_read(name: str) -> None:
    """Relative links lead to the end, with what they carry; an empty page is not the last one.

    contract C4.3, C4.4 and C4.5
    """
    one = READS[name]
    path = one.request.removeprefix("GET ").partition("?")[0]
    item = one.answer().json()["results"][0]
    service = scripted(
        listed(item, next=f"{path}?page=2&pageSize=100&tags=a%3D1"),
        listed(next=f"{path}?page=3&pageSize=100"),
        listed(item, item),
    )
    assert len(await service.do(one.call)) == 3
    assert [dict(sent.url.params) for sent in service.seen[1:]] == [
        {"page": "2", "pageSize": "100", "tags": "a=1"},
        {"page": "3", "pageSize": "100"},
    ]
    assert {sent.url.path for sent in service.seen} == {path}


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/companies?page=2",
        "//elsewhere.example/companies?page=2",
        "http://api.codat.io/companies?page=2",
        "https://api.codat.io:8443/companies?page=2",
        "https://me@api.codat.io/companies?page=2",
        "//[",
        {"odd": "form"},
    ],
)
async def test_the_key_goes_nowhere_else(link: Any) -> None:
    """A link that leads to another host is not followed."""
    service = endless(lambda: listed(company(), next=link))
    with pytest.raises(ReportBug):
        await service.do(READS["companies"].call)
    assert len(service.seen) == 1


@pytest.mark.parametrize(
    "link",
    [
        "@elsewhere.example/companies?page=2",
        ".elsewhere.example/companies?page=2",
        "/companies/../profile",
        "https://API.codat.io:443/companies?page=2",
        "string",
    ],
)
async def test_an_odd_link_leads_to_codat_all_the_same(link: str) -> None:
    """However a link is spelt, what it leads to is this host or nothing."""
    service = endless(lambda: listed(company(), next=link))
    with pytest.raises(ReportBug):
        await service.do(READS["companies"].call)
    assert {(one.url.scheme, one.url.netloc) for one in service.seen} == {("https", HOST.encode())}


@pytest.mark.parametrize("link", ["\t/companies?page=2", "/companies?page=2\r\n"])
async def test_a_stray_blank_in_a_link_is_no_traceback(link: str) -> None:
    """What no address may hold does not reach the HTTP stack."""
    service = scripted(listed(company("1"), next=link), listed(company("2")))
    found = await service.do(READS["companies"].call)
    assert [one.id for one in found] == ["1", "2"]
    assert str(service.seen[1].url) == f"https://{HOST}/companies?page=2"


@pytest.mark.parametrize("back_to", ["page=1&pageSize=100", "page=2&pageSize=100"])
async def test_pages_that_lead_back_end(back_to: str) -> None:
    """A loop is noticed at once: going round it would use up the day's calls."""
    service = endless(lambda: listed(company(), next=f"/companies?{back_to}"))
    with pytest.raises(ReportBug):
        await service.do(READS["companies"].call)
    assert len(service.seen) <= 2


async def test_pages_without_end_end() -> None:
    """Ever new pages are not followed for ever."""
    service = Service(lambda _: httpx.Response(500))

    def further(_: httpx.Request) -> httpx.Response:
        return listed(next=f"/companies?page={len(service.seen) + 1}")

    service.answer = further
    with pytest.raises(ReportBug):
        await service.do(READS["companies"].call)
    assert len(service.seen) <= 1000


async def test_what_contains_a_text_need_not_begin_with_it() -> None:
    """Codat can be asked for the one alone; the other is sorted out here."""
    service = scripted(
        listed(company("1", tags={"a": "b.1"}), company("2", tags={"a": "ab.1"}), company("3"))
    )
    found = await service.do(lambda codat: codat.companies_tagged("a", "b."))
    assert [one.id for one in found] == ["1"]


async def test_a_list_without_links_is_one_page() -> None:
    """Links are only where there is something to follow."""
    without: list[dict[str, Any]] = [
        {},
        {"_links": None},
        {"_links": {}},
        {"_links": {"next": None}},
    ]
    for links in without:
        found = await scripted(json_reply({"results": [company()], **links})).do(
            READS["companies"].call
        )
        assert len(found) == 1


async def test_companies_are_filtered_again() -> None:
    """What Codat let through without the wanted tags is left out.

    contract C4.5 and C4.8
    """
    found = [
        company("both", tags={"a": "1", "b": "2", "c": "3"}),
        company("one", tags={"a": "1"}),
        company("other value", tags={"a": "1", "b": "20"}),
        company("null", tags=None),
        company("none"),
    ]
    service = endless(lambda: listed(*found))
    tagged = await service.do(lambda codat: codat.companies({"a": "1", "b": "2"}))
    assert [one.id for one in tagged] == ["both"]
    assert len(await service.do(lambda codat: codat.companies())) == len(found)


# --- What Codat's objects look like -----------------------------------------------------------


async def test_new_fields_and_values_do_not_break_a_run() -> None:
    """Codat adds fields and enumeration values without notice (contract C2.18)."""
    body = connection(
        status="Snoozed",
        brandNew={"a": 1},
        sourceType="Telepathy",
        dataConnectionErrors=[{"statusCode": "403", "status": "Fading", "more": 1}],
    )
    found = await scripted(json_reply(body)).do(READS["connection"].call)
    assert (found.status, found.data_connection_errors[0].status) == ("Snoozed", "Fading")
    status = {"company": {"dataType": "company", "currentStatus": "Pondering", "x": []}}
    read = await scripted(json_reply(status)).do(READS["data status"].call)
    assert read["company"].current_status == "Pondering"


async def test_what_may_be_missing_may_be_missing() -> None:
    """Objects with the required fields only, and nulls where the description has them.

    contract C7.2, C8.2 and C8.13
    """
    made = await scripted(json_reply(company(description=None, lastSync=None))).do(
        READS["company"].call
    )
    assert (made.tags, made.created, made.data_connections) == (None, None, ())
    bare = connection(lastSync=None, dataConnectionErrors=None)
    found = await scripted(json_reply(bare)).do(READS["connection"].call)
    assert found.data_connection_errors is None
    error = connection(dataConnectionErrors=[{"status": None, "resolvedOnUtc": None}])
    (seen,) = (
        await scripted(json_reply(error)).do(READS["connection"].call)
    ).data_connection_errors
    assert (seen.status, seen.status_code, seen.errored_on_utc) == (None, "", None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2022-10-27T10:22:43.6464237Z", datetime(2022, 10, 27, 10, 22, 43, 646423, UTC)),
        ("2022-10-27T10:22:43.6464237", datetime(2022, 10, 27, 10, 22, 43, 646423, UTC)),
        ("2022-10-27T10:22:43", datetime(2022, 10, 27, 10, 22, 43, tzinfo=UTC)),
        ("2022-10-27T10:22:43+02:00", datetime(2022, 10, 27, 8, 22, 43, tzinfo=UTC)),
    ],
)
async def test_dates_are_utc(text: str, moment: datetime) -> None:
    """Seven decimals are read, and a date without a zone is UTC (contract C2.16)."""
    body = connection(created=text, dataConnectionErrors=[{"erroredOnUtc": text}])
    found = await scripted(json_reply(body)).do(READS["connection"].call)
    assert (found.created, found.data_connection_errors[0].errored_on_utc) == (moment, moment)
    assert found.created.tzinfo is not None


async def test_an_integration_with_fields_swapped_is_read() -> None:
    """Codat's own description shows one with sourceId and sourceType swapped: neither is needed.

    contract C5.4, C5.7 and C5.8
    """
    swapped = {"sourceId": "accounting", "sourceType": "0f3b5c1e-7d42-4a8e-9c6f-2b1d0a9e8c7b"}
    features = {"datatypeFeatures": [{"datatype": "x", "supportedFeatures": [{"odd": "get"}]}]}
    body = INTEGRATION | swapped | features
    found = await scripted(json_reply(body)).do(READS["integration"].call)
    assert (found.key, found.enabled) == (BUSINESS_CENTRAL_PLATFORM, True)


async def test_types_without_data_are_left_out() -> None:
    """Null is a type that was never synced; an entry without a state is one too, and is told.

    contract C9.9 and C9.20
    """
    body = {
        "invoices": None,
        "company": {"dataType": "company", "currentStatus": "Complete", "lastSuccessfulSync": None},
        "bills": {"dataType": "bills"},
    }
    found = await scripted(json_reply(body)).do(READS["data status"].call)
    assert {name: one.current_status for name, one in found.items()} == {
        "company": "Complete",
        "bills": "",
    }


ODD: list[Any] = [[], "x", 5, {}, {"id": 5}, {"name": []}, {"key": "trji", "enabled": "?"}]


@pytest.mark.parametrize("name", [one for one in READS if one != "data status"])
async def test_an_answer_in_an_odd_form_is_reported(name: str) -> None:
    """It is an error with the request id, no traceback, whatever came."""
    for body in ODD:
        with pytest.raises(ReportBug) as caught:
            await scripted(json_reply(body)).do(READS[name].call)
        assert caught.value.request_id == "" and caught.value.next
    with pytest.raises(ReportBug) as caught:
        await scripted(json_reply({"correlationId": CORRELATION})).do(READS[name].call)
    assert caught.value.request_id == CORRELATION
    assert CORRELATION in str(caught.value)


@pytest.mark.parametrize("name", READS)
async def test_an_answer_nested_without_end_is_none_of_codats(name: str) -> None:
    """What no parser can follow is no JSON: the same error as for a page."""
    answer = httpx.Response(200, text="[" * 100_000)
    with pytest.raises(Unreachable) as caught:
        await scripted(answer).do(READS[name].call)
    assert "Something other than Codat" in caught.value.what


@pytest.mark.parametrize("results", [None, "x", 5, [5], [None], [{}], {"a": 1}])
async def test_a_list_in_an_odd_form_is_reported(results: Any) -> None:
    """Results that are none, and links that are none."""
    odd: list[dict[str, Any]] = [{}, {"_links": []}, {"_links": {"next": "x"}}]
    for links in odd:
        with pytest.raises(ReportBug):
            await scripted(json_reply({"results": results, **links})).do(READS["companies"].call)


@pytest.mark.parametrize("links", [["x"], "x", 5, {"next": "x"}, {"next": ["x"]}])
async def test_links_in_an_odd_form_are_reported(links: Any) -> None:
    """A list whose end cannot be told is not taken for a whole one."""
    with pytest.raises(ReportBug):
        await scripted(json_reply({"results": [], "_links": links})).do(READS["companies"].call)


@pytest.mark.parametrize("body", [[], "x", {"company": 5}, {"company": {"dataType": 5}}])
async def test_a_data_status_in_an_odd_form_is_reported(body: Any) -> None:
    """Only a map of data types is one."""
    with pytest.raises(ReportBug):
        await scripted(json_reply(body)).do(READS["data status"].call)


@pytest.mark.parametrize("name", [*CREATES, "refresh"])
async def test_what_was_made_and_cannot_be_read_counts_as_lost(name: str) -> None:
    """A success whose answer is of no use was a success: look before making it again."""
    page = httpx.Response(200, text="<html>signed in</html>")
    for answer in (json_reply({"correlationId": CORRELATION}), json_reply([]), page):
        service = scripted(answer)
        with pytest.raises(AnswerLost) as caught:
            await service.do(WRITES[name].call)
        assert len(service.seen) == 1
        assert "run again" in caught.value.next
        assert "<html>" not in str(caught.value)


async def test_a_gateways_page_is_no_traceback() -> None:
    """HTML in the place of JSON: the status is told, the page is not."""
    page = "<html><body>Bad Gateway</body></html>"
    cases: list[tuple[int, type[RunbookError]]] = [
        (200, Unreachable),
        (403, AskAdministrator),
        (502, WaitAndRetry),
    ]
    for status, kind in cases:
        service = endless(partial(httpx.Response, status, text=page))
        with pytest.raises(kind) as caught:
            await service.do(READS["instance"].call)
        assert "<html>" not in str(caught.value)
        assert status == 200 or caught.value.code == str(status)


async def test_what_is_not_there_is_none() -> None:
    """404 is an answer for a thing by its id; for a list it is an error (contract C2.11)."""
    for name in ("integration", "company", "connection"):
        assert await scripted(refused(404)).do(READS[name].call) is None
    for name in ("companies", "connections", "data status"):
        with pytest.raises(NotFound):
            await scripted(refused(404)).do(READS[name].call)


async def test_the_instance_is_asked_for_once() -> None:
    """It does not change during a run; a refusal is not remembered as one."""
    service = scripted(refused(403), json_reply({"name": "Millrace"}))

    async def refused_first(codat: Codat) -> None:
        with pytest.raises(AskAdministrator):
            await codat.instance()

    found = await service.do(refused_first, READS["instance"].call, READS["instance"].call)
    assert (found.name, len(service.seen)) == ("Millrace", 2)


# --- Refusals ---------------------------------------------------------------------------------

REFUSALS: list[tuple[int, type[RunbookError], int, str, str]] = [
    (400, FixInput, 2, "the message names", "you"),
    (401, FixInput, 2, "API keys", "Administrator or Developer"),
    (402, AskAdministrator, 3, "premium (ERP)", "account manager"),
    (403, AskAdministrator, 3, "new key", "Administrator or Developer"),
    (404, NotFound, 2, "looked for", "you"),
    (409, WaitAndRetry, 4, "in a minute", "you"),
    (418, ReportBug, 1, "request id", "you"),
    (422, ReportBug, 1, "report", "you"),
    (429, WaitAndRetry, 4, "later", "you"),
    (451, AskAdministrator, 3, "Codat", "account manager"),
    (500, WaitAndRetry, 4, "few minutes", "you"),
    (503, WaitAndRetry, 4, "few minutes", "you"),
]


@pytest.mark.parametrize(("status", "kind", "exit_code", "advice", "who"), REFUSALS)
async def test_each_refusal_says_who_can_help(
    status: int, kind: type[RunbookError], exit_code: int, advice: str, who: str
) -> None:
    """Kind, exit code and advice go by the HTTP status, whatever the body says it is.

    contract C1.8, C2.4, C2.5, C2.6, C2.7, C2.8, C2.9, C2.10, C2.13, C2.14, C2.15 and C6.13
    """
    service = endless(lambda: refused(status, "Not like this."))
    with pytest.raises(kind) as caught:
        await service.do(READS["companies"].call)
    error = caught.value
    assert (type(error), error.exit_code, error.code) == (kind, exit_code, str(status))
    assert "Not like this." in error.what and str(status) in error.what
    assert advice in error.next and who in error.who
    assert error.why or status == 418
    assert f"request id {CORRELATION}" in str(error)


async def test_what_a_free_plan_holds_is_told() -> None:
    """It may be why a company more is refused (contract C7.14)."""
    with pytest.raises(AskAdministrator) as caught:
        await scripted(refused(402)).do(WRITES["create company"].call)
    assert "50 companies" in caught.value.why


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 418, 422, 451])
@pytest.mark.parametrize("name", WRITES)
async def test_a_real_refusal_of_a_write_is_told_at_once(name: str, status: int) -> None:
    """What no repeating heals is sent once."""
    service = scripted(refused(status, "Not like this."))
    with pytest.raises(RunbookError, match=r"Not like this\.") as caught:
        await service.do(WRITES[name].call)
    assert caught.value.code == str(status)
    assert len(service.seen) == 1


@pytest.mark.parametrize("status", [400, 403, 422])
@pytest.mark.parametrize(
    "words", ["At least one product must be assigned.", "Products are required", "No PRODUCT given"]
)
async def test_a_company_without_a_product_is_a_matter_of_a_setting(
    status: int, words: str
) -> None:
    """However Codat words it, and under whichever status (contract C7.13)."""
    with pytest.raises(FixInput) as caught:
        await scripted(refused(status, words)).do(WRITES["create company"].call)
    assert words in caught.value.what
    assert "codat_products" in caught.value.next and "Products" in caught.value.next
    assert "Administrator" in caught.value.who


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("create company", 400, "The name is not accepted in production."),
        ("create company", 402, "Your plan does not include this product."),
        ("create connection", 403, "Your plan does not include this product."),
    ],
)
async def test_other_refusals_are_not_taken_for_it(name: str, status: int, words: str) -> None:
    """Where the plan or another value is in the way, no product would help."""
    with pytest.raises(RunbookError) as caught:
        await scripted(refused(status, words)).do(WRITES[name].call)
    assert "codat_products" not in str(caught.value)


async def test_products_and_the_instance_s_id_are_sent_where_they_are_given() -> None:
    """Neither is sent without the setting (contract C1.13 and C7.12)."""
    service = endless(lambda: json_reply(company()))
    await service.do(
        lambda codat: codat.create_company("Wickham", tags={}, products=("lending", "x")),
        lambda codat: codat.create_company("Wickham", tags={}),
    )
    given, without = (json.loads(one.content) for one in service.seen)
    assert given["products"] == ["lending", "x"] and "products" not in without
    assert not [one for one in service.seen if "x-codat-client" in one.headers]


async def test_what_validation_says_is_told() -> None:
    """The sentences that say which value is wrong; odd forms of them are no traceback.

    contract C2.3
    """
    items = [{"itemId": "name", "message": "Name is too long."}, {"message": None}, "odd", {}]
    cases: list[tuple[Any, str]] = [
        ({"errors": items, "warnings": None}, "Invalid. Name is too long."),
        ({"errors": None}, "Invalid."),
        ({"errors": "odd"}, "Invalid."),
        ("odd", "Invalid."),
        (None, "Invalid."),
    ]
    for validation, words in cases:
        answer = json_reply({"error": "Invalid.", "validation": validation}, 400)
        with pytest.raises(FixInput) as caught:
            await scripted(answer).do(WRITES["create company"].call)
        assert caught.value.what == f"Codat refused it (400): {words}"


@pytest.mark.parametrize("body", [None, [], "x", 5, {}, {"error": None}, {"error": {"a": 1}}])
async def test_every_form_of_an_error_is_understood(body: Any) -> None:
    """All of an error is optional (contract C2.3)."""
    with pytest.raises(AskAdministrator) as caught:
        await scripted(json_reply(body, 402)).do(READS["instance"].call)
    assert (caught.value.code, caught.value.request_id) == ("402", "")


@pytest.mark.scrubs
async def test_a_refusal_that_repeats_the_key_does_not_show_it() -> None:
    """What comes from outside is scrubbed before it is an error."""
    spelt = base64.b64encode(KEY.encode()).decode()
    answer = refused(401, f"{KEY} and {spelt} are unknown; open https://x.example/?otp=8231945")
    with pytest.raises(FixInput) as caught:
        await scripted(answer).do(READS["instance"].call)
    shown = json.dumps(caught.value.as_dict())
    assert "are unknown" in shown
    assert not any(one in shown for one in (KEY, spelt, "8231945"))


# --- Writing once -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITES)
async def test_every_write_bears_a_key_of_its_own(name: str) -> None:
    """POST and PATCH carry a GUID, another one each time (contract C3.8 and C3.12)."""
    one = WRITES[name]
    service = scripted(one.answer(), one.answer())
    await service.do(one.call, one.call)
    assert all(GUID.fullmatch(key) for key in service.keys)
    assert len(set(service.keys)) == 2


@pytest.mark.parametrize("name", READS)
async def test_no_read_bears_a_key(name: str) -> None:
    """A kept answer would hide what has changed."""
    service = scripted(READS[name].answer())
    await service.do(READS[name].call)
    assert service.keys == [""]


PASSING: dict[str, Callable[[], Answer]] = {
    "lost": lambda: httpx.ReadError("reset"),
    "slow": lambda: httpx.ReadTimeout("slow"),
    "not sent": lambda: httpx.ConnectError("refused"),
    "spoilt": lambda: httpx.Response(
        200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"not gzip")
    ),
    "throttled": lambda: refused(429, **{"Retry-After": "3"}),
    "in progress": lambda: refused(409),
}


@pytest.mark.parametrize("trouble", PASSING)
@pytest.mark.parametrize("name", WRITES)
async def test_what_may_have_been_done_is_asked_again_under_the_same_key(
    name: str, trouble: str
) -> None:
    """A lost answer, a 429 and a first try under way: the same request, so nothing twice.

    contract C3.8, C3.9 and C3.11
    """
    one = WRITES[name]
    service = scripted(PASSING[trouble](), PASSING[trouble](), one.answer())
    await service.do(one.call)
    assert len(service.seen) == 3
    assert len(set(service.keys)) == 1
    assert len({(sent.method, str(sent.url), sent.content) for sent in service.seen}) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("name", CREATES)
async def test_what_would_be_made_twice_is_never_sent_twice(name: str, status: int) -> None:
    """A fault of Codat's may have had its effect: the caller has to look first."""
    service = scripted(refused(status))
    with pytest.raises(AnswerLost) as caught:
        await service.do(WRITES[name].call)
    assert len(service.seen) == 1
    assert (caught.value.code, caught.value.request_id) == (str(status), CORRELATION)
    assert "run again" in caught.value.next


@pytest.mark.parametrize("name", CREATES)
async def test_a_lost_answer_and_then_a_fault_is_lost(name: str) -> None:
    """The two rules together: one key, and no third request."""
    service = scripted(httpx.ReadError("reset"), refused(500))
    with pytest.raises(AnswerLost):
        await service.do(WRITES[name].call)
    assert len(service.seen) == 2 and len(set(service.keys)) == 1


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("name", REPEATABLE)
async def test_what_may_be_done_twice_is_sent_again_under_a_new_key(name: str, status: int) -> None:
    """Codat keeps a 500 under its key and would only tell it again (contract C3.10)."""
    one = WRITES[name]
    service = scripted(refused(status), refused(status), one.answer())
    await service.do(one.call)
    assert len(set(service.keys)) == len(service.seen) == 3


@pytest.mark.parametrize("name", REPEATABLE)
async def test_a_fault_that_stays_ends_the_write(waits: list[float], name: str) -> None:
    """Patience with Codat is finite, in requests and in time."""
    service = endless(lambda: refused(500))
    with pytest.raises(WaitAndRetry) as caught:
        await service.do(WRITES[name].call)
    assert caught.value.request_id == CORRELATION
    assert 2 < len(service.seen) < 10 and sum(waits) <= 60


@pytest.mark.parametrize("name", WRITES)
async def test_a_first_try_that_stays_under_way_ends_the_write(
    waits: list[float], name: str
) -> None:
    """A 409 that does not end is told as such, after few requests under one key.

    contract C2.12 and C3.11
    """
    service = endless(lambda: refused(409))
    with pytest.raises(WaitAndRetry) as caught:
        await service.do(WRITES[name].call)
    assert caught.value.code == "409"
    assert len(set(service.keys)) == 1
    assert 2 < len(service.seen) < 10 and sum(waits) <= 30


@pytest.mark.parametrize("name", WRITES)
async def test_answers_that_stay_lost_say_so(name: str) -> None:
    """When no answer comes at all, it may have been done: the caller looks."""
    service = endless(lambda: httpx.ReadError("reset"))
    with pytest.raises(AnswerLost):
        await service.do(WRITES[name].call)
    assert 2 < len(service.seen) < 10
    assert len(set(service.keys)) == 1


# --- Rate limits ------------------------------------------------------------------------------


def limited(remaining: str, reset: str | None = MIDNIGHT, limit: str = "1000") -> dict[str, str]:
    """The headers that tell what is left."""
    found = {"X-Rate-Limit-Limit": limit, "X-Rate-Limit-Remaining": remaining}
    return found | ({} if reset is None else {"X-Rate-Limit-Reset": reset})


async def limits(codat: Codat) -> str:
    """What the client says is left."""
    return str(codat.quota)


LEFT = "7 of 1000 left"
TOLD_LIMITS: list[tuple[dict[str, str], str]] = [
    (limited("7"), f"{LEFT}, new ones at 2030-01-02 00:00 UTC"),
    (limited("7", "Wed, 02 Jan 2030 00:00:00 GMT"), f"{LEFT}, new ones at 2030-01-02 00:00 UTC"),
    (limited("7", "2030-01-02T00:00:00"), f"{LEFT}, new ones at 2030-01-02 00:00 UTC"),
    (limited("7", "2030-01-02T02:00:00+02:00"), f"{LEFT}, new ones at 2030-01-02 00:00 UTC"),
    (limited("7", "Wed, 02 Jan 2030 02:00:00 +0200"), f"{LEFT}, new ones at 2030-01-02 00:00 UTC"),
    (limited("7", "2030-01-02T00:00:00.0000000Z"), f"{LEFT}, new ones at 2030-01-02 00:00 UTC"),
    (limited("7", None), LEFT),
    (limited("7", ""), LEFT),
    (limited("7", "86400"), LEFT),
    (limited("7", "tomorrow"), LEFT),
    (limited("7", "0001-01-01T00:00:00+02:00"), LEFT),
    (limited("7", f"Wed, 02 Jan 2030 00:00:00 +{'9' * 30}"), LEFT),
    (limited("some"), "None"),
    (limited("7", limit="1e3"), "None"),
    ({"X-Rate-Limit-Limit": "1000"}, "None"),
    ({}, "None"),
]


@pytest.mark.parametrize(("headers", "text"), TOLD_LIMITS)
async def test_what_is_left_is_read_in_each_form(headers: dict[str, str], text: str) -> None:
    """The date is told in UTC whatever its form; what cannot be read is not told.

    contract C3.5 and C3.6
    """
    service = scripted(json_reply({"name": "i"}, **headers))
    assert await service.do(READS["instance"].call, limits) == text


async def test_what_was_left_is_remembered() -> None:
    """A refusal tells it too, and an answer that says nothing takes nothing away.

    contract C3.13
    """
    service = scripted(refused(404, **limited("7")), listed())
    assert await service.do(limits) == "None"
    found = await service.do(READS["company"].call, READS["companies"].call, limits)
    assert found.startswith(LEFT)


async def spare(codat: Codat) -> str:
    """Ask whether polling may go on."""
    codat.check_spare()
    return "yes"


async def test_polling_stops_below_a_tenth() -> None:
    """The rest is for others who share the keys; before the first call nothing is known.

    contract C3.1
    """
    assert await scripted().do(spare) == "yes"
    for remaining in ("1000", "100"):
        service = scripted(json_reply({"name": "i"}, **limited(remaining)))
        assert await service.do(READS["instance"].call, spare) == "yes"
    for remaining in ("99", "0"):
        service = scripted(json_reply({"name": "i"}, **limited(remaining)))
        with pytest.raises(WaitAndRetry) as caught:
            await service.do(READS["instance"].call, spare)
        assert f"{remaining} of 1000 left, new ones at 2030-01-02 00:00 UTC" in caught.value.what
        assert "run again after that time" in caught.value.next
        assert len(service.seen) == 1


@pytest.mark.parametrize("name", ["integration", "companies", *WRITES])
async def test_a_day_without_calls_left_ends_the_run(waits: list[float], name: str) -> None:
    """A Retry-After of hours is not sat out: the error tells when there are new calls.

    contract C3.7
    """
    headers = {"Retry-After": "40000", **limited("0")}
    service = endless(lambda: refused(429, "Too many.", **headers))
    with pytest.raises(WaitAndRetry) as caught:
        await service.do((READS | WRITES)[name].call)
    assert "0 of 1000 left, new ones at 2030-01-02 00:00 UTC" in caught.value.next
    assert caught.value.request_id == CORRELATION
    assert sum(waits) <= 300 and len(service.seen) < 10
    assert len(set(service.keys)) == 1


# --- What may not be written down -------------------------------------------------------------

OTP = "739162"


def with_otp() -> dict[str, Any]:
    """A company and its connection, whose links work once."""
    link = f"https://link-api.codat.io/companies/c/connections/n/start?otp={OTP}"
    return company(
        redirect=f"https://link.codat.io/company/c?link.otp={OTP}",
        dataConnections=[connection(linkUrl=link)],
    )


async def test_links_do_not_print() -> None:
    """They are there for whoever shows them at the last moment, and in no text of the models.

    contract C8.18
    """
    (found,) = await scripted(listed(with_otp())).do(READS["companies"].call)
    (linked,) = found.data_connections
    assert OTP in linked.link_url
    for text in (repr(found), str(found), f"{[found]}", repr(linked), f"{linked}"):
        assert OTP not in text and "link-api.codat.io" not in text
        assert "status='PendingAuth'" in text


async def test_neither_key_nor_link_is_in_a_log_or_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At the most talkative level, in good answers and in those that cannot be read.

    contract C8.18 and C8.20
    """
    caplog.set_level(logging.DEBUG)
    broken = with_otp() | {"name": 5}
    service = scripted(
        httpx.ReadError("reset"),
        json_reply(with_otp()),
        listed(with_otp()),
        json_reply(broken),
        json_reply(broken),
        listed(broken),
        refused(404, f"No https://link.codat.io/company/c?link.otp={OTP}"),
    )
    create = WRITES["create company"].call
    await service.do(create, READS["companies"].call)
    errors: list[str] = []
    for call in (
        create,
        READS["company"].call,
        READS["companies"].call,
        READS["data status"].call,
    ):
        with pytest.raises(RunbookError) as caught:
            await service.do(call)
        error = caught.value
        errors += [str(error), json.dumps(error.as_dict()), repr(error.__cause__)]
    written = "\n".join([*errors, *(one.getMessage() for one in caplog.records), caplog.text])
    assert "POST api.codat.io/companies -> 200" in written
    for secret in (KEY, base64.b64encode(KEY.encode()).decode(), OTP):
        assert secret not in written


# --- Documented answers -----------------------------------------------------------------------

COMPANY_PATH = r"/companies/[0-9a-f-]{36}"
BY_ADDRESS: list[tuple[str, Call]] = [
    (r"GET /integrations/\w+", READS["integration"].call),
    (r"POST /companies", WRITES["create company"].call),
    (r"GET /companies", READS["companies"].call),
    (rf"GET {COMPANY_PATH}", lambda codat: codat.company("c")),
    (rf"POST {COMPANY_PATH}/connections", WRITES["create connection"].call),
    (rf"GET {COMPANY_PATH}/connections", READS["connections"].call),
    (rf"GET {COMPANY_PATH}/connections/[0-9a-f-]+", lambda codat: codat.connection("c", "n")),
    (rf"GET {COMPANY_PATH}/dataStatus", READS["data status"].call),
    (rf"POST {COMPANY_PATH}/data/queue/\w+", WRITES["refresh"].call),
]


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the contracts are not beside this repository")
async def test_documented_answers_are_understood() -> None:
    """Every documented answer to a call of ours is read, or is a refusal with its request id."""
    read, refusals = 0, set()
    for line in EXAMPLES.read_text("utf-8").splitlines():
        example = json.loads(line)
        asked = f"{example['method']} {httpx.URL(example['url']).path}"
        calls = [call for address, call in BY_ADDRESS if re.fullmatch(address, asked)]
        status, body = example["status"], example["response_body"]
        if not calls and status >= 400:
            calls = [READS["companies"].call]  # what a refusal means goes by its status alone
        if not calls or '"href": "string"' in line:
            continue  # not a call of ours, or a page with placeholders for links
        content = b"" if body is None else json.dumps(body).encode()
        service = endless(partial(httpx.Response, status, content=content))
        try:
            found = await service.do(calls[0])
            assert status < 300 or (status == 404 and found is None), line
            read += 1
        except RunbookError as error:
            assert error.code == str(status), line
            assert error.request_id == body["correlationId"] and error.why and error.next
            refusals.add(status)
    assert read >= 10
    assert {400, 401, 402, 403, 429, 500, 503} <= refusals


# --- In the rehearsal cloud -------------------------------------------------------------------


@dataclass(frozen=True)
class Rehearsal:
    """A rehearsal cloud of this module's own, and its rules of what goes wrong."""

    description: RehearsalDescription
    rules: Path

    def spoil(self, *rules: dict[str, Any]) -> None:
        """From now on these rules are in force, counting from one."""
        whole = [{"host": HOST, **rule} for rule in rules]
        self.rules.write_text(json.dumps(whole), "utf-8")

    def key(self, instance: str = "") -> str:
        """The API key of an instance, by its name; of the trial's without one."""
        return key_of(self.description, instance or self.description.codat["instance"])

    @asynccontextmanager
    async def client(self, instance: str = "") -> AsyncIterator[Codat]:
        """A client for an instance."""

        async def key() -> Secret:
            return Secret(self.key(instance))

        async with Http(rehearsal_cloud(Path(self.description.directory))) as http:
            yield Codat(http, key)

    def answered(self) -> list[str]:
        """Method, path and status of every request so far; a status of 0 had no answer."""
        return [
            f"{one['method']} {one['path']} {one['status']}"
            for one in requests_of(self.description, HOST)
        ]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """The rehearsal cloud of this module."""
    folder = tmp_path_factory.mktemp("codat")
    rules = folder / "faults.json"
    rules.write_text("[]", "utf-8")
    with launch(folder / "cloud", skips=True, faults=rules, lags="worst") as description:
        yield Rehearsal(description, rules)


@pytest.fixture
def rehearsal(own: Rehearsal) -> Iterator[Rehearsal]:
    """The same, without anything going wrong before and after the test."""
    yield own
    own.spoil()


@pytest.fixture
def tags() -> dict[str, str]:
    """A tag that only this test's companies bear."""
    return {"bcrunbook-test": random.token_hex(8)}


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_lost_answer_makes_one_company(
    rehearsal: Rehearsal, tags: dict[str, str], moment: str
) -> None:
    """Whether the effect was there or not: the same key brings its answer, and one company.

    contract C3.8
    """
    rehearsal.spoil({"method": "POST", "path": "^/companies$", "nth": 1, "drop": moment})
    before = len(rehearsal.answered())
    async with rehearsal.client() as codat:
        made = await codat.create_company("Once Ltd", tags=tags)
        assert [one.id for one in await codat.companies(tags)] == [made.id]
    sent = [one for one in rehearsal.answered()[before:] if one.startswith("POST")]
    assert len(sent) == 2 and sent[-1] == "POST /companies 200" != sent[0]


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_lost_answer_makes_one_connection(
    rehearsal: Rehearsal, tags: dict[str, str], moment: str
) -> None:
    """As for a company."""
    rehearsal.spoil({"method": "POST", "path": "/connections$", "nth": 1, "drop": moment})
    before = len(rehearsal.answered())
    async with rehearsal.client() as codat:
        owner = await codat.create_company("Once Ltd", tags=tags)
        made = await codat.create_connection(owner.id, BUSINESS_CENTRAL_PLATFORM)
        assert [one.id for one in await codat.connections(owner.id)] == [made.id]
    sent = [one for one in rehearsal.answered()[before:] if "POST" in one and "/connections" in one]
    assert len(sent) == 2


async def test_a_fault_on_creating_is_the_callers_to_look_at(
    rehearsal: Rehearsal, tags: dict[str, str]
) -> None:
    """One request; looking finds nothing, and making it then works: the key is a new one."""
    rehearsal.spoil({"method": "POST", "path": "^/companies$", "nth": 1, "status": 500})
    before = len(rehearsal.answered())
    async with rehearsal.client() as codat:
        with pytest.raises(AnswerLost):
            await codat.create_company("Once Ltd", tags=tags)
        assert rehearsal.answered()[before:] == ["POST /companies 500"]
        assert await codat.companies(tags) == ()
        made = await codat.create_company("Once Ltd", tags=tags)
        assert [one.id for one in await codat.companies(tags)] == [made.id]


async def test_a_fault_on_refreshing_is_outlived(
    rehearsal: Rehearsal, tags: dict[str, str]
) -> None:
    """The same key would have brought the kept 500 for 90 minutes (contract C3.10)."""
    async with rehearsal.client() as codat:
        owner = await codat.create_company("Once Ltd", tags=tags)
        made = await codat.create_connection(owner.id, SANDBOX)
        with client_of(rehearsal.description) as customer:
            assert customer.get(made.link_url).status_code == 200
        await settled(codat, owner.id, on=rehearsal.description)
        rehearsal.spoil({"path": "/data/queue/", "nth": [1, 2], "status": 500})
        before = len(rehearsal.answered())
        assert (await codat.refresh(owner.id, "company", made.id)).data_type == "company"
        assert len(rehearsal.answered()[before:]) == 3


async def test_a_throttled_creation_makes_one_company(
    rehearsal: Rehearsal, tags: dict[str, str]
) -> None:
    """A 429 is not kept under the key, so the same one works (contract C3.9)."""
    rehearsal.spoil(
        {
            "method": "POST",
            "path": "^/companies$",
            "nth": 1,
            "status": 429,
            "headers": {"Retry-After": 2},
        }
    )
    async with rehearsal.client() as codat:
        made = await codat.create_company("Once Ltd", tags=tags)
        assert [one.id for one in await codat.companies(tags)] == [made.id]


async def test_from_a_company_to_its_data(rehearsal: Rehearsal, tags: dict[str, str]) -> None:
    """Company, connection, link, refresh and data status, as a run needs them.

    contract C2.2, C7.1, C8.1, C8.5, C9.3 and C9.7
    """
    async with rehearsal.client() as codat:
        owner = await codat.create_company("Wickham", tags=tags, description="A test.")
        assert (owner.name, owner.description, owner.tags) == ("Wickham", "A test.", tags)
        made = await codat.create_connection(owner.id, SANDBOX)
        assert (made.status, made.integration_key) == ("PendingAuth", SANDBOX)
        assert await codat.data_status(owner.id) == {}
        with client_of(rehearsal.description) as customer:
            assert customer.get(made.link_url).status_code == 200
        linked = await codat.connection(owner.id, made.id)
        assert linked is not None and linked.status == "Linked"
        assert [one.id for one in await codat.connections(owner.id)] == [made.id]
        await settled(codat, owner.id, on=rehearsal.description)
        pull = await codat.refresh(owner.id, "company", made.id)
        assert pull.data_type == "company"
        status = (await settled(codat, owner.id, on=rehearsal.description))["company"]
        assert status.last_successful_sync is not None
        found = await codat.company(owner.id)
        assert found is not None
        assert [one.status for one in found.data_connections] == ["Linked"]


async def settled(codat: Codat, owner: str, *, on: RehearsalDescription) -> dict[str, Any]:
    """The data status of a company once everything is complete."""
    pace = pace_of(on)
    for _ in range(400):
        status = await codat.data_status(owner)
        if status and {one.current_status for one in status.values()} == {"Complete"}:
            return dict(status)
        await pace.sleep(10)
    raise AssertionError(status)


async def test_why_a_link_failed_is_read(rehearsal: Rehearsal, tags: dict[str, str]) -> None:
    """A platform that is not enabled refuses the customer; the connection tells.

    contract C8.13 and C8.14
    """
    async with rehearsal.client() as codat:
        owner = await codat.create_company("Wickham", tags=tags)
        made = await codat.create_connection(owner.id, BUSINESS_CENTRAL_PLATFORM)
        with client_of(rehearsal.description) as customer:
            customer.get(made.link_url)
        found = await codat.connection(owner.id, made.id)
        assert found is not None and found.status == "PendingAuth"
        (error,) = found.data_connection_errors or ()
        assert (error.status_code, error.status) == ("403", "Active")
        assert error.error_message and error.errored_on_utc is not None


async def test_platforms_are_read(rehearsal: Rehearsal) -> None:
    """Business Central is there, and a platform that is not is none (contract C5.1 and C5.3)."""
    async with rehearsal.client() as codat:
        found = await codat.integration(BUSINESS_CENTRAL_PLATFORM)
        assert found is not None and found.key == BUSINESS_CENTRAL_PLATFORM
        assert await codat.integration("zzzz") is None


async def test_what_is_not_there_is_none_in_the_cloud(
    rehearsal: Rehearsal, tags: dict[str, str]
) -> None:
    """Ids that nobody has."""
    async with rehearsal.client() as codat:
        assert await codat.company(NOBODY) is None
        owner = await codat.create_company("Wickham", tags=tags)
        assert await codat.connection(owner.id, NOBODY) is None
        with pytest.raises(NotFound):
            await codat.connections(NOBODY)


async def test_a_long_list_is_read_to_its_end(rehearsal: Rehearsal, tags: dict[str, str]) -> None:
    """More companies than a page holds, with the filter kept from page to page.

    contract C4.1 and C4.4
    """
    async with rehearsal.client("Millrace Software") as codat:
        made = {(await codat.create_company(f"No {n}", tags=tags)).id for n in range(101)}
        await codat.create_company("Another", tags={"bcrunbook-test": "other"})
        before = len(rehearsal.answered())
        found = await codat.companies(tags)
        assert len(found) == 101 and {one.id for one in found} == made
        assert len(rehearsal.answered()) - before == 2


async def test_calls_left_are_counted_down(rehearsal: Rehearsal) -> None:
    """The headers of a real answer are understood, and each call costs one.

    contract C3.5 and C3.6
    """
    async with rehearsal.client() as codat:
        left = []
        for _ in range(2):
            await codat.integration(BUSINESS_CENTRAL_PLATFORM)
            assert codat.quota is not None and codat.quota.reset is not None
            assert codat.quota.reset.hour == 0 and codat.quota.reset > datetime.now(UTC)
            left.append(codat.quota.remaining)
        assert left[0] - left[1] == 1
        codat.check_spare()


async def test_keys_are_told_apart(rehearsal: Rehearsal, tags: dict[str, str]) -> None:
    """The instance is the key's; a foreign object, an ended plan and a wrong key are refused.

    contract C1.9, C2.8, C2.9 and C2.10
    """
    trial = rehearsal.description.codat["instance"]
    async with rehearsal.client() as codat:
        assert (await codat.instance()).name == trial
        owner = await codat.create_company("Wickham", tags=tags)
    async with rehearsal.client("Millrace Software") as other:
        with pytest.raises(AskAdministrator) as foreign:
            await other.company(owner.id)
        assert foreign.value.code == "403" and foreign.value.request_id
    async with rehearsal.client("Fernhill Workshop") as ended:
        with pytest.raises(AskAdministrator) as caught:
            await ended.instance()
        assert caught.value.code == "402" and "account manager" in caught.value.who

    async def wrong() -> Secret:
        return Secret("nobody-has-this-key-of-codat")

    async with Http(rehearsal_cloud(Path(rehearsal.description.directory))) as http:
        with pytest.raises(FixInput) as unknown:
            await Codat(http, wrong).instance()
        assert unknown.value.code == "401"


async def test_nothing_secret_is_written_down_on_the_way(
    rehearsal: Rehearsal, tags: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """The real transport at its most talkative level: no API key and no link address."""
    caplog.set_level(logging.DEBUG)
    rehearsal.spoil({"method": "POST", "path": "^/companies$", "nth": 1, "drop": "after"})
    async with rehearsal.client() as codat:
        owner = await codat.create_company("Wickham", tags=tags)
        made = await codat.create_connection(owner.id, BUSINESS_CENTRAL_PLATFORM)
        await codat.connections(owner.id)
    key = rehearsal.key()
    for secret in (key, base64.b64encode(key.encode()).decode(), made.link_url):
        assert secret not in caplog.text
    assert f"GET {HOST}/companies/{owner.id}/connections -> 200" in caplog.text
