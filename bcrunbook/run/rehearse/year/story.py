"""What happened in a year, month by month, and when data did not flow. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Tone = Literal["plain", "good", "trouble"]


@dataclass(frozen=True)
class Happening:
    """Something that happened.

    Args:
        at: when (UTC).
        who: who did it, or noticed it.
        what: what it was, in a sentence for somebody who knows none of the words.
        tone: whether it is good, trouble, or neither.
        command: the command that was given; empty without one.
    """

    at: datetime
    who: str
    what: str
    tone: Tone = "plain"
    command: str = ""


@dataclass(frozen=True)
class Interruption:
    """A time in which data did not flow.

    Args:
        whose: whose data, in words.
        account: the account.
        began: when it began (UTC).
        noticed: when it was noticed.
        noticed_by: who noticed it.
        why: what it came from, as a half sentence.
        ended: when it ended; None where it is not to end, as the customer has left.
        mended_by: who mended it, and how, as a half sentence.
        is_everybody: whether it was all customers of the account.
    """

    whose: str
    account: str
    began: datetime
    noticed: datetime
    noticed_by: str
    why: str
    ended: datetime | None
    mended_by: str
    is_everybody: bool = False

    @property
    def length(self) -> timedelta | None:
        """How long it lasted; None where the customer has left."""
        return None if self.ended is None else self.ended - self.began


@dataclass(frozen=True)
class WeeklyCheck:
    """A weekly check.

    Args:
        at: when (UTC).
        found: what somebody had to do, in the words of the check; nothing when all was well.
    """

    at: datetime
    found: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """Something that the year has left behind, to be opened: its address, and what it is."""

    address: str
    what: str


@dataclass(frozen=True)
class Month:
    """One month of the year.

    Args:
        first: its first instant.
        happenings: what happened, the first first.
        checks: how many checks there were.
        quiet: how many of them found nothing to do.
    """

    first: datetime
    happenings: tuple[Happening, ...]
    checks: int
    quiet: int


@dataclass(frozen=True)
class Story:
    """A year as it was.

    Args:
        began: its first instant (UTC).
        ended: its last.
        accounts: the accounts' names.
        customers: how many customers there were at first.
        left: the names of those who have left.
        happenings: what happened.
        interruptions: when data did not flow.
        checks: the weekly checks.
        planned: how many secrets were replaced in time.
        leaked: how many were replaced because others may have known them.
        documents: what can be opened.
    """

    began: datetime
    ended: datetime
    accounts: tuple[str, ...]
    customers: int
    left: tuple[str, ...]
    happenings: tuple[Happening, ...]
    interruptions: tuple[Interruption, ...]
    checks: tuple[WeeklyCheck, ...]
    planned: int
    leaked: int
    documents: tuple[Document, ...] = ()

    @property
    def months(self) -> tuple[Month, ...]:
        """The months, from the first to the last, quiet ones too."""
        first = _month_of(self.began)
        found = []
        while first <= self.ended:
            checks = [one for one in self.checks if _month_of(one.at) == first]
            mine = sorted(
                (one for one in self.happenings if _month_of(one.at) == first),
                key=lambda one: one.at,
            )
            quiet = sum(not one.found for one in checks)
            found.append(Month(first, tuple(mine), len(checks), quiet))
            first = _month_of(first + timedelta(days=32))
        return tuple(found)

    @property
    def mended(self) -> tuple[Interruption, ...]:
        """Those that ended, the longest first."""
        ended = (one for one in self.interruptions if one.length is not None)
        return tuple(sorted(ended, key=lambda one: one.length or timedelta(), reverse=True))

    def share(self, at: datetime) -> float:
        """How much of the year had passed, from 0 to 100."""
        whole = (self.ended - self.began).total_seconds()
        return round(100 * (at - self.began).total_seconds() / whole, 2)

    def flowed(self, account: str) -> float:
        """For how much of the year all customers of an account were read at once, of 100."""
        stopped = _together(
            (one.began, one.ended)
            for one in self.interruptions
            if one.account == account and one.is_everybody and one.ended is not None
        )
        return 100 * (1 - stopped / (self.ended - self.began))


def named(names: Sequence[str]) -> str:
    """Names in a row: `a`, `a and b`, `a, b and c`.

    Args:
        names: the names; at least one.
    """
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def _month_of(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _together(spans: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """How long spans are together, where they overlap counted once."""
    total, until = timedelta(), None
    for began, ended in sorted(spans):
        since = began if until is None else max(began, until)
        total += max(ended - since, timedelta())
        until = ended if until is None else max(until, ended)
    return total
