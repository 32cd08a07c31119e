"""The keeper of the rehearsal's clock: it goes on to the next thing that is due.

It does so when everybody whom it knows is at rest: every process that is connected, and the
rehearsal cloud itself, in which no request is being answered. What one has told may be no longer
so, since who is at rest is woken by what others send; so all are asked once more before each skip,
and it is off if anything has happened meanwhile. Who has gone is asked nothing. A stranger, a
browser or a person is not known here, and nothing waits for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from bcrunbook.rehearsal.clock import Clock
from bcrunbook.skipped.timeline import KeptTimeline
from bcrunbook.skipped.wires import Rest, Signal, packed, rest_of

log = logging.getLogger(__name__)

_BUSY: Final = Rest(busy=True)


class Timekeeper:
    """Skips what nobody needs.

    Args:
        clock: the rehearsal's.
        timeline: where skips are noted.
    """

    def __init__(self, clock: Clock, timeline: KeptTimeline) -> None:
        self._clock = clock
        self._timeline = timeline
        self._known: dict[asyncio.StreamWriter, Rest] = {}
        self._question = 0
        self._to_answer: set[asyncio.StreamWriter] = set()
        self._answering = 0
        self._held: dict[asyncio.Event, float] = {}

    # --- what the rehearsal cloud does ---------------------------------------------------------

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """A request is answered in the block."""
        self._answering += 1
        self._call_off()
        try:
            yield
        finally:
            self._answering -= 1
            self._look()

    async def sleep(self, seconds: float) -> None:
        """Hold a request up.

        Args:
            seconds: of the rehearsal's time.
        """
        woken = asyncio.Event()
        loop = asyncio.get_running_loop()
        timer = loop.call_later(seconds / self._clock.speed, woken.set)
        self._held[woken] = self._clock.reading() + seconds
        self._look()
        try:
            await woken.wait()
        finally:
            timer.cancel()
            del self._held[woken]
            self._call_off()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """A request is held in the block until whoever asked gives up."""
        held = asyncio.Event()
        self._held[held] = math.inf
        self._look()
        try:
            yield
        finally:
            del self._held[held]
            self._call_off()

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody who waits at the clock, from now until they are gone."""
        self._known[writer] = _BUSY
        self._call_off()
        try:
            while line := await reader.readline():
                self._take(writer, rest_of(line))
        except (OSError, ValueError) as error:
            log.warning("somebody at the clock is not understood (%s)", type(error).__name__)
        finally:
            del self._known[writer]
            self._call_off()
            writer.close()
            self._look()

    # --- what is known -------------------------------------------------------------------------

    def _take(self, writer: asyncio.StreamWriter, rest: Rest) -> None:
        self._known[writer] = rest
        if rest.busy:
            self._call_off()
        elif rest.answers == self._question and writer in self._to_answer:
            self._to_answer.discard(writer)
            if not self._to_answer:
                self._skip()
        else:
            # By itself, or late, to a question that has been called off.
            self._look()

    def _call_off(self) -> None:
        """Something happens: whatever is answered to the last question is no matter any more."""
        self._question += 1
        self._to_answer.clear()

    def _next(self) -> float | None:
        """When the next thing is due; None where somebody is at work, or nothing is due."""
        if any(rest.busy for rest in self._known.values()):
            return None
        asked = sum(rest.asked for rest in self._known.values())
        if self._answering != len(self._held) or asked > len(self._held):
            return None
        waits = [rest.until for rest in self._known.values() if rest.until is not None]
        due = min([*waits, *self._held.values()], default=math.inf)
        return due if due < math.inf else None

    def _look(self) -> None:
        """Ask everybody whether they are still at rest, if it seems so."""
        if self._to_answer or self._next() is None:
            return
        self._question += 1
        self._to_answer = set(self._known)
        self._tell(Signal(question=self._question))
        if not self._known:
            self._skip()

    def _skip(self) -> None:
        due = self._next()
        if due is None:
            return
        left = due - self._clock.reading()
        if left > 0:
            try:
                self._timeline.skip(left)
            except OSError as error:
                log.warning("the clock cannot be moved on (%s)", error.strerror)
                return
        # Until they say otherwise they are at work: they have just been woken.
        self._known = {
            one: _BUSY if rest.until is not None and rest.until <= due else rest
            for one, rest in self._known.items()
        }
        self._tell(Signal(skipped=True))
        for woken, until in list(self._held.items()):
            if until <= due:
                woken.set()

    def _tell(self, told: Signal) -> None:
        for writer in self._known:
            with contextlib.suppress(OSError, RuntimeError):
                writer.write(packed(told))
