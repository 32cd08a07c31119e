"""The ledger's database, opened once for a world: to connect takes longer than to ask."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import sqlalchemy as sa

from bcrunbook.ledger import tables
from bcrunbook.ledger.rows import Rows


def _begin(connection: sa.Connection) -> None:
    """Begin a transaction as the ledger does, without SQLAlchemy's way to a statement."""
    raw = connection.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.execute("BEGIN IMMEDIATE")


@contextmanager
def one_connection() -> Iterator[None]:
    """Meanwhile ledgers that are closed leave their connection to the next; at the end it goes."""
    used: set[sa.Engine] = set()

    def close(ledger: Rows) -> None:
        used.add(ledger._engine)

    try:
        with (
            mock.patch.object(Rows, "close", close),
            mock.patch.object(tables, "_begin_to_write", _begin),
            # The scene's is of the newest revision.
            mock.patch.object(tables, "migrate"),
        ):
            yield
    finally:
        for engine in used:
            engine.dispose()
