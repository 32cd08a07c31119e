"""Where an account stands, from how its steps ended; what the ledger has learned since counts."""

from __future__ import annotations

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.core.step import State
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import (
    CLIENT_SECRET,
    CODAT_KEYS,
    HEALTH_CHECK,
    LINK_CUSTOMER,
    ORDER,
    START_HERE,
    notebook_name,
)
from bcrunbook.steps import SETUP_STEPS, STEPS
from bcrunbook.steps.description import Lane
from bcrunbook.steps.journey import Journey, Mark, account_journey, journey_of
from tests.conftest import MakeWorkspace, only_account
from tests.views.journey_samples import (
    A_PERSONS_TURN,
    ALL_DONE,
    FRESH,
    PARTLY_LINKED,
    before,
    ended,
)


def marks(where: Journey) -> dict[str, Mark]:
    """How each station stands."""
    return {one.step.id: one.mark for one in where.stations}


def test_every_step_says_who_acts_and_how_long_it_takes() -> None:
    """And those who act follow each other: a lane is one piece of the way."""
    lanes = list(dict.fromkeys(step.description.lane for step in STEPS))
    assert lanes == sorted(lanes, key=list(Lane).index) == list(Lane)
    at = [lanes.index(step.description.lane) for step in STEPS]
    assert at == sorted(at)
    assert all(step.description.usual for step in STEPS)


def test_before_anything_has_run() -> None:
    """All is open, the first step is next, and a live account is planned before it is changed."""
    assert set(marks(FRESH).values()) == {Mark.OPEN} and list(marks(FRESH)) == list(ORDER)
    assert FRESH.next is not None and FRESH.next.step.id == START_HERE
    assert (FRESH.passed, FRESH.action) == (0, "bcrunbook run trial")
    assert journey_of("trial", "live", (), ()).action == "bcrunbook plan trial"


def test_the_first_that_has_not_passed_is_next() -> None:
    """A person's turn is told with who, what and where, as the outcome says it."""
    where = A_PERSONS_TURN
    assert where.next is not None and where.next.step.id == CODAT_KEYS
    assert where.next.mark is Mark.WAITING
    assert where.passed == ORDER.index(CODAT_KEYS)
    assert where.action.endswith("Codat Portal: sign in https://codat.example/keys")


@pytest.mark.parametrize(
    ("state", "mark"),
    [
        (State.DONE, Mark.PASSED),
        (State.CHANGED, Mark.PASSED),
        (State.NEEDS_PERSON, Mark.WAITING),
        (State.WAITING, Mark.WAITING),
        (State.FAILED, Mark.FAILED),
        (State.PENDING, Mark.OPEN),
    ],
)
def test_each_state_has_its_mark(state: State, mark: Mark) -> None:
    """And an action that differs from nothing exactly where the step has not passed."""
    where = journey_of("trial", "live", (), [ended(START_HERE, state)])
    assert marks(where)[START_HERE] is mark
    assert (where.next is not None and where.next.step.id == START_HERE) == (
        mark is not Mark.PASSED
    )
    assert where.action


def test_customers_are_counted_and_the_first_open_one_is_next() -> None:
    """What waits shows; one customer alone stands as it does itself."""
    station = PARTLY_LINKED.next
    assert station is not None and station.step.id == LINK_CUSTOMER
    assert (station.linked, station.customers, station.mark) == (1, 3, Mark.WAITING)
    assert PARTLY_LINKED.action.startswith("wait some minutes, then ")
    assert "--customer joinery" in PARTLY_LINKED.action
    stored = [
        *before(LINK_CUSTOMER),
        ended(LINK_CUSTOMER, State.DONE, "bakery"),
        ended(LINK_CUSTOMER, State.FAILED, "joinery"),
    ]
    all_, names = ("trial", "live", ("bakery", "joinery")), {"bakery": Mark.PASSED}
    assert marks(journey_of(*all_, stored))[LINK_CUSTOMER] is Mark.FAILED
    for name, mark in {**names, "joinery": Mark.FAILED, "nobody": Mark.OPEN}.items():
        one = journey_of(*all_, stored, customer=name)
        assert marks(one)[LINK_CUSTOMER] is mark


