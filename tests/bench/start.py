"""What takes time without a clock, here and at an older commit.

    python -m tests.bench.start --base DIR [PART ...]

DIR is a checkout of that commit with an environment of its own:

    git worktree add DIR COMMIT && (cd DIR && uv sync --all-extras)

Both are measured in turns, round by round, each against a rehearsal of its own making: the wall
time before a command's first line, its wall and processor time, one notebook by papermill's command
line against an empty notebook, a batch of fresh accounts, and a whole rehearsal. The parts are
`commands`, `notebook`, `batch` and `rehearsal`; without a word, all of them. Prints a table of
medians with the ratio of the two. Processor time says more than wall time where the machine has
other work. Not a test: figures depend on the machine; compare ratios.

A checkout is measured by its own programs, which people start the same way. What makes its accounts
is this file, run in the checkout, with what both commits' `tests.bench.batch` has.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROUNDS = 3
ACCOUNTS = 40
LATENCIES_MS = (0, 80)
NOTEBOOK = "*_api_permissions.ipynb"
COMMANDS = (
    ("status",),
    ("accounts", "check"),
    ("plan", "trial"),
    ("run", "trial", "start_here"),
    ("batch", "--dry-run"),
    ("doctor",),
    ("check", "trial"),
)
PARTS = ("commands", "notebook", "batch", "rehearsal")
NEEDS_PERSON = 3
"""How a first run of an account ends."""
ELSEWHERE = tempfile.gettempdir()
"""Where programs are started: no checkout, whose package they would read instead of their own."""
OWN = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Took:
    """What a process took.

    Args:
        first: seconds to its first output; to its end, if it said nothing.
        wall: seconds to its end.
        processor: seconds of processor time, of it and of what it has waited for.
        code: its exit code.
    """

    first: float
    wall: float
    processor: float
    code: int


@dataclass
class Table:
    """Figures by what was measured and by checkout, the older one first."""

    figures: dict[str, tuple[list[float], list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: ([], []))
    )

    def add(self, what: str, which: int, figure: float) -> None:
        """Add one figure: of the older checkout (0) or of this one (1)."""
        self.figures[what][which].append(figure)

    def show(self) -> None:
        """Print the medians and their ratio."""
        print(f"{'median':<52} {'before':>8} {'now':>8} {'ratio':>6}")
        for what, (before, now) in self.figures.items():
            then, here = statistics.median(before), statistics.median(now)
            print(f"{what:<52} {then:8.2f} {here:8.2f} {here / then:6.2f}", flush=True)


def environment() -> dict[str, str]:
    """For every program alike: compiled modules are kept, as everywhere by default."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def program(checkout: Path, name: str) -> str:
    """A program of a checkout's environment."""
    return str(checkout / ".venv" / "bin" / name)


def took(*words: str, look: Callable[[psutil.Process], None] | None = None) -> Took:
    """Run a program to its end.

    Args:
        words: the program and its words.
        look: called with its process again and again while it runs.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    readable, writable = os.pipe()
    child = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=writable,
        stderr=writable,
        env=environment(),
        cwd=ELSEWHERE,
    )
    os.close(writable)
    over = threading.Event()

    def watch() -> None:
        while look is not None and not over.wait(0.2):
            look(psutil.Process(child.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    first = 0.0
    while os.read(readable, 65536):
        first = first or time.perf_counter() - started
    os.close(readable)
    code = child.wait()
    wall = time.perf_counter() - started
    over.set()
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(first or wall, wall, spent, code)


@contextmanager
def served(checkout: Path, folder: Path) -> Iterator[Path]:
    """The workspace of a whole rehearsal of a checkout, with its cloud."""
    rehearse = [program(checkout, "bcrunbook"), "rehearse", "--dir", str(folder)]
    quiet = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "env": environment(),
        "cwd": ELSEWHERE,
    }
    subprocess.run(rehearse, check=True, **quiet)  # type: ignore[call-overload]
    description = folder / "cloud" / "rehearsal.json"
    description.unlink(missing_ok=True)
    serve = [program(checkout, "bcrunbook"), "rehearsal", "serve", "--dir", str(folder / "cloud")]
    cloud = subprocess.Popen([*serve, "--speed", "1000"], **quiet)  # type: ignore[call-overload]
    try:
        while not description.exists():
            assert cloud.poll() is None
            time.sleep(0.1)
        yield folder / "workspace"
    finally:
        cloud.terminate()
        cloud.wait()


def commands(table: Table, which: int, checkout: Path, workspace: Path) -> None:
    """Measure each command once, in an account where everything is done."""
    for words in COMMANDS:
        one = took(program(checkout, "bcrunbook"), *words, "--workspace", str(workspace))
        assert one.code == 0, (words, one)
        name = " ".join(words)
        table.add(f"{name}: s before its first line", which, one.first)
        table.add(f"{name}: s", which, one.wall)
        table.add(f"{name}: s of processor", which, one.processor)


def notebook(table: Table, which: int, checkout: Path, workspace: Path) -> None:
    """Measure one notebook and an empty one, each by papermill's command line."""
    (own,) = (checkout / "notebooks").glob(NOTEBOOK)
    empty = workspace / "empty.ipynb"
    model = {**json.loads(own.read_text("utf-8")), "cells": []}
    empty.write_text(json.dumps(model), "utf-8")
    run = program(checkout, "papermill"), str(workspace / "out.ipynb")
    without = took(run[0], str(empty), run[1])
    values = ["-r", "account", "trial", "-r", "workspace", str(workspace)]
    with_cells = took(run[0], str(own), run[1], *values)
    assert (without.code, with_cells.code) == (0, 0)
    table.add("a notebook, times an empty one", which, with_cells.wall / without.wall)
    table.add(
        "a notebook, times an empty one's processor time",
        which,
        with_cells.processor / without.processor,
    )


