"""Rate limiters: how often a service may be asked, by the cloud's clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from bcrunbook import throttled
from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.ledger.store import Ledger

_PREFETCH: Final = 5
"""How many slots a process takes at a time where each costs a write to the disk."""


@dataclass(frozen=True)
class RateLimit:
    """How often a service may be asked.

    In any span of `seconds` there are at most `max_requests`, of which `burst` may come at once.

    Args:
        max_requests: how many requests there may be in `seconds`.
        seconds: a span of the cloud's time.
        burst: how many of them may come without a pause, after a while without any.
    """

    max_requests: int
    seconds: float
    burst: int = 1

    @property
    def interval(self) -> float:
        """From one slot to the next, in seconds of the cloud's time."""
        # The burst is taken from what is spread, so that no span has more than `max_requests`.
        return self.seconds / (self.max_requests - self.burst + 1)

    @property
    def burst_seconds(self) -> float:
        """For how long slots that nobody used may be made up for."""
        return (self.burst - 1) * self.interval


class Limiter(Protocol):
    """Whatever lets requests through no faster than a limit."""

    async def acquire(self) -> None:
        """Wait until the next request may leave."""


class RateLimiter:
    """Lets requests through in the order in which they come, evenly over time.

    Args:
        pace: the cloud's.
        limit: how often.
    """

    def __init__(self, pace: Pace, limit: RateLimit) -> None:
        self._pace = pace
        self._limit = limit
        self._next = float("-inf")

    @property
    def backlog(self) -> float:
        """How far off the next slot is, in seconds of the cloud's time."""
        return max(0.0, self._next - self._pace.now())

    async def acquire(self) -> None:
        """Wait until the next request may leave."""
        now = self._pace.now()
        slot = max(self._next, now - self._limit.burst_seconds)
        self._next = slot + self._limit.interval
        if slot > now:
            await self._pace.sleep(slot - now)


class SharedRateLimiter:
    """Keeps a limit together with everybody who shares the ledger.

    Args:
        ledger: where it is noted how far the limit is used up.
        cloud: whose limit it is.
        name: of the limit, for the ledger and for people.
        limit: how often.
        prefetch: how many slots are taken at a time.
    """

    def __init__(
        self,
        ledger: Ledger,
        cloud: Cloud,
        name: str,
        limit: RateLimit,
        *,
        prefetch: int = _PREFETCH,
    ) -> None:
        self._ledger = ledger
        self._pace = cloud.pace
        # A cloud that is served again without a clock of its own is far behind the one that had it.
        self._row = f"{cloud.kind}{'/skips' if cloud.pace.skips else ''}/{name}"
        self._name = name
        self._limit = limit
        self._prefetch = prefetch
        self._slots: deque[float] = deque()

    async def acquire(self) -> None:
        """Wait until the next request may leave.

        Raises:
            RunbookError: the ledger cannot be written.
        """
        now = self._pace.now()
        # A slot that was kept for long would come on top of those that others have had since.
        while self._slots and self._slots[0] < now - self._limit.burst_seconds:
            self._slots.popleft()
        if not self._slots:
            self._reserve(now)
        slot = self._slots.popleft()
        if slot > now:
            throttled.tell((slot - now) / self._pace.speed, f"the limit of {self._name}")
            await self._pace.sleep(slot - now)

    def _reserve(self, now: float) -> None:
        speed, interval = self._pace.speed, self._limit.interval
        first = self._ledger.reserve_slots(
            self._row,
            self._prefetch,
            interval / speed,
            self._limit.burst_seconds / speed,
            skipped=self._pace.skipped / speed,
        )
        self._slots.extend(now + first * speed + interval * n for n in range(self._prefetch))
