"""How this platform makes a process that has read what cells need. Reads nothing of that itself."""

from __future__ import annotations

import multiprocessing
import signal
from functools import cache
from multiprocessing import forkserver, resource_tracker
from typing import Any, Final

# By name: a process that only makes others need not read it.
_PRELOAD: Final = "bcrunbook.run.engine.preload"


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
        # Starting this one as well would unblock what is blocked below.
        resource_tracker.ensure_running()
        # Ctrl-C reaches everybody at the terminal; while the server reads, it would end it with a
        # traceback. What is blocked here is so in the new process from its first instant.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
