"""One process, three listeners on loopback: the proxy, the TLS server behind it, the pages.

Order of a start: the old description goes first, the new one is written last, so that its presence
means "ready". Ports are kept with the state and used again when they are free.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from bcrunbook.rehearsal import pages, tls
from bcrunbook.rehearsal.clock import Clock
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.description import FILE, describe
from bcrunbook.rehearsal.edge import Connections, Edge, Journal
from bcrunbook.rehearsal.faults import Faults, InvalidFaults
from bcrunbook.rehearsal.hosts import HOSTS, KEEPERS, handlers
from bcrunbook.rehearsal.keys import SigningKey
from bcrunbook.rehearsal.lags import PROFILES, USUAL
from bcrunbook.rehearsal.log import Canaries, LineLog, private_file
from bcrunbook.rehearsal.proxy import ConnectProxy
from bcrunbook.rehearsal.seed import seed
from bcrunbook.rehearsal.state import GLOBAL, StateInUse, Store
from bcrunbook.rehearsal.timekeeper import Timekeeper
from bcrunbook.skipped.timeline import KeptTimeline

LOOPBACK: Final = "127.0.0.1"
PORT: Final = "port"
STATE_FILE: Final = "state.sqlite3"
GRACE_SECONDS: Final = 2


class CannotServe(Exception):
    """Wrong use: the text is for the person who started the server."""


@dataclass(frozen=True)
class Settings:
    """How a rehearsal cloud is to be run.

    Args:
        directory: holds its state.
        speed: by how much its lags and throttle windows are shortened.
        lags: how new things lag, `usual` or `worst`.
        latency_ms: milliseconds that every answer takes longer.
        faults: a file of fault rules.
        skips: whether its clock goes on to the next thing that is due when everybody waits who is
            known at it.
        ends_with_stdin: whether it stops once nobody holds the other end of its stdin any more.
    """

    directory: Path
    speed: float = 1.0
    lags: str = USUAL.name
    latency_ms: int = 0
    faults: Path | None = None
    skips: bool = False
    ends_with_stdin: bool = False


def serve(settings: Settings) -> None:
    """Run until told to stop; CannotServe when the settings or the folder are of no use."""
    faults = _checked(settings)
    asyncio.run(_run(settings, faults))


def _checked(settings: Settings) -> Faults:
    if not 0 < settings.speed <= 100_000:
        raise CannotServe("speed must be a number above 0, at most 100000")
    if settings.lags not in PROFILES:
        raise CannotServe(f"lags must be {' or '.join(PROFILES)}")
    if not 0 <= settings.latency_ms <= 600_000:
        raise CannotServe("latency must be milliseconds from 0 to 600000")
    try:
        faults = Faults(settings.faults)
    except InvalidFaults as problem:
        raise CannotServe(str(problem)) from problem
    try:
        settings.directory.mkdir(parents=True, exist_ok=True)
        if os.name == "posix":
            settings.directory.chmod(0o700)
    except OSError as problem:
        raise CannotServe(
            f"cannot use the folder {settings.directory}: {problem.strerror}"
        ) from problem
    return faults


async def _run(settings: Settings, faults: Faults) -> None:
    directory = settings.directory.resolve()
    timeline = KeptTimeline(directory, settings.speed)
    clock = Clock(settings.speed, PROFILES[settings.lags], timeline, settings.skips)
    try:
        store = Store(directory / STATE_FILE, clock)
    except StateInUse as problem:
        raise CannotServe(str(problem)) from problem
    description = directory / FILE
    with contextlib.closing(store):
        # Only the holder of the state may say that the old server is gone.
        description.unlink(missing_ok=True)
        with (
            contextlib.closing(Canaries(directory / "canaries.txt")) as canaries,
            contextlib.closing(LineLog(directory / "requests.jsonl")) as requests,
            contextlib.closing(LineLog(directory / "faults.log")) as fired,
        ):
            sockets = {name: _listener(store, name) for name in ("proxy", "pages")}
            inner = _bound(0)
            keeper = Timekeeper(clock, timeline) if settings.skips else None
            waiting = _bound(0) if keeper else None
            addresses = {
                name: f"http://{LOOPBACK}:{one.getsockname()[1]}" for name, one in sockets.items()
            }
            cloud = RehearsalCloud(
                store=store,
                clock=clock,
                canaries=canaries,
                key=SigningKey.kept_in(directory / "signing.key.pem"),
                pages=addresses["pages"],
            )
            seed(cloud)
            ca = tls.authority(directory)
            client = tls.client_certificate(directory, ca)
            for line in client[1].read_text("ascii").splitlines():
                if not line.startswith("-----"):
                    canaries.add(line)
            connections = Connections()
            journal = Journal(requests, fired)
            latency = settings.latency_ms / 1000
            by_host = handlers(cloud)
            keepers = {host: maker(cloud) for host, maker in KEEPERS.items()}
            front = Edge(
                by_host,
                store,
                faults,
                journal,
                connections,
                latency=latency,
                now=clock.now,
                keepers=keepers,
                keeper_of_time=keeper,
            )
            browser = Edge(
                {pages.HOST: pages.handler(cloud)},
                store,
                faults,
                journal,
                connections,
                latency=latency,
                now=clock.now,
                default_host=pages.HOST,
                keeper_of_time=keeper,
            )
            proxy = ConnectProxy(HOSTS, inner.getsockname()[1], requests)
            text = describe(
                cloud,
                directory,
                proxy=addresses["proxy"],
                ca=directory / tls.CERTIFICATE,
                client=client,
                latency=settings.latency_ms,
                clock=waiting.getsockname()[1] if waiting else None,
            )
            context = tls.server_context(ca, HOSTS)
            servers = [
                (_server(front, connections, context), inner),
                (_server(_for_this_machine(browser), connections), sockets["pages"]),
            ]
            async with contextlib.AsyncExitStack() as stack:
                listener = await asyncio.start_server(
                    proxy.handle, sock=sockets["proxy"], limit=64 * 1024
                )
                stack.push_async_callback(proxy.stop)
                stack.callback(listener.close)
                if keeper and waiting:
                    hearing = await asyncio.start_server(keeper.listen, sock=waiting)
                    stack.callback(hearing.close)
                tasks = [
                    asyncio.create_task(server.serve(sockets=[one])) for server, one in servers
                ]
                try:
                    while not all(server.started for server, _ in servers):
                        if any(task.done() for task in tasks):
                            raise CannotServe("a listener of the rehearsal cloud did not start")
                        await asyncio.sleep(0.01)
                    private_file(
                        description, json.dumps(text, indent=2, ensure_ascii=False).encode()
                    )
                    await _told_to_stop(ends_with_stdin=settings.ends_with_stdin)
                finally:
                    description.unlink(missing_ok=True)
                    await proxy.stop()
                    for server, _ in servers:
                        server.should_exit = True
                    await asyncio.gather(*tasks)


class _Server(uvicorn.Server):
    """Signals are this module's business, not uvicorn's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _for_this_machine(pages: ASGIApp) -> ASGIApp:
    """The pages for who asks for this machine by its own name, through whatever port.

    Any other name that leads here was made to lead here: a web page elsewhere, which a browser on
    this machine shows, could use the forms through it (DNS rebinding).
    """
    return TrustedHostMiddleware(pages, [LOOPBACK, "localhost"], www_redirect=False)


