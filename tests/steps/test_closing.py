"""What setting an account up came to, from histories as they are in a ledger."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Account, Customer, load
from bcrunbook.core.step import Change, HandOff
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Basis, Fact, RunRow, open_ledger
from bcrunbook.order import (
    CLIENT_SECRET,
    CODAT_KEYS,
    LINK_CUSTOMER,
    REGISTER_APPLICATION,
    START_HERE,
)
from bcrunbook.steps.closing import (
    History,
    begin_command,
    closing,
    next_production,
    read_history,
    weekly_check,
)
from tests.conftest import MakeWorkspace, only_account

BEGAN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SETUP = (START_HERE, REGISTER_APPLICATION, CODAT_KEYS)
ACCOUNT = Account.model_validate(
    {"name": "trial", "kind": "trial", "tenant": "contoso.com", "application": "Books"}
)


def at(minutes: float) -> datetime:
    """So many minutes after the beginning."""
    return BEGAN + timedelta(minutes=minutes)


def run(
    step: str, start: float, stop: float | None, state: str = "done", customer: str | None = None
) -> RunRow:
    """A run from one minute to another; one that was broken off has no end."""
    ended = None if stop is None else at(stop)
    return RunRow(step, customer, at(start), ended, None if stop is None else state)


def fact(
    minutes: float,
    step: str,
    kind: str,
    basis: Basis = "done",
    *,
    subject: str = "x",
    customer: str | None = None,
    said_by: str | None = None,
    **data: Any,
) -> Fact:
    """Something that was noted at a minute."""
    number = round(minutes * 10)
    return Fact(
        number, None, at(minutes), "trial", customer, step, kind, subject, basis, said_by, data
    )


RUNS = (
    run(START_HERE, 0, 1),
    run(REGISTER_APPLICATION, 1, 3, "changed"),
    run(CODAT_KEYS, 3, 4, "needs_person"),
    run(CODAT_KEYS, 63, 65),
)


def test_the_times_are_those_until_it_was_set_up() -> None:
    """Runs that overlap count once, and weekly runs afterwards not at all."""
    later = (run(START_HERE, 10_000, 10_050), run(CODAT_KEYS, 10_050, 10_060))
    overlapping = (run(REGISTER_APPLICATION, 2, 4),)
    broken_off = (run(START_HERE, 5, None),)
    for more in ((), later, overlapping, broken_off):
        history = History((*RUNS, *more), ())
        took = closing(ACCOUNT, history, SETUP, None).took
        assert took is not None
        assert took.whole == timedelta(minutes=65)
        assert took.at_work == timedelta(minutes=6)


def test_an_installation_that_is_followed_is_waiting() -> None:
    """Also where the watch goes on after the run, as a batch's does; the first customer counts."""
    followed = partial(fact, step=LINK_CUSTOMER, customer="north")
    runs = (
        *RUNS,
        run(LINK_CUSTOMER, 70, 80, "waiting", "north"),
        run(LINK_CUSTOMER, 90, 91, "done", "north"),
        run(LINK_CUSTOMER, 5_000, 5_001, "done", "south"),
    )
    facts = (
        followed(72, kind=FactKind.WATCH_BEGAN),
        followed(73, kind=FactKind.WATCH_POLL, synced=None),
        followed(88, kind=FactKind.WATCH_POLL, synced="2026-11-24T10:27:00Z"),
        followed(89, kind=FactKind.WATCH_ENDED),
    )
    told = closing(ACCOUNT, History(runs, facts), SETUP, None)
    assert told.took is not None and told.took.whole == timedelta(minutes=91)
    assert told.took.at_work == timedelta(minutes=6 + 2 + 1)
    assert told.data_since == at(88)


def test_what_was_made_where_and_who_helped() -> None:
    """By service; a name once for each thing that they said, with when they said so last."""
    said = {"said": "I have saved these keys"}
    facts = (
        fact(1, REGISTER_APPLICATION, FactKind.APPLICATION, subject="0ld"),
        fact(1, REGISTER_APPLICATION, FactKind.APPLICATION, subject="new"),
        fact(1, REGISTER_APPLICATION, FactKind.APPLIED),
        fact(2, CLIENT_SECRET, FactKind.APPLIED),
        fact(3, LINK_CUSTOMER, FactKind.APPLIED, customer="north"),
        fact(4, CODAT_KEYS, "save_keys", "said", said_by="Lee", **said),
        fact(5, CODAT_KEYS, "save_keys", "said", said_by="Ada", **said),
        fact(6, CODAT_KEYS, "save_keys", "said", said_by="Lee", **said),
        fact(7, START_HERE, FactKind.WITHOUT_TRIAL, "said", said_by="Kim", reason="so"),
    )
    told = closing(ACCOUNT, History(RUNS, facts), SETUP, None)
    assert told.changes == {"Microsoft Entra": 2, "Codat": 1}
    assert told.client_id == "new"
    assert [(one.name, one.at) for one in told.helpers] == [("Ada", at(5)), ("Lee", at(6))]


