"""The ledger on a PostgreSQL server: who gets in, what is refused, and what happens when it stops.

What holds on every database is in test_ledger.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from bcrunbook.errors import (
    AnswerLost,
    AskAdministrator,
    FixInput,
    RunbookError,
    Unreachable,
    WaitAndRetry,
)
from bcrunbook.ledger import tables
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Ledger, open_ledger
from tests.support.ledgers import TRIAL
from tests.support.postgres import UNKNOWN, Server, Wire, no_postgres_settings, postgres_server

# Fixtures of another module, for whoever asks for them by name.
__all__ = ["no_postgres_settings", "postgres_server"]

pytestmark = pytest.mark.usefixtures("no_postgres_settings")

PASSWORD = "hunter22-of-ada"


@pytest.fixture
def database(postgres_server: Server) -> Iterator[str]:
    """The name of an empty database."""
    with postgres_server.database() as name:
        yield name


@pytest.fixture
def role(postgres_server: Server, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a role that may connect to it with its password, and no more."""
    with postgres_server.role(PASSWORD) as name:
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        yield name
        postgres_server.run(database, f"DROP OWNED BY {name}")


def note(ledger: Ledger, subject: str = "s", said_by: str | None = None) -> None:
    """Write a fact."""
    ledger.record(Scope(TRIAL, "x"), "k", subject, "done", {}, said_by=said_by)


def subjects(server: Server, database: str) -> list[str]:
    """What the facts are about, as another program reads them."""
    return [row[0] for row in server.run(database, "SELECT subject FROM fact ORDER BY id")]


def refusal(url: str, root: Path, kind: type[RunbookError], says: str) -> RunbookError:
    """The error on opening a ledger. Neither it nor its traceback tells the password."""
    with pytest.raises(kind, match=says) as caught:
        open_ledger(url, root)
    assert type(caught.value) is kind and caught.value.next
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    return caught.value


# --- getting in --------------------------------------------------------------------------------


def test_the_extra_is_named_when_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the driver, the command that installs it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = refusal("postgresql+psycopg://ada@host/x", tmp_path, FixInput, "not installed")
    assert 'pip install "bcrunbook[postgres]"' in error.next


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """Nobody listens at the port, and there is no such socket."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for place in (f"127.0.0.1:{port}/x", f"/x?host={tmp_path}&port={port}"):
            url = f"postgresql+psycopg://ada:{PASSWORD}@{place}"
            error = refusal(url, tmp_path, Unreachable, "does not answer")
            assert str(port) in error.where and str(port) in error.why


def test_who_is_not_let_in(
    postgres_server: Server,
    database: str,
    role: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No password, a wrong one, and a role that does not exist: where a password is kept."""
    server = postgres_server
    url = server.address(database, role)
    monkeypatch.delenv("PGPASSWORD")
    assert "no password" in refusal(url, tmp_path, FixInput, "refused the login").why
    monkeypatch.setenv("PGPASSWORD", f"{PASSWORD}-not")
    for wrong in (url, server.address(database, f"{role}:{PASSWORD}-nor-this")):
        error = refusal(wrong, tmp_path, FixInput, "refused the login")
        assert role in error.why and "~/.pgpass" in error.next
    nobody = refusal(server.address(database, UNKNOWN), tmp_path, FixInput, "refused the login")
    assert UNKNOWN in nobody.why


