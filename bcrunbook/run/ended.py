"""How each step ended, in the words that other programs are told it in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from bcrunbook.accounts import Workspace
from bcrunbook.core.step import Outcome, State
from bcrunbook.printable import printable
from bcrunbook.run.batch.progress import BatchProgress
from bcrunbook.run.checked import of_customers
from bcrunbook.secrets import scrub
from bcrunbook.skipped import dates
from bcrunbook.steps import EVERY_STEP, step_named
from bcrunbook.steps.next_action import command, next_action
from bcrunbook.views.cells import STATE_WORDS, card_view


@dataclass(frozen=True)
class Ended:
    """How one step of an account or a customer ended; holds no secret.

    Args:
        who: the account, or account and customer with a slash between.
        step: the step's id.
        state: how it ended; None where it was not run.
        seconds: how long it took.
        summary: one sentence.
        next: what to do next; empty when it has passed.
        card: what a person has to do, as text; empty where nobody has to.
        card_file: where the card is, below the workspace; empty where it is in no file.
    """

    who: str
    step: str
    state: State | None = None
    seconds: float = 0.0
    summary: str = ""
    next: str = ""
    card: str = ""
    card_file: str = ""

    def __post_init__(self) -> None:
        for name in ("summary", "next", "card"):
            text = scrub(getattr(self, name), where="what other programs are told")
            object.__setattr__(self, name, _writable(printable(text)))

    @property
    def label(self) -> str:
        """How it ended, for people."""
        return STATE_WORDS[self.state] if self.state is not None else "not run"

    @property
    def name(self) -> str:
        """The step with its number."""
        return f"{EVERY_STEP.index(step_named(self.step))} {self.step}"

    @property
    def told(self) -> str:
        """What happened and what to do, in lines."""
        parts = [self.summary, f"next: {self.next}" if self.next else "", self.card]
        return "\n".join(part for part in parts if part)


def of_batch(progress: BatchProgress, folder: Path, root: Path) -> list[Ended]:
    """Every step that a batch is about, those not run included.

    Args:
        progress: how far the batch is.
        folder: the batch's folder.
        root: the workspace.
    """
    found = []
    for item in progress.items:
        of_item = progress.summaries.get(item.who, {})
        for step in item.steps:
            line = of_item.get(step)
            if line is None or not line.was_run:
                found.append(Ended(item.who, step, summary=line.summary if line else ""))
                continue
            card = folder / line.card if line.card else None
            found.append(
                Ended(
                    item.who,
                    step,
                    State(line.state),
                    line.seconds,
                    line.summary,
                    line.next,
                    _text_of(card),
                    _below(card, root),
                )
            )
    return found


def of_check(workspace: Workspace, outcomes: Iterable[Outcome]) -> list[Ended]:
    """What a check of accounts found: of each account, and of each of its customers.

    Args:
        workspace: the workspace.
        outcomes: how the check of each account ended.
    """
    found = []
    for outcome in outcomes:
        customers = of_customers(workspace.account(outcome.account), outcome)
        if not outcome.findings:
            customers = {}  # it has come to nobody
        theirs = {change.key for one in customers.values() for change in one.changes}
        own = tuple(one for one in outcome.changes if one.key not in theirs)
        state = outcome.state
        if state is State.NEEDS_PERSON and not own:
            state = State.DONE
        found.append(_checked(outcome.account, replace(outcome, changes=own, state=state)))
        found += [_checked(f"{outcome.account}/{name}", one) for name, one in customers.items()]
    return found


def _checked(who: str, outcome: Outcome) -> Ended:
    step = step_named(outcome.step)
    took = outcome.ended - outcome.started if outcome.ended and outcome.started else timedelta()
    handed = tuple(one for one in outcome.hand_offs if one.hand_off is not None)
    written = f"{outcome.ended or dates.now():%Y-%m-%d %H:%M} UTC"
    view = card_view(step.title, outcome.account, outcome.cloud, written, handed)
    return Ended(
        who,
        outcome.step,
        outcome.state,
        0.0 if outcome.customer else took.total_seconds(),
        outcome.summary,
        next_action(outcome, command(outcome.account, outcome.cloud, step)),
        view.text if handed else "",
    )


def _writable(text: str) -> str:
    """A text that any file can hold: half a surrogate pair is no character, two others none of XML.

    Source: XML 1.0, 2.2.
    """
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return whole.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def _text_of(card: Path | None) -> str:
    """What a card says; nothing where its file has gone."""
    if card is not None:
        with contextlib.suppress(OSError):
            return card.with_suffix(".txt").read_text(encoding="utf-8")
    return ""


def _below(card: Path | None, root: Path) -> str:
    if card is None:
        return ""
    full = card.resolve()
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else str(full)
