"""What a watch shows of itself: its looks, how far the installation is, and when it probably ends.

Worked out here alone, from polls and what they say together, so that the picture during the wait
and the one that is stored afterwards agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from bcrunbook.core.pace import Pace
from bcrunbook.core.step import Film, FilmStage, PassingError, Sighting
from bcrunbook.steps.link_customer.installation.memory import LastKnownExtension
from bcrunbook.steps.link_customer.installation.poll import FETCH_ERROR, LINKED, PASSED, Poll
from bcrunbook.steps.link_customer.installation.verdict import (
    APART,
    EXPECTED,
    EXPECTED_FROM,
    GOOD,
    Judgement,
    Verdict,
    installed_since,
    judge,
)

_BEGUN: Final = GOOD | {Verdict.INSTALLING, Verdict.SUSPECT, Verdict.CONFIRMING}
"""The verdicts that tell of an installation, under way or over."""


def timeline(polls: Sequence[Poll], memory: LastKnownExtension | None) -> tuple[Sighting, ...]:
    """How the polls looked one after the other.

    Args:
        polls: the polls of one watch, oldest first.
        memory: what is known of the extension from before the watch.
    """
    judgements = (judge(polls[:number], memory) for number in range(1, len(polls) + 1))
    return tuple(_sighting(poll, one) for poll, one in zip(polls, judgements, strict=True))


def _sighting(poll: Poll, judgement: Judgement) -> Sighting:
    tone: Literal["moving", "good", "trouble"] = "trouble"
    if judgement.is_good or judgement.verdict is Verdict.CONFIRMING:
        tone = "good"
    elif judgement.is_under_way:
        tone = "moving"
    return Sighting(poll.elapsed, judgement.verdict.value, tone, hiccups=len(poll.hiccups))


def stages(polls: Sequence[Poll], judgements: Sequence[Judgement]) -> tuple[FilmStage, ...]:
    """How far an installation is.

    Which of the first two comes first is not known (contract C11.10), and data can often be read as
    soon as the extension is there. So each is told for itself.

    Args:
        polls: the polls of its watch, oldest first; at least one.
        judgements: what they said together, each with those before it.
    """
    last = polls[-1]
    since = installed_since(polls)
    is_readable = any(poll.packages is not None for poll in polls) or bool(last.hiccups)
    reached = {
        "Linked": last.connection == LINKED,
        "Installing": any(one.verdict in _BEGUN for one in judgements),
        "Seen once": since is not None,
        "Confirmed": since is not None and last.elapsed - since >= APART,
        "Data readable": last.probe == PASSED or judgements[-1].is_good,
    }
    names = [name for name in reached if is_readable or name not in ("Seen once", "Confirmed")]
    states: dict[str, Literal["reached", "now", "ahead", "unseen"]] = {
        name: "unseen" if name not in names else "reached" if is_reached else "ahead"
        for name, is_reached in reached.items()
    }
    now = _goes_on([name for name in names if reached[name]], names)
    if now and judgements[-1].is_under_way:
        states[now] = "now"
    return tuple(FilmStage(name, state) for name, state in states.items())


def _goes_on(reached: Sequence[str], names: Sequence[str]) -> str:
    """The part that goes on, the last of those reached in a row; empty where none or all are."""
    goes_on = ""
    for name in names:
        if name in reached:
            goes_on = name
        elif goes_on:
            return goes_on
    return ""


class WatchFilm:
    """The picture of one watch as it grows, look by look.

    Args:
        what: what is watched.
        polls: the looks of the same watch before it was broken off, oldest first.
        memory: what is known of the extension from before the watch.
        pace: the cloud's.
    """

    def __init__(
        self,
        what: str,
        polls: Sequence[Poll],
        memory: LastKnownExtension | None,
        pace: Pace,
    ) -> None:
        self._what = what
        self._memory = memory
        self._pace = pace
        self._polls: list[Poll] = []
        self._sightings: list[Sighting] = []
        self._judgements: list[Judgement] = []
        self._passing: Counter[str] = Counter()
        self._stages: tuple[FilmStage, ...] = ()
        self._is_news = True
        for poll in polls:
            self.add(poll)

    def add(self, poll: Poll) -> Judgement:
        """Take in one more look; says what all of them say together."""
        self._polls.append(poll)
        judgement = judge(self._polls, self._memory)
        self._judgements.append(judgement)
        self._sightings.append(_sighting(poll, judgement))
        self._passing.update(set(poll.hiccups))
        if poll.data == FETCH_ERROR:
            self._passing.update([f"Codat's sync of the company: {FETCH_ERROR}"])
        before, self._stages = self._stages, stages(self._polls, self._judgements)
        self._is_news = _reached(self._stages) != _reached(before)
        return judgement

    def miss(self, error: str) -> None:
        """Note a look that could not be had, and will be tried again."""
        self._passing.update([error])
        self._is_news = False

    def now(self, at: datetime, elapsed: float, longest: float, next_look: float | None) -> Film:
        """The picture as it is now.

        Args:
            at: now (UTC).
            elapsed: seconds of the cloud's time since the watch began.
            longest: after how many of them nobody watches any more.
            next_look: in how many of them it is looked at again; None when it is over.
        """
        passing = (PassingError(text, looks) for text, looks in self._passing.items())
        return Film(
            what=self._what,
            sightings=tuple(self._sightings),
            stages=self._stages,
            is_news=self._is_news,
            because=self._judgements[-1].because,
            passing=tuple(passing),
            elapsed=elapsed,
            expected=(EXPECTED_FROM, EXPECTED),
            longest=longest,
            next_look=next_look,
            speed=self._pace.speed,
            at=at,
            skips=self._pace.skips,
        )


def _reached(parts: Sequence[FilmStage]) -> set[str]:
    return {one.name for one in parts if one.state in ("reached", "now")}
