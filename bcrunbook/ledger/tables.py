"""The ledger's tables, its connections, and its migrations, on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy import event, exc

from bcrunbook.errors import FixInput
from bcrunbook.ledger.errors import BUSY_SECONDS, explain, place_of, was_missing_table

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.dialects import postgresql, sqlite

# The newest revision in `migrations`; known here so that a current ledger opens without alembic.
HEAD: Final = "0005"

_BUSY_MS: Final = BUSY_SECONDS * 1000
# So long SQLite waits for a lock at its shortest pauses.
_LOOK_MS: Final = 8

# How psycopg connects, unless the address says otherwise.
_POSTGRESQL: Final = {
    "connect_timeout": "10",
    "fallback_application_name": "bcrunbook",
    # What is written is UTF-8, also where the database's own encoding is another.
    "client_encoding": "utf8",
    # A network that went away shows within a minute; by itself, TCP would wait a quarter of an
    # hour, and the whole program with it.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}

# Any number that no other program is likely to lock in the same database.
_MIGRATION_LOCK: Final = 6_271_905_432

# Every ledger has these two tables; the join brings no row of the second.
_IS_CURRENT: Final = sa.text("SELECT version_num FROM alembic_version LEFT JOIN fact ON 1 = 0")


class _Utc(sa.types.TypeDecorator[datetime]):
    """A time in UTC, also on databases that keep no time zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData()

run = sa.Table(
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
    sa.Column("tenant", sa.String(255)),
    sa.Column("instance", sa.String(300)),
)

fact = sa.Table(
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
    sa.Column("cloud", sa.String(20)),
    sa.Column("tenant", sa.String(255)),
    sa.Column("instance", sa.String(300)),
    sa.CheckConstraint("basis IN ('observed', 'intended', 'done', 'said')", name="fact_basis"),
    sa.Index("fact_found_by", "account", "step", "kind", "subject"),
    sa.Index("fact_elsewhere", "kind", "step", "cloud"),
)

outcome = sa.Table(
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
    sa.Column("cloud", sa.String(20)),
    sa.Column("tenant", sa.String(255)),
    sa.Column("instance", sa.String(300)),
    # All that the newest of each step are told by: what they came to is large.
    sa.Index("outcome_found_by", "account", "customer", "step", "cloud", "tenant", "instance"),
)

lease = sa.Table(
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
    sa.Column("machine", sa.String(64)),
)

tenant_name = sa.Table(
    "tenant_name",
    metadata,
    sa.Column("cloud", sa.String(20), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("id", sa.String(36), nullable=False),
)

turn = sa.Table(
    "turn",
    metadata,
    sa.Column("name", sa.String(300), primary_key=True),
    sa.Column("next", sa.Double, nullable=False),
)


def connect(url: str, root: Path) -> sa.Engine:
    """An engine for the ledger's address; nothing is opened yet.

    Raises:
        FixInput: it is no address, or the driver for it is not installed.
    """
    try:
        address = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        raise _no_address() from None
    match address.drivername:
        case "sqlite":
            return _connect_sqlite(address, root)
        case "postgresql" | "postgresql+psycopg":
            return _connect_postgresql(address)
    raise _no_address()


def _no_address() -> FixInput:
    return FixInput(
        "This is not the address of a database that can hold the ledger.",
        where="ledger.url",
        next='write "sqlite:///ledger.db" or "postgresql+psycopg://USER@HOST/NAME"',
    )


@cache
def _connect_sqlite(address: sa.URL, root: Path) -> sa.Engine:
    # One for all that open the same file: it remembers what statements look like.
    if not address.database or address.database == ":memory:":
        raise FixInput("The ledger needs a file.", where="ledger.url", next="sqlite:///ledger.db")
    file = root / Path(address.database).expanduser()
    engine = sa.create_engine(address.set(database=str(file)), hide_parameters=True)
    event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, record: object) -> None:
    # The driver would begin transactions by itself, and not before DDL; `writing` does it. Who
    # reads gives one statement, which SQLite makes a transaction of.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    # WAL lets readers go on while somebody writes; FULL makes a commit outlive a power cut.
    _keep_a_write_ahead_log(connection)
    connection.execute("PRAGMA synchronous = FULL")


def _keep_a_write_ahead_log(connection: sqlite3.Connection) -> None:
    # Of several processes that do it to a new file at once, SQLite lets some fail without a wait.
    deadline = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _begin_to_write(connection: sa.Connection) -> None:
    # A writer that began as a reader may find, too late, that another was faster. And SQLite itself
    # waits longer from look to look, up to 0.1 s, and whoever has come last goes first. Of many
    # processes that write for some ms each, most would sleep most of the time.
    deadline = time.monotonic() + BUSY_SECONDS
    plain = connection.connection.dbapi_connection
    assert isinstance(plain, sqlite3.Connection)
    plain.execute(f"PRAGMA busy_timeout = {_LOOK_MS}")
    try:
        while time.monotonic() < deadline:
            try:
                plain.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    break
        # Once more by SQLAlchemy, whose errors are explained.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        plain.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")


