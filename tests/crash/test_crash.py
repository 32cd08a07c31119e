"""Killed before and after every request, and every answer lost: the next run makes it whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bcrunbook.steps.requirements import SCOPES
from tests.conftest import stored_secrets
from tests.crash.harness import CrashHarness
from tests.support.independent_client import IndependentClient
from tests.support.share import STRIDE, points

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked, to be quick")

# More requests than a first run makes; the test of each point stops where the run has no more.
MOST_REQUESTS = 40


def assert_whole(harness: CrashHarness, root: Path, account: str) -> None:
    """One application, one usable secret that is the stored one, no orphan, one grant."""
    client = IndependentClient(harness.cloud)
    try:
        app = client.application(account)
        (credential,) = app["passwordCredentials"]
        marker = credential["displayName"].rsplit(" ", 1)[1].rstrip(")")
        stored = stored_secrets(root.parent / "secret-store", account)
        assert [one.name for one in stored] == [marker]
        assert "access_token" in client.ask_token(
            app["appId"], stored[0].read_text("utf-8").strip()
        )
        (grant,) = client.grants(app["appId"])
        assert set(grant["scope"].split()) == set(SCOPES)
    finally:
        client.http.close()


def first_run_requests(harness: CrashHarness) -> int:
    """How many requests an undisturbed first run makes, to all hosts."""
    harness.set()
    before = len(Path(harness.cloud.requests).read_text("utf-8").splitlines())
    name = f"{harness.prefix}undisturbed"
    root = harness.workspace(name)
    assert harness.program.run(root, name) == ["done", "changed", "changed", "changed"]
    seen = len(Path(harness.cloud.requests).read_text("utf-8").splitlines())
    assert_whole(harness, root, name)
    return seen - before


def every_point(harness: CrashHarness, disturb: Callable[[int, str, Path], bool]) -> None:
    """Disturb a first run at its requests, from the first to the last of those that are gone to."""
    last = first_run_requests(harness)
    disturbed = 0
    for nth in points(MOST_REQUESTS):
        account = f"{harness.prefix}{nth}"
        root = harness.workspace(account)
        if not disturb(nth, account, root):
            break
        disturbed += 1
        harness.set()
        again = harness.program.run(root, account)
        assert again is not None, nth
        if again[-1] not in ("done", "changed"):
            again = harness.program.run(root, account)  # a lost answer may end the run itself
        assert again is not None
        assert set(again) <= {"done", "changed"}, (nth, again)
        assert_whole(harness, root, account)
        if disturbed % 4 == 1:
            assert harness.program.run(root, account) == ["done"] * 4, nth
    # How often a new secret is tried before it works varies a little from run to run.
    assert disturbed >= (last - 4) // STRIDE, "every request of a first run is a point"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_every_request(harness: CrashHarness, moment: str, tmp_path: Path) -> None:
    """SIGKILL while each request is under way, before its effect and after it; then run again."""
    harness = replace(harness, folder=tmp_path, prefix=f"kill-{moment}-")

    def kill_at(nth: int, account: str, root: Path) -> bool:
        return harness.kill_at(nth, moment, root, account)

    every_point(harness, kill_at)


def test_every_answer_lost_after_its_effect(harness: CrashHarness, tmp_path: Path) -> None:
    """The connection is cut after each request's effect; this run or the next makes it whole."""
    harness = replace(harness, folder=tmp_path, prefix="lose-")

    def lose_answer(nth: int, account: str, root: Path) -> bool:
        return harness.lose_answer(nth, root, account)

    every_point(harness, lose_answer)
