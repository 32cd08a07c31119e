"""The life of a client secret as data: made, ends, how much is left, how urgent a next one is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from bcrunbook.accounts import Account, Identity
from bcrunbook.core.step import Findings
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Ledger
from bcrunbook.limits import SHORT_LIFETIME_DAYS
from bcrunbook.order import CLIENT_SECRET

_DAY: Final = timedelta(days=1)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""The end of one that was adopted without an end."""


class Level(StrEnum):
    """How urgent it is to make the next secret."""

    FINE = "fine"
    WARN = "warn"
    URGENT = "urgent"
    OVER = "over"


# So many whole days before the end, or fewer, with the word that the check has for it.
_LIMITS: Final = (
    (7, Level.URGENT, "urgent"),
    (14, Level.WARN, "soon"),
    (SHORT_LIFETIME_DAYS, Level.WARN, "plan it"),
)


@dataclass(frozen=True)
class SecretLife:
    """From when to when a client secret lives, and of which application it is.

    Args:
        client_id: the application's client id.
        made: when it was made (with its time zone).
        ends: when it ends (with its time zone).
    """

    client_id: str
    made: datetime
    ends: datetime

    @property
    def whole(self) -> timedelta:
        """How long it lives in all."""
        return max(self.ends - self.made, timedelta())

    @property
    def renew(self) -> datetime:
        """From when on the step makes the next one: a month, or a third of its life, before.

        That is when `level` first says so, which counts whole days: whoever does what a check
        advises must find that its time has come.
        """
        return self.ends - min((SHORT_LIFETIME_DAYS + 1) * _DAY, self.whole / 3)

    def begins(self, level: Level) -> datetime:
        """When a level begins, whole days being counted."""
        if level is Level.OVER:
            return self.ends
        days = [days for days, its, _ in _LIMITS if its is level]
        return max(self.made, self.ends - (max(days) + 1) * _DAY) if days else self.made

    def level(self, now: datetime) -> Level:
        """How urgent it is to make the next one."""
        return self._standing(now)[0]

    def urgency(self, now: datetime) -> str:
        """The same in a word or two; empty as long as nothing has to be done."""
        return self._standing(now)[1]

    def _standing(self, now: datetime) -> tuple[Level, str]:
        if self.ends <= now:
            return Level.OVER, "at once"
        days = (self.ends - now).days
        return next(
            ((level, word) for limit, level, word in _LIMITS if days <= limit), (Level.FINE, "")
        )

    def passed(self, now: datetime) -> float:
        """How much of its life has passed, from 0 to 1; clocks of machines differ."""
        if not self.whole:
            return 1.0
        return min(1.0, max(0.0, (now - self.made) / self.whole))

    def words(self, now: datetime) -> str:
        """How long it has left: `89 of 90 days left, ends 26 February 2027`."""
        on = day(self.ends)
        if self.ends <= now:
            return f"ended on {on}, {_ago(now - self.ends)}"
        left, whole = (round(one / _DAY) for one in (self.ends - now, self.whole))
        if not left:
            return f"less than a day left, ends {on}"
        return f"{min(left, whole)} of {whole} day{'' if whole == 1 else 's'} left, ends {on}"

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "client_id": self.client_id,
            "made": self.made.isoformat(),
            "ends": self.ends.isoformat(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any], made: datetime) -> Self | None:
        """As the ledger has it; None where it has no end.

        Args:
            data: what was noted.
            made: when it was made at the latest, where the data do not tell.
        """
        if not data.get("ends"):
            return None
        ends = datetime.fromisoformat(data["ends"])
        if ends == _NEVER:
            return None
        noted = data.get("made")
        begun = datetime.fromisoformat(noted) if noted else made
        return cls(data.get("client_id", ""), begun, ends)


def day(moment: datetime) -> str:
    """A day as a person writes it, by UTC: `26 February 2027`."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%B %Y}"


def how_to_renew(account: Account) -> str:
    """What makes the next secret, and what has to follow: a sentence."""
    live = "" if account.cloud != "live" else " --mode apply"
    return (
        f"bcrunbook rotate {account.name}{live}; it says when the next one has to be saved in the"
        " Codat Portal, and removes the old one after that."
    )


def seen_life(findings: Findings | None) -> SecretLife | None:
    """The secret's life as a look has just shown it; None where it did not look, or saw none."""
    for seen in findings.observations if findings is not None else ():
        if seen.kind == FactKind.SECRET_SEEN:
            return SecretLife.from_dict(seen.data, _NEVER)
    return None


def known_life(ledger: Ledger, whose: Identity) -> SecretLife | None:
    """The life of an account's secret as the ledger knows it; None where it knows of none.

    What was seen last counts, or what was stored since.

    Args:
        ledger: the ledger.
        whose: the account.
    """
    scope = Scope(whose, CLIENT_SECRET)
    kinds = (FactKind.SECRET_SEEN, FactKind.SECRET_STORED)
    known = [fact for kind in kinds if (fact := ledger.latest(scope, kind)) is not None]
    if not known:
        return None
    last = max(known, key=lambda fact: fact.id)
    gone = ledger.latest(scope, FactKind.SECRET_REMOVED, last.subject)
    if gone is not None and gone.id > last.id:
        return None
    return SecretLife.from_dict(last.data, last.at)


def _ago(passed: timedelta) -> str:
    days = passed.days
    return "today" if not days else "a day ago" if days == 1 else f"{days} days ago"
