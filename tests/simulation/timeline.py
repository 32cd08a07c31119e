"""Time that passes only when nothing else can: one clock for everything in this process.

`time.time`, `datetime.now` and the event loop's timers all read it, and so does `time.monotonic`.
Whenever no task can go on, the clock jumps to the next timer. A thread would compute while time
stands still, or not; so what is meant for one runs here at once, in a greenlet, and what it asks of
the loop meanwhile is awaited in its place.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from unittest import mock

import time_machine
from sqlalchemy.util import await_only, greenlet_spawn

BEGINNING: Final = 1_798_000_000.0
"""When every world begins, in seconds since the epoch: a day in December 2026."""

_RESOLUTION: Final = 1e-6

ahead: Final = contextvars.ContextVar("ahead", default=0.0)
"""How far the clock of the machine on which something is done is ahead, in seconds."""

_T = TypeVar("_T")


class Stuck(Exception):
    """Nothing can go on, and nothing is due: somebody waits for what never comes."""


class _NoSockets(selectors.SelectSelector):
    """Waits for nothing but time, which passes at once."""

    def __init__(self, pass_time: Callable[[float], None]) -> None:
        super().__init__()
        self._pass_time = pass_time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Move time to the next timer."""
        if timeout is None:
            raise Stuck("everybody waits, and no timer is set")
        if timeout > 0:
            self._pass_time(timeout)
        return []


class Loop(asyncio.SelectorEventLoop):
    """An event loop on that clock, without threads."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        super().__init__(_NoSockets(traveller.shift))
        # Seconds since the epoch have no finer digits than this.
        self._clock_resolution = _RESOLUTION
        self._shift = traveller.shift
        self._ahead = 0.0

    def time(self) -> float:
        """Now, by the clock from which all others differ."""
        return time.time() - self._ahead

    @contextmanager
    def clock_ahead(self, seconds: float) -> Iterator[None]:
        """Meanwhile the clock that all code reads is so far ahead.

        Args:
            seconds: how far.
        """
        before = self._ahead
        self._shift(seconds - before)
        self._ahead = seconds
        try:
            yield
        finally:
            self._shift(before - seconds)
            self._ahead = before

    def run_in_executor(  # type: ignore[override]
        self, executor: concurrent.futures.Executor | None, func: Callable[..., _T], *args: Any
    ) -> asyncio.Future[_T]:
        """Run it here, at once; what it asks of the loop is awaited meanwhile."""
        return self.create_task(greenlet_spawn(func, *args))


class _Awaited(concurrent.futures.Future[_T]):
    """What a blocking call has asked of the loop."""

    def __init__(self, coroutine: Coroutine[Any, Any, _T]) -> None:
        super().__init__()
        self._coroutine = coroutine

    def result(self, timeout: float | None = None) -> _T:
        """Let the loop do it."""
        return await_only(self._coroutine)


def _here(
    coroutine: Coroutine[Any, Any, _T], loop: asyncio.AbstractEventLoop
) -> concurrent.futures.Future[_T]:
    return _Awaited(coroutine)


def now() -> float:
    """Seconds since the epoch by the clock from which all others differ."""
    loop = asyncio._get_running_loop()
    return loop.time() if isinstance(loop, Loop) else time.time()


@contextmanager
def clocks_differ(loop: Loop) -> Iterator[None]:
    """Meanwhile whatever is done on a machine reads that machine's clock.

    Args:
        loop: the event loop.
    """
    run = asyncio.Handle._run

    def by_its_clock(handle: asyncio.Handle) -> None:
        seconds = handle._context.get(ahead, 0.0)  # type: ignore[attr-defined]
        if not seconds:
            return run(handle)
        with loop.clock_ahead(seconds):
            return run(handle)

    with mock.patch.object(asyncio.Handle, "_run", by_its_clock):
        yield


@contextmanager
def virtual_time(begins: float = BEGINNING) -> Iterator[Loop]:
    """An event loop on a clock of its own, which all code in this process reads meanwhile.

    Args:
        begins: what that clock reads first, in seconds since the epoch.
    """
    with (
        time_machine.travel(begins, tick=False) as traveller,
        mock.patch("time.monotonic", time.time),
        mock.patch("time.perf_counter", time.time),
        mock.patch("asyncio.run_coroutine_threadsafe", _here),
    ):
        loop = Loop(traveller)
        try:
            yield loop
        finally:
            loop.close()
