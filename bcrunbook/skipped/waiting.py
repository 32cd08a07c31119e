"""How a process tells the keeper of a rehearsal's clock that all of it waits, and until when.

What computes here is threads: those of event loops, and those that loops have given jobs to. A
thread is at rest when its loop has nothing left to do, or when it waits for another process that is
known at the clock as well. What a loop waits for besides (sockets, timers of our own time, a
person) holds nothing up.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bcrunbook.skipped.timeline import Timeline
from bcrunbook.skipped.wires import Rest, packed, signal_of

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_LOOK_AGAIN_SECONDS: Final = 0.002
_NOBODY_WAITS_SECONDS: Final = 0.02
_ANSWER_SECONDS: Final = 0.05
_TURNS: Final = 50
"""After so many turns in which a loop had something to do it is taken for busy."""


class SkippedClock:
    """A rehearsal's clock, as it is read and waited at in one process. Get it from `clock_at`.

    Args:
        directory: the rehearsal cloud's folder.
        port: where the keeper of the clock listens on this machine.
        speed: how many seconds of the rehearsal's pass in one of ours where none is skipped.
    """

    def __init__(self, directory: Path, port: int, speed: float) -> None:
        self.directory = directory
        self.port = port
        self.speed = speed
        self.timeline = Timeline(directory, speed)
        self._lock = threading.Lock()
        self._sleepers: dict[asyncio.Future[None], float] = {}
        self._loops: dict[int, asyncio.AbstractEventLoop] = {}
        self._threads: set[int] = set()
        self._resting: dict[int, Connection | None] = {}
        self._jobs = _Jobs()
        self._asked = 0
        self._told = Rest(busy=True)
        self._may_rest = threading.Event()
        self._may_rest.set()
        self._wire: socket.socket | None = socket.create_connection(("127.0.0.1", port), 10)
        self._wire.settimeout(None)
        self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for work in (self._listen, self._tell):
            threading.Thread(target=work, daemon=True, name=f"clock-{work.__name__}").start()

    @property
    def is_kept(self) -> bool:
        """Whether its keeper is still there."""
        return self._wire is not None

    # --- what the process does ---------------------------------------------------------------

    def join(self) -> None:
        """From now on this thread's event loop is looked at, if it has one that runs."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        ident = threading.get_ident()
        if self._loops.get(ident) is not loop:
            with self._lock:
                self._loops[ident] = loop
            loop.set_default_executor(self._jobs.executor())

    def join_thread(self) -> None:
        """From now on this thread is taken for at work, unless it is known to be at rest."""
        with self._lock:
            self._threads.add(threading.get_ident())

    async def sleep(self, seconds: float) -> None:
        """Wait until the rehearsal's clock has gone on.

        Args:
            seconds: of the rehearsal's time.
        """
        self.join()
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        timer = loop.call_later(seconds / self.speed, _wake, woken)
        with self._lock:
            self._sleepers[woken] = self.timeline.reading() + seconds
        self._may_rest.set()
        try:
            await woken
        finally:
            timer.cancel()
            with self._lock:
                self._sleepers.pop(woken, None)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """A request to the rehearsal cloud is under way in the block."""
        self.join()
        with self._lock:
            self._asked += 1
        try:
            yield
        finally:
            with self._lock:
                self._asked -= 1
            # Whoever got the answer may have nothing more to do, and say nothing.
            self._may_rest.set()

    @contextmanager
    def resting(self, wire: Connection | None) -> Iterator[None]:
        """See `resting`."""
        ident = threading.get_ident()
        with self._lock:
            self._resting[ident] = wire
        self._may_rest.set()
        try:
            yield
        finally:
            with self._lock:
                del self._resting[ident]

    # --- what the keeper is told ---------------------------------------------------------------

    def _listen(self) -> None:
        """Answer the keeper's questions, and wake whom it is time for."""
        wire = self._wire
        assert wire is not None
        with wire, contextlib.suppress(OSError, ValueError), wire.makefile("rb") as lines:
            for line in lines:
                told = signal_of(line)
                if told.skipped:
                    self._wake_those_due()
                    self._forget_what_was_told()
                if told.question is not None:
                    self._say(self._state(told.question))
        self._wire = None
        self._may_rest.set()

    def _tell(self) -> None:
        """Say so when the process has come to rest: nobody asks before all have."""
        while self._wire is not None:
            self._may_rest.wait()
            self._may_rest.clear()
            if self._wire is None:
                return
            state = self._state(None)
            if state.busy:
                waits = self._sleepers or self._resting
                time.sleep(_LOOK_AGAIN_SECONDS if waits else _NOBODY_WAITS_SECONDS)
                self._may_rest.set()
            elif state != self._told:
                self._say(state)

    def _say(self, state: Rest) -> None:
        wire = self._wire
        if wire is None:
            return
        self._told = Rest(state.busy, state.until, state.asked)
        if state.busy:
            self._may_rest.set()
        with contextlib.suppress(OSError):
            wire.sendall(packed(state))

    def _forget_what_was_told(self) -> None:
        self._told = Rest(busy=True)
        self._may_rest.set()

    def _wake_those_due(self) -> None:
        now = self.timeline.reading()
        with self._lock:
            due = [woken for woken, until in self._sleepers.items() if until <= now]
        for woken in due:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                woken.get_loop().call_soon_threadsafe(_wake, woken)

    # --- how the process stands ----------------------------------------------------------------

    def _state(self, question: int | None) -> Rest:
        if self._is_busy():
            return Rest(busy=True, answers=question)
        with self._lock:
            until = min(self._sleepers.values(), default=None)
            return Rest(busy=False, until=until, asked=self._asked, answers=question)

    def _is_busy(self) -> bool:
        with self._lock:
            self._loops = {
                ident: loop for ident, loop in self._loops.items() if not loop.is_closed()
            }
            loops = {ident: loop for ident, loop in self._loops.items() if loop.is_running()}
            resting = dict(self._resting)
            threads = set(self._threads)
        if any(wire is not None and _has_something(wire) for wire in resting.values()):
            return True
        looked_at = resting.keys() | loops.keys()
        if not threads <= looked_at or self._jobs.at_work(but=looked_at):
            return True
        return not all(is_idle(loop) for ident, loop in loops.items() if ident not in resting)


