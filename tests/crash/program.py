"""Runs of the program that can be killed: forked from a warm process, so that each costs little.

`python -m tests.crash.program WORKSPACE` is the forking parent. It reads a line for every run to
start, answers with the child's pid, and with the child's exit status when it has ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bcrunbook.accounts import load
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode
from bcrunbook.steps import step_named
from bcrunbook.steps.client_secret.replacement import Replacement
from bcrunbook.steps.opening import open_context
from tests.support.running import ALONE


async def _run(root: str, name: str, steps: list[str], customer: str, replace: str) -> list[str]:
    workspace = load(Path(root))
    account = workspace.account(name)
    chosen = account.customers[customer] if customer else None
    states = []
    for step in steps:
        async with open_context(
            workspace, account, customer=chosen, replace=Replacement.parse(replace)
        ) as context:
            outcome = await run_in_context(step_named(step), context, Mode.APPLY)
        states.append(outcome.state.value)
        if outcome.exit_code:
            states.append(outcome.summary)
            break
    return states


def _serve() -> None:
    import keyring  # noqa: F401  (imported here once, not in every child)
    import msal  # noqa: F401

    for line in sys.stdin:
        order = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            os.write(writing, json.dumps(asyncio.run(_run(*order))).encode())
            os._exit(0)
        os.close(writing)
        print(pid, flush=True)
        with os.fdopen(reading) as pipe:
            text = pipe.read()
        os.waitpid(pid, 0)
        print(text or "null", flush=True)


class Program:
    """The forking parent, as the tests use it."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.program"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._parent.communicate()

    def start(
        self,
        root: Path,
        account: str,
        steps: Sequence[str] = ALONE,
        customer: str = "",
        replace: str = "",
    ) -> int:
        """Start a run of some steps, those without a person; returns its process id.

        Args:
            root: the workspace.
            account: its account.
            steps: which steps are run.
            customer: the customer that the run is about.
            replace: the secret that is to be replaced.
        """
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(
            json.dumps([str(root), account, list(steps), customer, replace]) + "\n"
        )
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())

    def end(self) -> list[str] | None:
        """Wait for the run to end: its outcomes' states, or None when it was killed."""
        assert self._parent.stdout is not None
        states: list[str] | None = json.loads(self._parent.stdout.readline())
        return states

    def run(
        self,
        root: Path,
        account: str,
        steps: Sequence[str] = ALONE,
        customer: str = "",
        replace: str = "",
    ) -> list[str] | None:
        """Start a run and wait for its end; arguments as for `start`."""
        self.start(root, account, steps, customer, replace)
        return self.end()


if __name__ == "__main__":
    _serve()
