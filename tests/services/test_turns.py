"""Turns: never more than the limit in any span, in order, and nobody held back for nothing."""

from __future__ import annotations

import asyncio
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcrunbook.cloud import Pace
from bcrunbook.services.turns import Turns


def moments_of(turns: tuple[int, float, int], gaps: list[float]) -> list[tuple[float, float]]:
    """When turns were wanted, one gap after the other, and when they came."""
    most, seconds, at_once = turns
    now, slept = [1000.0], [0.0]

    async def sleep(_: Pace, pause: float) -> None:
        slept[0] = pause

    async def ask() -> list[tuple[float, float]]:
        handed = Turns(Pace(), most, seconds, at_once=at_once)
        found = []
        for wanted in accumulate(gaps, initial=now[0]):
            now[0], slept[0] = wanted, 0.0
            backlog = handed.backlog
            await handed.wait()
            assert slept[0] <= backlog + 1e-6, "who waits, waits for the next turn"
            found.append((wanted, wanted + slept[0]))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pace, "now", lambda _: now[0])
        patch.setattr(Pace, "sleep", sleep)
        return asyncio.run(ask())


@given(
    most=st.integers(1, 40),
    seconds=st.sampled_from([1.0, 60.0, 300.0]),
    share=st.floats(0, 1),
    gaps=st.lists(st.floats(0, 20), max_size=120),
)
def test_no_span_has_more_turns_than_the_limit(
    most: int, seconds: float, share: float, gaps: list[float]
) -> None:
    """Whenever turns are wanted, and however many may come at once."""
    found = moments_of((most, seconds, max(1, round(most * share))), gaps)
    came = [moment for _, moment in found]
    assert came == sorted(came)
    for first, last in zip(came, came[most:], strict=False):
        assert last - first >= seconds - 1e-6


def test_a_few_come_at_once_and_the_rest_evenly() -> None:
    """After a while without any, those that may; then one after the other."""
    found = moments_of((12, 60.0, 3), [0.0] * 5 + [100.0])
    waits = [came - wanted for wanted, came in found]
    assert waits == pytest.approx([0.0, 0.0, 0.0, 6.0, 12.0, 18.0, 0.0])
