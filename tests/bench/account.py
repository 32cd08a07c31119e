"""One headless account from nothing: `python -m tests.bench.account`.

Prints medians over several runs: wall time through the notebooks and as plain coroutines, calls
made, peak memory of the largest process, and how long `import bcrunbook` takes. Not a test: figures
depend on the machine; compare ratios.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.run.rehearse.workspace import Rehearsed, prepare
from bcrunbook.steps import SETUP_STEPS
from bcrunbook.steps.opening import open_context
from tests.support.program import PROGRAM

RUNS = 3
SPEED = 1000.0
NEEDS_PERSON = 3
"""How a first run ends: at the portal, where somebody has to act."""


def calls(cloud: RehearsalDescription) -> tuple[int, int]:
    """How many requests have been answered so far: by Microsoft Graph, by all."""
    hosts = [json.loads(line)["host"] for line in Path(cloud.requests).read_text().splitlines()]
    return hosts.count("graph.microsoft.com"), len(hosts)


def largest(process: psutil.Process) -> int:
    """The resident memory of the largest process of a tree, in bytes."""
    sizes = []
    for one in [process, *process.children(recursive=True)]:
        try:
            sizes.append(one.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return max(sizes, default=0)


def through_notebooks(workspace: Workspace, account: str) -> tuple[float, int]:
    """Wall seconds and peak bytes of `bcrunbook run`."""
    started, peak = time.perf_counter(), 0
    command = [*PROGRAM, "run", account, "--mode", "apply", "-w", str(workspace.root)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process = psutil.Process(child.pid)
    while child.poll() is None:
        peak = max(peak, largest(process))
        time.sleep(0.25)
    assert child.returncode == NEEDS_PERSON
    return time.perf_counter() - started, peak


async def as_coroutines(workspace: Workspace, account: str) -> None:
    """The same steps without notebooks, in this process."""
    for step in SETUP_STEPS:
        async with open_context(workspace, workspace.account(account)) as context:
            code = (await run_in_context(step, context, Mode.APPLY)).exit_code
        if code == NEEDS_PERSON:
            return
        assert not code


def import_seconds() -> float:
    """How long `import bcrunbook` takes in a fresh Python, its start not counted."""
    source = (
        "import time; t = time.perf_counter(); import bcrunbook; print(time.perf_counter() - t)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    """Measure and print."""
    walls, peaks, floors, graph, every = [], [], [], [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        launch(Path(folder) / "cloud", speed=SPEED, lags="worst") as cloud,
    ):

        def only(name: str) -> Workspace:
            """The workspace with this account alone: no two may share a Codat instance."""
            account = Rehearsed(name, "trial", name, 180, "Codat")
            return asyncio.run(prepare(Path(folder), cloud, [account], anew=True))

        for run in range(RUNS):
            workspace = only(f"notebook{run}")
            before = calls(cloud)
            wall, peak = through_notebooks(workspace, f"notebook{run}")
            after = calls(cloud)
            walls.append(wall)
            peaks.append(peak)
            graph.append(after[0] - before[0])
            every.append(after[1] - before[1])
            workspace = only(f"plain{run}")
            started = time.perf_counter()
            asyncio.run(as_coroutines(workspace, f"plain{run}"))
            floors.append(time.perf_counter() - started)
    imports = [import_seconds() for _ in range(RUNS)]
    median = statistics.median
    print(f"one account through its notebooks   {median(walls):6.2f} s   median of {RUNS}")
    print(f"the same as plain coroutines        {median(floors):6.2f} s")
    print(f"ratio                               {median(walls) / median(floors):6.1f}")
    print(f"calls to Microsoft Graph            {median(graph):6.0f}")
    print(f"requests in all                     {median(every):6.0f}")
    print(f"largest process                     {median(peaks) / 2**20:6.0f} MiB")
    print(f"import bcrunbook                    {median(imports) * 1000:6.0f} ms")


if __name__ == "__main__":
    main()
