"""The ledger: facts that last, and leases that one process holds at a time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Engine

from bcrunbook import ledger as ledger_module
from bcrunbook import ledger_database
from bcrunbook.errors import FixInput, NotFound, ReportBug, RunbookError, Unreachable, WaitAndRetry
from bcrunbook.ledger import Ledger, open_ledger
from bcrunbook.secrets import MASK, Secret

URL = "sqlite:///ledger.db"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger in its own folder."""
    with open_ledger(URL, tmp_path) as opened:
        yield opened


def on_disk(root: Path, query: str) -> list[tuple[object, ...]]:
    """What another program reads from the ledger's file."""
    connection = sqlite3.connect(root / "ledger.db")
    try:
        return list(connection.execute(query))
    finally:
        connection.close()


def change(root: Path, statement: str, *values: object) -> None:
    """Change the ledger's file as another program would."""
    connection = sqlite3.connect(root / "ledger.db")
    try:
        with connection:
            connection.execute(statement, values)
    finally:
        connection.close()


# --- facts, runs and outcomes ------------------------------------------------------------------


def test_facts_come_back_oldest_first(ledger: Ledger) -> None:
    """Facts keep their order and every field, and each filter narrows them."""
    run_id = ledger.begin_run("trial", "client_secret", "apply", "live")
    before = datetime.now(UTC)
    ledger.record("trial", "client_secret", "secret", "a", "intended", {"n": 1}, run_id=run_id)
    ledger.record("trial", "client_secret", "secret", "a", "done", {"n": 2})
    ledger.record("trial", "codat_keys", "keys", "b", "said", {}, said_by="Ada")
    ledger.record("trial", "link_customer", "link", "c", "observed", {}, customer="bakery")
    ledger.record("other", "client_secret", "secret", "a", "done", {})
    facts = ledger.facts("trial")
    assert [fact.basis for fact in facts] == ["intended", "done", "said", "observed"]
    assert (facts[0].run_id, facts[0].data, facts[0].said_by) == (run_id, {"n": 1}, None)
    assert facts[0].at.tzinfo is UTC and before <= facts[0].at <= facts[1].at
    assert [fact.subject for fact in ledger.facts("trial", step="codat_keys")] == ["b"]
    assert [fact.said_by for fact in ledger.facts("trial", kind="keys")] == ["Ada"]
    assert [fact.data["n"] for fact in ledger.facts("trial", subject="a")] == [1, 2]
    assert [fact.subject for fact in ledger.facts("trial", customer="bakery")] == ["c"]


def test_the_latest_fact_is_the_newest(ledger: Ledger) -> None:
    """`latest` gives the last one recorded, or None."""
    assert ledger.latest("trial", kind="secret") is None
    for number in range(3):
        ledger.record("trial", "client_secret", "secret", "a", "observed", {"n": number})
    latest = ledger.latest("trial", step="client_secret", kind="secret", subject="a")
    assert latest is not None and latest.data == {"n": 2}


def test_outcomes_are_the_latest_per_step_and_customer(ledger: Ledger) -> None:
    """Status is a query: of each account, customer and step, the last outcome counts."""
    run_id = ledger.begin_run("trial", "x", "apply", "live")
    for account, step, state, customer in (
        ("trial", "client_secret", "failed", None),
        ("trial", "client_secret", "done", None),
        ("trial", "link_customer", "waiting", "bakery"),
        ("trial", "link_customer", "done", "butcher"),
        ("trial", "link_customer", "done", "bakery"),
        ("live", "client_secret", "changed", None),
    ):
        ledger.record_outcome(run_id, account, step, state, {"s": state}, customer=customer)
    rows = [(row.account, row.step, row.customer, row.state) for row in ledger.outcomes("trial")]
    assert rows == [
        ("trial", "client_secret", None, "done"),
        ("trial", "link_customer", "butcher", "done"),
        ("trial", "link_customer", "bakery", "done"),
    ]
    assert [row.account for row in ledger.outcomes()] == ["trial", "trial", "trial", "live"]
    assert ledger.outcomes("live")[0].data == {"s": "changed"}


