"""What an event begins, and what then goes on beside the cells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """Begins work in the event loop of the cell that made it, and keeps it until it has ended."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin some work; older kernels deliver the event for it in another thread."""
        self._loop.call_soon_threadsafe(self._begin, work)

    def _begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        # The loop itself holds a task but weakly.
        task = self._loop.create_task(work())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
