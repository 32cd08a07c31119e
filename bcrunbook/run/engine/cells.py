"""A notebook's cells: in this process, or in one that is made for them.

The processes are forked from one that has read what cells need (`preload`), on platforms that can
fork; elsewhere each is started anew. Neither shares anything with the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Protocol

from bcrunbook.job_options import JobOptions, doing_job, job_options
from bcrunbook.run.engine.processes import process_for, processes
from bcrunbook.secrets import tell_at_once
from bcrunbook.skipped.waiting import resting

if TYPE_CHECKING:
    from bcrunbook.run.engine.shell import Message

Started = Callable[[Any], None]


class CellsDied(Exception):
    """The process with the cells has ended before they had."""


class CellTookTooLong(Exception):
    """A cell has not ended in time."""


class Cells(Protocol):
    """Where a notebook's cells run."""

    def run(self, source: str, seconds: float | None) -> list[Message]:
        """Run one cell.

        Args:
            source: its source.
            seconds: how long it may take; None for as long as it takes.

        Returns:
            What a kernel would send about it.
        """


class _Here:
    """In this process, in one event loop for all of them, as in a kernel."""

    def __init__(self, runner: asyncio.Runner) -> None:
        # IPython is for who runs cells, and not for who has them run elsewhere.
        from bcrunbook.run.engine.shell import fresh_shell

        self._runner = runner
        self._shell = fresh_shell()

    def run(self, source: str, seconds: float | None) -> list[Message]:
        async def in_time() -> list[Message]:
            async with asyncio.timeout(seconds):
                return await self._shell.run(source)

        try:
            return self._runner.run(in_time())
        except TimeoutError:
            raise CellTookTooLong from None


class _There:
    """In another process."""

    def __init__(self, wire: Connection) -> None:
        self._wire = wire
        self._is_there = False

    def run(self, source: str, seconds: float | None) -> list[Message]:
        try:
            if not self._is_there:
                self._wire.recv()
                self._is_there = True
            self._wire.send(source)
            with resting(self._wire):
                is_done = self._wire.poll(seconds)
            if not is_done:
                raise CellTookTooLong
            messages: list[Message] = self._wire.recv()
        except (EOFError, OSError):
            raise CellsDied from None
        return messages


@contextmanager
def cells_here() -> Iterator[Cells]:
    """Run cells in this process, which has to be one of their own."""
    with asyncio.Runner() as runner:
        yield _Here(runner)


@contextmanager
def cells_there(started: Started) -> Iterator[Cells]:
    """Run cells in a process made for them, which ends with this block.

    Args:
        started: called with the process once it has started.
    """
    ours, theirs = processes().Pipe()
    process = process_for(_serve, theirs, job_options())
    with ours:
        with theirs:
            process.start()
        started(process)
        try:
            yield _There(ours)
        finally:
            process.kill()
            process.join()
            process.close()


def _serve(wire: Connection, options: JobOptions) -> None:
    """Run what comes, until nobody is there any more."""
    alone()
    tell_at_once(sys.__stderr__)
    with (
        doing_job(options),
        cells_here() as cells,
        contextlib.suppress(EOFError, OSError),
    ):
        wire.send("here")
        while True:
            with resting(wire):
                wire.poll(None)
            wire.send(cells.run(wire.recv(), None))


def alone() -> None:
    """Take this process out of the terminal's reach: who made it decides when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def end_with(wire: Connection) -> None:
    """End this process, however busy it is, once nobody holds the other end of `wire`."""

    def watch() -> None:
        with contextlib.suppress(EOFError, OSError):
            wire.recv_bytes()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