def _connect_postgresql(address: sa.URL) -> sa.Engine:
    wishes = {key: value for key, value in _POSTGRESQL.items() if key not in address.query}
    try:
        engine = sa.create_engine(
            address.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            # A pooler such as pgbouncer may run each statement in another session.
            connect_args={**wishes, "prepare_threshold": None},
            # Each statement is a transaction: one exchange with the server instead of three.
            isolation_level="AUTOCOMMIT",
            # Statements come one at a time, and a server has few connections for a whole team.
            pool_size=1,
            max_overflow=2,
            # The server may have been restarted since the last statement.
            pool_pre_ping=True,
            # One look into the catalogue less at the start.
            use_native_hstore=False,
        )
    except ImportError:
        raise FixInput(
            "PostgreSQL needs a package that is not installed here.",
            where="ledger.url",
            why="psycopg is an extra of bcrunbook",
            next='run: pip install "bcrunbook[postgres]"',
        ) from None
    event.listen(engine, "connect", _set_up_postgresql)
    return engine


def _set_up_postgresql(connection: psycopg.Connection, record: object) -> None:
    # A commit waits for the server's disk, and times can be read, whatever the server's defaults.
    connection.execute(
        f"SET lock_timeout = {_BUSY_MS}; SET synchronous_commit = on; SET datestyle = 'ISO'"
    )


def clock(dialect: str) -> sa.ColumnElement[datetime]:
    """Now, by the clock that all who share the ledger have in common, whenever it is executed.

    An SQLite file has only this machine's. The machines of a team may differ by minutes, so on
    PostgreSQL it is the server's.
    """
    if dialect == "postgresql":
        return sa.func.clock_timestamp(type_=_Utc)
    return sa.bindparam("now", callable_=partial(datetime.now, UTC), type_=_Utc)


def clock_ahead(engine: sa.Engine) -> float:
    """How far that clock is ahead of this machine's, in seconds."""
    if engine.dialect.name != "postgresql":
        return 0.0
    with engine.connect() as connection:
        before = time.time()
        there = connection.execute(sa.select(seconds("postgresql"))).scalar_one()
        return there - (before + time.time()) / 2


def seconds(dialect: str) -> sa.ColumnElement[float]:
    """The same clock's seconds since the epoch, with their fractions, each time it is executed."""
    if dialect == "postgresql":
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp(type_=_Utc)), sa.Double)
    return sa.bindparam("now", callable_=time.time, type_=sa.Double)


def upsert(dialect: str, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what to do where the row is there already."""
    # The other database's part of SQLAlchemy is not small, and nobody has both.
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


@contextlib.contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection for one statement that writes; it is on the disk when the block ends."""
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "sqlite":
            _begin_to_write(connection)
        yield connection


@contextlib.contextmanager
def migrating(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that changes the tables; only one process at a time is in one."""
    if engine.dialect.name == "sqlite":
        with writing(engine) as connection:
            yield connection
        return
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="READ COMMITTED")
        with connection.begin():
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            yield connection


# alembic keeps what it is at in globals of its own: two threads in it at once crash Python.
_one_at_a_time = threading.Lock()


def migrate(engine: sa.Engine) -> None:
    """Make the tables, or bring them to the newest revision, in one transaction.

    Raises:
        FixInput: the database is from a newer version, or another program's.
    """
    with engine.connect() as connection:
        if _is_current(connection) or _revision(connection) == HEAD:
            return
    with _one_at_a_time, migrating(engine) as connection:
        # Another process may have done it while this one waited for the lock.
        if _revision(connection) == HEAD:
            return
        from alembic import command
        from alembic.config import Config

        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", f"{__package__}:migrations")
        command.upgrade(config, "head")


def _is_current(connection: sa.Connection) -> bool:
    """Whether the database is a ledger of the newest revision, in one statement."""
    try:
        return connection.execute(_IS_CURRENT).scalar() == HEAD
    except exc.DBAPIError as error:
        if was_missing_table(error):
            return False
        raise


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
            where=place_of(connection.engine.url),
            next="name another one in [ledger] url of accounts.toml",
        )
    if str(found) > HEAD:
        raise FixInput(
            "A newer version of bcrunbook has written this ledger.",
            where=place_of(connection.engine.url),
            why=f"its revision is {found}, and this version knows {HEAD}",
            next="run: pip install --upgrade bcrunbook",
        )
    return str(found)


@contextlib.contextmanager
def explained(engine: sa.Engine, *, writes: bool = False) -> Iterator[None]:
    """Turn the database's errors into ours.

    Args:
        engine: where they come from.
        writes: whether something is lost, or done twice, if no answer comes.
    """
    try:
        yield
    except exc.StatementError as error:
        raise explain(error, engine.url, writes=writes) from error
