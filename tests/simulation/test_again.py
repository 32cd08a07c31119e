"""A seed is a world: played again, wherever that is, everything comes out the same."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MakeWorkspace
from tests.simulation.playing import played
from tests.simulation.trace import trace_of
from tests.support.running import run_steps, states

ROOT = Path(__file__).parents[2]
SEEDS = (11, 34)


def told(seed: int, order: str) -> str:
    """What a seed leaves, played in a process that does nothing else.

    Args:
        seed: the seed.
        order: what Python's own sets are ordered by.
    """
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "--trace"],
        env={**os.environ, "PYTHONHASHSEED": order},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def left_here(seed: int) -> str:
    """What a seed leaves, played in this process.

    Args:
        seed: the seed.
    """
    left: list[str] = []
    played(seed, lambda world: left.append(trace_of(world)))
    return left[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_gives_the_same_ledger_requests_and_reports(seed: int) -> None:
    """Byte for byte, whatever Python's own sets are ordered by."""
    assert told(seed, "1") == told(seed, "2")


def test_what_a_process_has_done_before_changes_nothing(make_workspace: MakeWorkspace) -> None:
    """Byte for byte: whatever was run and cached here before, in this world or in the real one."""
    outcomes = asyncio.run(run_steps(make_workspace(), "register_application"))
    assert states(outcomes) == ["changed"]
    fresh = {seed: told(seed, "1") for seed in SEEDS}
    for seed in (*SEEDS, *reversed(SEEDS)):
        assert f"{left_here(seed)}\n" == fresh[seed], f"seed {seed}"
