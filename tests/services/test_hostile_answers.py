"""Whatever answers in a service's place: the same table for every client there is."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from bcrunbook.core.pace import Pace
from bcrunbook.errors import AnswerLost, ReportBug, RunbookError, Unreachable, WaitAndRetry
from bcrunbook.http import answers
from bcrunbook.http.client import Http
from bcrunbook.services import paging
from bcrunbook.services.graph.reads import me
from tests.services.clients import (
    CLIENTS,
    LOGIN,
    SECRETS,
    Answering,
    Client,
    business_central_of,
    codat_of,
    discovery,
    found,
    graph_of,
)

every_client = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS.keys())
PAGED = {name: one for name, one in CLIENTS.items() if one.page}
PASSING = (Unreachable, WaitAndRetry)
"""Business Central's connections break while an extension is installed: it is looked at again."""
every_list = pytest.mark.parametrize("client", PAGED.values(), ids=PAGED.keys())


def test_no_client_is_left_out() -> None:
    """Whatever takes the HTTP stack is in the table."""
    assert found() == {name for client in CLIENTS.values() for name in client.covers}


async def error_of(network: Answering, folder: Path) -> RunbookError:
    """What the call ends with; it holds no secret, and nothing went elsewhere or in plain text."""
    with pytest.raises(RunbookError) as caught:
        await network.do(folder)
    assert not [one for one in SECRETS if one in f"{caught.value}{caught.value.as_dict()}"]
    assert {one.url.scheme for one in network.seen} == {"https"}
    hosts = {one.url.host for one in network.seen}
    assert hosts <= {network.client.host, LOGIN.removeprefix("https://")}
    return caught.value


# --- links ------------------------------------------------------------------------------------

FOREIGN = {
    "foreign": "https://evil.example/next",
    "foreign, no scheme": "//evil.example/next",
    "longer": "https://{host}.evil.example/next",
    "a user": "https://{host}@evil.example/next",
    "a user here": "https://me@{host}/next",
    "backslash": "https://{host}\\@evil.example/next",
    "plain text": "http://{host}/next",
    "port": "https://{host}:8443/next",
    "file": "file:///etc/passwd",
    "none": "https://[/next",
    "unprintable": "https://{host}/\0next",
    "look-alike": "https://{host}\u3002evil.example/next",
}


@every_list
@pytest.mark.parametrize("link", FOREIGN.values(), ids=FOREIGN.keys())
async def test_a_link_leads_to_the_service_or_nowhere(
    client: Client, link: str, tmp_path: Path
) -> None:
    """The token goes to its own host only, and encrypted; both hosts are named."""
    assert client.page is not None
    body = client.page(link.format(host=client.host))
    network = Answering(client, lambda _: httpx.Response(200, json=body))
    error = await error_of(network, tmp_path)
    assert isinstance(error, ReportBug) and client.service in error.what
    assert len(network.asked) == 1
    if link.startswith("https://evil"):
        assert "evil.example" in error.what and client.host in error.what


@every_list
@pytest.mark.parametrize("steps", [1, 2])
async def test_a_link_that_leads_back_ends(client: Client, steps: int, tmp_path: Path) -> None:
    """A loop is noticed at once."""
    page = client.page
    assert page is not None

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=page(f"/next?page={len(network.asked) % steps}"))

    network = Answering(client, answer)
    assert isinstance(await error_of(network, tmp_path), ReportBug)
    assert len(network.asked) == steps + 1


@every_list
async def test_a_chain_without_end_ends(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ever new pages are not followed for ever."""
    monkeypatch.setattr(paging, "MAX_PAGES", 7)
    page = client.page
    assert page is not None

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=page(f"/next?page={len(network.asked)}"))

    network = Answering(client, answer)
    error = await error_of(network, tmp_path)
    assert isinstance(error, ReportBug) and "more than 7 pages" in error.what
    assert len(network.asked) == 7


@every_list
async def test_a_list_of_several_pages_is_read(client: Client, tmp_path: Path) -> None:
    """A link of the service's own is followed, relative or not, with what it carries."""
    page = client.page
    assert page is not None
    links = iter([f"https://{client.host}/next?skip=a%3D1", "/last?skip=2", ""])
    network = Answering(client, lambda _: httpx.Response(200, json=page(next(links))))
    await network.do(tmp_path)
    urls = [str(one.url) for one in network.asked[1:]]
    assert urls == [
        f"https://{client.host}/next?skip=a%3D1",
        f"https://{client.host}/last?skip=2",
    ]


@pytest.mark.parametrize("name", ["sign-in", "proof"])
@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", LOGIN.replace("https", "http"), "https://login.microsoftonline.us"],
)
async def test_a_sign_in_goes_to_entra_or_nowhere(
    name: str, elsewhere: str, tmp_path: Path
) -> None:
    """Where an application's secret is sent is what an answer says, too.

    contract G1.2 and G1.3
    """
    document = discovery() | {"token_endpoint": f"{elsewhere}/x/oauth2/v2.0/token"}
    network = Answering(CLIENTS[name], lambda _: httpx.Response(200, json=document))
    with pytest.raises(RunbookError):
        await network.do(tmp_path)
    assert {one.method for one in network.seen} == {"GET"}


# --- what is no answer of the service's -------------------------------------------------------

FOREIGN_ANSWERS: dict[str, Callable[[], httpx.Response]] = {
    "page": lambda: httpx.Response(200, html="<html>Welcome! Sign on to this network.</html>"),
    "page, made": lambda: httpx.Response(201, html="<html>Welcome!</html>"),
    "truncated": lambda: httpx.Response(200, text='{"value": [{"id": "a'),
    "nested": lambda: httpx.Response(200, text="[" * 100_000),
    "empty": lambda: httpx.Response(200),
    "no body": lambda: httpx.Response(204),
    "moved": lambda: httpx.Response(302, headers={"Location": "https://evil.example/"}),
    "moved for good": lambda: httpx.Response(308, headers={"Location": "http://evil.example/"}),
    "network": lambda: httpx.Response(511, html="<html>Sign on.</html>"),
}


