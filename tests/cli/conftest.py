"""The program as a person meets it: what it says on stdout and stderr, and its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.cli import main
from tests.support.program import PROGRAM


@dataclass(frozen=True)
class CommandResult:
    """What one command came to."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Stdout as JSON; nothing else may be there."""
        return json.loads(self.out)


Command = Callable[..., CommandResult]


def program(*words: str | Path, cwd: Path | None = None) -> CommandResult:
    """The program in a process of its own."""
    done = subprocess.run(
        [*PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=120, cwd=cwd
    )
    return CommandResult(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """A function that gives words to the program in this process, where that is fast."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*words: str | Path) -> CommandResult:
        monkeypatch.setattr(sys, "argv", ["bcrunbook", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        code = end.value.code
        assert code is None or isinstance(code, int)
        return CommandResult(code or 0, captured.out, captured.err)

    return call
