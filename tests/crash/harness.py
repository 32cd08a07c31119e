"""Where runs are killed: a rehearsal cloud whose faults can be changed, and a warm program."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bcrunbook.rehearsal import RehearsalDescription, launch
from tests.conftest import keep_secret
from tests.crash.program import Program
from tests.support.running import ALONE


@dataclass(frozen=True)
class CrashHarness:
    """A rehearsal cloud whose faults can be changed, a program to kill, and a folder for both."""

    cloud: RehearsalDescription
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
        return len(self._log())

    def last_fault(self) -> str:
        """The path of the request that the last fault fired for."""
        return str(json.loads(self._log()[-1])["path"])

    def _log(self) -> list[str]:
        return (Path(self.cloud.directory) / "faults.log").read_text("utf-8").splitlines()

    def kill_at(
        self,
        nth: int,
        moment: str,
        root: Path,
        account: str,
        steps: Sequence[str] = ALONE,
        replace: str = "",
        customer: str = "",
        path: str = "",
    ) -> bool:
        """Kill a run while its nth request is under way; False when it makes no such request.

        Args:
            nth: which request, from 1.
            moment: `before` its effect or `after` it.
            root: the workspace.
            account: its account.
            steps: which steps are run.
            replace: the secret that is to be replaced.
            customer: the customer that the run is about.
            path: of which requests, as a regular expression; of all if empty.
        """
        self.set({"nth": nth, "hold": moment, **({"path": path} if path else {})})
        seen = self.fired()
        return self.kill_when(lambda: self.fired() > seen, root, account, steps, customer, replace)

    def kill_when(
        self,
        is_time: Callable[[], bool],
        root: Path,
        account: str,
        steps: Sequence[str] = ALONE,
        customer: str = "",
        replace: str = "",
    ) -> bool:
        """Kill a run as soon as something is so; False when the run ends before.

        Args:
            is_time: asked again and again while the run goes on.
            root: the workspace.
            account: its account.
            steps: which steps are run.
            customer: the customer that the run is about.
            replace: the secret that is to be replaced.
        """
        pid = self.program.start(root, account, steps, customer, replace)
        while not is_time():
            if not is_running(pid):
                assert self.program.end() is not None
                return False
            time.sleep(0.005)
        os.kill(pid, signal.SIGKILL)
        assert self.program.end() is None
        return True

    def lose_answer(
        self,
        nth: int,
        root: Path,
        account: str,
        steps: Sequence[str] = ALONE,
        replace: str = "",
        customer: str = "",
        path: str = "",
    ) -> bool:
        """Cut the connection after a request's effect; False when a run makes no such request."""
        seen = self.fired()
        self.set({"nth": nth, "drop": "after", **({"path": path} if path else {})})
        assert self.program.run(root, account, steps, customer, replace) is not None
        return self.fired() > seen

    def workspace(self, account: str) -> Path:
        """A fresh workspace with one account."""
        home = self.folder / account
        keep_secret(home / "secret-store" / "sign-in", self.cloud.batch_identity["client_secret"])
        keep_secret(home / "secret-store" / "codat", self.cloud.codat["api_key"], "trial")
        root = home / "workspace"
        root.mkdir()
        (root / "accounts.toml").write_text(
            f'[rehearsal]\ndir = "{Path(self.cloud.directory).as_posix()}"\n'
            f'[accounts.{account}]\nkind = "trial"\napplication = "Books"\ncloud = "rehearsal"\n'
            f'tenant = "{self.cloud.accounts["trial"]["tenant"]}"\n'
            'secret_store = "file:../secret-store"\n'
            'codat_api_key = "file:../secret-store/codat/trial"\n'
            f'codat_instance = "{self.cloud.codat["instance"]}"\n'
            f'[accounts.{account}.sign_in]\nmethod = "client_secret"\n'
            f'client_id = "{self.cloud.batch_identity["client_id"]}"\n'
            'secret = "file:../secret-store/sign-in/batch"\n',
            "utf-8",
        )
        return root


@contextmanager
def set_up_harness(folder: Path) -> Iterator[CrashHarness]:
    """A cloud without faults, and a warm program.

    Args:
        folder: where the cloud and the workspaces are made.
    """
    faults = folder / "faults.json"
    faults.write_text("[]", "utf-8")
    with (
        launch(folder / "cloud", skips=True, latency_ms=0, faults=faults, lags="worst") as cloud,
        Program() as program,
    ):
        yield CrashHarness(cloud, faults, program, folder)


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashHarness]:
    """One cloud and one warm program for all points; every point has its own account."""
    with set_up_harness(tmp_path_factory.mktemp("crash")) as made:
        yield made


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    try:
        return state.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        # It has just gone; or this system has no such files, and it is there.
        return not Path("/proc/self/stat").exists()
