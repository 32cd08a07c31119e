"""The HTTP stack: what is repeated, what is not, and how transport faults read."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.errors import AnswerLost, FixInput, ReportBug, Unreachable
from bcrunbook.http import answers
from bcrunbook.http.authorization import Authorization, Form
from bcrunbook.http.client import Http
from bcrunbook.http.repeat import Repeat
from bcrunbook.secrets import Secret
from bcrunbook.signin.from_thread import FromThread
from bcrunbook.signin.msal_http import MsalHttpClient

FAST = Cloud(kind="rehearsal", pace=Pace(speed=1000.0))
URL = "https://graph.microsoft.com/v1.0/applications"
TOKEN = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"

Answer = httpx.Response | Exception


def scripted(*answers: Answer) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """A transport that gives these answers in order, and the requests it saw."""
    seen: list[httpx.Request] = []
    left = iter(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.MockTransport(handle), seen


async def send(repeat: Repeat, *answers: Answer, method: str = "POST") -> tuple[int, int]:
    """Send one request; returns the final status and how often it was sent."""
    transport, seen = scripted(*answers)
    async with Http(FAST, transport=transport) as http:
        response = await http.send(method, URL, repeat=repeat, json={"displayName": "a"})
    return response.status_code, len(seen)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_safe_request_is_repeated_on_passing_trouble(status: int) -> None:
    """A read, or a write that says the same thing twice, outlives a bad moment of the service."""
    assert await send(Repeat.SAFE, httpx.Response(status), httpx.Response(200)) == (200, 2)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_an_unsafe_request_is_not_repeated_after_a_server_error(status: int) -> None:
    """A POST that makes something may have made it: the 5xx goes to the caller at once."""
    assert await send(Repeat.ONCE, httpx.Response(status)) == (status, 1)


@pytest.mark.parametrize("status", [500, 503])
async def test_a_keyed_request_is_repeated_when_its_answer_is_lost(status: int) -> None:
    """The service keeps any answer under the key: a lost one is asked for again, a 5xx is final."""
    lost = httpx.ReadError("cut")
    assert await send(Repeat.KEYED, lost, httpx.Response(200)) == (200, 2)
    assert await send(Repeat.KEYED, httpx.Response(status)) == (status, 1)


@pytest.mark.parametrize("lost", [httpx.ReadError("cut"), httpx.ConnectError("refused")])
async def test_a_look_outlives_a_broken_connection(lost: Exception) -> None:
    """Whether it broke before the request had left or after it."""
    assert await send(Repeat.LOOK, lost, httpx.Response(200), method="GET") == (200, 2)


@pytest.mark.parametrize("fault", [httpx.ReadError("cut"), httpx.ConnectError("refused")], ids=repr)
async def test_a_look_is_repeated_twice_at_most(fault: Exception) -> None:
    """Then it is told as out of reach: a read that was lost has done nothing."""
    transport, seen = scripted(*[fault] * 20)
    async with Http(FAST, transport=transport) as http:
        with pytest.raises(Unreachable) as caught:
            await http.send("GET", URL, repeat=Repeat.LOOK)
    assert not isinstance(caught.value, AnswerLost)
    assert len(seen) == 3


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_look_takes_any_answer_for_an_answer(status: int) -> None:
    """Whoever looks comes back anyway, and decides when: nothing is repeated, nothing waited."""
    answer = httpx.Response(status, headers={"Retry-After": "60"})
    assert await send(Repeat.LOOK, answer, method="GET") == (status, 1)


async def test_a_lost_answer_is_not_forgotten_when_later_tries_fail_otherwise() -> None:
    """The first request may have had its effect, whatever became of the second."""
    refused = [httpx.ConnectError("refused")] * 8
    with pytest.raises(AnswerLost):
        await send(Repeat.KEYED, httpx.ReadError("cut"), *refused)
    with pytest.raises(Unreachable) as caught:
        await send(Repeat.KEYED, *refused)
    assert not isinstance(caught.value, AnswerLost)


async def test_a_proxy_that_refuses_has_sent_nothing() -> None:
    """It is told as such, also for a write that may be done once only."""
    with pytest.raises(Unreachable) as caught:
        await send(Repeat.ONCE, httpx.ProxyError("403 Forbidden"))
    assert not isinstance(caught.value, AnswerLost)


async def test_a_throttled_request_is_always_repeated() -> None:
    """A 429 did nothing, so even an unsafe request is sent again."""
    answers = (httpx.Response(429, headers={"Retry-After": "2.128"}), httpx.Response(201))
    assert await send(Repeat.ONCE, *answers) == (201, 2)


async def test_retry_after_may_be_a_fraction_or_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both forms of Retry-After decide how long to wait, at the cloud's pace (contract G14.4)."""
    waits: list[float] = []

    async def note(_: Pace, seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(Pace, "sleep", note)
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    await send(
        Repeat.SAFE,
        httpx.Response(429, headers={"Retry-After": "2.128"}),
        httpx.Response(503, headers={"Retry-After": date}),
        httpx.Response(200),
    )
    assert waits[0] == 2.128
    assert 25 < waits[1] <= 30


async def test_what_was_never_sent_is_repeated() -> None:
    """A connection that could not be made had no effect."""
    assert await send(Repeat.ONCE, httpx.ConnectError("refused"), httpx.Response(201)) == (201, 2)


async def test_a_lost_answer_to_an_unsafe_request_says_so() -> None:
    """The caller has to look before doing it again, so it gets an error of its own."""
    with pytest.raises(AnswerLost) as caught:
        await send(Repeat.ONCE, httpx.ReadTimeout("too slow"))
    assert "run again" in caught.value.next


async def test_a_safe_request_gives_up_in_the_end() -> None:
    """The budget of repeats is finite."""
    with pytest.raises(Unreachable) as caught:
        await send(Repeat.SAFE, *[httpx.ReadError("reset")] * 20)
    assert not isinstance(caught.value, AnswerLost)


async def test_each_request_carries_its_own_request_id() -> None:
    """Microsoft's support asks for client-request-id; a shared one would be of no use.

    contract G11.5
    """
    transport, seen = scripted(httpx.Response(200), httpx.Response(200))
    async with Http(FAST, transport=transport) as http:
        for _ in range(2):
            await http.send("GET", URL, repeat=Repeat.SAFE)
    ids = {request.headers["client-request-id"] for request in seen}
    assert len(ids) == 2
    assert all(request.headers["User-Agent"].startswith("bcrunbook/") for request in seen)


async def test_msal_in_a_thread_sends_through_the_same_stack() -> None:
    """MSAL's blocking client hands its requests to the event loop that owns the connections.

    contract G17.16
    """
    loop_thread = threading.get_ident()
    threads: list[int] = []

    def handle(request: httpx.Request) -> httpx.Response:
        threads.append(threading.get_ident())
        assert request.content == b"grant_type=client_credentials&client_id=x"
        return httpx.Response(200, json={"access_token": "t"})

    async with Http(FAST, transport=httpx.MockTransport(handle)) as http:
        client = MsalHttpClient(FromThread(http))
        data = {"grant_type": "client_credentials", "client_id": "x", "scope": None}
        post: Callable[..., httpx.Response] = client.post
        response = await asyncio.to_thread(post, TOKEN, data=data)
    assert response.json() == {"access_token": "t"}
    assert threads == [loop_thread]


async def test_an_authorization_code_is_never_sent_twice() -> None:
    """A code is good for one answer; sending it again would end the sign-in (contract G16.10)."""
    transport, seen = scripted(httpx.Response(503), httpx.Response(200))
    async with Http(FAST, transport=transport) as http:
        client = MsalHttpClient(FromThread(http))
        post: Callable[..., httpx.Response] = client.post
        response = await asyncio.to_thread(post, TOKEN, data={"grant_type": "authorization_code"})
    assert (response.status_code, len(seen)) == (503, 1)


async def test_a_missing_ca_bundle_is_named(tmp_path: Path) -> None:
    """A wrong path in [network] ca is said with the file and the key."""
    with pytest.raises(FixInput) as caught:
        Http(Cloud(kind="live", ca=tmp_path / "none.pem"))
    assert "none.pem" in caught.value.where
    assert "[network] ca" in caught.value.next


async def test_a_proxy_that_is_down_is_named(tmp_path: Path) -> None:
    """Nobody listens at the proxy: the message points at the network settings."""
    cloud = Cloud(kind="live", proxy="http://127.0.0.1:9", pace=Pace(speed=1000.0))
    async with Http(cloud) as http:
        with pytest.raises(Unreachable) as caught:
            await http.send("GET", URL, repeat=Repeat.ONCE)
    assert "[network] proxy" in caught.value.next


class Broken(httpx.AsyncByteStream):
    """A body that breaks off in the middle."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Some of it, then the end of the connection."""
        yield b'{"id": '
        raise httpx.ReadError("reset")


def spoilt() -> list[httpx.Response]:
    """Answers whose head arrived and whose body is of no use."""
    packed = httpx.Response(
        200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"not gzip")
    )
    return [httpx.Response(200, stream=Broken()), packed]


