"""How far a rehearsal's clock was moved on, and when: the line from our time to its own.

Dates in payloads, lifetimes of tokens and certificates are our time: clients hold them against
their own clocks. Ages and waits are the rehearsal's. Its clock reads `time.time() * speed` and
whatever was skipped so far, so that the age of anything that has a date can be told by anybody who
can read the file.

Where a rehearsal is *dated*, dates are the clock's as well, and it has no speed: a year that is
skipped is a year in everything that is noted (`dates`).
"""

from __future__ import annotations

import os
import struct
import time
from bisect import bisect_left, bisect_right
from pathlib import Path
from threading import Lock
from typing import Final

NAME: Final = "skipped"
"""The file in the rehearsal cloud's folder."""
DATED: Final = "dated"
"""A file beside it where dates go by the rehearsal's clock, too: how far they are ahead of ours
where nothing was skipped yet, in seconds; below zero where they are behind."""

_ENTRY: Final = struct.Struct("<dd")


class Timeline:
    """The line from our time to a rehearsal's.

    Args:
        directory: the rehearsal cloud's folder. There need be no file in it yet.
        speed: how many seconds of the rehearsal's pass in one of ours where none is skipped.
    """

    def __init__(self, directory: Path, speed: float = 1.0) -> None:
        self._file = directory / NAME
        self._speed = speed
        self._ahead = _dates_ahead(directory)
        self._moments: list[float] = []
        self._totals: list[float] = []
        self._lock = Lock()
        self._read_to = 0

    @property
    def total(self) -> float:
        """How many seconds were skipped so far."""
        self._look()
        return self._totals[-1] if self._totals else 0.0

    @property
    def is_dated(self) -> bool:
        """Whether dates go by this clock, too."""
        return self._ahead is not None

    def now(self) -> float:
        """The moment that dates tell, in seconds since the epoch."""
        return time.time() if self._ahead is None else time.time() + self._ahead + self.total

    def reading(self, at: float | None = None) -> float:
        """What the rehearsal's clock read at a moment, in seconds.

        Args:
            at: seconds since the epoch; None for now.
        """
        if self._ahead is not None:
            return self.now() if at is None else at
        self._look()
        moment = time.time() if at is None else at
        skips = bisect_right(self._moments, moment)
        return moment * self._speed + (self._totals[skips - 1] if skips else 0.0)

    def age(self, since: float, *, now: float | None = None) -> float:
        """Seconds of the rehearsal's since a moment.

        Args:
            since: seconds since the epoch.
            now: likewise; None for now.
        """
        return self.reading(now) - self.reading(since)

    def after(self, since: float, seconds: float) -> float:
        """The moment at which so much of the rehearsal's time has passed, in seconds of the epoch.

        What was due within a stretch that was skipped came about when it was skipped.

        Args:
            since: seconds since the epoch.
            seconds: of the rehearsal's time.
        """
        target = self.reading(since) + seconds
        if self._ahead is not None:
            return target
        first = bisect_right(self._moments, since)
        place = bisect_left(
            range(first, len(self._moments)), target, key=lambda skip: self._read_after(skip)
        )
        skip = first + place
        if skip == len(self._moments):
            return (target - (self._totals[-1] if self._totals else 0.0)) / self._speed
        before = self._totals[skip - 1] if skip else 0.0
        return min((target - before) / self._speed, self._moments[skip])

    def _read_after(self, skip: int) -> float:
        return self._moments[skip] * self._speed + self._totals[skip]

    def _add(self, moment: float, total: float) -> None:
        # In this order: whoever reads in another thread at this instant finds a total for each
        # moment.
        self._totals.append(total)
        self._moments.append(moment)

    def _look(self) -> None:
        """Read what was added to the file."""
        try:
            size = os.stat(self._file).st_size
        except OSError:
            return
        if size - self._read_to < _ENTRY.size:
            return
        with self._lock, self._file.open("rb") as file:
            file.seek(self._read_to)
            found = file.read()
            whole = len(found) - len(found) % _ENTRY.size
            for moment, total in _ENTRY.iter_unpack(found[:whole]):
                self._add(moment, total)
            self._read_to += whole


def date(directory: Path, ahead: float) -> None:
    """Have dates go by a rehearsal's clock, from its beginning.

    Args:
        directory: the rehearsal cloud's folder, in which nothing is yet.
        ahead: how far dates are ahead of ours at first, in seconds.
    """
    (directory / DATED).write_text(str(ahead), "ascii")


def _dates_ahead(directory: Path) -> float | None:
    try:
        return float((directory / DATED).read_text("ascii"))
    except (OSError, ValueError):
        return None


class KeptTimeline(Timeline):
    """The timeline of whoever moves the clock on: nobody else writes to the file."""

    def __init__(self, directory: Path, speed: float = 1.0) -> None:
        super().__init__(directory, speed)
        super()._look()

    def skip(self, seconds: float) -> None:
        """Move the clock on.

        Args:
            seconds: of the rehearsal's time.

        Raises:
            OSError: the file cannot be written.
        """
        moment, total = time.time(), self.total + seconds
        with open(os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
            file.write(_ENTRY.pack(moment, total))
        self._add(moment, total)

    def _look(self) -> None:
        """Everything in the file is known."""
