"""Processes that can be killed at any instant, all in this one.

A process reaches the world through doors: requests, the ledger, files. Each passage is counted, and
a kill comes at one of them; or at a step, which is the least that a process does: it goes on after
an await, or asks the file system for one thing. From that instant on its doors are closed. Its
coroutines still unwind, as Python has it, but nothing of what stands in their `finally` gets out.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from unittest import mock

import httpx

from bcrunbook.http.network import Network
from bcrunbook.ledger import holder, tables
from bcrunbook.ledger.lease import Leases
from bcrunbook.ledger.rows import Rows
from tests.simulation.standin import StandIn
from tests.simulation.timeline import Loop, ahead, clocks_differ

_FIRST_PID: Final = 1000
_OF_FILES: Final = ("open", "replace", "unlink", "mkdir", "fsync", "chmod")
"""What the file system is asked for when files are written and removed."""

_T = TypeVar("_T")


class Killed(BaseException):
    """The process is gone: nothing may go on in it."""


class Died(Exception):
    """A process was killed before it had come to its end."""


@dataclass
class Machine:
    """A machine.

    Args:
        name: its name.
        ahead: how far its clock is ahead of the ledger's, in seconds.
        processes: its processes, by their numbers.
    """

    name: str = "machine"
    ahead: float = 0.0
    processes: dict[int, Process] = field(default_factory=dict)

    def start(
        self,
        name: str,
        *,
        dies_at: int | None = None,
        dies_at_step: int | None = None,
        parent: Process | None = None,
    ) -> Process:
        """A new process.

        Args:
            name: what it is.
            dies_at: at which passage through a door it is killed; None for never.
            dies_at_step: the same for steps.
            parent: the process that it ends with.
        """
        pid = _FIRST_PID + len(self.processes)
        made = Process(self, name, pid, dies_at, dies_at_step)
        self.processes[pid] = made
        if parent is not None:
            parent.children.append(made)
        return made


@dataclass(eq=False)
class Process:
    """One process.

    Args:
        machine: where it runs.
        name: what it is.
        pid: its number.
        dies_at: at which passage through a door it is killed; None for never.
        dies_at_step: the same for steps.
    """

    machine: Machine
    name: str
    pid: int
    dies_at: int | None
    dies_at_step: int | None = None
    is_alive: bool = True
    passed: int = 0
    stepped: int = 0
    children: list[Process] = field(default_factory=list)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def door(self) -> None:
        """Pass through to the world, or die trying.

        Raises:
            Killed: the process is gone.
        """
        if self.is_alive:
            self.passed += 1
            if self.passed == self.dies_at:
                self.kill()
        if not self.is_alive:
            raise Killed

    def step(self) -> None:
        """Go one step further, or die trying.

        Raises:
            Killed: the process is gone.
        """
        if self.is_alive:
            self.stepped += 1
            if self.stepped == self.dies_at_step:
                self.kill()
        if not self.is_alive:
            raise Killed

    def kill(self) -> None:
        """End it, and all that end with it, at this instant."""
        self._end()
        for task in self.tasks:
            task.cancel()

    def _end(self) -> None:
        self.is_alive = False
        for child in self.children:
            if child.is_alive:
                child.kill()

    async def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do some work in it, to its end.

        Raises:
            Died: it was killed before.
        """
        context = contextvars.copy_context()
        context.run(_current.set, self)
        context.run(ahead.set, self.machine.ahead)
        main = asyncio.get_running_loop().create_task(work, context=context)
        try:
            await asyncio.wait({main})
            was_killed = not self.is_alive
        finally:
            self.kill()
        while left := {one for one in self.tasks if not one.done()}:
            await asyncio.wait(left)
        if was_killed or main.cancelled():
            with contextlib.suppress(BaseException):
                main.exception()
            raise Died(self.name)
        return main.result()


_current: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


def current() -> Process:
    """The process in which this is done."""
    process = _current.get()
    assert process is not None, "outside of any process"
    return process


def _through(door_of: Callable[[], Process | None], act: Callable[..., Any]) -> Callable[..., Any]:
    def passing(*args: Any, **kwargs: Any) -> Any:
        process = door_of()
        if process is None:
            return act(*args, **kwargs)
        process.door()
        result = act(*args, **kwargs)
        process.door()
        return result

    return passing


def _stepping(act: Callable[..., Any]) -> Callable[..., Any]:
    def stepping(*args: Any, **kwargs: Any) -> Any:
        process = _current.get()
        if process is not None:
            process.step()
        return act(*args, **kwargs)

    return stepping


