"""Rate limits: never more than allowed in any span, in order, nobody held back for nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.ledger.store import Ledger
from bcrunbook.services.rate_limit import RateLimit, RateLimiter, SharedRateLimiter
from tests.support.ledgers import Place, no_postgres_settings, place, postgres_server

__all__ = ["no_postgres_settings", "place", "postgres_server"]


def moments_of(limit: tuple[int, float, int], gaps: list[float]) -> list[tuple[float, float]]:
    """When requests were wanted, one gap after the other, and when they came."""
    max_requests, seconds, burst = limit
    now, slept = [1000.0], [0.0]

    async def sleep(_: Pace, pause: float) -> None:
        slept[0] = pause

    async def ask() -> list[tuple[float, float]]:
        limiter = RateLimiter(Pace(), RateLimit(max_requests, seconds, burst))
        found = []
        for wanted in accumulate(gaps, initial=now[0]):
            now[0], slept[0] = wanted, 0.0
            backlog = limiter.backlog
            await limiter.acquire()
            assert slept[0] <= backlog + 1e-6, "who waits, waits for the next slot"
            found.append((wanted, wanted + slept[0]))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pace, "now", lambda _: now[0])
        patch.setattr(Pace, "sleep", sleep)
        return asyncio.run(ask())


@given(
    max_requests=st.integers(1, 40),
    seconds=st.sampled_from([1.0, 60.0, 300.0]),
    share=st.floats(0, 1),
    gaps=st.lists(st.floats(0, 20), max_size=120),
)
def test_no_span_has_more_requests_than_the_limit(
    max_requests: int, seconds: float, share: float, gaps: list[float]
) -> None:
    """Whenever requests are wanted, and however many may come at once."""
    found = moments_of((max_requests, seconds, max(1, round(max_requests * share))), gaps)
    came = [moment for _, moment in found]
    assert came == sorted(came)
    for first, last in zip(came, came[max_requests:], strict=False):
        assert last - first >= seconds - 1e-6


def test_a_few_come_at_once_and_the_rest_evenly() -> None:
    """After a while without any, those that may; then one after the other."""
    found = moments_of((12, 60.0, 3), [0.0] * 5 + [100.0])
    waits = [came - wanted for wanted, came in found]
    assert waits == pytest.approx([0.0, 0.0, 0.0, 6.0, 12.0, 18.0, 0.0])


# --- shared by several processes -----------------------------------------------------------------

ASKING = """
import asyncio, sys, time
from pathlib import Path
from bcrunbook.cloud import Cloud
from bcrunbook.ledger.store import open_ledger
from bcrunbook.services.rate_limit import RateLimit, SharedRateLimiter

async def ask(limiter):
    for _ in range(int(sys.argv[3])):
        await limiter.acquire()
        print(time.time())

with open_ledger(sys.argv[1], Path(sys.argv[2])) as ledger:
    asyncio.run(ask(SharedRateLimiter(ledger, Cloud(kind="live"), "shop", RateLimit(20, 1.0, 5))))
"""


def test_processes_keep_a_limit_together(place: Place) -> None:
    """Four processes that know nothing of each other stay below what is allowed to all of them."""
    with place.open():
        pass  # the tables are there before anybody asks
    command = [sys.executable, "-c", ASKING, place.url, str(place.root), "15"]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    moments = sorted(
        float(line) for one in asking for line in one.communicate(timeout=60)[0].split()
    )
    assert [one.returncode for one in asking] == [0] * 4
    assert len(moments) == 60
    # What is said to be asked may be asked a moment later, so a span seems shorter by as much.
    spans = [last - first for first, last in zip(moments, moments[20:], strict=False)]
    assert min(spans) > 0.7


def test_a_slot_that_was_kept_for_long_is_not_used(place: Place) -> None:
    """Others have had slots meanwhile; what one kept would come on top of theirs."""
    limit = RateLimit(10, 10.0, 3)
    slept: list[float] = []
    now = [1000.0]

    async def sleep(_: Pace, pause: float) -> None:
        slept.append(pause)

    async def ask(ledger: Ledger) -> None:
        mine, theirs = (
            SharedRateLimiter(ledger, Cloud(kind="live"), "shop", limit) for _ in range(2)
        )
        await mine.acquire()
        now[0] += 8.0
        await theirs.acquire()
        await mine.acquire()

    with place.open() as ledger, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pace, "now", lambda _: now[0])
        patch.setattr(Pace, "sleep", sleep)
        asyncio.run(ask(ledger))
        left = ledger.reserve_slots("live/shop", 1, limit.interval, limit.burst_seconds)
    # Three times five slots were taken, of which three came at once.
    assert left == pytest.approx(15 * limit.interval - limit.burst_seconds, abs=1.0)


def test_a_clock_that_was_set_back_holds_nobody_up(place: Place) -> None:
    """A slot that is off by more than anybody waits is from another time."""
    with place.open() as ledger:
        assert ledger.reserve_slots("live/shop", 1, 3600.0, 0.0) <= 0.0
        assert ledger.reserve_slots("live/shop", 1, 1.0, 0.0) <= 0.0
        assert ledger.reserve_slots("live/shop", 1, 1.0, 0.0) == pytest.approx(1.0, abs=0.5)


def test_each_limit_has_slots_of_its_own(place: Place) -> None:
    """One tenant's writes do not hold up another's."""
    with place.open() as ledger:
        assert ledger.reserve_slots("live/graph/a/applications", 30, 1.0, 0.0) <= 0.0
        assert ledger.reserve_slots("live/graph/b/applications", 1, 1.0, 0.0) <= 0.0
        assert ledger.reserve_slots("live/graph/a/applications", 1, 1.0, 0.0) > 25.0
