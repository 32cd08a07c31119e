"""Sessions: who is signed in with which browser, and the instance they have chosen.

They are kept with the state, so a restart of the server signs nobody out. A browser that has not
signed in yet has a session too, because the sign-in form needs its form token like every other;
signing in starts a new one, so that a token planted before is worth nothing after.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.messages import Call
from bcrunbook.rehearsal.state import GLOBAL

SESSION: Final = "portalSession"
"""The kind of record; its key is the token in the cookie."""

SECONDS: Final = 12 * 3600
PATH: Final = f"/{world.PORTAL_HOST}"
"""Below which path of the pages server the portal lies."""


@dataclass(frozen=True)
class Session:
    """One browser's session.

    Args:
        token: what the cookie holds.
        form_token: what every form of the session carries, against posts from other sites.
        started: when, in seconds since the epoch.
        email: who is signed in; empty before.
        instance: the id of the chosen instance; empty before.
        notice: what the next view of a page has to say once; empty mostly.
    """

    token: str
    form_token: str
    started: float
    email: str = ""
    instance: str = ""
    notice: dict[str, Any] = field(default_factory=dict)


def find(cloud: RehearsalCloud, call: Call) -> Session | None:
    """The session of the cookie that came with a request, unless it has ended."""
    token = _cookies(call).get(_cookie_name(cloud), "")
    document = cloud.store.latest(SESSION, GLOBAL, token) if token else None
    if document is None or _has_ended(cloud, document["started"]):
        return None
    session = Session(token=token, **document)
    if not session.email:
        return session
    # A later version of this package may know other people.
    user = world.PORTAL_USERS.get(session.email)
    return session if user and user.role_in(session.instance) else None


def start(cloud: RehearsalCloud, user: world.PortalUser | None = None) -> Session:
    """A new session, for somebody who has signed in or for a browser that has yet to."""
    for key, document in cloud.store.all_latest(SESSION, GLOBAL):
        if _has_ended(cloud, document["started"]):
            cloud.store.put(SESSION, GLOBAL, key, None)
    session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), cloud.clock.now())
    if user is not None:
        cloud.canaries.add(session.token)
        session = replace(session, email=user.email, instance=user.roles[0][0])
    keep(cloud, session)
    return session


def keep(cloud: RehearsalCloud, session: Session) -> None:
    """Write a session down."""
    document = asdict(session)
    del document["token"]
    cloud.store.put(SESSION, GLOBAL, session.token, document)


def end(cloud: RehearsalCloud, session: Session) -> None:
    """Forget a session; its cookie opens nothing any more."""
    cloud.store.put(SESSION, GLOBAL, session.token, None)


def cookie(cloud: RehearsalCloud, session: Session) -> dict[str, str]:
    """The header that gives a browser its session."""
    value = f"{_cookie_name(cloud)}={session.token}; Path={PATH}; HttpOnly; SameSite=Lax"
    return {"Set-Cookie": value}


def is_from_form(session: Session, fields: dict[str, str]) -> bool:
    """Whether posted fields carry the session's own form token."""
    given = fields.get("form_token", "").encode()
    return secrets.compare_digest(given, session.form_token.encode())


def _has_ended(cloud: RehearsalCloud, started: float) -> bool:
    return cloud.clock.now() - started > SECONDS


def _cookie_name(cloud: RehearsalCloud) -> str:
    """Browsers keep the cookies of all ports together; each server's are its own."""
    return f"portal-{cloud.pages.rpartition(':')[2]}"


def _cookies(call: Call) -> dict[str, str]:
    """By hand: http.cookies gives up on all of them when another program's is unusual."""
    pairs = (pair.partition("=") for pair in call.header("cookie").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}
