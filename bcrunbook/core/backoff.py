"""How long to wait for something, as a value; whoever waits does so at the cloud's pace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """How long to wait for something to spread, which is nowhere promised (contract G13.2, G13.3).

    Args:
        first: the first pause, in seconds; each later one is twice as long as the one before.
        longest: the longest pause, in seconds.
        deadline: the sum that all pauses stay within, in seconds.
    """

    first: float = 4.0
    longest: float = 16.0
    deadline: float = 240.0

    def pauses(self) -> Sequence[float]:
        """The pauses in seconds, in order, within the deadline."""
        pauses: list[float] = []
        pause = self.first
        while sum(pauses) + pause <= self.deadline:
            pauses.append(pause)
            pause = min(pause * 2, self.longest)
        return pauses


def next_pause(pauses: Iterator[float], retry_after: float, longest: float) -> float | None:
    """The next pause, and never a shorter one than the service asks for; None to give up.

    Args:
        pauses: those that are left.
        retry_after: for how many seconds the service asks to be left alone; 0 when it does not.
        longest: how long a pause may be; whoever is asked for more gives up.
    """
    pause = next(pauses, None)
    return None if pause is None or retry_after > longest else max(pause, retry_after)
