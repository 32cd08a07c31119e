"""The rehearsal cloud in this process: its handlers called directly, its state in memory.

Between a request and its handler stands the stand-in's own edge, with its faults and its log; what
is left out is sockets, TLS and the database's file.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPMessage
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from unittest import mock
from urllib.parse import urlsplit
from urllib.request import BaseHandler, HTTPHandler, OpenerDirector, Request, build_opener
from urllib.response import addinfourl

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.types import Message, Scope

from bcrunbook.rehearsal import RehearsalDescription, pages, world
from bcrunbook.rehearsal.businesscentral.installation import current_name, find_environment
from bcrunbook.rehearsal.clock import Clock
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.description import FILE, describe
from bcrunbook.rehearsal.edge import Connections, Edge, Journal
from bcrunbook.rehearsal.faults import Faults
from bcrunbook.rehearsal.hosts import KEEPERS, handlers
from bcrunbook.rehearsal.keys import InvalidToken, SigningKey, b64url
from bcrunbook.rehearsal.keyvault.records import Phase, every
from bcrunbook.rehearsal.lags import PROFILES
from bcrunbook.rehearsal.log import Canaries, LineLog
from bcrunbook.rehearsal.messages import Call, Handler
from bcrunbook.rehearsal.seed import seed
from bcrunbook.rehearsal.state import Record, Store
from tests.simulation import timeline

STORE: Final = "secret-store"
"""The secret store that is a folder, below the cloud's."""
LATENCY: Final = 0.05
"""How long each answer takes, in seconds."""
_LOCAL: Final = "http://127.0.0.1:1"
_READ_SECONDS: Final = 60.0
"""How long the client's connection waits for more of an answer."""

Records = Mapping[str, Mapping[str, Mapping[str, Record]]]


@dataclass(frozen=True)
class AheadClock(Clock):
    """A clock that is ahead of the ledger's, in seconds; or behind it, below zero.

    Whichever machine asks: the services' clock is none of theirs.
    """

    ahead: float = 0.0

    def now(self) -> float:
        """See `Clock`."""
        return timeline.now() + self.ahead


def copied(records: Records) -> dict[str, dict[str, dict[str, Record]]]:
    """All of them again, in which something can be put; versions are never changed in place."""
    return {
        kind: {tenant: dict(held) for tenant, held in tenants.items()}
        for kind, tenants in records.items()
    }


class _Nowhere:
    """A database that keeps nothing."""

    def execute(self, statement: str, values: Sequence[Any] = ()) -> tuple[()]:
        return ()


class MemoryStore(Store):
    """The state, without a file behind it.

    Args:
        clock: the clock.
        records: what it holds at first.
    """

    def __init__(self, clock: Clock, records: Records) -> None:
        self._clock = clock
        self._records = defaultdict(dict, copied(records))
        self._undo = None
        self._db = _Nowhere()  # type: ignore[assignment]

    @property
    def records(self) -> Records:
        """All that is held."""
        return self._records

    def _keep(self, kind: str, tenant: str, key: str, record: Record) -> None:
        """In memory it is already."""

    def _forget(self, kind: str, tenant: str, key: str) -> None:
        """From memory it is gone already."""


