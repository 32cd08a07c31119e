"""Who holds a lease of the ledger, and whether they are still there."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bcrunbook.errors import WaitAndRetry
from bcrunbook.job_options import job_options
from bcrunbook.person import user_name

STALE_SECONDS: Final = 90.0

# A process that started this much apart from the one that took the lease has only its number.
_START_TOLERANCE_SECONDS: Final = 2.0


def this_process() -> dict[str, Any]:
    """What a lease says of its holder."""
    return {
        "holder": user_name(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "process_started": _started(os.getpid()),
        "machine": _machine(),
    }


def busy(other: Mapping[str, Any], name: str) -> WaitAndRetry:
    """The error for whoever wants what another holds."""
    who = f"{other['holder']}@{other['host']}"
    since = other["since"].strftime("%Y-%m-%d %H:%M:%S UTC")
    return WaitAndRetry(
        f"{who} is at work on {name}: {other['what']}, since {since}.",
        where=f"{name}, process {other['pid']} on {other['host']}",
        why="one at a time may change an account",
        next="wait until that run has ended, or stop it; a run that died is noticed within "
        f"{STALE_SECONDS:.0f} seconds, at once on its own machine",
    )


def is_abandoned(held: Mapping[str, Any], now: datetime) -> bool:
    """Whether the holder is gone: dead on this machine, or silent for too long anywhere."""
    if now - held["heartbeat"] > timedelta(seconds=STALE_SECONDS):
        return True
    if not is_here(held):
        return False
    started = _started(held["pid"])
    return started is None or abs(started - held["process_started"]) > _START_TOLERANCE_SECONDS


def may_be_gone(held: Mapping[str, Any]) -> bool:
    """Whether to see if the holder, on another machine, is still heard of."""
    return job_options().waits_for_lost_holders and not is_here(held)


def is_here(held: Mapping[str, Any]) -> bool:
    """Whether the holder is, or was, a process of this machine."""
    return bool(held["machine"] == _machine())


def _machine() -> str:
    """What tells this machine from all others, also from those of the same name.

    A container is a machine of its own: the numbers of its processes mean nothing elsewhere.
    """
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    return f"{uuid.getnode():012x}"


def _started(pid: int) -> float | None:
    """When a process of this machine started, in seconds since the epoch; None if it is gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.NoSuchProcess:
        return None
