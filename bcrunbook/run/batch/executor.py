"""Where the work of a batch is done: what the coordinator asks of such a place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bcrunbook.run.batch.worker import Job, WorkerMessage

Tell = Callable[[WorkerMessage], None]


class WorkerDied(Exception):
    """Whatever did a job has ended before the job had.

    Args:
        times: how often that happened.
    """

    def __init__(self, times: int = 1) -> None:
        super().__init__(times)
        self.times = times


class Executor(Protocol):
    """Where jobs are done."""

    @property
    def slots(self) -> int:
        """How many jobs at a time suit it."""

    async def do(self, job: Job, tell: Tell) -> None:
        """Do one job.

        Args:
            job: what to do.
            tell: called with what is told about it, in order.

        Raises:
            WorkerDied: whatever did it is gone; doing it again is safe.
            RunbookError: nothing can be done here any more.
        """
