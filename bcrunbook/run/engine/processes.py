"""How this platform makes a process that has read what cells need. Reads nothing of that itself."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Any, Final

from bcrunbook.skipped.waiting import join_clocks, known_clocks

_SAFE_PATH: Final = "PYTHONSAFEPATH"
# By name: a process that only makes others need not read it.
_PRELOAD: Final = "bcrunbook.run.engine.preload"


def process_for(work: Callable[..., None], *arguments: Any) -> Any:
    """A process, not started yet, that has read what cells need, and ends with this one.

    What it is forked from keeps the environment of its own beginning, so this process's is handed
    over: a proxy may have been set since. At the clocks of rehearsals that this process is known at
    it is known from its beginning.

    Args:
        work: what it does.
        arguments: of `work`.
    """
    prepare()
    given = [dict(os.environ), known_clocks(), work, arguments]
    return processes().Process(target=_in_environment, args=given, daemon=True)


def _in_environment(
    environment: dict[str, str],
    clocks: list[tuple[Path, int, float]],
    work: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    if environment != dict(os.environ):
        os.environ.clear()
        os.environ.update(environment)
    join_clocks(clocks)
    work(*arguments)


@cache
def processes() -> Any:
    """How this platform makes a process that has read what cells need."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([_PRELOAD])
    return made


def prepare() -> None:
    """Have what processes are forked from read what they need, while something else is done."""
    if processes().get_start_method() == "forkserver":
        with _safe_path():
            _start_fork_server()


def _start_fork_server() -> None:
    # Starting this one as well would unblock what is blocked below.
    resource_tracker.ensure_running()
    # Ctrl-C reaches everybody at the terminal; while the server reads, it would end it with a
    # traceback. What is blocked here is so in the new process from its first instant.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _safe_path() -> Iterator[None]:
    """What is begun in the block reads no module from the folder that this process is in.

    Processes that hold secrets are forked from it, and a workspace may have any file in it.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before
