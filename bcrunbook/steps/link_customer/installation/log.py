"""The polls of a customer's watch, kept in the ledger: whoever comes later goes on from there.

A watch begins with a fact of its own, and ends with one that says how. One that has ended well, or
that only a person can change, is followed by a new one; one that ran out of time is not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.order import LINK_CUSTOMER
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.installation.poll import Poll
from bcrunbook.steps.link_customer.installation.verdict import (
    GOOD,
    NOT_SETTLED,
    OVER,
    Judgement,
    Verdict,
)

FRESH: Final = 86400.0
"""For how many seconds one more sighting still counts with those of a watch that ended well.

In a batch the outcome may be recorded long after the watch, when many customers have settled at
once and wait for their turn: that run sees the extension only once.
"""


class WatchLog:
    """The current watch of one connection.

    Args:
        context: the context, with a customer.
        connection: Codat's id of the connection.
    """

    def __init__(self, context: Context, connection: str) -> None:
        self._context = context
        self._connection = connection
        self.polls: list[Poll] = []
        self.before: list[Poll] = []
        """The polls of the last watch that has ended."""
        self.began: datetime | None = None
        self._last_began: datetime | None = None
        self._ended_well: datetime | None = None
        for fact in context.ledger.facts(
            Scope(context.identity, LINK_CUSTOMER, context.customer_name), subject=connection
        ):
            if fact.kind == FactKind.WATCH_BEGAN:
                self.began, self.polls, self._ended_well = fact.at, [], None
            elif fact.kind == FactKind.WATCH_POLL:
                self.polls.append(Poll.from_dict(fact.data))
            elif (
                fact.kind == FactKind.WATCH_ENDED
                and Verdict(fact.data["verdict"]) not in NOT_SETTLED
            ):
                self._ended_well = fact.at if Verdict(fact.data["verdict"]) in GOOD else None
                self._close()
        if self.elapsed > OVER:
            # Whatever goes on now is another installation.
            self._close()

    def _close(self) -> None:
        if self.began is None:
            # Somebody else has ended it, between two looks of whoever was at it.
            self.before += self.polls
        else:
            self._last_began, self.before = self.began, self.polls
        self.began, self.polls = None, []

    @property
    def elapsed(self) -> float:
        """Seconds of the cloud's time since the watch began; 0 when none is under way."""
        return self._age(self.began) if self.began is not None else 0.0

    def carried_on(self, poll: Poll) -> list[Poll]:
        """The last watch with one more poll, where it ended well not long ago; else nothing.

        A run that records what another process has watched looks only once.
        """
        if self._ended_well is None or self._last_began is None or self.began is not None:
            return []
        if self._age(self._ended_well) > FRESH:
            return []
        return [*self.before, replace(poll, elapsed=self._age(self._last_began))]

    def _age(self, at: datetime) -> float:
        # A clock that was set back makes nothing younger than it is new.
        return max(0.0, self._context.age_noted(at))

    def begin(self) -> None:
        """Note that a watch begins, unless one is under way."""
        if self.began is None:
            self.began = self._record(FactKind.WATCH_BEGAN, {})

    def add(self, poll: Poll) -> None:
        """Keep a poll."""
        self._record(FactKind.WATCH_POLL, poll.as_dict())
        self.polls.append(poll)

    def end(self, judgement: Judgement) -> None:
        """Note how the watch ended."""
        self._record(
            FactKind.WATCH_ENDED, {"verdict": judgement.verdict.value, "because": judgement.because}
        )

    def _record(self, kind: str, data: dict[str, object]) -> datetime:
        context = self._context
        context.ledger.record(
            Scope(context.identity, LINK_CUSTOMER, context.customer_name),
            kind,
            self._connection,
            "observed",
            data,
        )
        return context.ledger.now()
