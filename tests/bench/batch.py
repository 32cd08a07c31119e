"""Many accounts from nothing, and what people do today: `python -m tests.bench.batch [PART ...]`.

Parts: `ratios` (our batch against a shell loop over papermill's command line, against papermill's
Python API in a loop, and against the same steps as plain coroutines, without latency and with 80
ms), and `growth` (10, 100 and 1,000 accounts). Without a part: `ratios`.

Seconds are per account, all against the same rehearsal cloud in the same run. The slow ways are
measured on fewer accounts: each account is the same work. Not a test: figures depend on the
machine; compare ratios.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import papermill
import psutil

from bcrunbook.accounts import Workspace
from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.rehearsal import launch
from bcrunbook.run.engine.processes import processes
from bcrunbook.run.rehearse.workspace import Rehearsed, prepare
from bcrunbook.steps import notebook_of, step_named
from tests.bench.account import NEEDS_PERSON, as_coroutines
from tests.support.program import PROGRAM
from tests.support.running import UP_TO_KEYS

SPEED = 1000.0
ACCOUNTS = 50
SAMPLE = 4
"""So many accounts go the slow ways."""
SIZES = (10, 100, 1000)
LATENCIES_MS = (0, 80)
# A step that follows one that needs a person is not run by our batch either.
STEPS = tuple(step_named(step) for step in UP_TO_KEYS)


class Peaks:
    """The largest memory, in bytes, of a program and of the processes it makes."""

    def __init__(self) -> None:
        self._coordinator = 0
        self._origin = 0
        self._worker = 0

    def look(self, process: psutil.Process) -> None:
        """Look once."""
        try:
            self._coordinator = max(self._coordinator, process.memory_info().rss)
            if processes().get_start_method() == "forkserver":
                children = process.children()
                self._origin = max([self._origin, *(own(one) for one in children)])
                workers = [worker for one in children for worker in one.children()]
            else:
                workers = process.children()
            self._worker = max([self._worker, *(own(one) for one in workers)])
        except psutil.Error:
            return

    def __str__(self) -> str:
        coordinator, origin, worker = (
            f"{peak / 2**20:.0f} MiB" for peak in (self._coordinator, self._origin, self._worker)
        )
        return (
            f"at most: coordinator {coordinator}, fork server {origin} once, and {worker} of its"
            " own for each worker"
        )


def own(process: psutil.Process) -> int:
    """The memory that no other process shares with it, in bytes; none if it has ended."""
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


@contextmanager
def workspace_of(latency_ms: int, names: list[str]) -> Iterator[Workspace]:
    """A workspace with these accounts, and a cloud with such a latency."""
    with (
        tempfile.TemporaryDirectory() as folder,
        launch(Path(folder) / "cloud", speed=SPEED, latency_ms=latency_ms, lags="worst") as cloud,
    ):
        accounts = [Rehearsed(name, "trial", name, 180, "Codat") for name in names]
        yield asyncio.run(prepare(Path(folder), cloud, accounts))


def timed(work: Callable[[], object], count: int) -> float:
    """Seconds per account."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) / count


def environment() -> dict[str, str]:
    """For every program alike: compiled modules are kept, as everywhere by default."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def by_shell(workspace: Workspace, names: list[str]) -> None:
    """Papermill's command line, notebook by notebook."""
    for name in names:
        for step in STEPS:
            words = [str(shipped() / notebook_of(step)), str(workspace.root / "out.ipynb")]
            values = {"account": name, "mode": "apply", "workspace": str(workspace.root)}
            for key, value in values.items():
                words += ["-r", key, value]
            subprocess.run(
                [sys.executable, "-m", "papermill", *words],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
                env=environment(),
            )


def by_api(workspace: Workspace, names: list[str]) -> None:
    """Papermill's Python API, notebook by notebook."""
    for name in names:
        for step in STEPS:
            papermill.execute_notebook(
                str(shipped() / notebook_of(step)),
                str(workspace.root / "out.ipynb"),
                parameters={"account": name, "mode": "apply", "workspace": str(workspace.root)},
                progress_bar=False,
            )


def by_coroutines(workspace: Workspace, names: list[str]) -> None:
    """The same steps without notebooks, in this process, account by account: the floor."""
    for name in names:
        asyncio.run(as_coroutines(workspace, name))


def by_batch(workspace: Workspace, pattern: str, peaks: Peaks) -> float:
    """Our batch, its start included; returns how many seconds that took of it."""
    started = time.perf_counter()
    child = subprocess.Popen(
        [*PROGRAM, "batch", pattern, "--mode", "apply", "--json", "-w", str(workspace.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    process = psutil.Process(child.pid)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            peaks.look(process)

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert child.stdout is not None
    child.stdout.readline()
    start = time.perf_counter() - started
    child.stdout.read()
    code = child.wait()
    over.set()
    watcher.join()
    assert code == NEEDS_PERSON, code
    return start


def ratios() -> None:
    """Our batch against the others."""
    ours = [f"batch{number:03}" for number in range(ACCOUNTS)]
    slow = {way: [f"{way}{number}" for number in range(SAMPLE)] for way in ("shell", "api")}
    floor = [f"floor{number:02}" for number in range(ACCOUNTS // 2)]
    for latency in LATENCIES_MS:
        peaks = Peaks()
        with workspace_of(latency, [*ours, *slow["shell"], *slow["api"], *floor]) as workspace:
            batch = timed(partial(by_batch, workspace, "batch*", peaks), ACCOUNTS)
            plain = timed(partial(by_coroutines, workspace, floor), len(floor))
            shell = timed(partial(by_shell, workspace, slow["shell"]), SAMPLE)
            api = timed(partial(by_api, workspace, slow["api"]), SAMPLE)
        print(f"latency {latency} ms, {len(STEPS)} notebooks an account")
        print(f"  our batch, {ACCOUNTS} accounts     {batch:7.3f} s an account")
        print(f"  papermill in a shell loop   {shell:7.3f} s   {shell / batch:6.1f} times ours")
        print(f"  papermill's API in a loop   {api:7.3f} s   {api / batch:6.1f} times ours")
        print(f"  plain coroutines, the floor {plain:7.3f} s   ours is {batch / plain:.2f} of it")
        print(f"  {peaks}", flush=True)


def growth() -> None:
    """Ten, a hundred, a thousand."""
    for size in SIZES:
        peaks = Peaks()
        with workspace_of(0, [f"batch{number:04}" for number in range(size)]) as workspace:
            started = time.perf_counter()
            start = by_batch(workspace, "batch*", peaks)
            each = (time.perf_counter() - started - start) / size
        print(
            f"{size:5} accounts  {start:5.2f} s to start, {each:6.3f} s an account; {peaks}",
            flush=True,
        )


if __name__ == "__main__":
    for part in sys.argv[1:] or ["ratios"]:
        {"ratios": ratios, "growth": growth}[part]()
