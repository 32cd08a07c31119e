"""A seed is a world: played again, in another process, everything comes out the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", [11, 34])
def test_a_seed_gives_the_same_ledger_requests_and_reports(seed: int) -> None:
    """Byte for byte, whatever Python's own sets are ordered by."""
    told = [
        subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "--trace"],
            env={**os.environ, "PYTHONHASHSEED": order},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for order in ("1", "2")
    ]
    assert told[0] == told[1]
