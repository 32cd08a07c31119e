"""How fast waiting goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bcrunbook.skipped.waiting import SkippedClock


@dataclass(frozen=True)
class Pace:
    """How fast waiting goes: `speed` seconds of the cloud's time pass in one real second.

    Everything that waits does so through its pace, so that a rehearsal of a 15 minute
    installation takes seconds and a test needs no sleep of its own. Where a person waits for an
    answer, `haste` makes the waits shorter that nobody has asked for. Where the cloud has a clock
    whose time is skipped, it goes on as soon as everybody waits.
    """

    speed: float = 1.0
    haste: float = 1.0
    clock: SkippedClock | None = None

    @property
    def skips(self) -> bool:
        """Whether waiting takes no time."""
        return self.clock is not None

    @property
    def skipped(self) -> float:
        """How many seconds of the cloud's time were skipped so far."""
        return 0.0 if self.clock is None else self.clock.timeline.total

    def now(self) -> float:
        """Seconds on a monotonic clock that runs at this pace."""
        return (
            time.monotonic() * self.speed if self.clock is None else self.clock.timeline.reading()
        )

    def age(self, since: float) -> float:
        """Seconds of the cloud's time since a moment.

        Args:
            since: seconds since the epoch.
        """
        if self.clock is not None:
            return self.clock.timeline.age(since)
        return (time.time() - since) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of the cloud's time."""
        wait = max(0.0, seconds) / self.haste
        if self.clock is not None:
            await self.clock.sleep(wait)
        else:
            await asyncio.sleep(wait / self.speed)

    async def sleep_in_full(self, seconds: float) -> None:
        """Wait as long as a service has asked for, in seconds of the cloud's time."""
        await self.sleep(seconds * self.haste)

    async def sleep_beside_person(self, seconds: float) -> None:
        """Wait while a person acts: their time is never skipped."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """A request to the cloud is under way in the block: its clock is not to be moved on."""
        if self.clock is None:
            yield
        else:
            with self.clock.asking():
                yield
