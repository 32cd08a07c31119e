"""Empty databases for a ledger, SQLite's and PostgreSQL's, and another program's view of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from bcrunbook.accounts import Identity
from bcrunbook.ledger import tables
from bcrunbook.ledger.store import Ledger, open_ledger
from tests.support.postgres import no_postgres_settings, postgres_server

# Fixtures of another module, for whoever asks for them by name.
__all__ = ["no_postgres_settings", "postgres_server"]

SQLITE = "sqlite:///ledger.db"

TRIAL = Identity("trial", "live", "trial.onmicrosoft.com", "codat test")
LIVE = Identity("live", "live", "live.onmicrosoft.com", "codat live")
"""Two accounts that facts are about."""

PRELUDE = f"from bcrunbook.accounts import Identity\nTRIAL = {TRIAL!r}\n"
"""The first lines of a program that notes something of the first of them."""


@dataclass(frozen=True)
class Place:
    """An empty database for a ledger, and another program's view of it."""

    url: str
    root: Path

    def open(self) -> Ledger:
        """Open the ledger that is there."""
        return open_ledger(self.url, self.root)

    def build(self, revision: str) -> None:
        """Make the ledger as the version that ended at this revision left it."""
        engine = tables.connect(self.url, self.root)
        with tables.migrating(engine) as connection:
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", "bcrunbook.ledger:migrations")
            command.upgrade(config, revision)
        engine.dispose()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What another program reads."""
        with self.connection() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def change(self, statement: str, **values: object) -> None:
        """Change something as another program would."""
        with self.connection() as connection:
            connection.execute(sa.text(statement), values)

    def connection(self) -> AbstractContextManager[sa.Connection]:
        """A connection that owes nothing to the ledger's own."""
        url = f"sqlite:///{self.root / 'ledger.db'}" if self.url == SQLITE else self.url
        return sa.create_engine(url, poolclass=sa.NullPool).begin()

    def time(self, at: datetime) -> str:
        """A time as this database is told it."""
        plain = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        return plain if self.url == SQLITE else f"{plain}+00"

    def everything(self) -> str:
        """All that is kept: the bytes of the files, or each row of each table."""
        if self.url == SQLITE:
            return "".join(
                path.read_bytes().decode("latin-1") for path in self.root.glob("ledger.db*")
            )
        names = tables.metadata.tables
        return str([self.rows(f"SELECT {name}::text FROM {name}") for name in names])


@pytest.fixture(params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, no_postgres_settings: None
) -> Iterator[Place]:
    """A file in a folder of its own; then a database of a server."""
    if request.param == "sqlite":
        yield Place(SQLITE, tmp_path)
        return
    server = request.getfixturevalue("postgres_server")
    with server.database() as name:
        yield Place(server.address(name), tmp_path)