@pytest.mark.parametrize("index", [0, 1], ids=["breaks off", "cannot be unpacked"])
async def test_a_spoilt_body_is_no_answer(index: int) -> None:
    """A safe request is sent again; any other counts as lost, with no traceback of the stack."""
    for repeat in (Repeat.SAFE, Repeat.LOOK):
        assert await send(repeat, spoilt()[index], httpx.Response(200)) == (200, 2)
    with pytest.raises(AnswerLost):
        await send(Repeat.ONCE, spoilt()[index])


async def test_a_form_may_hold_bytes() -> None:
    """MSAL signs its assertions into bytes: they travel as the text that they spell.

    contract G17.16
    """
    transport, seen = scripted(httpx.Response(200))
    async with Http(FAST, transport=transport) as http:
        await http.send("POST", URL, repeat=Repeat.ONCE, form=Form({"client_assertion": b"a.b.c"}))
    assert seen[0].content == b"client_assertion=a.b.c"


@asynccontextmanager
async def proxy(*, hangs_up: bool) -> AsyncIterator[tuple[Http, list[bytes]]]:
    """The stack behind a proxy that answers nothing, and the first lines that the proxy got."""
    asked: list[bytes] = []
    ended: list[asyncio.Event] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.Event())
        mine = ended[-1]
        asked.append(await reader.readline())
        with contextlib.suppress(OSError):
            if not hangs_up:
                await reader.read()
            writer.close()
            await writer.wait_closed()
        mine.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        async with Http(Cloud(kind="live", proxy=address, pace=Pace(1000))) as http:
            yield http, asked
        for one in ended:
            await one.wait()


