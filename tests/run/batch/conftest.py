"""Workspaces with many accounts, and `bcrunbook batch` on them."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.rehearsal import RehearsalDescription
from tests.conftest import lay_out, stored_secrets
from tests.support.independent_client import IndependentClient
from tests.support.program import PROGRAM

MakeClient = Callable[..., IndependentClient]

# Up to the portal, where a person has to act; the step after it follows that.
FRESH = ["done", "changed", "changed", "changed", "needs_person", "needs_person"]


def names(count: int) -> list[str]:
    """Names of accounts that nobody else uses."""
    mark = secrets.token_hex(3)
    return [f"b{mark}-{number}" for number in range(count)]


class Running:
    """`bcrunbook batch --json`, while it goes on."""

    def __init__(self, root: Path, *words: str) -> None:
        program = [*PROGRAM, "batch", *words, "--json", "-w", str(root)]
        self.child = subprocess.Popen(
            program,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=os.name != "nt",
        )
        self.events: list[dict[str, Any]] = []

    def until(self, kind: str, count: int = 1) -> None:
        """Read events until so many of a kind have come."""
        while len(self._whom(kind)) < count:
            self.next()

    def next(self) -> None:
        """Read one more event."""
        assert self.child.stdout is not None and self.child.stderr is not None
        line = self.child.stdout.readline()
        assert line, self.child.stderr.read()
        self.events.append(json.loads(line))

    def end(self) -> tuple[int, str]:
        """Wait for the end; its exit code, and what was said."""
        out, stderr = self.child.communicate(timeout=240)
        self.events += [json.loads(line) for line in out.splitlines()]
        return self.child.returncode, stderr

    def ended(self) -> list[str]:
        """Whom an event says to have ended."""
        return self._whom("item_ended")

    def parked(self) -> list[str]:
        """Whom an event says to have been parked."""
        return self._whom("parked")

    def began(self) -> list[str]:
        """Of whom a step has begun, step by step."""
        return self._whom("step_began")

    def tried_again(self) -> list[str]:
        """Whom an event says to have been tried again."""
        return self._whom("tried_again")

    def _whom(self, kind: str) -> list[str]:
        return [str(one.get("who")) for one in self.events if one["event"] == kind]


@contextmanager
def running(root: Path, *words: str) -> Iterator[Running]:
    """A batch that is killed if it has not ended by then."""
    one = Running(root, *words)
    try:
        yield one
    finally:
        if one.child.poll() is None:
            one.child.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
            one.child.communicate()


def run_batch(root: Path, *words: str) -> Running:
    """A batch from its beginning to its end."""
    with running(root, *words) as one:
        code, stderr = one.end()
        one.events.append({"event": "exit", "code": code, "stderr": stderr})
    return one


def states(one: Running) -> dict[str, list[str]]:
    """How each one's steps ended, in order."""
    found: dict[str, list[str]] = {}
    for event in one.events:
        if event["event"] == "step_ended":
            found.setdefault(event["who"], []).append(event["state"])
    return found


def check_done_once(workspace: Workspace, client: IndependentClient) -> None:
    """Each account has its one application, with one secret that the store has too."""
    for name in workspace.accounts:
        app = client.application(name)
        (credential,) = app["passwordCredentials"]
        (stored,) = stored_secrets(workspace.root.parent / "secret-store", name)
        assert stored.read_text("utf-8").startswith(credential["hint"])


@pytest.fixture
def many(tmp_path: Path, cloud: RehearsalDescription) -> Workspace:
    """Six trial accounts with tags, of which nothing has been done."""
    called = names(6)
    return lay_out(
        tmp_path, cloud, {one: {"tags": [f"wave-{i % 2}"]} for i, one in enumerate(called)}
    )
