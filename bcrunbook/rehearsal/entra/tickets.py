"""Tickets: who has just signed in on a page, for the next page of the same visit.

They live in memory only and for minutes: a page left open over a restart starts anew. What a page
offers, to sign in as somebody, is a ticket too, which nothing is kept of.
"""

from __future__ import annotations

import hmac
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


_KEY: Final = secrets.token_bytes(32)
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


def offer(user: world.User) -> str:
    """A ticket with which whoever sees the page may sign in as a person, until the restart."""
    text = f"{user.tenant}/{user.upn}"
    return f"{text}/{hmac.digest(_KEY, text.encode(), 'sha256').hex()}"


def holder(key: str) -> world.User | None:
    """Whose ticket it is; each that was issued is good once."""
    if key.count("/") == 2:
        tenant, upn, _ = key.split("/")
        user = world.find_user(tenant, upn) if tenant in world.TENANTS else None
        is_ours = user is not None and hmac.compare_digest(offer(user).encode(), key.encode())
        return user if is_ours else None
    ticket = _tickets.pop(key, None)
    return ticket.user if ticket and ticket.until >= time.monotonic() else None
