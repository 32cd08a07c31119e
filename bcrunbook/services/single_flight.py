"""One answer for many who ask the same: a thousand waits need not be a thousand requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bcrunbook.core.pace import Pace
from bcrunbook.errors import RunbookError

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Asks once for all who want to know within a while.

    Args:
        pace: the cloud's.
        ask: what is asked.
        fresh: how long an answer, or a refusal, is good, in seconds of the cloud's time.
    """

    def __init__(self, pace: Pace, ask: Callable[[], Awaitable[T]], fresh: float) -> None:
        self._pace = pace
        self._ask = ask
        self._fresh = fresh
        self._one_at_a_time = asyncio.Lock()
        self._asked: float | None = None
        self._answer: T | RunbookError

    async def get(self) -> T:
        """The answer; who comes while it is being asked for waits for the same.

        Raises:
            RunbookError: what asking raised, also for those who share it.
        """
        async with self._one_at_a_time:
            if self._asked is None or self._pace.now() - self._asked > self._fresh:
                asked = self._pace.now()
                try:
                    self._answer = await self._ask()
                except RunbookError as error:
                    self._answer = error
                self._asked = asked
            if isinstance(self._answer, RunbookError):
                raise self._answer.with_traceback(None)
            return self._answer
