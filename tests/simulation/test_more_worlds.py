"""The other half of the worlds of test_worlds.py."""

from __future__ import annotations

import pytest

from tests.simulation.worlds import hold


@pytest.mark.parametrize("first", range(151, 301, 50))
def test_what_has_to_hold_does(first: int) -> None:
    """Whatever goes wrong, and whoever does what, in the second half of the worlds."""
    hold(range(first, first + 50))
