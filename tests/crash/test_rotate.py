"""Killed, or an answer lost, at every request of a rotation: Codat is never without a secret."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bcrunbook.accounts import load
from bcrunbook.core import confirmations
from bcrunbook.core.stored import latest_outcome
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import ROTATE_SECRET
from tests.conftest import stored_secrets
from tests.crash.harness import CrashHarness
from tests.support.independent_client import IndependentClient
from tests.support.running import ALONE
from tests.support.share import STRIDE, points

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked, to be quick")

ROTATE = (ROTATE_SECRET,)
MOST_REQUESTS = 30
Disturb = Callable[[CrashHarness, int, Path, str, str], bool]


def killed(moment: str) -> Disturb:
    """Kill a run at its nth request, before the request's effect or after it."""
    return lambda harness, nth, root, account, secret: harness.kill_at(
        nth, moment, root, account, ROTATE, secret
    )


def answer_lost(harness: CrashHarness, nth: int, root: Path, account: str, secret: str) -> bool:
    """Cut the connection after the effect of a run's nth request."""
    return harness.lose_answer(nth, root, account, ROTATE, secret)


class Rotating:
    """One account whose secret is replaced again and again, and what has to hold meanwhile."""

    def __init__(self, harness: CrashHarness, account: str) -> None:
        self.harness, self.account = harness, account
        self.root = harness.workspace(account)
        self.client = IndependentClient(harness.cloud)
        assert harness.program.run(self.root, account, ALONE) is not None
        self.run("")
        self.say_saved()
        self.saved = self.markers()[0]

    def run(self, secret: str) -> str:
        """Rotate undisturbed; a lost answer may have ended the run before. Returns the state."""
        self.harness.set()
        states: list[str] | None = None
        for _ in range(2):
            states = self.harness.program.run(self.root, self.account, ROTATE, replace=secret)
            assert states is not None
            if states[0] in ("done", "changed", "needs_person"):
                break
        assert states is not None
        return states[0]

    def say_saved(self) -> None:
        """Somebody says that the newest secret is in the portal."""
        workspace = load(self.root)
        whose = workspace.account(self.account).identity
        with open_ledger(workspace.ledger_url, self.root) as ledger:
            scope = Scope(whose, ROTATE_SECRET)
            last = latest_outcome(ledger, scope)
            assert last is not None
            (change,) = last.outcome.hand_offs
            confirmations.confirm(ledger, scope, change, "Ada Lovelace")

    def markers(self) -> list[str]:
        """The markers of the application's secrets, oldest first."""
        credentials = self.client.application(self.account)["passwordCredentials"]
        credentials.sort(key=lambda one: one["startDateTime"])
        return [one["displayName"].rsplit(" ", 1)[1].rstrip(")") for one in credentials]

    def check_codat_can_read(self) -> None:
        """Entra gives a token for the secret that the portal has."""
        self.harness.set()
        app = self.client.application(self.account)["appId"]
        values = stored_secrets(self.root.parent / "secret-store", self.account)
        (value,) = [one.read_text("utf-8").strip() for one in values if one.name == self.saved]
        assert "access_token" in self.client.ask_token(app, value)

    def check_nothing_is_left_over(self) -> None:
        """Each secret is stored, and each stored value is a secret's."""
        values = stored_secrets(self.root.parent / "secret-store", self.account)
        assert sorted(one.name for one in values) == sorted(self.markers())


@pytest.mark.parametrize(
    ("name", "disturb"),
    [
        ("rotate-before", killed("before")),
        ("rotate-after", killed("after")),
        ("rotate-lost", answer_lost),
    ],
    ids=["killed before", "killed after", "answer lost"],
)
def test_disturbed_at_every_request(
    harness: CrashHarness, name: str, disturb: Disturb, tmp_path: Path
) -> None:
    """The next one made, saved, the old one removed: each run disturbed, and the next whole."""
    one = Rotating(replace(harness, folder=tmp_path), name)
    try:
        assert disturb_all(one, disturb) * STRIDE > 8, "a rotation makes more requests than these"
    finally:
        one.client.http.close()


def disturb_all(one: Rotating, disturb: Disturb) -> int:
    """Rotate, each run disturbed at its first request, then at its second, and so on.

    Returns:
        At how many requests one was.
    """
    disturbed = 0
    for nth in points(MOST_REQUESTS):
        old = one.saved
        first = disturb(one.harness, nth, one.root, one.account, old)
        one.check_codat_can_read()
        assert one.run(old) == "needs_person"
        assert len(one.markers()) == 2
        one.check_codat_can_read()
        one.check_nothing_is_left_over()
        one.say_saved()
        one.saved = one.markers()[1]
        second = disturb(one.harness, nth, one.root, one.account, old)
        one.check_codat_can_read()
        assert one.run(old) in ("done", "changed")
        assert one.markers() == [one.saved]
        one.check_codat_can_read()
        one.check_nothing_is_left_over()
        if not first and not second:
            break
        disturbed += first + second
    return disturbed
