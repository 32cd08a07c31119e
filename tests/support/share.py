"""How much of what is drawn, or gone through point by point, one run of the tests does.

All of it takes longer than whoever waits for a change's tests has. So a run does a part, drawn anew
each time, and the task `lasting` does the whole, with TESTS=whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from random import Random, SystemRandom
from typing import Final

IS_WHOLE: Final = os.environ.get("TESTS") == "whole"
STRIDE: Final = 1 if IS_WHOLE else 4
"""One of so many points is gone to."""


def number(name: str, *, usual: int, whole: int) -> int:
    """How many to draw.

    Args:
        name: the environment's variable that asks for another number.
        usual: in a usual run.
        whole: in one that does the whole.
    """
    return int(os.environ.get(name) or (whole if IS_WHOLE else usual))


def points(end: int) -> Iterator[int]:
    """Of the points from 1 up to `end` each, or one of some, from a first that is drawn."""
    first = SystemRandom().randrange(STRIDE) + 1
    print(f"from point {first}, one of {STRIDE}")
    yield from range(first, end, STRIDE)


def one_of(choices: Iterable[str]) -> tuple[str, ...]:
    """All of some choices, or one that is drawn: the same in all processes of a run.

    Args:
        choices: what a test is done for.
    """
    everything = tuple(choices)
    if IS_WHOLE:
        return everything
    # The tests of a run are collected in each of its processes, and have to be the same.
    return (Random(os.environ.get("PYTEST_XDIST_TESTRUNUID")).choice(everything),)
