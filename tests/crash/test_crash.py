"""Killed before and after every request, and every answer lost: the next run makes it whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bcrunbook.steps.requirements import SCOPES
from tests.conftest import stored_secrets
from tests.crash.stage import Stage
from tests.support.strangers import Stranger

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked, to be quick")

# More requests than a first run makes; the test of each point stops where the run has no more.
MOST_REQUESTS = 40


def assert_whole(stage: Stage, root: Path, account: str) -> None:
    """One application, one usable secret that is the stored one, no orphan, one grant."""
    stranger = Stranger(stage.told)
    try:
        app = stranger.application(account)
        (credential,) = app["passwordCredentials"]
        marker = credential["displayName"].rsplit(" ", 1)[1].rstrip(")")
        stored = stored_secrets(root.parent / "secret-store", account)
        assert [one.name for one in stored] == [marker]
        assert "access_token" in stranger.ask_token(
            app["appId"], stored[0].read_text("utf-8").strip()
        )
        (grant,) = stranger.grants(app["appId"])
        assert set(grant["scope"].split()) == set(SCOPES)
    finally:
        stranger.http.close()


def first_run_requests(stage: Stage) -> int:
    """How many requests an undisturbed first run makes, to all hosts."""
    stage.set()
    before = len(Path(stage.told.requests).read_text("utf-8").splitlines())
    name = f"{stage.prefix}undisturbed"
    root = stage.workspace(name)
    assert stage.program.run(root, name) == ["done", "changed", "changed", "changed"]
    seen = len(Path(stage.told.requests).read_text("utf-8").splitlines())
    assert_whole(stage, root, name)
    return seen - before


def every_point(stage: Stage, disturb: Callable[[int, str, Path], bool]) -> None:
    """Disturb a first run at its first request, at its second, and so on to its last."""
    last = first_run_requests(stage)
    points = 0
    for nth in range(1, MOST_REQUESTS):
        account = f"{stage.prefix}{nth}"
        root = stage.workspace(account)
        if not disturb(nth, account, root):
            break
        points += 1
        stage.set()
        again = stage.program.run(root, account)
        assert again is not None, nth
        if again[-1] not in ("done", "changed"):
            again = stage.program.run(root, account)  # a lost answer may end the run itself
        assert again is not None
        assert set(again) <= {"done", "changed"}, (nth, again)
        assert_whole(stage, root, account)
        if nth % 4 == 1:
            assert stage.program.run(root, account) == ["done"] * 4, nth
    # How often a new secret is tried before it works varies a little from run to run.
    assert points >= last - 4, "every request of a first run was a point"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_every_request(stage: Stage, moment: str, tmp_path: Path) -> None:
    """SIGKILL while each request is under way, before its effect and after it; then run again."""
    stage = replace(stage, folder=tmp_path, prefix=f"kill-{moment}-")

    def kill_at(nth: int, account: str, root: Path) -> bool:
        return stage.kill_at(nth, moment, root, account)

    every_point(stage, kill_at)


def test_every_answer_lost_after_its_effect(stage: Stage, tmp_path: Path) -> None:
    """The connection is cut after each request's effect; this run or the next makes it whole."""
    stage = replace(stage, folder=tmp_path, prefix="lose-")

    def lose_answer(nth: int, account: str, root: Path) -> bool:
        return stage.lose_answer(nth, root, account)

    every_point(stage, lose_answer)
