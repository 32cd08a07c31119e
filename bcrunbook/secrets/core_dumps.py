"""No core dump of a process that holds secrets: it would write all of its memory into a file."""

from __future__ import annotations

import contextlib
import sys


def leave_no_core_dump() -> None:
    """Have this process, and those that it starts, leave no core dump when they crash.

    Who wants one can raise the limit again: it is the soft one. Windows leaves none by itself.
    """
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
