"""One whole rehearsal, by the README's own command, shared by the tests that look at it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.program import PROGRAM


@dataclass(frozen=True)
class Rehearsal:
    """A finished rehearsal: its folder, and what was printed."""

    directory: Path
    exit_code: int
    stdout: str
    stderr: str


def bcrunbook(
    *words: str, timeout: float = 420, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program as a user would; `env` is added to the environment."""
    environment = {**os.environ, "COLUMNS": "100", **(env or {})}
    return subprocess.run(
        [*PROGRAM, *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
        check=False,
    )


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """`bcrunbook rehearse`, from nothing."""
    directory = tmp_path_factory.mktemp("rehearsed") / "rehearsal"
    done = bcrunbook("rehearse", "--dir", str(directory))
    return Rehearsal(directory, done.returncode, done.stdout, done.stderr)


def leaks(canaries: Path, places: Sequence[Path], *texts: str) -> list[str]:
    """Where a canary value stands in any of the files below `places`, or in a text."""
    values = [line.encode() for line in canaries.read_text("utf-8").splitlines() if line]
    assert values, "a rehearsal issues secrets"
    files = [file for folder in places for file in folder.rglob("*") if file.is_file()]
    found = [str(file) for file in files if _holds(file.read_bytes(), values)]
    return found + [text[:60] for text in texts if _holds(text.encode(), values)]


def _holds(content: bytes, values: Sequence[bytes]) -> bool:
    return any(value in content for value in values)
