"""The rehearsal cloud: a local stand-in for the services that the runbook talks to.

An HTTP CONNECT proxy on loopback in front of a TLS server that routes by host name under its own
certificate authority. Any unmodified program that honours a proxy and a CA bundle can rehearse
against it, and a host it does not stand in for is refused, so a rehearsal never touches a real
service. This package imports nothing else of `bcrunbook`: what the client misread, the rehearsal
cloud must not misread with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bcrunbook.rehearsal.description import RehearsalDescription
from bcrunbook.rehearsal.environment import environment_of
from bcrunbook.rehearsal.launcher import LaunchFailed, launch
from bcrunbook.rehearsal.server import CannotServe, Settings, serve

if TYPE_CHECKING:
    from bcrunbook.rehearsal.pytest_fixture import rehearsal_cloud

__all__ = [
    "CannotServe",
    "LaunchFailed",
    "RehearsalDescription",
    "Settings",
    "environment_of",
    "launch",
    "rehearsal_cloud",
    "serve",
]


def __getattr__(name: str) -> Any:
    # Only when asked for: it needs pytest, which whoever only serves does not have.
    if name != "rehearsal_cloud":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bcrunbook.rehearsal.pytest_fixture import rehearsal_cloud

    return rehearsal_cloud
