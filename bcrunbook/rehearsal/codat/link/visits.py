"""Visits: what a browser that comes back is about, by a token that is good for one step.

The first token goes to Microsoft as `state`, the second into the form in which the customer
chooses a company. A page that is loaded again, or a form that is sent again, starts nothing twice.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.state import GLOBAL

VISIT: Final = "codatLinkVisit"
"""The kind of record; its key is the token."""

SECONDS: Final = 3600


@dataclass(frozen=True)
class Visit:
    """One customer on the way through one connection's link.

    Args:
        company: Codat's id of the company.
        connection: Codat's id of the connection.
        tenant: the directory that the person signed in to; empty before.
        user: the person's object id; empty before.
        client_id: the application that the person signed in to; empty before.
    """

    company: str
    connection: str
    tenant: str = ""
    user: str = ""
    client_id: str = ""


def begin(cloud: RehearsalCloud, visit: Visit) -> str:
    """A new token for a visit."""
    token = secrets.token_urlsafe(24)
    cloud.store.put(VISIT, GLOBAL, token, {"visit": asdict(visit), "at": cloud.clock.now()})
    return token


def find(cloud: RehearsalCloud, token: str) -> Visit | None:
    """The visit that a token is good for."""
    kept = cloud.store.latest(VISIT, GLOBAL, token)
    if kept is None or cloud.clock.now() - kept["at"] > SECONDS:
        return None
    return Visit(**kept["visit"])


def end(cloud: RehearsalCloud, token: str) -> None:
    """The token is used up."""
    cloud.store.put(VISIT, GLOBAL, token, None)