def test_without_customers_one_is_to_be_named() -> None:
    """No command does anything as long as there is none."""
    where = journey_of("trial", "live", (), before(LINK_CUSTOMER))
    assert "accounts.toml" in where.action and where.passed == len(SETUP_STEPS)


def test_at_the_end_the_weekly_check_is_left() -> None:
    """As a command in a terminal, as a notebook where notebooks are run."""
    assert ALL_DONE.next is None and ALL_DONE.passed == len(STEPS)
    assert ALL_DONE.action.endswith("once a week, bcrunbook check trial")
    stored = [
        *before(LINK_CUSTOMER),
        ended(LINK_CUSTOMER, State.DONE, "bakery"),
        ended(HEALTH_CHECK, State.DONE),
    ]
    told = journey_of("trial", "live", ("bakery",), stored, place="notebook").action
    assert told.endswith(f"run the notebook {notebook_name(HEALTH_CHECK)}")


def test_a_notebook_is_named_with_its_customer() -> None:
    """Where notebooks are run, no command is told."""
    where = journey_of(
        "trial", "live", ("bakery", "joinery"), before(LINK_CUSTOMER), place="notebook"
    )
    assert (
        where.action == f"run the notebook {notebook_name(LINK_CUSTOMER)} for the customer bakery"
    )


def note(workspace: Workspace, account: str, step: str) -> None:
    """Write into the ledger that a step has passed."""
    whose = workspace.account(account).identity
    whose = whose if STEPS[ORDER.index(step)].is_about_codat else whose.apart_from_codat
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        run = ledger.begin_run(Scope(whose, step), "apply")
        ledger.record_outcome(run, Scope(whose, step), "done", {"summary": ""})


def read(workspace: Workspace, account: str) -> Journey:
    """Where an account stands, as the ledger knows."""
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        return account_journey(ledger, workspace, workspace.account(account))


def test_production_waits_for_the_account_that_it_requires(make_workspace: MakeWorkspace) -> None:
    """Until the setting up of that one has passed; then its own first step is next."""
    from bcrunbook.accounts import load

    workspace = make_workspace(name="trial")
    config = workspace.root / "accounts.toml"
    config.write_text(
        config.read_text("utf-8")
        + '[accounts.production]\nkind = "production"\ntenant = "contoso.com"\n'
        + 'application = "Books"\nrequires = "trial"\n',
        encoding="utf-8",
    )
    workspace = load(workspace.root)
    waits = read(workspace, "production")
    assert (waits.comes_first, waits.action) == ("trial", "the account trial comes first")
    for step in SETUP_STEPS:
        note(workspace, "trial", step.id)
    begins = read(workspace, "production")
    assert (begins.comes_first, begins.action) == ("", "bcrunbook plan production")
    assert read(workspace, "trial").passed == len(SETUP_STEPS)


def test_keys_that_are_out_of_date_are_open_again(make_workspace: MakeWorkspace) -> None:
    """The step had passed; a secret that was made since has it wait for a person."""
    workspace = make_workspace()
    name = only_account(workspace)
    for step in SETUP_STEPS:
        note(workspace, name, step.id)
    whose = workspace.account(name).identity
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        ledger.record(Scope(whose, CODAT_KEYS), "save_keys", "0ld0", "said", {}, said_by="Ada")
        ledger.record(Scope(whose, CLIENT_SECRET), "secret_stored", "0ld0", "done", {})
    assert marks(read(workspace, name))[CODAT_KEYS] is Mark.PASSED
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        ledger.record(Scope(whose, CLIENT_SECRET), "secret_stored", "new1", "done", {})
    where = read(workspace, name)
    assert marks(where)[CODAT_KEYS] is Mark.WAITING
    assert where.next is not None and where.next.step.id == CODAT_KEYS
