"""The journal of shapes: what it tells of a request and its answer, and what it never tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from bcrunbook.accounts import load
from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.errors import AnswerLost
from bcrunbook.http.authorization import Authorization, Form
from bcrunbook.http.client import Http
from bcrunbook.http.repeat import Repeat
from bcrunbook.journal.entry import JournalEntry
from bcrunbook.journal.file import JournalFile, read_journals
from bcrunbook.journal.recorder import JournalRecorder
from bcrunbook.secrets import Secret
from tests.test_schemas import closed
from tests.tools.schemas import journal_schema

FAST = Cloud(kind="live", pace=Pace(speed=1000.0))
GRAPH = "https://graph.microsoft.com"
ID = "3f0c0a3e-9a5b-4d0e-8a43-5f0f6f0f3b11"
NAME = "Brackenfield Bakery"

Answer = httpx.Response | Exception
Ask = Callable[..., Any]


class Journalled:
    """A client whose answers a test gives, and the journal of it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "run" / "journal.jsonl"

    async def ask(self, *answers: Answer, **request: Any) -> list[JournalEntry]:
        """The entries of one request that gets these answers."""
        await self.asks([request], *answers)
        return self.entries

    async def asks(self, requests: list[dict[str, Any]], *answers: Answer) -> None:
        """Send requests by one client."""
        left = iter(answers)

        def handle(request: httpx.Request) -> httpx.Response:
            answer = next(left)
            if isinstance(answer, Exception):
                raise answer
            return answer

        journal = JournalRecorder(JournalFile(self.file), "live")
        async with Http(FAST, transport=httpx.MockTransport(handle), journal=journal) as http:
            for request in requests:
                given = {"method": "GET", "url": f"{GRAPH}/v1.0/me", "repeat": Repeat.ONCE}
                await http.send(**{**given, **request})

    @property
    def entries(self) -> list[JournalEntry]:
        """What was noted so far."""
        return list(read_journals([self.file]).entries)

    @property
    def text(self) -> str:
        """The file as it is."""
        return self.file.read_text("ascii")


@pytest.fixture
def journalled(tmp_path: Path) -> Journalled:
    """A client with a journal."""
    return Journalled(tmp_path)


async def test_an_address_tells_nothing_of_anybody(journalled: Journalled) -> None:
    """Ids, names, keys, hosts of one's own and what is asked for are placeholders."""
    asked = {
        f"{GRAPH}/v1.0/applications(uniqueName='bakery')?$select=id,appId&$mine=1": (
            "graph.microsoft.com",
            "/v1.0/applications(uniqueName={})",
            ("$select", "{}"),
        ),
        f"{GRAPH}/v1.0/applications/{ID}/addPassword": (
            "graph.microsoft.com",
            "/v1.0/applications/{}/addPassword",
            (),
        ),
        "https://bakery-kv.vault.azure.net/secrets/bakery/0c1d?api-version=7.4": (
            "{}.vault.azure.net",
            "/secrets/{}/{}",
            ("api-version",),
        ),
        f"https://api.businesscentral.dynamics.com/v2.0/bakery.example/Main/api/v2.0"
        f"/companies({ID})/accounts": (
            "api.businesscentral.dynamics.com",
            "/v2.0/{}/{}/api/v2.0/companies({})/accounts",
            (),
        ),
        "https://intranet.bakery.example/v1.0/me": ("{}", "/v1.0/me", ()),
    }
    await journalled.asks([{"url": url} for url in asked], *[httpx.Response(204)] * len(asked))
    assert [(one.host, one.path, one.query) for one in journalled.entries] == list(asked.values())
    assert "akery" not in journalled.text and ID not in journalled.text


async def test_fields_are_told_by_name_and_kind(journalled: Journalled) -> None:
    """Nested; the elements of a list together; null, absent and the form of a date apart."""
    body = {
        "id": ID,
        "displayName": NAME,
        "description": None,
        "identifierUris": [],
        "createdDateTime": "2026-11-29T10:00:00.1234567Z",
        "web": {"redirectUris": ["https://bakery.example/back"]},
        "passwordCredentials": [
            {"keyId": ID, "endDateTime": "2026-11-29T10:00:00Z", "hint": None},
            {"keyId": ID, "endDateTime": "2026-11-29T10:00:00+00:00"},
        ],
    }
    (entry,) = await journalled.ask(httpx.Response(200, json=body))
    assert entry.got == {
        "$": ("object",),
        "$/id": ("guid",),
        "$/displayName": ("text",),
        "$/description": ("null",),
        "$/identifierUris": ("empty array",),
        "$/createdDateTime": ("date 7 Z",),
        "$/web": ("object",),
        "$/web/redirectUris": ("array",),
        "$/web/redirectUris/[]": ("address",),
        "$/passwordCredentials": ("array",),
        "$/passwordCredentials/[]": ("object",),
        "$/passwordCredentials/[]/keyId": ("guid",),
        "$/passwordCredentials/[]/endDateTime": ("date 0 Z", "date 0 offset"),
        "$/passwordCredentials/[]/hint": ("absent", "null"),
    }
    assert (entry.method, entry.status, entry.cloud) == ("GET", 200, "live")


