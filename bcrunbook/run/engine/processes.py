"""How this platform makes a process that has read what cells need. Reads nothing of that itself."""

from __future__ import annotations

import multiprocessing
from functools import cache
from multiprocessing import forkserver
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
        forkserver.ensure_running()
