"""Which date it is: our own, or that of a rehearsal whose dates go by its clock.

In a rehearsal of a year whatever bears a date is dated by the clock that its cloud keeps, there and
in every process that works at it. So whatever is noted, shown or compared with a date of a service
asks here. What goes by the machine's own time (leases, tokens as their libraries keep them,
certificates, names of files that nobody reads) does not.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from bcrunbook.skipped.timeline import Timeline

_followed: Timeline | None = None


def follow(directory: Path | None) -> None:
    """From now on dates in this process are those of a rehearsal, if they go by its clock.

    Args:
        directory: the rehearsal cloud's folder; None where there is none.
    """
    global _followed
    timeline = Timeline(directory) if directory is not None else None
    _followed = timeline if timeline is not None and timeline.is_dated else None


def are_rehearsed() -> bool:
    """Whether dates in this process are a rehearsal's."""
    return _followed is not None


def now() -> datetime:
    """Now, in UTC."""
    seconds = time.time() if _followed is None else _followed.now()
    return datetime.fromtimestamp(seconds, UTC)