async def test_a_field_that_is_new_is_told_if_its_words_are_known(journalled: Journalled) -> None:
    """What a service adds shows; what somebody named does not, nor what names of ours are."""
    body = {
        "isSecurityEnabled": True,
        "Brackenfield": 1,
        NAME: 2,
        "tags": {"company": "x", "bakery": "y"},
        ID: 3,
    }
    (entry,) = await journalled.ask(httpx.Response(200, json=body))
    assert set(entry.got) == {"$", "$/isSecurityEnabled", "$/{}", "$/tags", "$/tags/{}"}


async def test_codes_are_told_and_texts_are_not(journalled: Journalled) -> None:
    """From the outermost to the innermost, AADSTS numbers after them; a code of no list is none."""
    inner = {"code": "ObjectIsDeletedButRecoverable", "date": "2026-11-29T10:00:00"}
    graph = {"error": {"code": "Conflict_Brackenfield", "message": NAME, "innererror": inner}}
    oauth = {
        "error": "invalid_client",
        "error_description": f"AADSTS7000215: Not for {NAME}. Trace: 12",
        "error_codes": [7000215],
    }
    admin = {"code": "EnvironmentNotFound", "message": NAME}
    codat = {"statusCode": 400, "error": f"Error parsing query {NAME}", "correlationId": ID}
    answers = [
        httpx.Response(409, json=graph),
        httpx.Response(401, json=oauth),
        httpx.Response(404, json=admin),
        httpx.Response(400, json=codat),
    ]
    await journalled.asks([{}] * 4, *answers)
    assert [one.codes for one in journalled.entries] == [
        ("{}", "ObjectIsDeletedButRecoverable"),
        ("invalid_client", "AADSTS7000215"),
        ("EnvironmentNotFound",),
        (),
    ]
    assert "racken" not in journalled.text


async def test_the_order_of_lists_is_told(journalled: Journalled) -> None:
    """Against what was sent under the same name, else by a date; nothing where both could be."""
    uris = ["https://a.example/1", "https://a.example/2", "https://a.example/3"]
    sent = {"web": {"redirectUris": uris}}
    dated = [{"startDateTime": f"2026-11-0{day}T10:00:00{fraction}Z"} for day, fraction in
             ((3, ".5"), (3, ""), (1, ".25"))]  # fmt: skip
    answers = [
        httpx.Response(201, json=sent),
        httpx.Response(200, json={"web": {"redirectUris": uris[::-1]}}),
        httpx.Response(200, json={"web": {"redirectUris": [uris[1], uris[0], uris[2]]}}),
        httpx.Response(200, json={"web": {"redirectUris": uris[:2]}, "passwordCredentials": dated}),
    ]
    await journalled.asks([{"method": "POST", "json": sent}, {}, {}, {}], *answers)
    assert [one.order for one in journalled.entries] == [
        {"$/web/redirectUris": "as sent"},
        {"$/web/redirectUris": "reversed"},
        {"$/web/redirectUris": "other"},
        {"$/passwordCredentials": "newest first startDateTime"},
    ]


async def test_headers_are_told_by_form(journalled: Journalled) -> None:
    """Those of a list, of which a few have a value that is everybody's."""
    headers = {
        "Content-Type": "application/json;charset=utf-8",
        "Retry-After": "17",
        "Location": f"{GRAPH}/v2/{ID}/applications/{ID}",
        "x-ms-resource-unit": "2",
        "X-Rate-Limit-Remaining": "813",
        "X-Rate-Limit-Reset": "Sun, 29 Nov 2026 00:00:00 GMT",
        "WWW-Authenticate": f'Bearer authorization="https://login/{ID}", error="x", mine="{NAME}"',
        "Set-Cookie": f"session={ID}",
    }
    (entry,) = await journalled.ask(httpx.Response(400, headers=headers))
    assert entry.headers == {
        "content-type": "application/json; charset",
        "retry-after": "17 seconds",
        "location": "graph.microsoft.com/{}/{}/applications/{}",
        "x-ms-resource-unit": "2",
        "x-rate-limit-remaining": "integer",
        "x-rate-limit-reset": "http date",
        "www-authenticate": "Bearer authorization error",
    }


async def test_a_request_tells_what_it_bears_and_no_secret(journalled: Journalled) -> None:
    """The scheme of an authorization, a form's names, an idempotency key's form."""
    secret = "Ab1Q~" + "x" * 35
    form = Form({"grant_type": "client_credentials", "client_secret": secret, "bakery": "1"})
    login = {"method": "POST", "url": "https://login.microsoftonline.com/bakery/oauth2/v2.0/token"}
    key = {"Idempotency-Key": ID, "Prefer": "create-if-missing", "X-Mine": NAME}
    bearer = Authorization("Bearer", Secret(secret), GRAPH)
    requests = [{**login, "form": form}, {"headers": key, "authorization": bearer}]
    await journalled.asks(requests, httpx.Response(200), httpx.Response(200))
    first, second = journalled.entries
    assert first.path == "/{}/oauth2/v2.0/token"
    assert first.sent == {
        "$": ("form",),
        "$/client_secret": ("text",),
        "$/grant_type": ("text",),
        "$/{}": ("text",),
    }
    assert second.sent_headers["authorization"] == "Bearer"
    assert second.sent_headers["idempotency-key"] == "guid"
    assert second.sent_headers["prefer"] == "create-if-missing"
    assert secret not in journalled.text and "x-mine" not in journalled.text


