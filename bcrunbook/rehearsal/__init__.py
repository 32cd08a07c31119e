"""The rehearsal cloud: a local stand-in for the services that the runbook talks to.

An HTTP CONNECT proxy on loopback in front of a TLS server that routes by host name under its own
certificate authority. Any unmodified program that honours a proxy and a CA bundle can rehearse
against it, and a host it does not stand in for is refused, so a rehearsal never touches a real
service. This package imports nothing else of `bcrunbook`: what the client misread, the rehearsal
cloud must not misread with it.
"""

from bcrunbook.rehearsal.description import RehearsalDescription
from bcrunbook.rehearsal.launcher import LaunchFailed, launch
from bcrunbook.rehearsal.server import CannotServe, Settings, serve

__all__ = [
    "CannotServe",
    "LaunchFailed",
    "RehearsalDescription",
    "Settings",
    "launch",
    "serve",
]
