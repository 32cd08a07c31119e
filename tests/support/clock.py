"""Time in a rehearsal cloud: a test lets it pass instead of waiting for it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bcrunbook.cloud import rehearsal_cloud
from bcrunbook.core.pace import Pace
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.skipped.waiting import clock_at, resting

SPREAD = 60.0
"""Seconds after which whatever was written shows everywhere, in any of the profiles of lags; but
for the consumer side of an application, which takes minutes in `usual`."""


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
    if cloud.clock is None:
        return
    clock = clock_at(Path(cloud.directory), cloud.clock, cloud.speed)

    def wait() -> None:
        asyncio.run(clock.sleep(seconds))

    thread = threading.Thread(target=wait)
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
