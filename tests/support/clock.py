"""Time in a rehearsal cloud: a test lets it pass instead of waiting for it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bcrunbook.cloud import rehearsal_cloud
from bcrunbook.core.pace import Pace
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.skipped.waiting import SkippedClock, clock_at, known_clocks, resting

SPREAD = 60.0
"""Seconds after which whatever was written shows everywhere, in any of the profiles of lags; but
for the consumer side of an application, which takes minutes in `usual`."""

_MOMENT = 0.01
_LONGEST_AT_ANOTHER = 0.25
"""Real seconds: somebody may be at work at the clock of a cloud that a test is not about."""


def pace_of(cloud: RehearsalDescription) -> Pace:
    """The pace at which a rehearsal cloud is waited for."""
    return rehearsal_cloud(Path(cloud.directory)).pace


def pass_time(cloud: RehearsalDescription, seconds: float = SPREAD) -> None:
    """Let time pass, in a test or in the thread of one.

    Nobody else may be at work, as in all that waits: else it takes as long as it says. Where no
    time is skipped, none passes.

    Args:
        cloud: the rehearsal cloud.
        seconds: of its time.
    """
    if cloud.clock is not None:
        _wait([clock_at(Path(cloud.directory), cloud.clock, cloud.speed)], seconds)


def pass_time_between_looks(seconds: float) -> None:
    """Let time pass likewise in every rehearsal cloud whose clock this process is known at.

    Where it is known at none, a moment of our time passes: there the cloud's is fast.

    Args:
        seconds: of their time.
    """
    known = [clock_at(*one) for one in known_clocks()]
    if known:
        _wait(known, seconds, longest=_LONGEST_AT_ANOTHER)
    else:
        time.sleep(_MOMENT)


def _wait(clocks: Sequence[SkippedClock], seconds: float, *, longest: float | None = None) -> None:
    async def sleep() -> None:
        waits = [asyncio.ensure_future(one.sleep(seconds)) for one in clocks]
        _, left = await asyncio.wait(waits, timeout=longest)
        for one in left:
            one.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(sleep()))
    with resting():
        thread.start()
        thread.join()


@contextmanager
def held(cloud: RehearsalDescription) -> Iterator[None]:
    """Somebody who is known at the clock is at work in the block, so that no time is skipped.

    Args:
        cloud: a rehearsal cloud that skips time.
    """
    assert cloud.clock is not None
    with socket.create_connection(("127.0.0.1", cloud.clock)):
        yield