def batch(table: Table, which: int, checkout: Path) -> None:
    """Measure a batch for each latency."""
    for latency in LATENCIES_MS:
        done = subprocess.run(
            [program(checkout, "python"), __file__, "--batch", str(latency)],
            cwd=checkout,
            env={**environment(), "PYTHONPATH": str(checkout)},
            check=True,
            capture_output=True,
            text=True,
        )
        for what, figure in json.loads(done.stdout.splitlines()[-1]).items():
            table.add(f"batch, {latency} ms: {what}", which, figure)


def batch_here(latency_ms: int) -> dict[str, float]:
    """Measure a batch of the checkout in which this is run.

    Args:
        latency_ms: what the rehearsal cloud adds to each answer.
    """
    # By name: this file is run in checkouts of two commits, and both have these.
    from tests.bench.batch import Peaks, workspace_of

    peaks = Peaks()
    names = [f"batch{number:02}" for number in range(ACCOUNTS)]
    with workspace_of(latency_ms, names) as workspace:
        words = ["batch", "batch*", "--mode", "apply", "--json", "-w", str(workspace.root)]
        one = took(program(Path.cwd(), "bcrunbook"), *words, look=peaks.look)
    assert one.code == NEEDS_PERSON, one
    return {
        "s an account": one.wall / ACCOUNTS,
        "MiB of the coordinator": peaks._coordinator / 2**20,
        "MiB of its own for each worker": peaks._worker / 2**20,
    }


def rehearsal(table: Table, which: int, checkout: Path) -> None:
    """Measure the README's first command, its environment installed."""
    with tempfile.TemporaryDirectory() as folder:
        one = took(program(checkout, "bcrunbook"), "rehearse", "--dir", f"{folder}/rehearsal")
    assert one.code == 0, one
    table.add("rehearse: s", which, one.wall)
    table.add("rehearse: s of processor", which, one.processor)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", type=Path)
    parser.add_argument("--batch", type=int)
    parser.add_argument("parts", nargs="*", default=PARTS)
    given = parser.parse_args()
    if given.batch is not None:
        print(json.dumps(batch_here(given.batch)))
        return
    checkouts = (given.base.resolve(), OWN)
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        if {"commands", "notebook"} & {*given.parts}:
            with (
                served(checkouts[0], Path(folder) / "before") as before,
                served(checkouts[1], Path(folder) / "now") as now,
            ):
                for _ in range(ROUNDS):
                    for which, workspace in enumerate((before, now)):
                        if "commands" in given.parts:
                            commands(table, which, checkouts[which], workspace)
                        if "notebook" in given.parts:
                            notebook(table, which, checkouts[which], workspace)
        if "batch" in given.parts:
            for _ in range(ROUNDS):
                for which, checkout in enumerate(checkouts):
                    batch(table, which, checkout)
        if "rehearsal" in given.parts:
            for _ in range(ROUNDS):
                for which, checkout in enumerate(checkouts):
                    rehearsal(table, which, checkout)
    table.show()


if __name__ == "__main__":
    main()
