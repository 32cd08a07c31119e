"""The rehearsal clock: how long the directory takes to agree with itself, and how fast time goes.

Only lags and throttle windows go by it; dates in payloads and lifetimes of tokens are wall time,
because clients compare those with their own clocks. In a rehearsal whose dates are its clock's, all
go by it: a token that has expired meanwhile is refused, and its client asks for another.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from bcrunbook.rehearsal.lags import USUAL, Profile
from bcrunbook.skipped.timeline import Timeline


@dataclass(frozen=True)
class Clock:
    """Wall time, and the rehearsal clock beside it.

    Args:
        speed: how many of its seconds pass in one of ours.
        profile: how new things lag.
        timeline: what of it was skipped; None where nothing ever is.
        skips: whether it goes on to the next thing that is due when everybody waits.
    """

    speed: float = 1.0
    profile: Profile = USUAL
    timeline: Timeline | None = None
    skips: bool = False

    def shortened(self, seconds: float) -> int:
        """Whole seconds that a client or a page is to wait for a person, at least one.

        A person's time is never skipped; so that nobody waits for long after they have acted, the
        client asks more often.
        """
        return 1 if self.skips else max(1, round(seconds / self.speed))

    def now(self) -> float:
        """Wall time in seconds since the epoch; the clock's own where dates go by it."""
        return time.time() if self.timeline is None else self.timeline.now()

    def reading(self) -> float:
        """What the rehearsal clock reads, in seconds; only differences mean something."""
        return self.now() * self.speed if self.timeline is None else self.timeline.reading()

    def age(self, since: float, *, now: float | None = None) -> float:
        """Seconds of the rehearsal clock between a wall time and another, or now."""
        current = self.now() if now is None else now
        if self.timeline is not None:
            return self.timeline.age(since, now=current)
        return (current - since) * self.speed

    def after(self, since: float, seconds: float) -> float:
        """The wall time at which so many seconds of the rehearsal clock have passed."""
        if self.timeline is not None:
            return self.timeline.after(since, seconds)
        return since + seconds / self.speed

    def passed(self, since: float, kind: str, key: str, *, now: float | None = None) -> bool:
        """Whether an effect of that kind, made at `since`, has shown by now."""
        return self.age(since, now=now) >= self.profile.of(kind, key)

    def indexed(self, since: float, *, now: float | None = None) -> bool:
        """Whether the index behind advanced queries has caught up with a write at `since`."""
        return self.age(since, now=now) >= self.profile.lags.index


def timestamp(seconds: float, *, fraction: bool = True) -> str:
    """A wall time as the services print it: ISO 8601, UTC, with a Z (contract G5.12).

    They count in tenths of a microsecond and leave zeros at the end out. The last digit, which no
    wall time here has, follows from the others, so that a time is always printed the same.
    """
    moment = datetime.fromtimestamp(seconds, UTC)
    ticks = f"{moment.microsecond:06d}{moment.microsecond % 10}" if fraction else ""
    return _printed(moment, ticks)


def parse_timestamp(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 date with an offset; ValueError for anything else."""
    moment, digits = _read(text)
    return moment.timestamp() + float(f"0.{digits}")


def reprinted(text: str) -> str:
    """A date that a client gave, as the services print it; ValueError as above."""
    moment, digits = _read(text)
    return _printed(moment, digits[:7])


def _printed(moment: datetime, digits: str) -> str:
    kept = digits.rstrip("0")
    whole = moment.replace(microsecond=0, tzinfo=None).isoformat()
    return f"{whole}.{kept}Z" if kept else f"{whole}Z"


def _read(text: str) -> tuple[datetime, str]:
    """The moment to the second, in UTC, and the digits of its fraction."""
    head, separator, tail = text.replace("z", "Z").replace("Z", "+00:00").partition(".")
    digits = "0"
    if separator:
        digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
        head += tail[len(digits) :]
    moment = datetime.fromisoformat(head)
    if moment.tzinfo is None:
        raise ValueError(f"a date without an offset: {text}")
    try:
        return moment.astimezone(UTC), digits
    except OverflowError as problem:
        raise ValueError(f"a date before or after all years: {text}") from problem
