"""Killed before and after every request, and every answer lost: the next run makes it whole."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.steps.wanted import SCOPES
from tests.conftest import keep_secret
from tests.crash.program import Program
from tests.strangers import Stranger

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked, to be quick")

# More requests than a first run makes; the test of each point stops where the run has no more.
MOST_REQUESTS = 40


@dataclass(frozen=True)
class Stage:
    """A rehearsal cloud whose faults can be changed, a program to kill, and a place for both."""

    told: RehearsalDescription
    faults: Path
    program: Program
    folder: Path
    prefix: str = ""

    def set(self, *rules: dict[str, object]) -> None:
        """Replace the fault rules; the cloud takes them at the next request."""
        half = self.faults.with_suffix(".part")
        half.write_text(json.dumps(rules), "utf-8")
        os.replace(half, self.faults)

    def fired(self) -> int:
        """How many faults have fired so far."""
        return len((Path(self.told.directory) / "faults.log").read_text("utf-8").splitlines())

    def workspace(self, account: str) -> Path:
        """A fresh workspace with one account."""
        home = self.folder / account
        keep_secret(home / "secret-store" / "sign-in", self.told.batch_identity["client_secret"])
        root = home / "workspace"
        root.mkdir()
        (root / "accounts.toml").write_text(
            f'[rehearsal]\ndir = "{Path(self.told.directory).as_posix()}"\n'
            f'[accounts.{account}]\nkind = "trial"\napplication = "Books"\ncloud = "rehearsal"\n'
            f'tenant = "{self.told.accounts["trial"]["tenant"]}"\n'
            'secret_store = "file:../secret-store"\n'
            f'[accounts.{account}.sign_in]\nmethod = "client_secret"\n'
            f'client_id = "{self.told.batch_identity["client_id"]}"\n'
            'secret = "file:../secret-store/sign-in/batch"\n',
            "utf-8",
        )
        return root


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One cloud and one warm program for all points; every point has its own account."""
    folder = tmp_path_factory.mktemp("crash")
    faults = folder / "faults.json"
    faults.write_text("[]", "utf-8")
    with (
        launch(folder / "cloud", speed=200, latency_ms=0, faults=faults) as told,
        Program() as program,
    ):
        yield Stage(told, faults, program, folder)


def assert_whole(stage: Stage, root: Path, account: str) -> None:
    """One application, one usable secret that is the stored one, no orphan, one grant."""
    stranger = Stranger(stage.told)
    try:
        app = stranger.application(account)
        (credential,) = app["passwordCredentials"]
        marker = credential["displayName"].rsplit(" ", 1)[1].rstrip(")")
        stored = list((root.parent / "secret-store" / account).iterdir())
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
        seen = stage.fired()
        stage.set({"nth": nth, "hold": moment})
        pid = stage.program.start(root, account)
        while stage.fired() == seen:
            if not _is_running(pid):
                assert stage.program.end() is not None
                return False
            time.sleep(0.005)
        os.kill(pid, signal.SIGKILL)
        assert stage.program.end() is None
        return True

    every_point(stage, kill_at)


def test_every_answer_lost_after_its_effect(stage: Stage, tmp_path: Path) -> None:
    """The connection is cut after each request's effect; this run or the next makes it whole."""
    stage = replace(stage, folder=tmp_path, prefix="lose-")

    def lose_answer(nth: int, account: str, root: Path) -> bool:
        seen = stage.fired()
        stage.set({"nth": nth, "drop": "after"})
        assert stage.program.run(root, account) is not None
        return stage.fired() > seen

    every_point(stage, lose_answer)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"
