"""The ledger's tables, its connection, its migrations, and its errors in plain words."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import event, exc

from .errors import FixInput, ReportBug, RunbookError, Unreachable, WaitAndRetry
from .secrets import scrub

# The newest revision in `migrations`; known here so that a current ledger opens without alembic.
HEAD: Final = "0001"

_BUSY_MS: Final = 10_000


class _Utc(sa.types.TypeDecorator[datetime]):
    """A time in UTC, also on databases that keep no time zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata: Final = sa.MetaData()

run: Final = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("account", sa.String(30), nullable=False),
    sa.Column("customer", sa.String(200)),
    sa.Column("step", sa.String(60), nullable=False),
    sa.Column("mode", sa.String(20), nullable=False),
    sa.Column("cloud", sa.String(20), nullable=False),
    sa.Column("started_at", _Utc, nullable=False),
    sa.Column("ended_at", _Utc),
    sa.Column("state", sa.String(20)),
    sa.Column("version", sa.String(60), nullable=False),
)

fact: Final = sa.Table(
    "fact",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.String(36), sa.ForeignKey("run.id", name="fact_run")),
    sa.Column("at", _Utc, nullable=False),
    sa.Column("account", sa.String(30), nullable=False),
    sa.Column("customer", sa.String(200)),
    sa.Column("step", sa.String(60), nullable=False),
    sa.Column("kind", sa.String(60), nullable=False),
    sa.Column("subject", sa.String(400), nullable=False),
    sa.Column("basis", sa.String(10), nullable=False),
    sa.Column("said_by", sa.String(200)),
    sa.Column("data", sa.JSON, nullable=False),
    sa.CheckConstraint("basis IN ('observed', 'intended', 'done', 'said')", name="fact_basis"),
    sa.Index("fact_found_by", "account", "step", "kind", "subject"),
)

outcome: Final = sa.Table(
    "outcome",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.String(36), sa.ForeignKey("run.id", name="outcome_run"), nullable=False),
    sa.Column("at", _Utc, nullable=False),
    sa.Column("account", sa.String(30), nullable=False),
    sa.Column("customer", sa.String(200)),
    sa.Column("step", sa.String(60), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Index("outcome_found_by", "account", "customer", "step"),
)

lease: Final = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.String(300), primary_key=True),
    sa.Column("token", sa.String(36), nullable=False),
    sa.Column("holder", sa.String(100), nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("process_started", sa.Double, nullable=False),
    sa.Column("what", sa.String(400), nullable=False),
    sa.Column("since", _Utc, nullable=False),
    sa.Column("heartbeat", _Utc, nullable=False),
)


def connect(url: str, root: Path) -> sa.Engine:
    """An engine for the ledger's address; nothing is opened yet.

    Raises:
        FixInput: it is no address, or the driver for it is not installed.
    """
    try:
        address = sa.make_url(url)
        if address.get_backend_name() == "sqlite":
            if not address.database or address.database == ":memory:":
                raise FixInput(
                    "The ledger needs a file.", where="ledger.url", next="sqlite:///ledger.db"
                )
            address = address.set(database=str(root / Path(address.database).expanduser()))
        engine = sa.create_engine(address, hide_parameters=True)
    except (exc.ArgumentError, exc.NoSuchModuleError):
        raise FixInput(
            "This is not the address of a database.",
            where="ledger.url",
            next='write "sqlite:///ledger.db" or "postgresql+psycopg://USER@HOST/NAME"',
        ) from None
    except ModuleNotFoundError as error:
        raise FixInput(
            f"The driver for this database is not installed: {error.name}.",
            where="ledger.url",
            next=f"run: pip install {error.name}",
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, record: object) -> None:
    # The driver would begin transactions by itself, and not before DDL; `_begin_sqlite` does it.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    # WAL lets readers go on while somebody writes; FULL makes a commit outlive a power cut.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer that began as a reader may find, too late, that another was faster.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextlib.contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that writes; it is on the disk when the block ends."""
    with engine.connect() as plain:
        connection = plain.execution_options(writes=True)
        with connection.begin():
            yield connection


def migrate(engine: sa.Engine) -> None:
    """Make the tables, or bring them to the newest revision, in one transaction.

    Raises:
        FixInput: the database is from a newer version, or another program's.
    """
    with engine.connect() as connection:
        if _revision(connection) == HEAD:
            return
    with writing(engine) as connection:
        # Another process may have done it while this one waited for the lock.
        if _revision(connection) == HEAD:
            return
        from alembic import command
        from alembic.config import Config

        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", f"{__package__}:migrations")
        command.upgrade(config, "head")


def _revision(connection: sa.Connection) -> str | None:
    """The database's revision, None if it is empty."""
    tables = sa.inspect(connection).get_table_names()
    if not tables:
        return None
    found = None
    if "alembic_version" in tables:
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if found is None or "fact" not in tables:
        raise FixInput(
            "This database is not a ledger; another program made it.",
            where=str(connection.engine.url.render_as_string()),
            next="name another one in [ledger] url of accounts.toml",
        )
    if str(found) > HEAD:
        raise FixInput(
            "A newer version of bcrunbook has written this ledger.",
            where=str(connection.engine.url.render_as_string()),
            why=f"its revision is {found}, and this version knows {HEAD}",
            next="run: pip install --upgrade bcrunbook",
        )
    return str(found)


@contextlib.contextmanager
def explained(engine: sa.Engine) -> Iterator[None]:
    """Turn the database's errors into ours."""
    try:
        yield
    except exc.StatementError as error:
        raise _explain(error, engine) from error


def _explain(error: exc.StatementError, engine: sa.Engine) -> RunbookError:
    url = engine.url
    sqlite = url.get_backend_name() == "sqlite"
    place = str(url.database) if sqlite else url.render_as_string()
    # Only the driver's own words: the statement's parameters are none of the reader's business.
    reason = scrub(str(error.orig).split("\n")[0], "an error")
    if "not a database" in reason or "malformed" in reason:
        return FixInput(
            "The ledger's file is not a database, or is damaged.",
            where=place,
            why=reason,
            next="restore it from a backup, or name another one in [ledger] url of accounts.toml",
        )
    if "unable to open" in reason:
        return FixInput(
            "The ledger's file cannot be opened or made.",
            where=place,
            why="its folder does not exist, or you may not write there",
            next="make the folder, or name another file in [ledger] url of accounts.toml",
        )
    if "readonly" in reason:
        return FixInput(
            "The ledger's file cannot be written.",
            where=place,
            why="the file, its folder or the disk is read-only for you",
            next="correct its mode, or name another file in [ledger] url of accounts.toml",
        )
    if "locked" in reason:
        return WaitAndRetry(
            "Another program keeps the ledger locked.",
            where=place,
            why=f"it did not let go within {_BUSY_MS // 1000} seconds",
            next="end that program (a database browser, a backup, another run), then run again",
        )
    if "disk is full" in reason or "disk I/O" in reason:
        return Unreachable(
            "The disk of the ledger is full or failing; nothing was done without a record.",
            where=place,
            why=reason,
            next="make room there, then run again",
        )
    if not sqlite and isinstance(error, exc.OperationalError):
        return Unreachable(
            "The ledger's database does not answer.",
            where=place,
            why=reason,
            next="check the address in [ledger] url of accounts.toml, and the server",
        )
    return ReportBug("The ledger failed in a way nobody expected.", where=place, why=reason)
