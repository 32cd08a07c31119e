"""What the ledger's database refuses or fails at, in plain words.

SQLite is known by its words. PostgreSQL is known by its SQLSTATE codes, except while connecting:
there its library passes on the server's words alone. They may be in the server's language; what is
not recognised is still given in full.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import exc

from bcrunbook.errors import (
    AnswerLost,
    AskAdministrator,
    FixInput,
    ReportBug,
    RunbookError,
    Unreachable,
    WaitAndRetry,
)
from bcrunbook.secrets import scrub

BUSY_SECONDS: Final = 10
"""How long a statement waits for somebody else's lock."""

_URL: Final = "[ledger] url of accounts.toml"
_ROOM: Final = "make room there, then run again"
_DISK: Final = "The disk of the ledger is full or failing; nothing was done without a record."

# What of an address's query says where the database is. The rest may hold what nobody should read.
_WHERE: Final = frozenset({"host", "port", "service"})


class _KnownFault(NamedTuple):
    """An error that has words of its own; without `why`, the database's own are the cause."""

    kind: type[RunbookError]
    what: str
    next: str
    why: str = ""
    who: str = "you"


_LOCKED: Final = _KnownFault(
    WaitAndRetry,
    "Another program keeps the ledger locked.",
    next="end that program (a database browser, a backup, another run), then run again",
    why=f"it did not let go within {BUSY_SECONDS} seconds",
)

# By a word that occurs in SQLite's message.
_SQLITE: Final = {
    r"not a database|malformed": _KnownFault(
        FixInput,
        "The ledger's file is not a database, or is damaged.",
        next=f"restore it from a backup, or name another one in {_URL}",
    ),
    r"unable to open": _KnownFault(
        FixInput,
        "The ledger's file cannot be opened or made.",
        next=f"make the folder, or name another file in {_URL}",
        why="its folder does not exist, or you may not write there",
    ),
    r"readonly": _KnownFault(
        FixInput,
        "The ledger's file cannot be written.",
        next=f"correct its mode, or name another file in {_URL}",
        why="the file, its folder or the disk is read-only for you",
    ),
    r"locked": _LOCKED,
    r"disk is full|disk I/O": _KnownFault(Unreachable, _DISK, next=_ROOM),
}

_ADMINISTRATOR: Final = "whoever administers the database"
_NOT_ALLOWED: Final = _KnownFault(
    AskAdministrator,
    "Your role in the ledger's database may not do what is needed there.",
    next="let the role use the schema, and make tables there if there are none: GRANT USAGE, CREATE"
    " ON SCHEMA public TO ROLE. Where another role has made them: GRANT SELECT, INSERT, UPDATE,"
    " DELETE ON ALL TABLES IN SCHEMA public TO ROLE, and GRANT USAGE ON ALL SEQUENCES IN SCHEMA"
    " public TO ROLE",
    who=_ADMINISTRATOR,
)

# By PostgreSQL's SQLSTATE.
_POSTGRESQL: Final = {
    "42501": _NOT_ALLOWED,
    # No schema in which to make a table: there is none that the role may use.
    "3F000": _NOT_ALLOWED,
    "25006": _KnownFault(
        FixInput,
        "The ledger's database cannot be written.",
        next=f"name the server that takes what is written in {_URL}",
        why="it is a copy that only reads, or was set to read-only",
    ),
    "53100": _KnownFault(Unreachable, _DISK, next=_ROOM, who=_ADMINISTRATOR),
    "55P03": _LOCKED,
    "22P05": _KnownFault(
        FixInput,
        "The ledger's database does not keep every character.",
        next=f"make one with the encoding UTF8, and name it in {_URL}",
    ),
}

# By a word that occurs while connecting to PostgreSQL.
_CONNECTING: Final = {
    r"database system is (?:starting up|shutting down|in recovery mode|not )": _KnownFault(
        WaitAndRetry,
        "The server of the ledger's database is starting or stopping.",
        next="wait a minute, then run again",
    ),
    r"too many (?:clients already|connections for)|connection slots are reserved": _KnownFault(
        WaitAndRetry,
        "The server of the ledger's database takes no further connection.",
        next="end programs and notebooks that use it, or have its limit raised; then run again",
    ),
    r'database ".*" does not exist': _KnownFault(
        FixInput,
        "The ledger's database does not exist.",
        next=f"make it (createdb NAME), or correct the name in {_URL}",
        who="you, or " + _ADMINISTRATOR,
    ),
    r'definition of service|service file "|invalid connection option': _KnownFault(
        FixInput,
        "The address of the ledger's database asks for something that is not known.",
        next=f"correct {_URL}, or the service file that it names",
    ),
    r"authentication failed|no password supplied|no pg_hba.conf entry|role .* does not exist"
    r"|not permitted to log in|permission denied for database": _KnownFault(
        FixInput,
        "The ledger's database refused the login.",
        next=f"check USER in {_URL}, and the password where PostgreSQL's own programs look for it,"
        " too: ~/.pgpass, PGPASSWORD or a service file; never in accounts.toml",
    ),
}


def place_of(url: sa.URL) -> str:
    """Where the ledger is, as a message may tell it: never with a password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    kept = {key: value for key, value in url.query.items() if key in _WHERE}
    return url.set(query=kept).render_as_string()


def was_missing_table(error: exc.DBAPIError) -> bool:
    """Whether a statement failed because a table that it names is not there."""
    return _state(error) == "42P01" or "no such table" in str(error.orig)


def explain(error: exc.StatementError, url: sa.URL, *, writes: bool) -> RunbookError:
    """The error for a person.

    Args:
        error: the database's.
        url: the ledger's address.
        writes: whether something is lost, or done twice, if no answer comes.
    """
    # Only the driver's own words, of which the first line names no row and no parameter.
    reason = scrub(str(error.orig).split("\n")[0], "an error")
    if url.get_backend_name() == "sqlite":
        known = _found(_SQLITE, reason)
    elif isinstance(error, exc.DBAPIError):
        known = _explain_postgresql(error, reason, writes=writes)
    else:
        known = None
    if known is None:
        known = _KnownFault(ReportBug, "The ledger failed in a way nobody expected.", next="")
    return known.kind(
        known.what, where=place_of(url), why=known.why or reason, next=known.next, who=known.who
    )


def _explain_postgresql(error: exc.DBAPIError, reason: str, *, writes: bool) -> _KnownFault | None:
    state = _state(error)
    if state in _POSTGRESQL:
        return _POSTGRESQL[state]
    if error.connection_invalidated:
        return _broken(reason, writes=writes)
    known = _found(_CONNECTING, reason) if error.statement is None else None
    if known is None and isinstance(error, exc.OperationalError):
        return _KnownFault(
            Unreachable,
            "The ledger's database does not answer as it should.",
            next=f"check the address in {_URL}, the network and the server",
        )
    return known


def _broken(reason: str, *, writes: bool) -> _KnownFault:
    if writes:
        return _KnownFault(
            AnswerLost,
            "The connection to the ledger's database broke while something was being noted there.",
            next="run again: each step looks at what is there before it does anything",
            why=f"{reason}; it may have been noted, or not",
        )
    return _KnownFault(
        Unreachable,
        "The connection to the ledger's database broke.",
        next="run again; if it breaks again, see what the server's log says",
    )


def _found(known: dict[str, _KnownFault], reason: str) -> _KnownFault | None:
    return next((one for words, one in known.items() if re.search(words, reason)), None)


def _state(error: exc.DBAPIError) -> Any:
    return getattr(error.orig, "sqlstate", None)
