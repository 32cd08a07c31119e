"""What all front ends are given: a rehearsal cloud, a workspace, and an account for each."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nbformat

from bcrunbook.core.step import Outcome
from bcrunbook.order import (
    CLIENT_SECRET,
    CODAT_KEYS,
    HEALTH_CHECK,
    REGISTER_APPLICATION,
    START_HERE,
)
from bcrunbook.run.layout import lay_out_notebooks
from bcrunbook.run.papermill import read_outcome
from bcrunbook.run.rehearse.workspace import Rehearsed, prepare, running_cloud
from bcrunbook.steps import notebook_of, step_named
from tests.front_ends.environments import Environment

EXPECTED: Final = {
    START_HERE: "done",
    REGISTER_APPLICATION: "changed",
    CLIENT_SECRET: "changed",
    CODAT_KEYS: "needs_person",
    HEALTH_CHECK: "needs_person",
}
"""How each step ends that is tried, for an account with which nothing was done before."""
BOTH: Final = (START_HERE, REGISTER_APPLICATION)

_PATIENCE: Final = 300
_MOST_TOLD: Final = 900
"""How many characters of what a program has printed are told."""


class Wrong(Exception):
    """A front end has not done what was asked of it."""


@dataclass(frozen=True)
class Place:
    """Where one front end works.

    Args:
        account: the account that it alone uses.
        workspace: the workspace.
        folder: an empty folder for what it writes.
        environment: where it is installed.
    """

    account: str
    workspace: Path
    folder: Path
    environment: Environment

    def notebook(self, step: str) -> Path:
        """A notebook as `bcrunbook init` writes it."""
        return self.workspace / "notebooks" / notebook_of(step_named(step))

    def values(self, mode: str = "auto") -> dict[str, str]:
        """The parameters of a step of the account."""
        return {"account": self.account, "mode": mode, "workspace": str(self.workspace)}

    def copy(self, step: str, mode: str = "auto") -> Path:
        """A copy of a notebook whose parameters somebody has edited."""
        notebook = nbformat.read(self.notebook(step), 4)
        for cell in notebook.cells:
            if "parameters" in cell.metadata.get("tags", []):
                lines = [f"{name}: str = {value!r}" for name, value in self.values(mode).items()]
                cell.source = "\n".join(lines)
        target = self.folder / self.notebook(step).name
        nbformat.write(notebook, target)
        return target

    def run(self, *words: str | Path, **variables: str) -> str:
        """Run a program of the environment in the folder.

        Args:
            words: the program and what it is given.
            variables: what it finds set besides.

        Returns:
            What it prints.

        Raises:
            Wrong: it did not end with code 0.
        """
        done = self.end_of(*words, **variables)
        if done.returncode:
            raise Wrong(
                f"{words[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-900:]}"
            )
        return done.stdout

    def end_of(self, *words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """How a program ends, whatever its code."""
        return subprocess.run(
            [str(self.environment.bin / words[0]), *map(str, words[1:])],
            cwd=self.folder,
            env=self.environment.variables(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )

    def judge(self, executed: Path, step: str) -> str:
        """How a step ended, as the executed notebook says it.

        Args:
            executed: the notebook.
            step: the step.

        Raises:
            Wrong: otherwise than it has to, or it is of something else than was asked for.
        """
        outcome = read_outcome(executed) if executed.is_file() else None
        if outcome is None:
            raise Wrong(f"{executed.name} holds no outcome")
        return self.judged(outcome, step)

    def judged(self, outcome: Outcome, step: str) -> str:
        """The same for an outcome that was read elsewhere."""
        wanted = (step, self.account, EXPECTED[step])
        found = (outcome.step, outcome.account, outcome.state.value)
        if found != wanted:
            raise Wrong(f"the outcome is of {found}, not of {wanted}: {outcome.summary}")
        return outcome.state.value


@contextlib.contextmanager
def world(folder: Path, accounts: Sequence[str]) -> Iterator[Path]:
    """A workspace with notebooks and these accounts, for as long as its rehearsal cloud runs.

    Args:
        folder: where all of it goes.
        accounts: their names.
    """
    rehearsed = [Rehearsed(name, "trial", f"Books of {name}", 180, "Codat") for name in accounts]
    with running_cloud(folder, 60.0) as cloud:
        root = asyncio.run(prepare(folder, cloud, rehearsed)).root
        lay_out_notebooks(root)
        yield root
