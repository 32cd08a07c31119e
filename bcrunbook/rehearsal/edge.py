"""The edge between sockets and handlers: routing by host, latency, faults, the request log.

The order of one request: fault rule noted, latency, fault "before", effect committed, fault
"after", answer, log line. Everything between reading the body and the commit is one uninterrupted
step of the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bcrunbook.rehearsal import not_stood_in
from bcrunbook.rehearsal.faults import Faults, Rule
from bcrunbook.rehearsal.log import LineLog, loggable
from bcrunbook.rehearsal.messages import JSON_TYPE, Answer, Call, Handler, Keeper, json_answer
from bcrunbook.rehearsal.state import Store
from bcrunbook.rehearsal.timekeeper import Timekeeper

Address = tuple[str, int]
NO_ANSWER: Final = 0
"""The status in the request log of a request that got no answer."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Journal:
    """The files that the edge writes."""

    requests: LineLog
    faults: LineLog


class Connections:
    """Open connections by the client's address, so that a fault can cut one without an answer."""

    def __init__(self) -> None:
        self._open: dict[Address, asyncio.Transport] = {}

    def opened(self, transport: asyncio.Transport) -> None:
        """Note a new connection."""
        self._open[transport.get_extra_info("peername")[:2]] = transport

    def closed(self, transport: asyncio.Transport) -> None:
        """Forget a connection."""
        for address, known in list(self._open.items()):
            if known is transport:
                del self._open[address]

    def has_certificate(self, address: Address) -> bool:
        """Whether the other end has shown a certificate; TLS has checked it."""
        transport = self._open.get(address)
        tls = transport.get_extra_info("ssl_object") if transport is not None else None
        return tls is not None and bool(tls.getpeercert())

    def cut(self, address: Address) -> None:
        """Close a connection at once, in the middle of whatever it was doing."""
        transport = self._open.get(address)
        if transport is not None:
            transport.abort()


def _remark(answer: Answer | None) -> dict[str, str]:
    """What the request log says of an answer beside its status."""
    remark = answer.headers.get(not_stood_in.HEADER, "") if answer is not None else ""
    return {"remark": remark} if remark else {}


class Edge:
    """The ASGI application of one listener."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        store: Store,
        faults: Faults,
        journal: Journal,
        connections: Connections,
        *,
        latency: float,
        now: Callable[[], float],
        default_host: str | None = None,
        keepers: Mapping[str, Keeper] | None = None,
        keeper_of_time: Timekeeper | None = None,
    ) -> None:
        self._handlers = handlers
        self._store = store
        self._faults = faults
        self._journal = journal
        self._connections = connections
        self._latency = latency
        self._now = now
        self._default_host = default_host
        self._keepers = keepers or {}
        self._time = keeper_of_time

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        async with self._time.answering() if self._time else contextlib.nullcontext():
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request = Request(scope, receive)
        try:
            call = await self._read(request)
        except ClientDisconnect:
            return
        answer = await self._answer(call, request)
        status = NO_ANSWER if answer is None else answer.status
        self._journal.requests.write(
            t=round(time.time(), 3),
            host=call.host,
            method=call.method,
            path=loggable(call.path, call.query),
            status=status,
            ms=round((time.perf_counter() - started) * 1000, 1),
            client=call.header("user-agent"),
            **_remark(answer),
        )
        if answer is not None:
            body = b"" if call.method == "HEAD" or answer.status == 204 else answer.body
            response = Response(body, answer.status)
            response.headers["date"] = formatdate(self._now(), usegmt=True)
            for name, value in answer.headers.items():
                response.headers[name] = value
            if answer.status == 204:
                del response.headers["content-length"]
            await response(scope, receive, send)

    async def _read(self, request: Request) -> Call:
        host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        raw_path = request.scope.get("raw_path") or request.url.path.encode()
        return Call(
            method=request.method.upper(),
            host=self._default_host or host.lower().rstrip("."),
            path=raw_path.decode("latin-1").partition("?")[0],
            query=request.scope["query_string"].decode("latin-1"),
            headers=dict(request.headers.items()),
            body=await request.body(),
            has_certificate=request.client is not None
            and self._connections.has_certificate((request.client.host, request.client.port)),
        )

    async def _answer(self, call: Call, request: Request) -> Answer | None:
        """The answer, or None when a fault says there is none."""
        path = unquote(call.path)
        fired = self._faults.fire(call.host, call.method, path)
        rule = fired[1] if fired else Rule()
        if fired:
            self._journal.faults.write(
                t=round(time.time(), 3),
                rule=fired[0],
                host=call.host,
                method=call.method,
                path=call.path,
            )
        pause = self._latency + rule.delay
        await (self._time.sleep(pause) if self._time and pause else asyncio.sleep(pause))
        if await self._interrupted(rule, "before", request):
            return None
        if rule.status is not None:
            answer = Answer(rule.status, rule.body, {"Content-Type": JSON_TYPE, **rule.headers})
            if keep := self._keepers.get(call.host):
                with self._store.transaction():
                    keep(call, answer)
            return answer
        answer = self._effect(call)
        return None if await self._interrupted(rule, "after", request) else answer

    def _effect(self, call: Call) -> Answer:
        handler = self._handlers.get(call.host)
        if handler is None:
            return json_answer(
                421,
                {
                    "error": {
                        "code": "RehearsalRefused",
                        "message": f"The rehearsal cloud does not stand in for {call.host}.",
                    }
                },
            )
        try:
            with self._store.transaction():
                return handler(call)
        except Exception:
            logger.exception("%s %s%s", call.method, call.host, call.path)
            return json_answer(
                500,
                {
                    "error": {
                        "code": "InternalServerError",
                        "message": "The rehearsal cloud has a fault of its own; see its log.",
                    }
                },
            )

    async def _interrupted(self, rule: Rule, moment: str, request: Request) -> bool:
        if rule.drop == moment:
            if request.client is not None:
                self._connections.cut((request.client.host, request.client.port))
            return True
        if rule.hold == moment:
            with self._time.holding() if self._time else contextlib.nullcontext():
                while (await request.receive())["type"] != "http.disconnect":
                    pass
            return True
        return False
