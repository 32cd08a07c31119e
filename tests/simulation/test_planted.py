"""Bugs that were mended long ago are found again where they are put back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_known_bugs_are_found() -> None:
    """Each in the world that found it first; `python -m tests.simulation.planted` looks for that.

    In a process of their own, in which nothing keeps what is planted.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.planted", "--again"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    renew = "renew the seeds: python -m tests.simulation.planted"
    assert done.returncode == 0, f"{renew}\n{done.stdout}{done.stderr}"
