"""Killed, or an answer lost, at every request of the steps with a person: nothing is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bcrunbook.accounts import load
from bcrunbook.ledger import Ledger, open_ledger
from bcrunbook.steps import said
from bcrunbook.steps.step import Change
from tests.crash.stage import Stage, is_running
from tests.portal import at_portal

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked, to be quick")

KEYS, TOGGLE = "codat_keys", "enable_integration"
MOST_REQUESTS = 20
Disturb = Callable[[Stage, Path, str, list[str], int], bool]


def kill(moment: str) -> Disturb:
    """Kill the run while its nth request is under way; False when it has no such request."""

    def disturb(stage: Stage, root: Path, account: str, steps: list[str], nth: int) -> bool:
        seen = stage.fired()
        stage.set({"nth": nth, "hold": moment})
        pid = stage.program.start(root, account, steps)
        while stage.fired() == seen:
            if not is_running(pid):
                assert stage.program.end() is not None
                return False
            time.sleep(0.005)
        os.kill(pid, signal.SIGKILL)
        assert stage.program.end() is None
        return True

    return disturb


def lose(stage: Stage, root: Path, account: str, steps: list[str], nth: int) -> bool:
    """Cut the connection after the nth request's effect; False when there is no such request."""
    seen = stage.fired()
    stage.set({"nth": nth, "drop": "after"})
    assert stage.program.run(root, account, steps) is not None
    return stage.fired() > seen


def ledger_of(root: Path) -> Ledger:
    """The workspace's ledger."""
    workspace = load(root)
    return open_ledger(workspace.ledger_url, root)


def every_point(
    stage: Stage,
    root: Path,
    account: str,
    disturb: Disturb,
    *,
    steps: list[str],
    ends: str,
) -> None:
    """Disturb a run at each of its requests; the next run, undisturbed, ends as it should."""
    points = 0
    for nth in range(1, MOST_REQUESTS):
        if not disturb(stage, root, account, steps, nth):
            break
        points += 1
        stage.set()
        told = stage.program.run(root, account, steps)
        assert told is not None and told[0] == ends, (nth, told)
    stage.set()
    assert points >= 4, "profile, integration, and at least two requests for the proof"


@pytest.mark.parametrize(
    ("name", "disturb"),
    [("before", kill("before")), ("after", kill("after")), ("lose", lose)],
    ids=["killed before", "killed after", "answer lost"],
)
def test_before_and_after_the_person(stage: Stage, name: str, disturb: Disturb) -> None:
    """The same hand-off again and again until the word is there; then done, with one word noted."""
    account = f"person-{name}"
    root = stage.workspace(account)
    stage.set()
    assert stage.program.run(root, account) == ["done", "changed", "changed", "changed"]
    every_point(stage, root, account, disturb, steps=[KEYS], ends="needs_person")

    with ledger_of(root) as ledger:
        handed = [
            Change.from_dict(row.data["changes"][0])
            for row in ledger.outcomes(account)
            if row.step == KEYS
        ]
        assert ledger.facts(account, KEYS) == []
        said.confirm(ledger, account, KEYS, handed[-1], "Ada")
    assert handed[-1].hand_off is not None
    client_id = dict(handed[-1].hand_off.values)["Client ID"]
    stored = next((root.parent / "secret-store" / account).iterdir())
    at_portal(stage.told).save_keys(client_id, stored.read_text("utf-8").strip())

    every_point(stage, root, account, disturb, steps=[KEYS, TOGGLE], ends="done")
    assert stage.program.run(root, account, [KEYS, TOGGLE]) == ["done", "done"]
    with ledger_of(root) as ledger:
        (word,) = ledger.facts(account, KEYS, "save_keys")
        (seen,) = ledger.facts(account, TOGGLE, "integration")
    assert (word.said_by, word.subject) == ("Ada", handed[-1].subject)
    assert (seen.basis, seen.data["enabled"]) == ("observed", True)