@every_client
@pytest.mark.parametrize("answer", FOREIGN_ANSWERS.values(), ids=FOREIGN_ANSWERS.keys())
async def test_a_foreign_answer_is_reported_as_one(
    client: Client, answer: Callable[[], httpx.Response], tmp_path: Path
) -> None:
    """One wording for all: what stands in between, and not a bug to report."""
    network = Answering(client, lambda _: answer())
    error = await error_of(network, tmp_path)
    assert error.what == f"Something other than {client.service} answered."
    assert "stands in between" in error.why and "[network] proxy" in error.next
    assert isinstance(error, PASSING if client.service == "Business Central" else Unreachable)
    assert isinstance(error, AnswerLost) == client.is_write
    assert "Welcome" not in str(error)


# --- bounds -----------------------------------------------------------------------------------


class Dripping(httpx.AsyncByteStream):
    """A body whose end never comes."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """One byte, and then nothing for ever."""
        yield b"{"
        await asyncio.Event().wait()


class Endless(httpx.AsyncByteStream):
    """A body without end; counts what was taken of it."""

    def __init__(self, chunk: bytes, first: bytes = b"") -> None:
        self._first = first
        self._chunk = chunk
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The same, for ever."""
        yield self._first
        while True:
            self.taken += len(self._chunk)
            yield self._chunk


@every_client
async def test_a_drip_is_not_waited_for(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole answer has a time, and what took too long once is not tried again."""
    monkeypatch.setattr(answers, "ANSWER_SECONDS", 0.05)
    network = Answering(client, lambda _: httpx.Response(200, stream=Dripping()))
    error = await error_of(network, tmp_path)
    assert isinstance(error, PASSING if client.service == "Business Central" else Unreachable)
    assert isinstance(error, AnswerLost) == client.is_write
    assert "not whole after" in error.what
    assert len(network.asked) == 1


@every_client
@pytest.mark.parametrize("packing", ["plain", "packed", "bomb"])
async def test_a_huge_answer_is_not_taken(
    client: Client, packing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a huge body nor a small one that unpacks to a huge one."""
    monkeypatch.setattr(answers, "ANSWER_BYTES", 100_000)
    body: Any = Endless(b" " * 1000)
    if packing == "packed":
        # Blocks that hold nothing: what is unpacked never grows.
        body = Endless(b"\x00\x00\x00\xff\xff" * 200, first=gzip.compress(b"")[:10])
    elif packing == "bomb":
        body = httpx.ByteStream(gzip.compress(b" " * 2_000_000))
    headers = {} if packing == "plain" else {"Content-Encoding": "gzip"}
    network = Answering(client, lambda _: httpx.Response(200, stream=body, headers=headers))
    error = await error_of(network, tmp_path)
    assert isinstance(error, PASSING if client.service == "Business Central" else Unreachable)
    assert isinstance(error, AnswerLost) == client.is_write
    assert "larger than" in error.what
    assert len(network.asked) == 1
    if isinstance(body, Endless):
        assert body.taken <= 102_000


# --- being asked to wait ----------------------------------------------------------------------


@every_client
@pytest.mark.parametrize("body", [b"", json.dumps({"error": "temporarily_unavailable"}).encode()])
async def test_a_long_wait_is_told_and_not_cut_short(
    client: Client, body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks to be left alone for longer than is waited here is not asked again before."""
    waits: list[float] = []

    async def note(_: Pace, seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(Pace, "sleep", note)
    headers = {"Retry-After": "400", "Content-Type": "application/json"}
    network = Answering(
        client, lambda _: httpx.Response(429, content=body, headers=headers), Pace()
    )
    error = await error_of(network, tmp_path)
    assert isinstance(error, WaitAndRetry)
    assert len(network.asked) == 1
    assert "0:06:40" in str(error) and "UTC" in str(error)


@every_client
async def test_a_short_wait_is_waited_out_in_full(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or left to whoever looks again anyway, who is then told as well."""
    waits: list[float] = []

    async def note(_: Pace, seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(Pace, "sleep", note)
    answer = httpx.Response(429, headers={"Retry-After": "90"})
    network = Answering(client, lambda _: answer, Pace())  # a fast clock would pass 90 s by itself
    error = await error_of(network, tmp_path)
    assert isinstance(error, WaitAndRetry)
    again = len(network.asked) - 1
    assert len([one for one in waits if one >= 90]) >= again
    assert again == (0 if client.service == "Business Central" else 3)


KEPT: dict[str, Callable[[Http], Callable[[], Awaitable[Any]]]] = {
    "graph": lambda http: partial(graph_of(http).look, me()),
    "codat": lambda http: codat_of(http).companies,
    "business central": lambda http: partial(business_central_of(http).companies, "Production"),
}


@pytest.mark.parametrize("name", KEPT)
async def test_who_asked_to_be_left_alone_is(name: str, tmp_path: Path) -> None:
    """A second call of the same client before the time is answered without asking."""
    headers = {"Retry-After": "3600"}
    answer = httpx.Response(429, headers=headers)
    network = Answering(CLIENTS[name], lambda _: answer, Pace())  # an hour is an hour

    async def twice(http: Http, _: Path) -> None:
        call = KEPT[name](http)
        for _time in range(2):
            with pytest.raises(WaitAndRetry) as caught:
                await call()
            assert "UTC" in str(caught.value)

    await network.do(tmp_path, twice)
    assert len(network.asked) == 1
