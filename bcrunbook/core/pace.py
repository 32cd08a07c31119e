"""How fast waiting goes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """How fast waiting goes: `speed` seconds of the cloud's time pass in one real second.

    Everything that waits does so through its pace, so that a rehearsal of a 15 minute
    installation takes seconds and a test needs no sleep of its own. Where a person waits for an
    answer, `haste` makes the waits shorter that nobody has asked for.
    """

    speed: float = 1.0
    haste: float = 1.0

    def now(self) -> float:
        """Seconds on a monotonic clock that runs at this pace."""
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of the cloud's time."""
        await asyncio.sleep(max(0.0, seconds) / self.speed / self.haste)

    async def sleep_in_full(self, seconds: float) -> None:
        """Wait as long as a service has asked for, in seconds of the cloud's time."""
        await self.sleep(seconds * self.haste)
