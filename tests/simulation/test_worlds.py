"""In each of many worlds that are drawn at random, what has to hold does; and in those that failed.

This file and test_more_worlds.py have half of them each, as files are what is shared out.
"""

from __future__ import annotations

import pytest

from tests.simulation.drawing import Drawn
from tests.simulation.found import FOUND
from tests.simulation.playing import judged
from tests.simulation.worlds import hold


@pytest.mark.parametrize("first", range(1, 151, 50))
def test_what_has_to_hold_does(first: int) -> None:
    """Whatever goes wrong, and whoever does what, in the first half of the worlds."""
    hold(range(first, first + 50))


@pytest.mark.parametrize("world", FOUND.values(), ids=FOUND)
def test_what_was_found_once_holds_now(world: Drawn) -> None:
    """A world in which something did not hold (contract G6.18)."""
    one = judged(world)
    assert not one.broken, one
