"""The rehearsal cloud's handlers without sockets: thousands of short lives in a minute.

The client's own HTTP stack runs as it is, on a transport that hands each request to the handler of
its host. A sign-in is made once for each tenant. What is on disk is the workspaces and their
ledgers, as ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx

from bcrunbook.accounts import Account
from bcrunbook.cloud import Cloud as ClientCloud
from bcrunbook.http.client import Http
from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.clock import Clock
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import integrations
from bcrunbook.rehearsal.codat import world as codat
from bcrunbook.rehearsal.codat.limits import USAGE
from bcrunbook.rehearsal.codat.records import COMPANY, CONNECTION
from bcrunbook.rehearsal.directory import APPLICATION, GRANT, SERVICE_PRINCIPAL
from bcrunbook.rehearsal.drawn_secrets import BATCH_SECRET
from bcrunbook.rehearsal.hosts import handlers
from bcrunbook.rehearsal.keys import SigningKey
from bcrunbook.rehearsal.lags import WORST
from bcrunbook.rehearsal.log import Canaries
from bcrunbook.rehearsal.messages import Call
from bcrunbook.rehearsal.seed import seed
from bcrunbook.rehearsal.state import Document, Store
from bcrunbook.signin import SignIn, Token
from tests.simulation.standin import copied

SPEED = 100_000.0
"""Every lag is over by the next request."""

TENANTS = (world.TRIAL, world.PRODUCTION, world.SHORT_SECRETS)
INSTANCES = (codat.TRIAL, codat.PRODUCTION)
_WATCHED = {APPLICATION, SERVICE_PRINCIPAL, GRANT, COMPANY, CONNECTION}

Records = dict[tuple[str, str], dict[str, Document]]
"""What there is, by kind and partition (tenant, instance or company), then by id."""


@dataclass(frozen=True)
class Handlers(httpx.AsyncBaseTransport):
    """Answers requests by the handlers of a cloud."""

    cloud: RehearsalCloud

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the handler that has the request's host and path."""
        url = request.url
        call = Call(
            method=request.method,
            host=url.host,
            path=url.raw_path.decode("ascii").partition("?")[0],
            query=url.query.decode("ascii"),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.aread(),
        )
        with self.cloud.store.transaction():
            answer = self.handler_of(url.host)(call)
        headers = {"Date": formatdate(usegmt=True), **answer.headers}
        return httpx.Response(answer.status, headers=headers, content=answer.body)

    def handler_of(self, host: str) -> Any:
        """The handler of a host."""
        return _handlers(self.cloud)[host]


_made: dict[int, dict[str, Any]] = {}


def _handlers(cloud: RehearsalCloud) -> dict[str, Any]:
    return _made.setdefault(id(cloud), handlers(cloud))


class InProcess:
    """A rehearsal cloud of this process, and the client's side of it.

    Args:
        folder: where its files go.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        clock = Clock(SPEED, WORST)
        self._canaries = Canaries(folder / "canaries.txt")
        self.cloud = RehearsalCloud(
            store=Store(folder / "state.sqlite3", clock),
            clock=clock,
            canaries=self._canaries,
            key=SigningKey.kept_in(folder / "key.pem"),
            pages="http://127.0.0.1:1",
        )
        seed(self.cloud)
        platform = codat.PLATFORMS[codat.BUSINESS_CENTRAL_PLATFORM]
        with self.cloud.store.transaction():
            for instance in INSTANCES:
                integrations.set_enabled(self.cloud, instance, platform, True)
        self.folder = folder
        self.transport = Handlers(self.cloud)
        description = {
            "proxy": "http://127.0.0.1:1",
            "ca": str(folder / "none.pem"),
            "speed": SPEED,
            "pages": "http://127.0.0.1:1",
        }
        (folder / "rehearsal.json").write_text(json.dumps(description), encoding="utf-8")
        self._first = self._copy()
        self._tokens: dict[str, Token] = {}

    def close(self) -> None:
        """Let go of the files."""
        self.cloud.store.close()
        self._canaries.close()

    def _copy(self) -> dict[Any, Any]:
        return copied(self.cloud.store._records)

    def begin_anew(self) -> None:
        """As it was when it was made."""
        records = self.cloud.store._records
        records.clear()
        records.update(copied(self._first))
        _made.pop(id(self.cloud), None)

    def seen(self) -> Records:
        """All applications, service principals, grants, companies and connections."""
        found: Records = {}
        for kind in _WATCHED:
            for partition, kept in self.cloud.store._records[kind].items():
                last = {key: record[-1][2] for key, record in kept.items()}
                found[kind, partition] = {k: one for k, one in last.items() if one is not None}
        return found

    def change(self, kind: str, partition: str, key: str, **values: Any) -> None:
        """Change something as another program or person would."""
        document = self.cloud.store.latest(kind, partition, key)
        assert document is not None
        with self.cloud.store.transaction():
            self.cloud.store.put(kind, partition, key, {**document, **values})

    def delete(self, kind: str, partition: str, key: str) -> None:
        """Delete something as another program or person would."""
        with self.cloud.store.transaction():
            self.cloud.store.put(kind, partition, key, None)

    def api_key(self, instance: codat.Instance) -> str:
        """An instance's API key."""
        return self.cloud.secret(codat.api_key_name(instance))

    @property
    def batch_secret(self) -> str:
        """The client secret of the batch identity."""
        return self.cloud.secret(BATCH_SECRET)

    def forget_limits(self) -> None:
        """A new day at Codat."""
        for instance in INSTANCES:
            self.cloud.store._records[USAGE].pop(instance.id, None)

    @contextmanager
    def joined(self, monkeypatch: Any) -> Iterator[None]:
        """Have steps talk to this cloud, in this process."""
        transport, tokens = self.transport, self._tokens

        class Here(Http):
            def __init__(self, cloud: ClientCloud, **more: Any) -> None:
                super().__init__(cloud, transport=transport, **more)

        class SignedIn(SignIn):
            """Signs in once for each tenant: what a sign-in is, others test."""

            def __init__(self, account: Account, *rest: Any, **more: Any) -> None:
                super().__init__(account, *rest, **more)
                self._tenant = account.tenant.lower()

            async def graph(self, **_: Any) -> Token:
                if self._tenant not in tokens:
                    tokens[self._tenant] = await super().graph()
                return tokens[self._tenant]

        with monkeypatch.context() as patch:
            patch.setattr("bcrunbook.steps.opening.Http", Here)
            patch.setattr("bcrunbook.steps.opening.SignIn", SignedIn)
            yield