class _Way(httpx.AsyncBaseTransport):
    """A process's way to the rehearsal cloud."""

    def __init__(self, process: Process, cloud: StandIn) -> None:
        self._process = process
        self._cloud = cloud

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._process.door()
        response = await self._cloud.send(request)
        self._process.door()
        return response


class _StepByStep(Coroutine[Any, Any, _T]):
    """What a task does, where its process may die after any await."""

    def __init__(self, work: Coroutine[Any, Any, _T], process: Process) -> None:
        self._work = work
        self._process = process

    def send(self, value: Any) -> Any:
        """Go on, if the process lives."""
        try:
            self._process.step()
        except Killed as killed:
            return self._work.throw(killed)
        return self._work.send(value)

    def throw(self, *error: Any) -> Any:
        """Have it unwind."""
        return self._work.throw(*error)

    def close(self) -> None:
        """End it."""
        self._work.close()

    def __await__(self) -> Generator[Any, Any, _T]:
        return self._work.__await__()


def _tasks_of_processes(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    context = options.get("context")
    process = context.get(_current) if context is not None else _current.get()
    if process is not None and process.dies_at_step and process.is_alive:
        work = _StepByStep(work, process)
    task = asyncio.Task(work, loop=loop, **options)
    if process is not None:
        process.tasks.add(task)
        task.add_done_callback(process.tasks.discard)
    return task


@contextmanager
def doors(
    loop: Loop, cloud: StandIn, machines: Sequence[Machine], broke: list[str]
) -> Iterator[None]:
    """Meanwhile whatever is done in a process goes through its doors.

    Args:
        loop: the event loop.
        cloud: where requests go.
        machines: where processes run.
        broke: takes what may not happen.
    """
    in_thread = asyncio.to_thread

    async def to_thread(func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        # A thread's work lies between two passages, and whatever it asks of the disk is a step.
        return await in_thread(_through(_current.get, func), *args, **kwargs)

    def transport(network: Network) -> httpx.AsyncBaseTransport:
        return _Way(current(), cloud)

    def this_process() -> dict[str, Any]:
        return {
            "holder": "sim",
            "host": current().machine.name,
            "pid": current().pid,
            "process_started": float(current().pid),
            "machine": current().machine.name,
        }

    def started(pid: int) -> float | None:
        return float(pid) if current().machine.processes[pid].is_alive else None

    def machine_name() -> str:
        return current().machine.name

    judge = holder.is_abandoned

    def is_abandoned(held: Mapping[str, Any], now: datetime) -> bool:
        said = judge(held, now)
        by = next(one for one in machines if one.name == held["host"]).processes[held["pid"]]
        if said and by.is_alive:
            broke.append(f"the lease on {held['name']} was taken from {by.name}, which is alive")
        return said

    def by_the_ledgers(act: Callable[..., Any]) -> Callable[..., Any]:
        def asking(*args: Any, **kwargs: Any) -> Any:
            if not ahead.get():
                return act(*args, **kwargs)
            with loop.clock_ahead(0.0):
                return act(*args, **kwargs)

        return asking

    def clock_ahead(engine: Any) -> float:
        return -ahead.get()

    loop.set_task_factory(_tasks_of_processes)  # type: ignore[arg-type]
    with contextlib.ExitStack() as stack:
        for owner, name in ((Rows, "_write"), (Rows, "_read"), (Leases, "reserve_slots")):
            act = by_the_ledgers(getattr(owner, name))
            stack.enter_context(mock.patch.object(owner, name, _through(_current.get, act)))
        for name in _OF_FILES:
            stack.enter_context(mock.patch.object(os, name, _stepping(getattr(os, name))))
        stack.enter_context(mock.patch.object(Network, "transport", transport))
        stack.enter_context(mock.patch("asyncio.to_thread", to_thread))
        stack.enter_context(mock.patch.object(holder, "this_process", this_process))
        stack.enter_context(mock.patch.object(holder, "_started", started))
        stack.enter_context(mock.patch.object(holder, "_machine", machine_name))
        abandoned = mock.patch.object(holder, "is_abandoned", is_abandoned)
        stack.enter_context(abandoned)
        stack.enter_context(mock.patch.object(tables, "clock_ahead", clock_ahead))
        stack.enter_context(clocks_differ(loop))
        yield
    loop.set_task_factory(None)