@pytest.mark.parametrize("kept_in", ["environment", "password file", "service file"])
def test_the_password_is_found_where_postgresql_looks_for_it(
    kept_in: str,
    postgres_server: Server,
    role: str,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PGPASSWORD, a password file, and a service file that holds everything."""
    server = postgres_server
    server.run(database, f"GRANT CREATE ON SCHEMA public TO {role}")
    url = server.address(database, role)
    if kept_in != "environment":
        monkeypatch.delenv("PGPASSWORD")
    if kept_in == "password file":
        file = Path(os.environ["PGPASSFILE"])
        file.touch(mode=0o600)
        file.write_text(f"*:*:{database}:{role}:{PASSWORD}\n")
    if kept_in == "service file":
        where = f"host={server.socket}\ndbname={database}\nuser={role}\npassword={PASSWORD}\n"
        Path(os.environ["PGSERVICEFILE"]).write_text(f"[team]\n{where}")
        url = "postgresql+psycopg:///?service=team"
    with open_ledger(url, tmp_path) as ledger:
        note(ledger)
    assert subjects(server, database) == ["s"]


@pytest.mark.parametrize(
    ("query", "says"), [("service=nobodys", "nobodys"), ("colour=blue", "colour")]
)
def test_an_address_that_asks_for_what_is_not_known(query: str, says: str, tmp_path: Path) -> None:
    """A service that no file defines and an option that does not exist are named."""
    Path(os.environ["PGSERVICEFILE"]).touch()
    url = f"postgresql+psycopg://ada:{PASSWORD}@/x?{query}"
    assert says in refusal(url, tmp_path, FixInput, "not known").why


def test_a_password_in_the_query_is_not_shown(tmp_path: Path) -> None:
    """Where the ledger is, is told without what an address may carry beside."""
    url = f"postgresql+psycopg://ada@/x?host={tmp_path}&password={PASSWORD}"
    assert str(tmp_path.name) in refusal(url, tmp_path, Unreachable, "does not answer").where


def test_a_database_that_does_not_exist(postgres_server: Server, tmp_path: Path) -> None:
    """It is not made silently; the command that makes it is named."""
    error = refusal(postgres_server.address("nowhere"), tmp_path, FixInput, "does not exist")
    assert "createdb" in error.next and "/nowhere" in error.where


def test_a_server_without_a_free_connection(
    postgres_server: Server, database: str, role: str, tmp_path: Path
) -> None:
    """It is a matter of waiting."""
    postgres_server.run(database, f"ALTER DATABASE {database} CONNECTION LIMIT 0")
    refusal(
        postgres_server.address(database, role), tmp_path, WaitAndRetry, "no further connection"
    )


# --- rights ------------------------------------------------------------------------------------


def test_a_role_that_may_not_make_tables(
    postgres_server: Server, database: str, role: str, tmp_path: Path
) -> None:
    """Somebody has to grant it; with what the message says, it works."""
    url = postgres_server.address(database, role)
    error = refusal(url, tmp_path, AskAdministrator, "may not do")
    assert "permission denied" in error.why and error.who != "you"
    grant = "GRANT USAGE, CREATE ON SCHEMA public TO ROLE"
    assert grant in error.next
    postgres_server.run(database, grant.replace("ROLE", role))
    open_ledger(url, tmp_path).close()


def test_a_role_without_any_schema(
    postgres_server: Server, database: str, role: str, tmp_path: Path
) -> None:
    """Where a role may not even look into a schema, the same is to be asked for."""
    postgres_server.run(database, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    refusal(postgres_server.address(database, role), tmp_path, AskAdministrator, "may not do")


def test_a_team_shares_the_tables_that_one_of_them_made(
    postgres_server: Server, database: str, role: str, tmp_path: Path
) -> None:
    """The others need to be let; with what the message says, they can read and write."""
    server = postgres_server
    with open_ledger(server.address(database), tmp_path) as ledger:
        note(ledger, "of the first")
    url = server.address(database, role)
    error = refusal(url, tmp_path, AskAdministrator, "may not do")
    for grant in (
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ROLE",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ROLE",
    ):
        assert grant in error.next
        server.run(database, grant.replace("ROLE", role))
    with open_ledger(url, tmp_path) as ledger:
        note(ledger, "of the second")
        assert [fact.subject for fact in ledger.facts(Scope(TRIAL))] == [
            "of the first",
            "of the second",
        ]


# --- a server that stops, and a connection that breaks -----------------------------------------


def test_a_restarted_server_is_not_noticed(
    postgres_server: Server, database: str, tmp_path: Path
) -> None:
    """What is written after a restart is there, once; so is what was written before."""
    with open_ledger(postgres_server.address(database), tmp_path) as ledger:
        note(ledger, "before")
        postgres_server.stop()
        postgres_server.start()
        note(ledger, "after")
        assert [fact.subject for fact in ledger.facts(Scope(TRIAL))] == ["before", "after"]


def test_while_the_server_is_away_nothing_is_written(
    postgres_server: Server, database: str, tmp_path: Path
) -> None:
    """The error says so, nothing is tried again behind one's back, and then it works again."""
    with open_ledger(postgres_server.address(database), tmp_path) as ledger:
        note(ledger, "before")
        postgres_server.stop(signal.SIGQUIT)
        try:
            with pytest.raises(Unreachable, match="does not answer") as caught:
                note(ledger, "meanwhile")
            assert type(caught.value) is Unreachable
        finally:
            postgres_server.start()
        note(ledger, "after")
    assert subjects(postgres_server, database) == ["before", "after"]


def test_a_server_that_is_stopping_says_so(
    postgres_server: Server, database: str, tmp_path: Path
) -> None:
    """A server that waits for its last guests is worth waiting for."""
    url = postgres_server.address(database)
    with open_ledger(url, tmp_path) as guest:
        try:
            with postgres_server.stopping():
                refusal(url, tmp_path, WaitAndRetry, "starting or stopping")
                note(guest)
        finally:
            postgres_server.start()
    assert subjects(postgres_server, database) == ["s"]


@pytest.mark.parametrize("effect", [True, False])
def test_an_answer_that_is_lost_is_told(
    effect: bool, postgres_server: Server, database: str, tmp_path: Path
) -> None:
    """A write whose answer does not come may be there or not, and is not repeated silently."""
    with (
        closing(Wire(postgres_server, "INSERT INTO fact", effect=effect)) as wire,
        open_ledger(wire.address(database), tmp_path) as ledger,
    ):
        with pytest.raises(AnswerLost, match="broke") as caught:
            note(ledger, "lost")
        assert "may have been noted, or not" in caught.value.why and caught.value.next
        note(ledger, "next")
        assert wire.cuts == 1
    assert subjects(postgres_server, database) == (["lost", "next"] if effect else ["next"])


def test_a_look_that_gets_no_answer(postgres_server: Server, database: str, tmp_path: Path) -> None:
    """A read that breaks off has lost nothing; the next one succeeds."""
    with (
        closing(Wire(postgres_server, "FROM fact", effect=True)) as wire,
        open_ledger(postgres_server.address(database), tmp_path) as first,
    ):
        note(first)
        wire.cuts = 1  # not on opening
        with open_ledger(wire.address(database), tmp_path) as ledger:
            wire.cuts = 0
            with pytest.raises(Unreachable, match="broke") as caught:
                ledger.facts(Scope(TRIAL))
            assert type(caught.value) is Unreachable
            assert [fact.subject for fact in ledger.facts(Scope(TRIAL))] == ["s"]


def test_a_migration_that_breaks_off_leaves_nothing(
    postgres_server: Server, database: str, tmp_path: Path
) -> None:
    """The tables are all there or none, and the next program makes them."""
    with closing(Wire(postgres_server, "CREATE TABLE outcome", effect=True)) as wire:
        refusal(wire.address(database), tmp_path, Unreachable, "broke")
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        deadline = time.monotonic() + 20
        while postgres_server.sessions(database) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert postgres_server.run(database, tables) == [(0,)]
        open_ledger(wire.address(database), tmp_path).close()


# --- what the server refuses -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "kind", "says"),
    [
        ("53100", Unreachable, "disk of the ledger is full"),
        ("25006", FixInput, "cannot be written"),
        ("57014", Unreachable, "does not answer as it should"),
    ],
    ids=["disk full", "read-only", "cancelled"],
)
def test_what_a_server_can_fail_at(
    state: str,
    kind: type[RunbookError],
    says: str,
    postgres_server: Server,
    database: str,
    tmp_path: Path,
) -> None:
    """Known by its code, in whatever language; the server's words tell the cause."""
    with open_ledger(postgres_server.address(database), tmp_path) as ledger:
        postgres_server.run(
            database,
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$BEGIN RAISE EXCEPTION 'der Grund' USING ERRCODE = '{state}'; END$$",
            "CREATE TRIGGER fail BEFORE INSERT ON fact FOR EACH ROW EXECUTE FUNCTION fail()",
        )
        with pytest.raises(kind, match=says) as caught:
            note(ledger)
        assert type(caught.value) is kind and caught.value.next
        assert database in caught.value.where
        postgres_server.run(database, "DROP FUNCTION fail CASCADE")
        note(ledger, "next")
    assert subjects(postgres_server, database) == ["next"]


