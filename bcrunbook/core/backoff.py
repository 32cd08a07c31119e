"""How long to wait for something, as a value; whoever waits does so at the cloud's pace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """How long to wait for something to spread: pauses double from `first` to `longest` seconds.

    How long it takes is nowhere promised (contract G13.2 and G13.3).
    """

    first: float = 4.0
    longest: float = 16.0
    deadline: float = 240.0

    def pauses(self) -> Sequence[float]:
        """The pauses in seconds, in order, within the deadline."""
        found: list[float] = []
        pause = self.first
        while sum(found) + pause <= self.deadline:
            found.append(pause)
            pause = min(pause * 2, self.longest)
        return found


def next_pause(pauses: Iterator[float], told: float, most: float) -> float | None:
    """The next pause, and never a shorter one than the service asks for; None to give up.

    Args:
        pauses: those that are left.
        told: for how many seconds the service asks to be left alone; 0 when it does not.
        most: how long a pause may be; whoever is asked for more gives up.
    """
    pause = next(pauses, None)
    return None if pause is None or told > most else max(pause, told)
