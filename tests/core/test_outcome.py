"""Outcomes as plain data: out, back, from other versions, and from anybody's notebook."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Identity
from bcrunbook.core.runner import failed_outcome, not_run_outcome
from bcrunbook.core.step import (
    OUTCOME_SCHEMA,
    Change,
    Comparison,
    Finding,
    HandOff,
    Outcome,
    Row,
    Sighting,
    State,
)
from bcrunbook.core.stored import latest_outcome, latest_outcomes
from bcrunbook.errors import AskAdministrator, FixInput
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger

NOW = datetime(2026, 11, 29, 7, 8, 9, 120000, tzinfo=UTC)
CARD = HandOff("an administrator", ("Click.",), values=(("Client ID", "c1"),), is_watched=True)
WHOLE = Outcome(
    step="link_customer",
    account="trial",
    state=State.NEEDS_PERSON,
    mode="apply",
    cloud="live",
    summary="A person has to act.",
    findings=(Finding("Name", "a", "b", "Microsoft Graph", Comparison.DIFFERS, "rename it"),),
    changes=(
        Change("make", "make it", (Row("Name", "", "a"),), subject="1", action="create"),
        Change("click", "click it", by="person", hand_off=CARD),
    ),
    error=AskAdministrator("No.", next="ask", who="an administrator", by_hand=True).as_dict(),
    started=NOW,
    ended=NOW,
    since=NOW,
    run_id="r1",
    customer="mill",
    timeline=(Sighting(3.0, "moving", "moving", hiccups=2),),
)
WHO = Identity("trial", "live", "contoso.com")


def through_json(outcome: Outcome) -> Any:
    """The data as a notebook has them."""
    return json.loads(json.dumps(outcome.as_dict()))


@pytest.mark.parametrize(
    "outcome",
    [
        WHOLE,
        replace(WHOLE, error=None, exit_code=-1),
        failed_outcome("codat_keys", "trial", "plan", "live", FixInput("No.", next="mend it")),
        not_run_outcome("codat_keys", "trial", "plan", "live", WHOLE),
    ],
)
def test_it_comes_back_as_it_was(outcome: Outcome) -> None:
    """Through JSON, every part of it; and the same JSON comes of it again."""
    data = through_json(outcome)
    back = Outcome.from_dict(data)
    assert json.dumps(back.as_dict()) == json.dumps(data)
    assert back == outcome


def test_a_step_that_was_not_run_ends_as_the_one_that_it_follows() -> None:
    """Its exit code is that one's, which its own state does not tell."""
    wrong = failed_outcome("start_here", "trial", "plan", "live", FixInput("No."))
    follows = not_run_outcome("codat_keys", "trial", "plan", "live", wrong)
    assert (follows.state, follows.error, follows.exit_code) == (State.FAILED, None, 2)
    assert follows.as_dict()["exit_code"] == 2
    assert follows.summary == "Not run: it follows start_here, which comes first."


def test_what_an_earlier_version_wrote() -> None:
    """What it did not know has its default; what a program did then had no action."""
    data = through_json(WHOLE)
    for name in ("timeline", "customer", "since", "schema", "exit_code"):
        del data[name]
    for change in data["changes"]:
        del change["action"]
    del data["changes"][1]["hand_off"]["has_customer_link"]
    data["error"] = {"what": "No.", "exit_code": 3}
    old = Outcome.from_dict(data)
    assert (old.customer, old.since, old.timeline) == ("", None, ())
    assert [one.action for one in old.changes] == ["update", "confirm"]
    assert old.changes[1].hand_off == CARD
    assert old.error is not None
    assert (old.error["who"], old.error["next"], old.exit_code) == ("you", "", 3)


def test_what_a_later_version_adds_is_left_out() -> None:
    """As long as the form is the same."""
    data = through_json(WHOLE)
    data["weather"] = data["changes"][0]["weather"] = data["findings"][0]["weather"] = "fair"
    assert Outcome.from_dict(data) == WHOLE
    with pytest.raises(ValueError, match=f"form {OUTCOME_SCHEMA + 1}, and this version knows 1"):
        Outcome.from_dict(data | {"schema": OUTCOME_SCHEMA + 1})


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    """The data without one value."""
    return lambda data: {key: value for key, value in data.items() if key != name}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: [data], "no table"),
        (lambda data: "done", "no table"),
        (without("state"), "state: Field required"),
        (lambda data: data | {"state": "splendid"}, "state: "),
        (lambda data: data | {"step": 7}, "step: "),
        (lambda data: data | {"summary": None}, "summary: "),
        (lambda data: data | {"schema": "1"}, "schema: "),
        (lambda data: data | {"changes": "none"}, "changes: "),
        (lambda data: data | {"changes": [1]}, "changes.0: "),
        (lambda data: data | {"changes": [{"key": "a", "title": "b", "by": "x"}]}, "changes.0.by"),
        (
            lambda data: data | {"changes": [data["changes"][0] | {"action": "confirm"}]},
            "create, update or delete",
        ),
        (lambda data: data | {"findings": [{"name": "a"}]}, "findings.0.wanted: "),
        (lambda data: data | {"started": "yesterday"}, "started: "),
        (lambda data: data | {"error": "No."}, "error: "),
        (lambda data: data | {"error": {"next": ["a"]}}, r"error\.next"),
        (lambda data: data | {"exit_code": "0"}, "exit_code"),
        (lambda data: data | {"timeline": [{"seconds": "long"}]}, "timeline.0.seconds: "),
    ],
)
def test_what_is_no_outcome(spoil: Callable[[dict[str, Any]], Any], says: str) -> None:
    """It says in a line what is wrong, whatever the data are."""
    with pytest.raises(ValueError, match=says):
        Outcome.from_dict(spoil(through_json(WHOLE)))


def test_the_ledger_gives_it_back(tmp_path: Path) -> None:
    """The row's own columns count; what cannot be read any more keeps nobody from going on."""
    with open_ledger("sqlite:///ledger.db", tmp_path) as ledger:
        assert latest_outcome(ledger, Scope(WHO, "start_here")) is None
        for step, state, data in (
            ("link_customer", "needs_person", WHOLE.as_dict()),
            ("start_here", "done", {"summary": "All is well."}),
            ("codat_keys", "waiting", {"changes": 7}),
        ):
            run = ledger.begin_run(Scope(WHO, step), "apply")
            ledger.record_outcome(run, Scope(WHO, step), state, data)
        known = {one.outcome.step: one for one in latest_outcomes(ledger, WHO)}
        assert known["link_customer"].outcome == replace(WHOLE, customer="")
        assert known["start_here"].outcome.summary == "All is well."
        unread = known["codat_keys"].outcome
        assert (unread.state, unread.account, unread.changes) == (State.WAITING, "trial", ())
        assert "cannot be read" in unread.summary
        assert latest_outcome(ledger, Scope(WHO, "codat_keys")) == known["codat_keys"]
