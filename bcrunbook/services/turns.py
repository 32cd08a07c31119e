"""Turns: how often a service may be asked, by the cloud's clock."""

from __future__ import annotations

from bcrunbook.cloud import Pace


class Turns:
    """Hands out turns in the order in which they are wanted, evenly over time.

    In any span of `seconds` there are at most `most` turns, of which some may come at once.

    Args:
        pace: the cloud's.
        most: how many turns there are in `seconds`.
        seconds: a span of the cloud's time.
        at_once: how many of them may come without a pause, after a while without any.
    """

    def __init__(self, pace: Pace, most: int, seconds: float, *, at_once: int = 1) -> None:
        self._pace = pace
        # What comes at once is taken from what is spread, so that no span has more than `most`.
        self._between = seconds / (most - at_once + 1)
        self._credit = (at_once - 1) * self._between
        self._next = float("-inf")

    @property
    def backlog(self) -> float:
        """How long the next turn is off, in seconds of the cloud's time."""
        return max(0.0, self._next - self._pace.now())

    async def wait(self) -> None:
        """Wait for a turn."""
        now = self._pace.now()
        turn = max(self._next, now - self._credit)
        self._next = turn + self._between
        if turn > now:
            await self._pace.sleep(turn - now)
