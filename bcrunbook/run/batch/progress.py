"""How far a batch is: a small summary of each step that has ended, and counts of the rest."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bcrunbook.core.step import State, worst_code
from bcrunbook.run.account import StepRun
from bcrunbook.run.batch.selection import WorkItem
from bcrunbook.steps import step_named
from bcrunbook.steps.next_action import command, next_action
from bcrunbook.views.cells import STATE_WORDS

RECENT: Final = 60.0
"""Seconds: over so long, it is counted how many items end in a minute."""


@dataclass(frozen=True)
class StepSummary:
    """How a step of an account or customer ended: as much as a table shows, and no more.

    Args:
        account: the account's name.
        customer: the customer's name; empty for the account itself.
        step: the step's id.
        state: how it ended.
        since: since when it has ended like this (ISO 8601).
        summary: one sentence.
        next: what to do next; empty when it has passed, or follows one that has not.
        notebook: the executed notebook, from the batch's folder; empty when it was not run.
        card: the page for a person, likewise.
        seconds: how long it took.
        exit_code: the exit code of this step alone.
        was_run: whether it was run, rather than following one that has not passed.
        is_under_way: whether what it is about takes its time, and is followed.
    """

    account: str
    customer: str
    step: str
    state: str
    since: str
    summary: str
    next: str
    notebook: str
    card: str
    seconds: float
    exit_code: int
    was_run: bool = True
    is_under_way: bool = False

    @classmethod
    def of(cls, run: StepRun, folder: Path) -> StepSummary:
        """The summary of a run, whose files lie below `folder`.

        Args:
            run: the run.
            folder: the batch's folder.
        """
        outcome = run.outcome
        again = command(run.account, outcome.cloud, step_named(run.step), run.customer)
        was_run = run.notebook is not None or outcome.error is not None
        return cls(
            account=run.account,
            customer=run.customer,
            step=run.step,
            state=run.state.value,
            since=outcome.since.isoformat() if outcome.since else "",
            summary=outcome.summary,
            next=next_action(outcome, again) if was_run else "",
            notebook=_below(run.notebook, folder),
            card=_below(run.card, folder),
            seconds=round(run.seconds, 3),
            exit_code=run.exit_code,
            was_run=was_run,
            is_under_way=run.state is State.WAITING and was_run and outcome.error is None,
        )

    @property
    def who(self) -> str:
        """Whom it is about."""
        return WorkItem(self.account, self.customer).who

    @property
    def label(self) -> str:
        """How it ended, for people."""
        return STATE_WORDS[State(self.state)] if self.was_run else "not run"

    def as_dict(self) -> dict[str, Any]:
        """As plain data, from which `StepSummary(**data)` makes it again."""
        return asdict(self)


def standing_of(summaries: Mapping[str, StepSummary]) -> State:
    """How an account or customer stands: as its last step does, unless one failed.

    Args:
        summaries: its steps that have ended, at least one, in order.
    """
    states = [State(one.state) for one in summaries.values()]
    return State.FAILED if State.FAILED in states else states[-1]


class BatchProgress:
    """How far everything in a batch is.

    Args:
        items: what it is about.
    """

    def __init__(self, items: Sequence[WorkItem]) -> None:
        self.items = tuple(items)
        self.summaries: dict[str, dict[str, StepSummary]] = {}
        self.running: dict[str, str] = {}
        self.parked: set[str] = set()
        self._throttled: dict[str, float] = {}
        self.began = time.monotonic()
        self.taken_over = 0
        self._ended: list[float] = []

    def begin_step(self, item: WorkItem, step: str) -> None:
        """A step has begun.

        Args:
            item: whose.
            step: the step's id.
        """
        self.running[item.who] = step

    def end_step(self, summary: StepSummary) -> None:
        """A step has ended."""
        self.summaries.setdefault(summary.who, {})[summary.step] = summary

    def throttle(self, item: WorkItem, seconds: float) -> None:
        """A service's limit holds an item up for so long.

        Args:
            item: who is held up.
            seconds: for how long, in real seconds.
        """
        self._throttled[item.who] = time.monotonic() + seconds

    def park(self, item: WorkItem) -> None:
        """An item waits for what is under way, and nothing is at work for it."""
        self.running.pop(item.who, None)
        self.parked.add(item.who)

    def unpark(self, item: WorkItem) -> None:
        """What an item waited for has settled."""
        self.parked.discard(item.who)

    def end_item(self, item: WorkItem) -> None:
        """All of an item's steps have ended."""
        self.running.pop(item.who, None)
        self._throttled.pop(item.who, None)
        self._ended.append(time.monotonic())

    def take_over(self, who: str, summaries: Iterable[StepSummary]) -> None:
        """An item had ended before the batch was taken up again.

        Args:
            who: whom it is about.
            summaries: how its steps had ended.
        """
        self.summaries[who] = {summary.step: summary for summary in summaries}
        self.taken_over += 1

    @property
    def ended(self) -> int:
        """How many items have ended."""
        return self.taken_over + len(self._ended)

    @property
    def throttled(self) -> int:
        """How many items a service's limit holds up now."""
        now = time.monotonic()
        return sum(1 for until in self._throttled.values() if until > now)

    @property
    def states(self) -> Counter[tuple[str, str]]:
        """How many times a step ended in a state."""
        return Counter(
            (summary.step, summary.state) for summary in self.all_summaries() if summary.was_run
        )

    @property
    def standings(self) -> Counter[State]:
        """How many accounts and customers that have ended stand how.

        One stands as its last step does, unless one of its steps failed.
        """
        open_ = self.running.keys() | self.parked
        return Counter(
            standing_of(lines)
            for who, lines in self.summaries.items()
            if lines and who not in open_
        )

    @property
    def exit_code(self) -> int:
        """The exit code of all: that of the worst."""
        return worst_code(summary.exit_code for summary in self.all_summaries())

    def all_summaries(self) -> Iterator[StepSummary]:
        """The steps that have ended, one account or customer after the other."""
        for by_step in self.summaries.values():
            yield from by_step.values()

    def per_minute(self) -> float:
        """How many items end in a minute, by the last of them."""
        now = time.monotonic()
        span = min(RECENT, now - self.began)
        recent = sum(1 for one in self._ended if now - one <= span)
        return 60.0 * recent / span if span else 0.0

    def seconds_left(self) -> float | None:
        """How long the rest takes if it goes on like this; None while nobody can know."""
        if not self._ended:
            return None
        each = (self._ended[-1] - self.began) / len(self._ended)
        return each * (len(self.items) - self.ended)


def _below(path: Path | None, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix() if path else ""
