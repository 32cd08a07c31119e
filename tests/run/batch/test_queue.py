"""The order in which items begin: whatever they wait for, and whoever's turn it is."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from bcrunbook.run.batch.queue import Queue
from bcrunbook.run.batch.selection import WorkItem

# Each item: its tenant, and the items before it that it waits for.
PLANS = st.lists(
    st.tuples(st.integers(0, 3), st.sets(st.integers(0, 11), max_size=2)), min_size=1, max_size=12
)


@given(PLANS, st.integers(1, 5), st.randoms(use_true_random=False))
def test_each_once_and_after_what_it_waits_for(plans, lanes, random) -> None:  # type: ignore[no-untyped-def]
    """Whatever ends first, with whatever many lanes."""
    items = [WorkItem(f"i{index}", tenant=f"t{tenant}") for index, (tenant, _) in enumerate(plans)]
    first = {
        f"i{index}": [f"i{one}" for one in before if one < index]
        for index, (_, before) in enumerate(plans)
    }
    began: list[str] = []
    ended: list[str] = []

    async def lane(queue: Queue) -> None:
        while (item := await queue.take()) is not None:
            assert set(first[item.who]) <= set(ended)
            began.append(item.who)
            for _ in range(random.randint(0, 3)):
                await asyncio.sleep(0)
            ended.append(item.who)
            queue.ended(item)

    async def everything() -> bool:
        queue = Queue(items, first)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            for _ in range(lanes):
                group.create_task(lane(queue))
        return queue.is_empty

    assert asyncio.run(everything())
    assert sorted(began) == sorted(one.who for one in items) == sorted(ended)


async def test_no_tenant_holds_the_others_up() -> None:
    """With two at a time, ten of one tenant leave room for the other's at once."""
    slow = [WorkItem(f"slow{index}", tenant="slow") for index in range(10)]
    quick = [WorkItem(f"quick{index}", tenant="quick") for index in range(3)]
    queue = Queue([*slow, *quick], {})
    taken = [await queue.take() for _ in range(2)]
    assert [one.tenant for one in taken if one] == ["slow", "quick"]
    for _ in range(2):
        queue.ended(quick[0])
        again = await queue.take()
        assert again is not None and again.tenant == "quick"


async def test_who_is_not_in_the_batch_is_not_waited_for() -> None:
    """A production account whose trial is not among the items."""
    queue = Queue([WorkItem("prod")], {"prod": ["trial"]})
    taken = await queue.take()
    assert taken == WorkItem("prod") and not queue.is_empty
    queue.ended(taken)
    assert queue.is_empty and await queue.take() is None