class _Lines(LineLog):
    """A log in memory."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def write(self, **values: Any) -> None:
        """Append one line."""
        self.lines.append(values)


class _Told(Canaries):
    """Every secret value ever given out, in memory."""

    def __init__(self, values: frozenset[str] = frozenset()) -> None:
        self._known = set(values)
        self._file = BytesIO()  # type: ignore[assignment]

    def add(self, value: str) -> str:
        """See `Canaries`."""
        self._known.update(one for one in value.splitlines() if len(one) >= self.SHORTEST)
        return value

    @property
    def values(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self._known)


class _Asked:
    """A request as the stand-in's edge receives it, and what it answers."""

    def __init__(self, request: httpx.Request, body: bytes, client: tuple[str, int]) -> None:
        url = request.url
        self.scope: Scope = {
            "type": "http",
            "method": request.method,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": client,
        }
        self.response: httpx.Response | None = None
        self._body = [body]
        self._head: Message = {}

    async def receive(self) -> Message:
        """The body; then nothing, as the client stays until it has waited for too long."""
        if not self._body:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": self._body.pop(), "more_body": False}

    async def send(self, message: Message) -> None:
        """Take the head of the answer, then its body."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        self.response = httpx.Response(
            self._head["status"], headers=self._head["headers"], content=message["body"]
        )


class _QuickKey(SigningKey):
    """Signs as the rehearsal cloud does, and remembers what it has signed."""

    def __init__(self) -> None:
        super().__init__(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        self._signed: dict[str, dict[str, Any]] = {}

    def forget(self) -> None:
        """Begin anew."""
        self._signed.clear()

    def sign(self, claims: dict[str, Any]) -> str:
        """See `SigningKey`; the signature is a number."""
        head = {"typ": "JWT", "alg": "RS256", "x5t": self._id, "kid": self._id}
        parts = [b64url(json.dumps(part).encode()) for part in (head, claims)]
        token = ".".join([*parts, b64url(f"signature {len(self._signed)}".encode())])
        self._signed[token] = claims
        return token

    def verify(self, token: str) -> dict[str, Any]:
        """See `SigningKey`."""
        if token not in self._signed:
            raise InvalidToken("the signature does not match")
        return self._signed[token]


@cache
def _key() -> _QuickKey:
    return _QuickKey()


def seeded_records() -> Records:
    """What a fresh rehearsal cloud holds; costly, so for many worlds it is made once."""
    clock = Clock()
    cloud = RehearsalCloud(MemoryStore(clock, {}), clock, _Told(), _key(), _LOCAL)
    seed(cloud)
    assert isinstance(cloud.store, MemoryStore)
    return cloud.store.records


class StandIn:
    """A rehearsal cloud of one world.

    Args:
        folder: where its fault rules and its description go.
        records: what it holds at first.
        lags: how new things lag, by a profile's name.
        ahead: how far its clock is ahead of the program's, in seconds.
        faults: its fault rules.
        refusals: those that hold for good.
        canaries: every secret that it has given out before.
    """

    def __init__(
        self,
        folder: Path,
        records: Records,
        *,
        lags: str,
        ahead: float,
        faults: Sequence[Mapping[str, Any]],
        refusals: Sequence[Mapping[str, Any]] = (),
        canaries: frozenset[str] = frozenset(),
    ) -> None:
        clock = AheadClock(profile=PROFILES[lags], ahead=ahead)
        self.folder = folder
        self.store = MemoryStore(clock, records)
        self.canaries = _Told(canaries)
        _key().forget()
        self.cloud = RehearsalCloud(self.store, clock, self.canaries, _key(), _LOCAL)
        seed(self.cloud)
        self.requests, self.fired = _Lines(), _Lines()
        self._rules = folder / "faults.json"
        self._refusals = json.dumps(refusals)
        self._rules.write_text(json.dumps([*faults, *refusals]), "utf-8")
        keepers = {host: maker(self.cloud) for host, maker in KEEPERS.items()}
        self._edge = Edge(
            handlers(self.cloud),
            self.store,
            Faults(self._rules),
            Journal(self.requests, self.fired),
            Connections(),
            latency=LATENCY,
            now=clock.now,
            keepers=keepers,
        )
        self._pages = pages.handler(self.cloud)
        self._asked = 0
        nowhere = folder / "none.pem"
        said = describe(
            self.cloud,
            folder,
            proxy=_LOCAL,
            ca=nowhere,
            client=(nowhere, nowhere),
            latency=round(LATENCY * 1000),
            clock=None,
        )
        (folder / FILE).write_text(json.dumps(said), "utf-8")
        self.description = RehearsalDescription.read(folder / FILE)

    async def send(self, request: httpx.Request) -> httpx.Response:
        """What the cloud does about a request.

        Raises:
            ReadTimeout, RemoteProtocolError: no answer comes, as the fault rules have it.
        """
        self._asked += 1
        asked = _Asked(request, await request.aread(), ("127.0.0.1", self._asked))
        try:
            async with asyncio.timeout(_READ_SECONDS):
                await self._edge(asked.scope, asked.receive, asked.send)
        except TimeoutError:
            raise httpx.ReadTimeout("", request=request) from None
        response = asked.response
        if response is None:
            raise httpx.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            )
        return response

    def calm(self) -> None:
        """From now on nothing goes wrong any more, but for what is refused for good."""
        fresh = self._rules.with_suffix(".new")
        fresh.write_text(self._refusals, "utf-8")
        fresh.replace(self._rules)

    def trouble(self, faults: Sequence[dict[str, Any]]) -> None:
        """From now on these requests go wrong.

        Args:
            faults: which, and how.
        """
        fresh = self._rules.with_suffix(".new")
        fresh.write_text(json.dumps([*faults, *json.loads(self._refusals)]), "utf-8")
        fresh.replace(self._rules)

    def stored_values(self) -> set[str]:
        """The values in the secret stores: the folder that stands in for a keyring, and vaults."""
        files = (self.folder / STORE).rglob("*")
        kept = {one.read_text("utf-8").strip() for one in files if one.is_file()}
        for vault in world.VAULTS:
            for _, record in every(self.cloud, vault, Phase.LIVE):
                kept.add(record["versions"][-1]["value"])
        return kept

    def environment_now(self, name: str) -> str:
        """The name that an environment of a customer's has now."""
        one = find_environment(self.cloud, world.LAB, name)
        return current_name(self.cloud, one) if one is not None else name

    def browsing(self) -> AbstractContextManager[Any]:
        """Meanwhile browsers get the cloud's pages from here."""
        handler = _PagesHandler(self._pages, self.store)

        def opener(*more: BaseHandler) -> OpenerDirector:
            return build_opener(*more, handler)

        return mock.patch("bcrunbook.rehearsal.people.browser.build_opener", opener)


class _PagesHandler(HTTPHandler):
    """Gets pages from a handler instead of a server."""

    def __init__(self, pages: Handler, store: Store) -> None:
        super().__init__()
        self._handle = pages
        self._store = store

    def http_open(self, request: Request) -> Any:
        """The page."""
        address = urlsplit(request.full_url)
        call = Call(
            request.get_method(),
            pages.HOST,
            address.path,
            address.query,
            {name.lower(): value for name, value in request.header_items()},
            request.data or b"",  # type: ignore[arg-type]
        )
        with self._store.transaction():
            answer = self._handle(call)
        headers = HTTPMessage()
        for name, value in answer.headers.items():
            headers[name] = value
        response = addinfourl(BytesIO(answer.body), headers, request.full_url, answer.status)
        response.msg = ""  # type: ignore[attr-defined]
        return response