async def test_parts_of_a_batch_are_entries(journalled: Journalled) -> None:
    """Each under its own address, with its own status; the order of the parts is told."""
    sent = {
        "requests": [
            {"id": "1", "method": "GET", "url": f"/applications(appId='{ID}')?$select=id"},
            {"id": "2", "method": "GET", "url": "organization"},
        ]
    }
    missing = {"error": {"code": "Request_ResourceNotFound", "message": NAME}}
    got = {
        "responses": [
            {"id": "2", "status": 200, "headers": {}, "body": {"value": [{"id": ID}]}},
            {"id": "1", "status": 404, "headers": {"x-ms-resource-unit": "1"}, "body": missing},
        ]
    }
    request = {"method": "POST", "url": f"{GRAPH}/v1.0/$batch", "json": sent}
    whole, first, second = await journalled.ask(httpx.Response(200, json=got), **request)
    assert whole.order == {"$/responses": "reversed"} and not whole.is_part
    assert "$/responses/[]/body/value" not in whole.got
    assert (first.route, first.status, first.codes, first.is_part) == (
        "GET graph.microsoft.com/v1.0/applications(appId={})",
        404,
        ("Request_ResourceNotFound",),
        True,
    )
    assert (second.path, second.got["$/value/[]/id"]) == ("/v1.0/organization", ("guid",))


async def test_each_try_is_told_and_so_is_a_lost_answer(journalled: Journalled) -> None:
    """A 429 before it went through; a connection that broke has the status 0."""
    await journalled.ask(httpx.Response(429), httpx.Response(200), repeat=Repeat.SAFE)
    with pytest.raises(AnswerLost):
        await journalled.ask(httpx.ReadError("broken"), method="POST")
    assert [one.status for one in journalled.entries] == [429, 200, 0]


@pytest.mark.parametrize(
    "body",
    [b"<html>Brackenfield</html>", b"[" * 100_000, b'{"a":', b"\xff\xfe", b"5"],
    ids=["html", "deep", "torn", "bytes", "number"],
)
async def test_whatever_comes_a_run_goes_on(journalled: Journalled, body: bytes) -> None:
    """What is no JSON is told as that."""
    (entry,) = await journalled.ask(httpx.Response(500, content=body))
    assert entry.got == {"$": ("integer",) if body == b"5" else ("no JSON",)}


async def test_a_journal_that_cannot_be_written_holds_nothing_up(
    journalled: Journalled, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The folder is a file: the log says so once, and requests go through."""
    (tmp_path / "run").write_text("in the way")
    await journalled.asks([{}, {}], httpx.Response(200), httpx.Response(200))
    assert len([one for one in caplog.records if "no journal is kept" in one.getMessage()]) == 1


async def test_lines_are_as_the_schema_says(journalled: Journalled) -> None:
    """Closed to anything else, for the fullest entry and the emptiest."""
    validator = Draft202012Validator(closed(journal_schema()))
    refused = httpx.Response(400, json={"error": {"code": "Request_BadRequest"}})
    full = {"json": {"tags": ["a"]}, "params": {"$top": "1"}}
    await journalled.asks([full, {}], refused, refused)
    lines = [json.loads(line) for line in journalled.text.splitlines()]
    for line in lines:
        validator.validate(line)
    assert not validator.is_valid({**lines[0], "body": "text"})


async def test_what_is_no_line_is_passed_over(journalled: Journalled) -> None:
    """A line that breaks off, of a later version, or with a word that no journal tells."""
    await journalled.ask(httpx.Response(200))
    (line,) = journalled.text.splitlines()
    later = line.replace('"schema":1', '"schema":2')
    named = line.replace("/v1.0/me", f"/{NAME}")
    odd = line.replace('"status":200', '"status":"200"').replace('"GET"', "7")
    journalled.file.write_text("\n".join([line, later, named, odd, "[]", line[:40]]), "ascii")
    read = read_journals([journalled.file])
    assert (len(read.entries), read.passed_over, read.files) == (1, 5, 1)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("", "live"), ('journal = "always"', "always"), ('journal = "never"', "never")],
)
def test_the_file_says_when_a_journal_is_kept(tmp_path: Path, asked: str, expected: str) -> None:
    """In live runs, unless it says otherwise."""
    account = '[accounts.a]\nkind = "trial"\ntenant = "contoso.com"\napplication = "Books"\n'
    (tmp_path / "accounts.toml").write_text(f"[runs]\n{asked}\n{account}")
    assert load(tmp_path).journal == expected