def test_a_server_that_only_reads(postgres_server: Server, database: str, tmp_path: Path) -> None:
    """A copy that takes no writes cannot hold a ledger."""
    postgres_server.run(
        database, f"ALTER DATABASE {database} SET default_transaction_read_only = on"
    )
    refusal(postgres_server.address(database), tmp_path, FixInput, "cannot be written")


def test_a_table_that_somebody_locks(
    postgres_server: Server, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock of another program is waited for, but not for ever."""
    monkeypatch.setattr(tables, "_BUSY_MS", 50)
    with open_ledger(postgres_server.address(database), tmp_path) as ledger:
        with (
            postgres_server.holding(database, "LOCK TABLE fact"),
            pytest.raises(WaitAndRetry, match="keeps the ledger locked"),
        ):
            note(ledger, "during")
        note(ledger, "after")
    assert subjects(postgres_server, database) == ["after"]


def test_a_database_that_does_not_keep_every_character(
    postgres_server: Server, tmp_path: Path
) -> None:
    """In one with an old encoding, what it cannot keep is refused, not garbled."""
    with (
        postgres_server.database("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0") as database,
        open_ledger(postgres_server.address(database), tmp_path) as ledger,
    ):
        note(ledger, said_by="Zoë")
        with pytest.raises(FixInput, match="every character") as caught:
            note(ledger, said_by="Ωμέγα")
        assert "UTF8" in caught.value.next
        assert [fact.said_by for fact in ledger.facts(Scope(TRIAL))] == ["Zoë"]


# --- settings and clocks -----------------------------------------------------------------------


def test_the_servers_own_settings_do_not_matter(
    postgres_server: Server, database: str, tmp_path: Path
) -> None:
    """Times come back in UTC from a server elsewhere, and a commit waits for its disk."""
    for name, value in (
        ("timezone", "'Asia/Kolkata'"),
        ("datestyle", "'German'"),
        ("synchronous_commit", "off"),
    ):
        postgres_server.run(database, f"ALTER DATABASE {database} SET {name} = {value}")
    before = datetime.now(UTC)
    with open_ledger(postgres_server.address(database), tmp_path) as ledger:
        note(ledger)
        (fact,) = ledger.facts(Scope(TRIAL))
    # The server's clock is compared over a connection, which takes a moment.
    assert fact.at.tzinfo is UTC and abs(fact.at - before) < timedelta(seconds=60)
    kept = "SELECT (at AT TIME ZONE 'UTC')::text FROM fact"
    assert postgres_server.run(database, "SET datestyle = 'ISO'", kept) == [
        (fact.at.strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0"),)
    ]
    engine = tables.connect(postgres_server.address(database), tmp_path)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    engine.dispose()


WRONG_CLOCK = """
import datetime, sys
class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(minutes=int(sys.argv[3]))
datetime.datetime = Clock
import asyncio
from pathlib import Path
from bcrunbook.errors import WaitAndRetry
from bcrunbook.ledger.store import open_ledger
async def ask():
    with open_ledger(sys.argv[1], Path(sys.argv[2])) as ledger:
        try:
            async with ledger.lease("account/trial", what="step of another"):
                print("held")
        except WaitAndRetry:
            print("refused")
asyncio.run(ask())
"""


@pytest.mark.parametrize("minutes", [10, -10])
async def test_a_machine_whose_clock_is_wrong(
    minutes: int, postgres_server: Server, database: str, tmp_path: Path
) -> None:
    """Whether a holder is silent is told by the server's clock, which all have in common."""
    url = postgres_server.address(database)

    def other() -> str:
        command = [sys.executable, "-c", WRONG_CLOCK, url, str(tmp_path), str(minutes)]
        return subprocess.run(command, timeout=60, stdout=subprocess.PIPE, text=True).stdout.strip()

    with open_ledger(url, tmp_path) as ledger:
        async with ledger.lease("account/trial", what="step x"):
            postgres_server.run(database, "UPDATE lease SET machine = 'another'")
            assert other() == "refused"
            silent = datetime.now(UTC) - timedelta(seconds=95)
            postgres_server.run(database, f"UPDATE lease SET heartbeat = '{silent.isoformat()}'")
            assert other() == "held"


@pytest.mark.parametrize("ahead", [-1200.0, 300.0])
def test_all_note_by_the_servers_clock(
    postgres_server: Server, database: str, tmp_path: Path, ahead: float
) -> None:
    """However wrong a machine's own is: what several note has one order in time."""
    url = postgres_server.address(database)
    began = datetime.now(UTC)
    with open_ledger(url, tmp_path) as right:
        note(right, "first")
        moved = time_machine.travel(began + timedelta(seconds=ahead))
        with moved, open_ledger(url, tmp_path) as wrong:
            note(wrong, "second")
            assert wrong.ahead == pytest.approx(-ahead, abs=60)
        note(right, "third")
        facts = right.facts(Scope(TRIAL))
    assert [one.subject for one in facts] == ["first", "second", "third"]
    assert all(abs(one.at - began) < timedelta(seconds=60) for one in facts)


# --- connections -------------------------------------------------------------------------------


def test_one_connection_while_it_is_open_and_none_after(
    postgres_server: Server, database: str, tmp_path: Path
) -> None:
    """However much is read and written; a team's connections are few."""
    with open_ledger(postgres_server.address(database), tmp_path) as ledger:
        for number in range(5):
            note(ledger, str(number))
            assert ledger.latest(Scope(TRIAL)) is not None
        assert postgres_server.sessions(database) == ["bcrunbook"]
    deadline = time.monotonic() + 20
    while postgres_server.sessions(database) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert postgres_server.sessions(database) == []