def _server(edge: ASGIApp, connections: Connections, context: Any = None) -> _Server:
    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            connections.opened(transport)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.closed(self.transport)
            super().connection_lost(exc)

    config = uvicorn.Config(
        edge,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    config.load()
    config.ssl = context
    return _Server(config)


def _listener(store: Store, name: str) -> socket.socket:
    """A listening socket on the port used last time, or on a new one that is then kept."""
    kept = store.latest(PORT, GLOBAL, name)
    try:
        bound = _bound(int(kept["number"]) if kept else 0)
    except OSError:
        bound = _bound(0)
    with store.transaction():
        store.put(PORT, GLOBAL, name, {"number": bound.getsockname()[1]})
    return bound


def _bound(port: int) -> socket.socket:
    # With the protocol named, asyncio turns off the delay of small packets on what is accepted.
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        # On Windows the option would let two programs share a port.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((LOOPBACK, port))
    except OSError:
        one.close()
        raise
    return one


async def _told_to_stop(*, ends_with_stdin: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    wanted = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        wanted.append(signal.SIGBREAK)
    for one in wanted:
        try:
            loop.add_signal_handler(one, stop.set)
        except NotImplementedError:
            signal.signal(one, lambda *_: loop.call_soon_threadsafe(stop.set))
    if ends_with_stdin:

        def until_it_ends() -> None:
            # Not through a buffer, whose lock the interpreter may want when it ends.
            while os.read(sys.stdin.fileno(), 1):
                pass
            with contextlib.suppress(RuntimeError):  # it has stopped meanwhile
                loop.call_soon_threadsafe(stop.set)

        threading.Thread(target=until_it_ends, daemon=True).start()
    await stop.wait()
    logging.getLogger(__name__).info("stopping")
