"""Who comes next: nobody before those they wait for, and no tenant before the others."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from bcrunbook.run.batch.selection import WorkItem


class Queue:
    """Items in the order in which they may begin.

    Of those that may, the tenant with the fewest at work comes first, so that one whose service is
    slow does not hold the others up; within a tenant it is the order given.

    Args:
        items: the items.
        first: of each, whose end it waits for; who is not among the items is not waited for.
    """

    def __init__(self, items: Sequence[WorkItem], first: Mapping[str, Sequence[str]]) -> None:
        open_ = {item.who for item in items}
        self._waiting: dict[str, set[str]] = {}
        self._followers: dict[str, list[WorkItem]] = {}
        self._ready: dict[str, deque[WorkItem]] = {}
        self._at_work: Counter[str] = Counter()
        self._left = len(items)
        self._parked = 0
        self._is_closed = False
        self._changed = asyncio.Event()
        for item in items:
            before = {one for one in first.get(item.who, ()) if one in open_ and one != item.who}
            if not before:
                self._add(item)
                continue
            self._waiting[item.who] = before
            for one in before:
                self._followers.setdefault(one, []).append(item)

    @property
    def is_empty(self) -> bool:
        """Whether every item has ended."""
        return self._left == 0

    @property
    def is_closed(self) -> bool:
        """Whether nothing is handed out any more."""
        return self._is_closed

    async def take(self) -> WorkItem | None:
        """The next item, once there is one; None when there will be none any more."""
        while not self._ready or self._is_closed:
            if self._is_closed or not (self._at_work.total() or self._parked):
                return None
            self._changed.clear()
            await self._changed.wait()
        tenant = min(self._ready, key=lambda one: self._at_work[one])
        items = self._ready.pop(tenant)
        item = items.popleft()
        if items:
            self._ready[tenant] = items  # behind the tenants that have as few
        self._at_work[tenant] += 1
        return item

    def ended(self, item: WorkItem) -> None:
        """An item that was taken has ended."""
        self._at_work[item.tenant] -= 1
        self._left -= 1
        for one in self._followers.pop(item.who, []):
            before = self._waiting[one.who]
            before.discard(item.who)
            if not before:
                del self._waiting[one.who]
                self._add(one)
        self._changed.set()

    def park(self, item: WorkItem) -> None:
        """An item that was taken waits for something, and is not at work meanwhile."""
        self._at_work[item.tenant] -= 1
        self._parked += 1
        self._changed.set()

    def unpark(self, item: WorkItem) -> None:
        """An item that was parked may be taken again, before all others of its tenant."""
        self._parked -= 1
        self._ready.setdefault(item.tenant, deque()).appendleft(item)
        self._changed.set()

    def close(self) -> None:
        """Nothing is handed out any more."""
        self._is_closed = True
        self._changed.set()

    def _add(self, item: WorkItem) -> None:
        self._ready.setdefault(item.tenant, deque()).append(item)
