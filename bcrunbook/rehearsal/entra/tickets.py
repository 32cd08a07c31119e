"""Tickets: who has just signed in on a page, for the next page of the same visit.

They live in memory only and for minutes: a page left open over a restart starts anew.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Final

from bcrunbook.rehearsal import world

SECONDS: Final = 900


@dataclass(frozen=True)
class Ticket:
    """A person, and until when the ticket is good."""

    user: world.User
    until: float


_tickets: dict[str, Ticket] = {}


def issue(user: world.User) -> str:
    """A new ticket for a person who has signed in."""
    now = time.monotonic()
    for key, ticket in list(_tickets.items()):
        if ticket.until < now:
            del _tickets[key]
    key = secrets.token_urlsafe(24)
    _tickets[key] = Ticket(user, now + SECONDS)
    return key


def holder(key: str) -> world.User | None:
    """Whose ticket it is; each ticket is good once."""
    ticket = _tickets.pop(key, None)
    return ticket.user if ticket and ticket.until >= time.monotonic() else None
