"""The processes of a batch on this machine: one for each item, several at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection

from bcrunbook.run.batch.executor import OnMessage, WorkerDied
from bcrunbook.run.batch.worker import Job, WorkerMessage, work
from bcrunbook.run.engine.processes import process_for, processes
from bcrunbook.skipped.waiting import resting


class Processes:
    """Does each job in a process of its own on this machine, which ends with the job."""

    # They wait for services most of the time; each takes some 40 MiB of its own.
    slots = min(8 * (os.cpu_count() or 1), 32)

    async def do(self, job: Job, on_message: OnMessage) -> None:
        """See `Executor`."""
        ours, theirs = processes().Pipe()
        process = process_for(work, theirs, job)
        with ours:
            with theirs:
                await asyncio.to_thread(process.start)
            try:
                take: Callable[[], WorkerMessage] = ours.recv
                while True:
                    message = await asyncio.to_thread(take)
                    # By its first message it is known at the clock of a rehearsal.
                    take = partial(_next, ours)
                    if message.kind == "over":
                        return
                    on_message(message)
            except (EOFError, OSError):
                raise WorkerDied from None
            finally:
                # Safe at every instant; and whoever waits in a thread for it comes back by that.
                process.kill()
                await asyncio.shield(asyncio.to_thread(process.join))


def _next(wire: Connection) -> WorkerMessage:
    with resting(wire):
        wire.poll(None)
    message: WorkerMessage = wire.recv()
    return message