def test_a_run_is_kept_with_its_end(ledger: Ledger, tmp_path: Path) -> None:
    """Who asked for what, in which cloud, with which version, and how it ended."""
    run_id = ledger.begin_run("trial", "client_secret", "plan", "rehearsal", customer="bakery")
    assert on_disk(tmp_path, "SELECT state, ended_at FROM run") == [(None, None)]
    ledger.end_run(run_id, "done")
    columns = "id, account, customer, step, mode, cloud, state, ended_at >= started_at"
    assert on_disk(tmp_path, f"SELECT {columns} FROM run") == [
        (run_id, "trial", "bakery", "client_secret", "plan", "rehearsal", "done", 1)
    ]
    assert on_disk(tmp_path, "SELECT version FROM run WHERE version <> ''")
    with pytest.raises(NotFound):
        ledger.end_run("no-such-run", "done")


@pytest.mark.scrubs
def test_no_secret_reaches_the_file(
    ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A secret in a fact or an outcome is masked before it is written, and reported."""
    value = Secret("a-secret-for-the-ledger").reveal()
    run_id = ledger.begin_run("trial", "x", "apply", "live")
    ledger.record("trial", "x", "k", "s", "done", {"deep": [{"value": f"has {value}"}]})
    ledger.record_outcome(run_id, "trial", "x", "failed", {"secretText": "Never Seen 1"})
    assert ledger.facts("trial")[0].data == {"deep": [{"value": f"has {MASK}"}]}
    ledger.close()
    for path in tmp_path.glob("ledger.db*"):
        raw = path.read_bytes()
        assert value.encode() not in raw and b"Never Seen" not in raw
    assert "about to be written to the ledger" in caplog.text


@pytest.mark.parametrize(
    "fact", [{"data": {"when": datetime.now(UTC)}}, {"basis": "guessed"}, {"run_id": "nowhere"}]
)
def test_what_a_fact_cannot_be_is_a_bug(ledger: Ledger, fact: dict[str, object]) -> None:
    """A fact that is not plain data, not of a known basis, or of no run is refused."""
    fields = {"basis": "done", "data": {}, **fact}
    with pytest.raises(ReportBug):
        ledger.record("trial", "x", "k", "s", **fields)  # type: ignore[arg-type]
    assert ledger.facts("trial") == []


CRASH = """
import os, signal, sys
from pathlib import Path
from bcrunbook.ledger import open_ledger
ledger = open_ledger("sqlite:///ledger.db", Path(sys.argv[1]))
ledger.record("trial", "client_secret", "secret", "marker", "intended", {})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_fact_outlives_a_crash(tmp_path: Path) -> None:
    """An intention is on the disk when `record` returns, whatever happens next."""
    done = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    with open_ledger(URL, tmp_path) as ledger:
        assert [fact.subject for fact in ledger.facts("trial")] == ["marker"]


def test_commits_wait_for_the_disk(tmp_path: Path) -> None:
    """SQLite runs with a write-ahead log, full synchronisation and foreign keys."""
    engine = ledger_database.connect(URL, tmp_path)
    with engine.begin() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


# --- migrations --------------------------------------------------------------------------------

scripts = ScriptDirectory(str(Path(ledger_module.__file__).parent / "migrations"))
REVISIONS = [script.revision for script in scripts.walk_revisions()][::-1]


def build(root: Path, revision: str) -> None:
    """Make the ledger as the version that ended at this revision left it."""
    engine = ledger_database.connect(URL, root)
    with ledger_database.writing(engine) as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", "bcrunbook:migrations")
        command.upgrade(config, revision)
    engine.dispose()


def test_revisions_are_numbered_in_a_line() -> None:
    """Revisions are 0001, 0002 and so on, without branches, and the last is the code's."""
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS
    assert REVISIONS[-1] == ledger_database.HEAD


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_old_ledger_opens_and_keeps_its_facts(revision: str, tmp_path: Path) -> None:
    """A ledger of any earlier shape is brought up to date, with its facts still in it."""
    build(tmp_path, revision)
    change(
        tmp_path,
        "INSERT INTO fact (at, account, step, kind, subject, basis, data)"
        " VALUES ('2026-01-02 03:04:05', 'trial', 'x', 'k', 'kept', 'done', '{}')",
    )
    with open_ledger(URL, tmp_path) as ledger:
        (fact,) = ledger.facts("trial")
    assert (fact.subject, fact.at) == ("kept", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert on_disk(tmp_path, "SELECT version_num FROM alembic_version") == [(ledger_database.HEAD,)]


def test_the_migrations_make_the_tables_that_the_code_expects(tmp_path: Path) -> None:
    """Alembic finds no difference between the migrated schema and the code's tables."""
    build(tmp_path, "head")
    engine = ledger_database.connect(URL, tmp_path)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, ledger_database.metadata) == []
    engine.dispose()


def test_a_current_ledger_opens_without_alembic(tmp_path: Path) -> None:
    """Alembic, keyring and psutil are imported only when they are needed."""
    code = (
        "import sys; from pathlib import Path; import bcrunbook.accounts, bcrunbook.secrets\n"
        "from bcrunbook.ledger import open_ledger\n"
        "open_ledger('sqlite:///ledger.db', Path(sys.argv[1])).close()\n"
        "print([name for name in ('alembic', 'keyring', 'psutil') if name in sys.modules])"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], timeout=60, capture_output=True, text=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert answers == ["['alembic']", "[]"]


def test_several_processes_may_make_the_ledger_at_once(tmp_path: Path) -> None:
    """Of processes that open a new ledger together, one migrates, and all can write."""
    code = CRASH.replace("os.kill(os.getpid(), signal.SIGKILL)", "ledger.close()")
    command_line = [sys.executable, "-W", "error", "-c", code, str(tmp_path)]
    started = [subprocess.Popen(command_line) for _ in range(4)]
    assert [process.wait(timeout=60) for process in started] == [0] * 4
    with open_ledger(URL, tmp_path) as ledger:
        assert len(ledger.facts("trial")) == 4


# --- databases that cannot be used -------------------------------------------------------------


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    """A ledger from a newer version is left alone, with the command that upgrades."""
    build(tmp_path, "head")
    change(tmp_path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(FixInput, match="newer version") as caught:
        open_ledger(URL, tmp_path)
    assert "pip install --upgrade bcrunbook" in caught.value.next


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    """A database with other tables is not made into a ledger."""
    change(tmp_path, "CREATE TABLE recipes (id INTEGER)")
    with pytest.raises(FixInput, match="another program"):
        open_ledger(URL, tmp_path)
    assert on_disk(tmp_path, "SELECT name FROM sqlite_master") == [("recipes",)]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A text file in the ledger's place is named as such, and kept."""
    (tmp_path / "ledger.db").write_text("no database\n" * 100)
    with pytest.raises(FixInput, match="not a database"):
        open_ledger(URL, tmp_path)
    assert (tmp_path / "ledger.db").read_text() == "no database\n" * 100


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///none/ledger.db", "cannot be opened"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("ledger.db", "not the address"),
        ("oracel://x/y", "not the address"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(url: str, says: str, tmp_path: Path) -> None:
    """A folder that is not there, no file, or no address: each has its own words."""
    with pytest.raises(FixInput, match=says):
        open_ledger(url, tmp_path)


def test_a_missing_driver_is_named(tmp_path: Path) -> None:
    """PostgreSQL without its driver says what to install, and no password."""
    with pytest.raises(FixInput, match="not installed") as caught:
        open_ledger("postgresql+psycopg2://ada:hunter22@host/x", tmp_path)
    assert "pip install" in caught.value.next and "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    ("pragma", "kind", "says"),
    [
        ("max_page_count = 1", Unreachable, "full"),
        ("query_only = ON", FixInput, "cannot be written"),
    ],
)
def test_a_disk_that_takes_nothing_is_named(
    pragma: str, kind: type[RunbookError], says: str, tmp_path: Path
) -> None:
    """A full disk and a read-only one end with advice; the fact is not half there."""
    with open_ledger(URL, tmp_path):
        pass

    def hinder(connection: sqlite3.Connection, record: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    event.listen(Engine, "connect", hinder)
    try:
        with open_ledger(URL, tmp_path) as ledger, pytest.raises(kind, match=says) as caught:
            ledger.record("trial", "x", "k", "s", "done", {"long": "x" * 100_000})
    finally:
        event.remove(Engine, "connect", hinder)
    assert str(tmp_path / "ledger.db") in str(caught.value) and caught.value.next
    assert on_disk(tmp_path, "SELECT id FROM fact") == []


def test_a_locked_ledger_says_so(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When another program keeps the file locked, the error is to wait, not a traceback."""
    monkeypatch.setattr(ledger_database, "_BUSY_MS", 1)
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with open_ledger(URL, tmp_path) as hurried, pytest.raises(WaitAndRetry, match="locked"):
            hurried.record("trial", "x", "k", "s", "done", {})
    finally:
        other.close()


# --- leases ------------------------------------------------------------------------------------


async def test_a_lease_has_one_holder(ledger: Ledger) -> None:
    """While it is held, others are told who, where and what; other things can be leased."""
    async with ledger.lease("account/trial", what="step client_secret"):
        async with ledger.lease("account/live", what="step client_secret"):
            pass
        with pytest.raises(WaitAndRetry) as caught:
            async with ledger.lease("account/trial", what="step api_permissions"):
                pytest.fail("two holders")
    message = str(caught.value)
    for part in ("step client_secret", "account/trial", str(os.getpid()), "since", "@", "wait"):
        assert part in message


async def test_a_lease_ends_with_its_block(ledger: Ledger) -> None:
    """An error or a cancellation in the block gives the lease back too."""
    with pytest.raises(ValueError, match="inside"):
        async with ledger.lease("account/trial", what="step x"):
            raise ValueError("inside")

    held = asyncio.Event()

    async def forever() -> None:
        async with ledger.lease("account/trial", what="step x"):
            held.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(forever())
    await held.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with ledger.lease("account/trial", what="step x"):
        pass


async def until_changed(root: Path, query: str, seconds: float = 20.0) -> None:
    """Wait for the answer to a query to change."""
    first = on_disk(root, query)
    async with asyncio.timeout(seconds):
        while on_disk(root, query) == first:
            await asyncio.sleep(0.01)


async def test_a_lease_is_renewed(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the block runs, the heartbeat goes on."""
    monkeypatch.setattr(ledger_module, "HEARTBEAT_SECONDS", 0.01)
    async with ledger.lease("account/trial", what="step x"):
        await until_changed(tmp_path, "SELECT heartbeat FROM lease")


async def test_a_lease_without_heartbeat_is_taken_over(
    ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Another machine's lease counts while its heartbeat is fresh, and not after 90 seconds."""

    def beat(seconds_ago: float) -> None:
        at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
        change(tmp_path, "DELETE FROM lease")
        change(
            tmp_path,
            "INSERT INTO lease VALUES ('account/trial', 't', 'bob', 'elsewhere', 1, 0, 'step y',"
            " '2026-01-02 03:04:05', ?)",
            at.strftime("%Y-%m-%d %H:%M:%S"),
        )

    beat(60)
    with pytest.raises(WaitAndRetry, match=r"bob@elsewhere.*step y, since 2026-01-02 03:04:05 UTC"):
        async with ledger.lease("account/trial", what="step x"):
            pytest.fail("two holders")
    beat(95)
    async with ledger.lease("account/trial", what="step x"):
        assert on_disk(tmp_path, "SELECT what FROM lease") == [("step x",)]
    assert "took over account/trial from bob@elsewhere" in caplog.text
    assert on_disk(tmp_path, "SELECT what FROM lease") == []


async def test_a_lost_lease_is_logged_and_left_to_its_new_holder(
    ledger: Ledger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A process that slept too long says so, and does not end the lease of another."""
    monkeypatch.setattr(ledger_module, "HEARTBEAT_SECONDS", 0.01)
    async with ledger.lease("account/trial", what="step x"):
        change(tmp_path, "UPDATE lease SET token = 'of another'")
        async with asyncio.timeout(20):
            while "was taken over" not in caplog.text:
                await asyncio.sleep(0.01)
    assert on_disk(tmp_path, "SELECT token FROM lease") == [("of another",)]


async def test_a_failing_heartbeat_does_not_fail_the_work(
    ledger: Ledger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """If the ledger breaks under a held lease, the block still ends as it would have."""
    monkeypatch.setattr(ledger_module, "HEARTBEAT_SECONDS", 0.01)
    async with ledger.lease("account/trial", what="step x"):
        change(tmp_path, "ALTER TABLE lease RENAME TO elsewhere")
        async with asyncio.timeout(20):
            while "could not be renewed" not in caplog.text:
                await asyncio.sleep(0.01)
    assert "could not be given back" in caplog.text
    assert all(record.levelno == logging.WARNING for record in caplog.records)


HOLD = """
import asyncio, sys
from pathlib import Path
from bcrunbook.ledger import open_ledger
async def hold():
    ledger = open_ledger("sqlite:///ledger.db", Path(sys.argv[1]))
    async with ledger.lease("account/trial", what="step of the child"):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
    ledger.close()
asyncio.run(hold())
"""


async def test_a_killed_process_loses_its_lease_at_once(ledger: Ledger, tmp_path: Path) -> None:
    """Two processes contend: the second waits while the first lives, and follows when it dies."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        with pytest.raises(WaitAndRetry, match="step of the child") as caught:
            async with ledger.lease("account/trial", what="step x"):
                pytest.fail("two holders")
        assert str(child.pid) in caught.value.where
        child.kill()
        # Dead but not waited for: such a process still has its number.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        async with ledger.lease("account/trial", what="step x"):
            pass
    async with ledger.lease("account/trial", what="step x"):
        pass


async def test_a_reused_process_number_is_not_the_holder(ledger: Ledger, tmp_path: Path) -> None:
    """A live process with the holder's number, but started at another time, is somebody else."""
    async with ledger.lease("account/trial", what="step x"):
        change(tmp_path, "UPDATE lease SET process_started = process_started - 100")
        async with ledger.lease("account/trial", what="step y"):
            assert on_disk(tmp_path, "SELECT what FROM lease") == [("step y",)]


RACE = """
import asyncio, sys
from pathlib import Path
from bcrunbook.errors import WaitAndRetry
from bcrunbook.ledger import open_ledger
async def race():
    ledger = open_ledger("sqlite:///ledger.db", Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        async with ledger.lease("account/trial", what="step of the race"):
            print("held", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
    except WaitAndRetry:
        print("refused", flush=True)
    ledger.close()
asyncio.run(race())
"""


def test_of_racing_processes_one_gets_the_lease(tmp_path: Path) -> None:
    """Several processes that ask in the same instant: one holds, the others are told to wait."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", RACE, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None and racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    answers = [racer.stdout.readline().strip() for racer in racers if racer.stdout]
    for racer in racers:
        racer.communicate("\n", timeout=60)
    assert sorted(answers) == ["held", "refused", "refused", "refused"]


def test_the_schema_is_one_that_postgresql_takes() -> None:
    """Each table can be written in PostgreSQL's SQL."""
    from sqlalchemy.dialects import postgresql

    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in ledger_database.metadata.sorted_tables:
        text = str(sa.schema.CreateTable(table).compile(dialect=dialect))
        assert table.name in text and "DATETIME" not in text
