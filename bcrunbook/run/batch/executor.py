"""Where the work of a batch is done: what the coordinator asks of whatever does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bcrunbook.run.batch.worker import Job, WorkerMessage

OnMessage = Callable[[WorkerMessage], None]
"""Called with what a job reports, in order."""


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

    async def do(self, job: Job, on_message: OnMessage) -> None:
        """Do one job.

        Args:
            job: what to do.
            on_message: called with what it reports.

        Raises:
            WorkerDied: whatever did it is gone; doing it again is safe.
            RunbookError: nothing can be done here any more.
        """