class _Jobs:
    """What the event loops of the process have given to threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = 0
        self._threads: set[int] = set()

    def executor(self) -> ThreadPoolExecutor:
        """An executor whose jobs are counted here."""
        return _Counted(self)

    def at_work(self, *, but: set[int]) -> bool:
        """Whether a job computes, or is about to begin.

        Args:
            but: threads that are known to be at rest, or looked at otherwise.
        """
        with self._lock:
            return self._waiting > 0 or not self._threads <= but

    def counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """A call that is a job from now until it has returned."""
        with self._lock:
            self._waiting += 1

        def job(*args: Any, **kwargs: Any) -> Any:
            ident = threading.get_ident()
            with self._lock:
                self._waiting -= 1
                self._threads.add(ident)
            try:
                return call(*args, **kwargs)
            finally:
                with self._lock:
                    self._threads.discard(ident)

        return job


class _Counted(ThreadPoolExecutor):
    def __init__(self, jobs: _Jobs) -> None:
        super().__init__(thread_name_prefix="asyncio")
        self._jobs = jobs

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(self._jobs.counted(fn), *args, **kwargs)


def is_idle(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a loop that runs in another thread has nothing to do but wait.

    Args:
        loop: the loop.
    """
    answer = threading.Event()
    found = [False]
    turns = iter(range(_TURNS))
    until = time.monotonic() + _ANSWER_SECONDS

    def look(has_been_idle: bool) -> None:
        # What is ready is no public knowledge; without it the loop is taken for busy, and time
        # goes on at its own speed.
        idle = not getattr(loop, "_ready", [True])
        if idle and has_been_idle:
            found[0] = True
        elif next(turns, None) is not None:
            # Once more round: only then has the loop looked at its sockets and timers.
            loop.call_soon(look, idle)
            return
        answer.set()

    try:
        loop.call_soon_threadsafe(look, False)
    except RuntimeError:
        return True  # it has ended
    while not answer.wait(_LOOK_AGAIN_SECONDS):
        if not loop.is_running():
            return True
        if time.monotonic() > until:
            return False
    return found[0]


def _has_something(wire: Connection) -> bool:
    try:
        return wire.poll()
    except (OSError, EOFError):
        return True


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


_clocks: dict[tuple[int, Path, int], SkippedClock] = {}
_making = threading.Lock()


def _ours() -> list[SkippedClock]:
    """The clocks of this process; those of the one that it was forked from are not."""
    with _making:
        return [clock for (process, *_), clock in _clocks.items() if process == os.getpid()]


def known_clocks() -> list[tuple[Path, int, float]]:
    """The clocks that this process is known at, as another process may be told of them."""
    return [(clock.directory, clock.port, clock.speed) for clock in _ours() if clock.is_kept]


def join_clocks(clocks: list[tuple[Path, int, float]]) -> None:
    """Make this process known at clocks; its main thread is at work until it says otherwise.

    Args:
        clocks: as `known_clocks` has told them.
    """
    for one in clocks:
        with contextlib.suppress(OSError):  # the rehearsal cloud has ended meanwhile
            clock_at(*one).join_thread()


def join_loop() -> None:
    """Have the event loop that runs here looked at instead of its thread, at all known clocks."""
    for clock in _ours():
        clock.join()


@contextmanager
def resting(wire: Connection | None = None) -> Iterator[None]:
    """This thread does nothing in the block but wait.

    Args:
        wire: it waits for what comes over this, from a process that is known at the same clocks;
            None where it waits for an event loop of this process.
    """
    with contextlib.ExitStack() as stack:
        for clock in _ours():
            stack.enter_context(clock.resting(wire))
        yield


def clock_at(directory: Path, port: int, speed: float) -> SkippedClock:
    """The clock of a rehearsal cloud, in this process; its thread's event loop is looked at then.

    Args:
        directory: the rehearsal cloud's folder.
        port: where the keeper of the clock listens on this machine.
        speed: how many seconds of the rehearsal's pass in one of ours where none is skipped.

    Raises:
        OSError: nobody listens there.
    """
    # A process that was forked has a connection of its own.
    key = os.getpid(), directory, port
    with _making:
        if key not in _clocks:
            _clocks[key] = SkippedClock(directory, port, speed)
        clock = _clocks[key]
    clock.join()
    return clock
