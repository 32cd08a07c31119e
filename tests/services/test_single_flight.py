"""An answer that is shared: asked once for all, anew when it is old, refusals included."""

from __future__ import annotations

import asyncio

import pytest

from bcrunbook.core.pace import Pace
from bcrunbook.errors import Unreachable
from bcrunbook.services.single_flight import SingleFlight


class Source:
    """Answers how often it was asked, after the others had time to ask as well."""

    def __init__(self) -> None:
        self.asked = 0

    async def ask(self) -> int:
        """How often that was asked, after a while; the second time nobody answers."""
        self.asked += 1
        for _turn in range(5):
            await asyncio.sleep(0)
        if self.asked == 2:
            raise Unreachable("nobody answers", where="a test")
        return self.asked


async def test_one_question_for_all_who_want_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who come while it is being asked, and those who come soon after."""
    now = [100.0]
    monkeypatch.setattr(Pace, "now", lambda _: now[0])
    source = Source()
    shared = SingleFlight(Pace(), source.ask, fresh=20.0)
    assert await asyncio.gather(*(shared.get() for _ in range(50))) == [1] * 50
    now[0] += 20.0
    assert await shared.get() == 1
    now[0] += 0.1
    failures = await asyncio.gather(*(shared.get() for _ in range(50)), return_exceptions=True)
    assert {type(one) for one in failures} == {Unreachable}
    assert source.asked == 2
    now[0] += 20.1
    assert await shared.get() == 3


async def test_whoever_gives_up_leaves_the_question_to_the_next() -> None:
    """Nobody waits for an answer that was no longer wanted."""
    source = Source()
    shared = SingleFlight(Pace(), source.ask, fresh=20.0)
    first = asyncio.ensure_future(shared.get())
    others = [asyncio.ensure_future(shared.get()) for _ in range(3)]
    await asyncio.sleep(0)
    source.asked = 2
    first.cancel()
    assert await asyncio.gather(*others) == [3, 3, 3]
