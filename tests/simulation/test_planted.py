"""Bugs that were mended long ago are found again where they are put back."""

from __future__ import annotations

import pytest

from tests.simulation.planted import BUGS, Bug, finds


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_a_known_bug_is_found(bug: Bug) -> None:
    """In the world that found it first; `python -m tests.simulation.planted` looks for that."""
    assert finds(bug, [bug.seed]) is not None, "renew the seeds: python -m tests.simulation.planted"
