"""Many worlds, for the tests that play some of them each."""

from __future__ import annotations

from collections.abc import Iterable

from tests.simulation.playing import played


def hold(seeds: Iterable[int]) -> None:
    """Play the worlds of some seeds, and see that everything holds in each.

    Args:
        seeds: their seeds.
    """
    for seed in seeds:
        one = played(seed)
        assert not one.broken, f"python -m tests.simulation --seed {seed}\n{one}"
