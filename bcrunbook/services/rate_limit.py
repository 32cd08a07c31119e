"""Turns: how often a service may be asked, by the cloud's clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from bcrunbook import throttled
from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.ledger.store import Ledger

_PREFETCH: Final = 5
"""How many turns a process takes at a time where each costs a write to the disk."""


@dataclass(frozen=True)
class Limit:
    """How often a service may be asked.

    In any span of `seconds` there are at most `most` turns, of which some may come at once.

    Args:
        most: how many turns there are in `seconds`.
        seconds: a span of the cloud's time.
        at_once: how many of them may come without a pause, after a while without any.
    """

    most: int
    seconds: float
    at_once: int = 1

    @property
    def between(self) -> float:
        """From one turn to the next, in seconds of the cloud's time."""
        # What comes at once is taken from what is spread, so that no span has more than `most`.
        return self.seconds / (self.most - self.at_once + 1)

    @property
    def credit(self) -> float:
        """For how long turns that nobody took may be made up for."""
        return (self.at_once - 1) * self.between


class Limiter(Protocol):
    """Whatever hands out turns."""

    async def wait(self) -> None:
        """Wait for a turn."""


class RateLimiter:
    """Hands out turns in the order in which they are wanted, evenly over time.

    Args:
        pace: the cloud's.
        limit: how often.
    """

    def __init__(self, pace: Pace, limit: Limit) -> None:
        self._pace = pace
        self._limit = limit
        self._next = float("-inf")

    @property
    def backlog(self) -> float:
        """How long the next turn is off, in seconds of the cloud's time."""
        return max(0.0, self._next - self._pace.now())

    async def wait(self) -> None:
        """Wait for a turn."""
        now = self._pace.now()
        turn = max(self._next, now - self._limit.credit)
        self._next = turn + self._limit.between
        if turn > now:
            await self._pace.sleep(turn - now)


class SharedRateLimiter:
    """Hands out the turns of a limit that everybody who shares the ledger keeps together.

    Args:
        ledger: where it is noted whose turn it is.
        cloud: whose limit it is.
        name: of the limit, for the ledger and for people.
        limit: how often.
        hoard: how many turns are taken at a time.
    """

    def __init__(
        self, ledger: Ledger, cloud: Cloud, name: str, limit: Limit, *, prefetch: int = _PREFETCH
    ) -> None:
        self._ledger = ledger
        self._pace = cloud.pace
        self._row = f"{cloud.kind}/{name}"
        self._name = name
        self._limit = limit
        self._prefetch = prefetch
        self._taken: deque[float] = deque()

    async def wait(self) -> None:
        """Wait for a turn.

        Raises:
            RunbookError: the ledger cannot be written.
        """
        now = self._pace.now()
        # A turn that was kept for long would come on top of those that others have had since.
        while self._taken and self._taken[0] < now - self._limit.credit:
            self._taken.popleft()
        if not self._taken:
            self._take(now)
        turn = self._taken.popleft()
        if turn > now:
            throttled.tell((turn - now) / self._pace.speed, f"the limit of {self._name}")
            await self._pace.sleep(turn - now)

    def _take(self, now: float) -> None:
        speed, between = self._pace.speed, self._limit.between
        off = self._ledger.take_turns(
            self._row, self._prefetch, between / speed, self._limit.credit / speed
        )
        self._taken.extend(now + off * speed + between * one for one in range(self._prefetch))
