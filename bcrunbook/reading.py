"""Reading many modules at once, without a pause for each few hundred of what they make."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reading() -> Iterator[None]:
    """Read modules in this block, which has to be one that is gone through once.

    Modules, classes and functions stay to the end. So the collector neither looks through them for
    what could go while they come about, nor afterwards, nor at the end of the process.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