def test_customers_that_are_linked_now() -> None:
    """As the last run says; one that is not in the file any more is not named."""
    kept = {
        name: Customer.model_validate(
            {"name": name, "display_name": name.title(), "contact": f"{name}@example.org"}
        )
        for name in ("north", "south", "west")
    }
    account = ACCOUNT.model_copy(update={"customers": kept})
    runs = (
        run(LINK_CUSTOMER, 1, 2, "done", "north"),
        run(LINK_CUSTOMER, 1, 2, "done", "south"),
        run(LINK_CUSTOMER, 3, 4, "needs_person", "south"),
        run(LINK_CUSTOMER, 3, 4, "done", "gone"),
    )
    assert closing(account, History(runs, ()), SETUP, None).customers == ("North",)


def test_without_a_history_nothing_is_made_up() -> None:
    """A ledger of another machine knows of no run: no time, no changes, nobody."""
    told = closing(ACCOUNT, History((), ()), SETUP, None)
    assert (told.took, told.changes, told.helpers, told.data_since) == (None, {}, (), None)
    half = closing(ACCOUNT, History(RUNS[:2], ()), SETUP, None)
    assert half.took is None


def test_it_is_read_from_the_ledger(make_workspace: MakeWorkspace) -> None:
    """Runs and facts of this account in its instance, and of no other."""
    workspace = make_workspace()
    whose = workspace.account(only_account(workspace)).identity
    handed = HandOff(who="somebody", actions=("click",), confirmation="Saved.")
    change = Change("save_keys", "save", by="person", hand_off=handed)
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        for step in SETUP:
            its = whose if step == CODAT_KEYS else whose.apart_from_codat
            ledger.end_run(ledger.begin_run(Scope(its, step), "apply"), "done")
        other = Scope(
            whose.__class__(whose.account, whose.cloud, whose.tenant, "other"), CODAT_KEYS
        )
        ledger.begin_run(other, "apply")
        ledger.record(
            Scope(whose, CODAT_KEYS), change.key, "x", "said", {"said": "Saved."}, said_by="Lee"
        )
        history = read_history(ledger, whose)
    assert [one.step for one in history.runs] == list(SETUP)
    told = closing(ACCOUNT, history, SETUP, None)
    assert told.took is not None and [one.name for one in told.helpers] == ["Lee"]


PRODUCTION = """
[accounts.other]
kind = "production"
tenant = "other.example"
application = "Books"
[accounts.production]
kind = "production"
tenant = "contoso.com"
application = "Books"
requires = "trial"
"""


def test_production_is_next_until_it_is_done(make_workspace: MakeWorkspace) -> None:
    """The one that waits for this trial first; after a production account nothing."""
    workspace = make_workspace(name="trial")
    with (workspace.root / "accounts.toml").open("a", encoding="utf-8") as file:
        file.write(PRODUCTION)
    workspace = load(workspace.root)
    trial, production = (workspace.account(name) for name in ("trial", "production"))
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:

        def next_after(account: Account) -> str:
            found = next_production(workspace, ledger, account, SETUP)
            return found.name if found is not None else ""

        assert next_after(trial) == "production"
        assert next_after(production) == ""
        for step in SETUP:
            scope = Scope(production.identity, step)
            ledger.record_outcome(ledger.begin_run(scope, "apply"), scope, "done", {"summary": ""})
        assert next_after(trial) == "other"


@pytest.mark.parametrize("folder", ["/srv/runbook", "/srv/50% of it's mine"])
def test_lines_to_copy_are_whole(folder: str) -> None:
    """A shell reads back what was meant; a crontab does not end at a per cent sign."""
    root = Path(folder)
    live = ACCOUNT.model_copy(update={"cloud": "live"})
    assert shlex.split(begin_command(live, root)) == [
        *("bcrunbook", "plan", "trial", "--workspace", folder)
    ]
    line = weekly_check(Path("/opt/b in/bcrunbook"), "trial", root)
    assert line.startswith("0 7 * * 1 ") and "%" not in line.replace("\\%", "")
    assert shlex.split(line.removeprefix("0 7 * * 1 ").replace("\\%", "%")) == [
        *("/opt/b in/bcrunbook", "check", "trial", "--workspace", folder)
    ]
