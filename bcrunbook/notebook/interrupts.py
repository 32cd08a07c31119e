"""The stop button: it stops at once whatever waits, in a cell or behind one.

An interrupt reaches Python as a signal. ipykernel (7.4) hands it to the event loop, but does not
wake the loop when all of it sleeps, so that a cell which awaits something stops only when that is
over; and while no cell runs, the kernel ignores interrupts altogether. Here the loop is woken by
every signal, and what goes on behind the cells is stopped by an interrupt too.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import Any, Final

_WOKEN: Final[set[asyncio.AbstractEventLoop]] = set()


def heed_interrupts(stop: Callable[[], None]) -> None:
    """Have interrupts wake the running loop, and call `stop` for those that no cell takes.

    Call it in a cell. Safe to call again.

    Args:
        stop: called in the event loop; stops what goes on behind the cells.
    """
    from IPython.core.getipython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return
    loop = asyncio.get_running_loop()
    # Only a main thread gets signals, and only a Unix loop can be told of them.
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError, AttributeError):
        if loop not in _WOKEN:
            # To have a handler for any signal makes the loop wake for every one.
            loop.add_signal_handler(signal.SIGUSR2, lambda: None)
            _WOKEN.add(loop)

    def heed(*_: Any) -> None:
        loop.call_soon_threadsafe(stop)

    # What the kernel puts back once the cell that runs now has ended.
    kernel.saved_sigint_handler = heed
