"""Killed, or an answer lost, at every request of the steps with a person: nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bcrunbook.accounts import load
from bcrunbook.core import confirmations
from bcrunbook.core.step import Outcome
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Ledger, open_ledger
from tests.conftest import stored_secrets
from tests.crash.harness import CrashHarness
from tests.support.portal import at_portal

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked, to be quick")

KEYS, TOGGLE = "codat_keys", "enable_integration"
MOST_REQUESTS = 20
Disturb = Callable[[CrashHarness, int, Path, str, list[str]], bool]


def ledger_of(root: Path) -> Ledger:
    """The workspace's ledger."""
    workspace = load(root)
    return open_ledger(workspace.ledger_url, root)


def every_point(
    harness: CrashHarness,
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
        if not disturb(harness, nth, root, account, steps):
            break
        points += 1
        harness.set()
        states = harness.program.run(root, account, steps)
        assert states is not None and states[0] == ends, (nth, states)
    harness.set()
    assert points >= 4, "profile, integration, and at least two requests for the proof"


@pytest.mark.parametrize(
    ("name", "disturb"),
    [
        ("before", lambda harness, nth, *run: harness.kill_at(nth, "before", *run)),
        ("after", lambda harness, nth, *run: harness.kill_at(nth, "after", *run)),
        ("lose", CrashHarness.lose_answer),
    ],
    ids=["killed before", "killed after", "answer lost"],
)
def test_before_and_after_the_person(harness: CrashHarness, name: str, disturb: Disturb) -> None:
    """The same hand-off again and again until the word is there; then done, with one word noted."""
    account = f"person-{name}"
    root = harness.workspace(account)
    harness.set()
    assert harness.program.run(root, account) == ["done", "changed", "changed", "changed"]
    every_point(harness, root, account, disturb, steps=[KEYS], ends="needs_person")

    whose = load(root).account(account).identity
    with ledger_of(root) as ledger:
        handed = [
            Outcome.from_dict(row.data).changes[0]
            for row in ledger.outcomes(whose)
            if row.step == KEYS
        ]
        assert ledger.facts(Scope(whose, KEYS)) == []
        confirmations.confirm(ledger, Scope(whose, KEYS), handed[-1], "Ada")
    assert handed[-1].hand_off is not None
    client_id = dict(handed[-1].hand_off.values)["Client ID"]
    (stored,) = stored_secrets(root.parent / "secret-store", account)
    at_portal(harness.cloud).save_keys(client_id, stored.read_text("utf-8").strip())

    every_point(harness, root, account, disturb, steps=[KEYS, TOGGLE], ends="done")
    assert harness.program.run(root, account, [KEYS, TOGGLE]) == ["done", "done"]
    with ledger_of(root) as ledger:
        (confirmation,) = ledger.facts(Scope(whose, KEYS), "save_keys")
        (seen,) = ledger.facts(Scope(whose, TOGGLE), "integration")
    assert (confirmation.said_by, confirmation.subject) == ("Ada", handed[-1].subject)
    assert (seen.basis, seen.data["enabled"]) == ("observed", True)