@pytest.mark.parametrize("repeat", Repeat)
async def test_a_proxy_that_never_answers_is_named(
    repeat: Repeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the connection and says nothing: told soon, by its name, with nothing sent."""
    monkeypatch.setattr(answers, "PROXY_SECONDS", 0.05)
    async with proxy(hangs_up=False) as (http, asked):
        with pytest.raises(Unreachable) as caught:
            await http.send("POST", URL, repeat=repeat)
    assert "proxy does not answer" in caught.value.what
    assert not isinstance(caught.value, AnswerLost)
    assert len(asked) == 3
    assert {one.split()[0] for one in asked if one} == {b"CONNECT"}


async def test_a_proxy_that_hangs_up_is_named() -> None:
    """What breaks off before the way is open was not the service, and nothing was sent to it."""
    async with proxy(hangs_up=True) as (http, _):
        with pytest.raises(Unreachable) as caught:
            await http.send("POST", URL, repeat=Repeat.ONCE)
    assert "proxy" in caught.value.what
    assert not isinstance(caught.value, AnswerLost)


class Silent(httpx.AsyncBaseTransport):
    """A service that is silent for as long as the stack waits for one chunk."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Nothing, and then the fault of a connection that was silent for too long."""
        self.asked += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), self._seconds)
        raise httpx.ReadTimeout("silence")


async def test_all_tries_together_have_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeats do not multiply what one answer may take."""
    monkeypatch.setattr(answers, "ANSWER_SECONDS", 0.3)
    transport = Silent(0.2)
    async with Http(FAST, transport=transport) as http:
        with pytest.raises(Unreachable) as caught:
            await http.send("GET", URL, repeat=Repeat.SAFE)
    assert "not whole after 0.3 s" in caught.value.what
    assert transport.asked == 2


async def test_packed_answers_are_unpacked() -> None:
    """In the one way that is asked for; any other is as good as no answer."""
    body = {"id": "a" * 1000}
    packed = gzip.compress(json.dumps(body).encode())
    good = httpx.Response(
        200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(packed)
    )
    transport, seen = scripted(good)
    async with Http(FAST, transport=transport) as http:
        assert (await http.send("GET", URL, repeat=Repeat.SAFE)).json() == body
    assert seen[0].headers["Accept-Encoding"] == "gzip"
    for encoding, sent in (("br", packed), ("gzip", packed[:-9]), ("gzip, gzip", packed)):
        odd = httpx.Response(
            200, headers={"Content-Encoding": encoding}, stream=httpx.ByteStream(sent)
        )
        assert await send(Repeat.SAFE, odd, httpx.Response(200)) == (200, 2)


TOKEN_OF = Authorization("Bearer", Secret("a-token-of-this-test-5512"), URL)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/v1.0",
        "http://graph.microsoft.com/v1.0",
        "https://graph.microsoft.com:8443/v1.0",
        "https://graph.microsoft.com@evil.example/v1.0",
        "https://me@graph.microsoft.com/v1.0",
        "https://graph.microsoft.com.evil.example/v1.0",
    ],
)
async def test_an_authorization_goes_to_its_service_only(address: str) -> None:
    """Whoever gave the address: nothing leaves for another host, nor in plain text."""
    transport, seen = scripted(httpx.Response(200))
    async with Http(FAST, transport=transport) as http:
        with pytest.raises(ReportBug):
            await http.send("GET", address, repeat=Repeat.SAFE, authorization=TOKEN_OF)
        assert seen == []
        same = "https://GRAPH.microsoft.com:443/v1.0"
        await http.send("GET", same, repeat=Repeat.SAFE, authorization=TOKEN_OF)
    assert seen[0].headers["Authorization"] == "Bearer a-token-of-this-test-5512"


@pytest.mark.parametrize(
    "value", ["curly\u201dquote-88123", "line\r\nX-Evil: 1-88123", "a b-88123"]
)
def test_what_no_header_may_hold_is_told_before_it_is_sent(value: str) -> None:
    """A token with a curly quote is no traceback, and is not shown."""
    with pytest.raises(FixInput) as caught:
        Authorization("Bearer", Secret(value), URL)
    assert "88123" not in str(caught.value)
