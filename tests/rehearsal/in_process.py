"""A rehearsal cloud within the process of a test, on a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from bcrunbook.rehearsal.clock import Clock
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.hosts import handlers
from bcrunbook.rehearsal.keys import SigningKey
from bcrunbook.rehearsal.lags import USUAL, Profile
from bcrunbook.rehearsal.log import Canaries
from bcrunbook.rehearsal.messages import Call
from bcrunbook.rehearsal.seed import seed
from bcrunbook.rehearsal.state import Store


@dataclass(frozen=True)
class SetClock(Clock):
    """A clock that stands still until it is set on."""

    moments: list[float] = field(default_factory=lambda: [1_800_000_000.0])

    def now(self) -> float:
        """The instant at which it stands."""
        return self.moments[-1]

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.moments.append(self.moments[-1] + seconds)


@contextmanager
def open_cloud(folder: Path, profile: Profile = USUAL) -> Iterator[tuple[RehearsalCloud, SetClock]]:
    """A cloud on the state in a folder, seeded, and its clock."""
    clock = SetClock(profile=profile)
    with (
        closing(Store(folder / "state.sqlite3", clock)) as store,
        closing(Canaries(folder / "canaries.txt")) as canaries,
    ):
        cloud = RehearsalCloud(store, clock, canaries, signing_key(), "http://127.0.0.1")
        seed(cloud)
        yield cloud, clock


@cache
def signing_key() -> SigningKey:
    """One key for every cloud of a test session: a new one takes long to make."""
    with TemporaryDirectory() as folder:
        return SigningKey.kept_in(Path(folder) / "key.pem")


def client_within(cloud: RehearsalCloud) -> httpx.Client:
    """An ordinary client that reaches the cloud's hosts without sockets."""
    by_host = handlers(cloud)

    def answer(request: httpx.Request) -> httpx.Response:
        call = Call(
            request.method,
            request.url.host,
            request.url.raw_path.decode().partition("?")[0],
            request.url.query.decode(),
            {name.lower(): value for name, value in request.headers.items()},
            request.content,
        )
        with cloud.store.transaction():
            given = by_host[call.host](call)
        return httpx.Response(given.status, content=given.body, headers=dict(given.headers))

    return httpx.Client(transport=httpx.MockTransport(answer))
