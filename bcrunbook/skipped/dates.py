"""Which date it is: our own, or that of a rehearsal whose dates go by its clock.

In a rehearsal of a year whatever bears a date is dated by the clock that its cloud keeps, there and
in every process that works at it. So whatever is noted, shown or compared with a date of a service
asks here. What goes by the machine's own time (leases, tokens as their libraries keep them,
certificates, names of files that nobody reads) does not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from bcrunbook.skipped.timeline import Timeline

_followed: tuple[Timeline, Callable[[], bool]] | None = None


def follow(timeline: Timeline, is_kept: Callable[[], bool]) -> None:
    """From now on dates in this process are those of a rehearsal.

    Args:
        timeline: the rehearsal's.
        is_kept: tells whether its cloud is running still; when it is not, dates are our own.
    """
    global _followed
    _followed = timeline, is_kept


def are_rehearsed() -> bool:
    """Whether dates in this process are a rehearsal's."""
    return _followed is not None and _followed[1]()


def now() -> datetime:
    """Now, in UTC."""
    if _followed is None or not _followed[1]():
        return datetime.fromtimestamp(time.time(), UTC)
    return datetime.fromtimestamp(_followed[0].now(), UTC)
