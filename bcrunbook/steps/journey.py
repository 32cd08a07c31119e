"""Where an account stands: its steps as stations of one way, from how they ended last.

What the bar, the notebooks, the report and `status` tell of the way is all made from this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from bcrunbook.accounts import Account, Identity, Workspace
from bcrunbook.core.step import PASSED, Outcome, State
from bcrunbook.core.stored import StoredOutcome, latest_outcomes
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Fact, Ledger
from bcrunbook.order import ORDER, notebook_name
from bcrunbook.steps import SETUP_STEPS, STEPS
from bcrunbook.steps.codat_keys import CodatKeys, out_of_date
from bcrunbook.steps.description import RunbookStep
from bcrunbook.steps.next_action import command, next_action
from bcrunbook.steps.retired import Retired, restored_at, retired

Place = Literal["terminal", "notebook"]
"""Where somebody reads what is next: it is told as a command, or as a notebook to run."""


class Mark(StrEnum):
    """How a station stands."""

    PASSED = "passed"
    WAITING = "waiting"
    FAILED = "failed"
    OPEN = "open"


_MARKS: Final = {
    State.DONE: Mark.PASSED,
    State.CHANGED: Mark.PASSED,
    State.NEEDS_PERSON: Mark.WAITING,
    State.WAITING: Mark.WAITING,
    State.FAILED: Mark.FAILED,
    State.PENDING: Mark.OPEN,
}


@dataclass(frozen=True)
class Station:
    """A step on an account's way.

    Args:
        step: the step.
        mark: how it stands.
        outcome: how it ended last; None where it was not run, or is about several customers.
        said_by: who has said since that a person's part is done; empty where nobody has.
        linked: for a step that is about all customers: how many of them have passed it.
        customers: how many customers it is about; None unless it is about all of them.
    """

    step: RunbookStep
    mark: Mark
    outcome: Outcome | None = None
    said_by: str = ""
    linked: int = 0
    customers: int | None = None

    @property
    def number(self) -> int:
        """Its number on the way."""
        return ORDER.index(self.step.id)


@dataclass(frozen=True)
class Journey:
    """Where an account stands.

    Args:
        stations: all its steps, in order.
        next: the first station that has not passed; None where all have.
        action: what to do next, exactly.
        comes_first: the account that has to be set up before it; empty where none has.
        retired: that it, or the one customer that is asked about, is retired; None where it is not.
    """

    stations: tuple[Station, ...]
    next: Station | None
    action: str
    comes_first: str = ""
    retired: Retired | None = None

    @property
    def passed(self) -> int:
        """How many of its stations have passed."""
        return sum(one.mark is Mark.PASSED for one in self.stations)

    @property
    def first(self) -> Outcome | None:
        """How its first step ended last; None where it was not run."""
        return self.stations[0].outcome


def journey_of(
    account: str,
    cloud: str,
    customers: Collection[str] | None,
    stored: Sequence[StoredOutcome],
    *,
    customer: str = "",
    comes_first: str = "",
    over: Retired | None = None,
    place: Place = "terminal",
) -> Journey:
    """Where an account stands, by how its steps ended.

    Args:
        account: the account's name.
        cloud: `live` or `rehearsal`.
        customers: its customers' names, in order; None where it is not known which it has.
        stored: how the steps of it and of its customers ended last.
        customer: the one customer that is asked about; empty for all of them.
        comes_first: the account that has to be set up before it; empty where none has.
        over: that the account, or that customer, is retired; None where it is not.
        place: where it is read.
    """
    ended = {(one.outcome.customer, one.outcome.step): one for one in stored}

    def to_do(step: RunbookStep, whom: str) -> str:
        row = ended.get((whom, step.id))
        again = _again(account, cloud, step, whom, is_first=row is None, place=place)
        return next_action(row.outcome, again, row.said_by) if row else again

    stations = tuple(_station(step, ended, customers, customer) for step in STEPS)
    if over is not None:
        return Journey(stations, None, over.told, retired=over)
    following = next((one for one in stations if one.mark is not Mark.PASSED), None)
    if comes_first:
        action = f"the account {comes_first} comes first"
    elif following is None:
        check = _again(account, cloud, STEPS[-1], "", is_first=False, place=place)
        action = f"nothing is open; once a week, {check}"
    else:
        action = _action(following, customers, customer, to_do)
    return Journey(stations, following, action, comes_first)


def account_journey(
    ledger: Ledger,
    workspace: Workspace,
    account: Account,
    *,
    customer: str = "",
    place: Place = "terminal",
) -> Journey:
    """Where an account of a workspace stands, as its ledger knows.

    Args:
        ledger: the ledger.
        workspace: the workspace.
        account: one of its accounts.
        customer: the one customer that is asked about; empty for all of them.
        place: where it is read.
    """

    def known(name: str) -> Sequence[StoredOutcome]:
        return outcomes_now(ledger, workspace.account(name).identity)

    over = retired(ledger, account.identity, customer)
    return known_journey(account, known, customer=customer, over=over, place=place)


def known_journey(
    account: Account,
    known: Callable[[str], Sequence[StoredOutcome]],
    *,
    customer: str = "",
    over: Retired | None = None,
    place: Place = "terminal",
) -> Journey:
    """The same, from what was read of the ledger.

    Args:
        account: the account.
        known: for the name of an account, what `outcomes_now` says of it.
        customer: as above.
        over: see `journey_of`.
        place: as above.
    """
    required = account.requires or ""
    return journey_of(
        account.name,
        account.cloud,
        account.customers,
        known(account.name),
        customer=customer,
        comes_first=required if required and not _is_set_up(known(required)) else "",
        over=over,
        place=place,
    )


def outcomes_now(ledger: Ledger, whose: Identity, *, in_full: bool = False) -> list[StoredOutcome]:
    """How each step of an account and its customers ended last, with what was learned since.

    That is what somebody has confirmed, or that the saved keys are out of date. What was before an
    account or a customer was retired counts for nothing once it is taken up again.

    Args:
        ledger: the ledger.
        whose: the account as it is meant now.
        in_full: see `latest_outcomes`.
    """
    # Asked once for all: an account may have thousands of customers.
    said = {
        (one.step, one.customer or "", one.kind): one
        for one in ledger.facts(Scope(whose), basis="said")
    }
    restored = restored_at(ledger, whose)
    return [
        _as_of_now(ledger, whose, one, said)
        for one in latest_outcomes(ledger, whose, in_full=in_full)
        if all(one.at > restored[name] for name in {"", one.outcome.customer} if name in restored)
    ]


_Said = dict[tuple[str, str, str], Fact]
"""What somebody said last, by step, customer (empty for the account itself) and change."""


def _as_of_now(ledger: Ledger, whose: Identity, row: StoredOutcome, said: _Said) -> StoredOutcome:
    outcome = row.outcome
    if outcome.step == CodatKeys.id and outcome.state is State.DONE:
        why = out_of_date(ledger, whose)
        if why:
            stale = replace(
                outcome, state=State.NEEDS_PERSON, summary=why, changes=(), error=None, since=None
            )
            return replace(row, outcome=stale)
    for change in outcome.changes:
        confirmed = said.get((outcome.step, outcome.customer, change.key))
        if change.hand_off and confirmed is not None and confirmed.at > row.at:
            return replace(row, said_by=confirmed.said_by or "")
    return row


def _is_set_up(rows: Sequence[StoredOutcome]) -> bool:
    passed = {one.outcome.step for one in rows if one.outcome.state in PASSED}
    return passed >= {step.id for step in SETUP_STEPS}


_Ended = dict[tuple[str, str], StoredOutcome]
"""The last outcomes, by customer (empty for the account itself) and step."""


def _station(
    step: RunbookStep, ended: _Ended, customers: Collection[str] | None, customer: str
) -> Station:
    if not step.is_per_customer or customer:
        row = ended.get((customer if step.is_per_customer else "", step.id))
        if row is None:
            return Station(step, Mark.OPEN)
        return Station(step, _MARKS[row.outcome.state], row.outcome, row.said_by)
    if customers is None:
        return Station(step, Mark.OPEN)
    marks = [
        _MARKS[row.outcome.state] if (row := ended.get((one, step.id))) else Mark.OPEN
        for one in customers
    ]
    linked = marks.count(Mark.PASSED)
    worst = (Mark.FAILED, Mark.WAITING)
    mark = next((one for one in worst if one in marks), Mark.OPEN)
    if linked == len(marks) > 0:
        mark = Mark.PASSED
    return Station(step, mark, linked=linked, customers=len(marks))


def _action(
    station: Station,
    customers: Collection[str] | None,
    customer: str,
    to_do: Callable[[RunbookStep, str], str],
) -> str:
    """What to do about the next station."""
    step = station.step
    if not step.is_per_customer or customer:
        return to_do(step, customer if step.is_per_customer else "")
    if not customers:
        return "name a customer of the account in accounts.toml"
    return next(action for one in customers if (action := to_do(step, one)))


def _again(
    account: str, cloud: str, step: RunbookStep, customer: str, *, is_first: bool, place: Place
) -> str:
    """What runs a step."""
    if place == "terminal":
        return command(account, cloud, step, customer, is_first=is_first)
    whom = f" for the customer {customer}" if customer else ""
    return f"run the notebook {notebook_name(step.id)}{whom}"
