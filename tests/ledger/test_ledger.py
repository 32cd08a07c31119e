"""The ledger: facts that last, and leases that one process holds at a time.

Whatever does not depend on the database is shown on SQLite and on a real PostgreSQL server.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bcrunbook.accounts import Identity
from bcrunbook.errors import FixInput, NotFound, ReportBug, WaitAndRetry
from bcrunbook.job_options import JobOptions, doing_job
from bcrunbook.ledger import lease, tables
from bcrunbook.ledger import store as ledger_module
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Ledger, open_ledger
from bcrunbook.secrets import MASK, Secret
from tests.support.ledgers import (
    LIVE,
    PRELUDE,
    TRIAL,
    Place,
    no_postgres_settings,
    place,
    postgres_server,
)

# Fixtures of other modules, for whoever asks for them by name.
__all__ = ["no_postgres_settings", "place", "postgres_server"]


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    """A new ledger."""
    with place.open() as opened:
        yield opened


# --- facts, runs and outcomes ------------------------------------------------------------------


def test_facts_come_back_oldest_first(ledger: Ledger) -> None:
    """Facts keep their order and every field, and each filter narrows them."""
    run_id = ledger.begin_run(Scope(TRIAL, "client_secret"), "apply")
    before = ledger.now()  # by the clock that all who share it go by, as facts are
    ledger.record(Scope(TRIAL, "client_secret"), "secret", "a", "intended", {"n": 1}, run_id=run_id)
    ledger.record(Scope(TRIAL, "client_secret"), "secret", "a", "done", {"n": 2})
    ledger.record(Scope(TRIAL, "codat_keys"), "keys", "b", "said", {}, said_by="Ada")
    ledger.record(Scope(TRIAL, "link_customer", "bakery"), "link", "c", "observed", {})
    ledger.record(Scope(LIVE, "client_secret"), "secret", "a", "done", {})
    facts = ledger.facts(Scope(TRIAL))
    assert [fact.basis for fact in facts] == ["intended", "done", "said", "observed"]
    assert (facts[0].run_id, facts[0].data, facts[0].said_by) == (run_id, {"n": 1}, None)
    assert facts[0].at.tzinfo is UTC and before <= facts[0].at <= facts[1].at
    assert [fact.subject for fact in ledger.facts(Scope(TRIAL, "codat_keys"))] == ["b"]
    assert [fact.said_by for fact in ledger.facts(Scope(TRIAL), "keys")] == ["Ada"]
    assert [fact.data["n"] for fact in ledger.facts(Scope(TRIAL), subject="a")] == [1, 2]
    assert [fact.subject for fact in ledger.facts(Scope(TRIAL, customer="bakery"))] == ["c"]


def test_the_latest_fact_is_the_newest(ledger: Ledger) -> None:
    """`latest` gives the last one recorded, or None."""
    assert ledger.latest(Scope(TRIAL), "secret") is None
    for number in range(3):
        ledger.record(Scope(TRIAL, "client_secret"), "secret", "a", "observed", {"n": number})
    latest = ledger.latest(Scope(TRIAL, "client_secret"), "secret", "a")
    assert latest is not None and latest.data == {"n": 2}


def test_outcomes_are_the_latest_per_step_and_customer(ledger: Ledger) -> None:
    """Status is a query: of each account, customer and step, the last outcome counts."""
    run_id = ledger.begin_run(Scope(TRIAL, "x"), "apply")
    for whose, step, state, customer in (
        (TRIAL, "client_secret", "failed", None),
        (TRIAL, "client_secret", "done", None),
        (TRIAL, "link_customer", "waiting", "bakery"),
        (TRIAL, "link_customer", "done", "butcher"),
        (TRIAL, "link_customer", "done", "bakery"),
        (LIVE, "client_secret", "changed", None),
    ):
        ledger.record_outcome(run_id, Scope(whose, step, customer), state, {"s": state})
    rows = [(row.account, row.step, row.customer, row.state) for row in ledger.outcomes(TRIAL)]
    assert rows == [
        ("trial", "client_secret", None, "done"),
        ("trial", "link_customer", "butcher", "done"),
        ("trial", "link_customer", "bakery", "done"),
    ]
    assert [(row.account, row.data) for row in ledger.outcomes(LIVE)] == [
        ("live", {"s": "changed"})
    ]


def test_outcomes_of_customers_are_read_in_brief(ledger: Ledger) -> None:
    """Of those that are asked for so, sentence and time alone; all of the others is read."""
    run_id = ledger.begin_run(Scope(TRIAL, "x"), "apply")
    data = {"summary": 'Linked: "Müller & Søn".', "since": None, "findings": [{"name": "App Link"}]}
    for state, customer in (("done", "bakery"), ("waiting", "butcher"), ("done", None)):
        ledger.record_outcome(run_id, Scope(TRIAL, "link_customer", customer), state, data)
    brief = {"summary": data["summary"], "since": None}
    rows = ledger.outcomes(TRIAL, brief=frozenset({"done", "changed"}))
    found = {row.customer: (row.state, row.data) for row in rows}
    assert found == {
        "bakery": ("done", brief),
        "butcher": ("waiting", data),
        None: ("done", data),
    }


def test_a_run_is_kept_with_its_end(ledger: Ledger, place: Place) -> None:
    """Who asked for what, in which cloud, with which version, and how it ended."""
    whose = replace(TRIAL, cloud="rehearsal")
    run_id = ledger.begin_run(Scope(whose, "client_secret", "bakery"), "plan")
    assert place.rows("SELECT state, ended_at FROM run") == [(None, None)]
    ledger.end_run(run_id, "done")
    columns = "id, account, customer, step, mode, cloud, tenant, instance, state"
    assert place.rows(f"SELECT {columns}, ended_at >= started_at FROM run") == [
        (
            *(run_id, "trial", "bakery", "client_secret", "plan"),
            *("rehearsal", TRIAL.tenant, TRIAL.instance, "done", 1),
        )
    ]
    assert place.rows("SELECT version FROM run WHERE version <> ''")
    with pytest.raises(NotFound):
        ledger.end_run("no-such-run", "done")


@pytest.mark.scrubs
def test_no_secret_reaches_the_database(
    ledger: Ledger, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """A secret in a fact or an outcome is masked before it is written, and reported."""
    value = Secret("a-secret-for-the-ledger").reveal()
    run_id = ledger.begin_run(Scope(TRIAL, "x"), "apply")
    ledger.record(Scope(TRIAL, "x"), "k", "s", "done", {"deep": [{"value": f"has {value}"}]})
    ledger.record_outcome(run_id, Scope(TRIAL, "x"), "failed", {"secretText": "Never Seen 1"})
    assert ledger.facts(Scope(TRIAL))[0].data == {"deep": [{"value": f"has {MASK}"}]}
    ledger.close()
    kept = place.everything()
    assert "trial" in kept
    assert value not in kept and "Never Seen" not in kept
    assert "about to be written to the ledger" in caplog.text


@pytest.mark.parametrize(
    "fact",
    [
        {"data": {"when": datetime(2026, 1, 2, tzinfo=UTC)}},
        {"data": {"share": math.nan}},
        {"basis": "guessed"},
        {"run_id": "nowhere"},
    ],
    ids=["no plain data", "no number", "unknown basis", "unknown run"],
)
def test_what_a_fact_cannot_be_is_a_bug(ledger: Ledger, fact: dict[str, object]) -> None:
    """A fact that is not plain data, not of a known basis, or of no run is refused."""
    fields = {"basis": "done", "data": {}, **fact}
    with pytest.raises(ReportBug) as caught:
        ledger.record(Scope(TRIAL, "x"), "k", "the-subject", **fields)  # type: ignore[arg-type]
    assert "the-subject" not in str(caught.value)
    assert ledger.facts(Scope(TRIAL)) == []


DATA: dict[str, dict[str, Any]] = {
    "empty": {},
    "nested": {"a": [{"b": [1, 2.5, -0.0, None, True, False, []]}], "": {}},
    "order": {"z": 1, "a": 2, "m": 3},
    "big numbers": {"whole": 2**80, "small": 5e-324, "large": 1.7976931348623157e308},
    "texts": {"é": "Ünïcode 😀 \u0000 \ud800 \\ \" ' % :name ?", "line": "a\nb\tc"},
    "long": {"text": "x" * 1_000_000},
}


@pytest.mark.parametrize("data", DATA.values(), ids=list(DATA))
def test_plain_data_comes_back_as_it_was(ledger: Ledger, data: dict[str, Any]) -> None:
    """Whatever JSON can hold is kept to the letter, in facts and in outcomes."""
    run_id = ledger.begin_run(Scope(TRIAL, "x"), "apply")
    ledger.record(Scope(TRIAL, "x"), "k", "s", "done", data)
    ledger.record_outcome(run_id, Scope(TRIAL, "x"), "done", data)
    (fact,), (row,) = ledger.facts(Scope(TRIAL)), ledger.outcomes(TRIAL)
    assert repr(fact.data) == repr(row.data) == repr(data)


def test_the_longest_names_are_kept(ledger: Ledger) -> None:
    """The longest account, customer and person that are allowed, and a long subject, fit."""
    account = Identity("a" * 30, "rehearsal", "t" * 253, "i" * 100)
    customer, person = "c" * 40, "é" * 200
    subject = "😀" * 400
    run_id = ledger.begin_run(Scope(account, "x", customer), "apply")
    ledger.record(
        Scope(account, "x", customer), "k", subject, "said", {}, run_id=run_id, said_by=person
    )
    fact = ledger.latest(Scope(account, customer=customer), subject=subject)
    assert fact is not None and (fact.subject, fact.said_by) == (subject, person)
    ledger.record_outcome(run_id, Scope(account, "x", customer), "done", {})
    assert ledger.latest_outcome(Scope(account, "x", customer)) is not None


def test_the_latest_outcome_of_a_step(ledger: Ledger) -> None:
    """Of one step the newest counts, and a customer's is not the account's own."""
    assert ledger.latest_outcome(Scope(TRIAL, "link_customer")) is None
    run_id = ledger.begin_run(Scope(TRIAL, "link_customer"), "apply")
    for state, customer in (("failed", "bakery"), ("waiting", None), ("done", "bakery")):
        ledger.record_outcome(run_id, Scope(TRIAL, "link_customer", customer), state, {})
    own = ledger.latest_outcome(Scope(TRIAL, "link_customer"))
    theirs = ledger.latest_outcome(Scope(TRIAL, "link_customer", "bakery"))
    assert own is not None and theirs is not None
    assert (own.state, theirs.state) == ("waiting", "done")
    assert own.at.tzinfo is UTC and own.run_id == run_id
    standings = {one.customer: one for one in ledger.standings(TRIAL)}
    assert {name: one.state for name, one in standings.items()} == {
        None: "waiting",
        "bakery": "done",
    }
    assert standings["bakery"].at == theirs.at and standings["bakery"].version


CRASH = (
    PRELUDE
    + """
import os, signal, sys
from pathlib import Path
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
ledger = open_ledger(sys.argv[1], Path(sys.argv[2]))
ledger.record(Scope(TRIAL, "client_secret"), "secret", "marker", "intended", {})
os.kill(os.getpid(), signal.SIGKILL)
"""
)


def program(code: str, place: Place) -> list[str]:
    """The command line of a program that is told where the ledger is."""
    return [sys.executable, "-W", "error", "-c", code, place.url, str(place.root)]


@pytest.mark.skipif(sys.platform == "win32", reason="it is killed by a signal of POSIX systems")
def test_a_fact_outlives_a_crash(place: Place) -> None:
    """An intention is kept when `record` returns, whatever happens next."""
    done = subprocess.run(program(CRASH, place), timeout=60)
    assert done.returncode == -signal.SIGKILL
    with place.open() as ledger:
        assert [fact.subject for fact in ledger.facts(Scope(TRIAL))] == ["marker"]


WRITE = (
    PRELUDE
    + """
import sys
from pathlib import Path
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
with open_ledger(sys.argv[1], Path(sys.argv[2])) as ledger:
    writer = sys.stdin.readline().strip()
    for number in range(25):
        run_id = ledger.begin_run(Scope(TRIAL, writer), "apply")
        ledger.record(Scope(TRIAL, writer), "k", "s", "done", {"n": number}, run_id=run_id)
        ledger.record_outcome(run_id, Scope(TRIAL, writer), "done", {"n": number})
        ledger.end_run(run_id, "done")
"""
)


def test_nothing_that_several_processes_write_is_lost(place: Place) -> None:
    """Processes that write at once all get through, and each finds its own in order."""
    place.open().close()
    writers = [
        subprocess.Popen(program(WRITE, place), stdin=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for number, writer in enumerate(writers):
        assert writer.stdin is not None
        writer.stdin.write(f"step_{number}\n")
        writer.stdin.close()
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    with place.open() as ledger:
        facts = ledger.facts(Scope(TRIAL))
        for number in range(4):
            own = [fact.data["n"] for fact in facts if fact.step == f"step_{number}"]
            assert own == list(range(25))
        assert len({fact.id for fact in facts}) == len({fact.run_id for fact in facts}) == 100
        assert [row.data for row in ledger.outcomes(TRIAL)] == [{"n": 24}] * 4
    assert place.rows("SELECT count(*) FROM run WHERE state = 'done'") == [(100,)]
    assert place.rows("SELECT count(*) FROM outcome") == [(100,)]


# --- migrations --------------------------------------------------------------------------------

scripts = ScriptDirectory(str(Path(ledger_module.__file__).parent / "migrations"))
REVISIONS = [script.revision for script in scripts.walk_revisions()][::-1]


def test_revisions_are_numbered_in_a_line() -> None:
    """Revisions are 0001, 0002 and so on, without branches, and the last is the code's."""
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS
    assert REVISIONS[-1] == tables.HEAD


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_old_ledger_opens_and_keeps_its_facts(revision: str, place: Place) -> None:
    """A ledger of any earlier shape is brought up to date, with its facts still in it."""
    place.build(revision)
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    place.change(
        "INSERT INTO fact (at, account, step, kind, subject, basis, data)"
        f" VALUES ('{place.time(at)}', 'trial', 'x', 'k', 'kept', 'done', '{{}}')"
    )
    with place.open() as ledger:
        ledger.claim(TRIAL)
        (fact,) = ledger.facts(Scope(TRIAL))
    assert (fact.subject, fact.at) == ("kept", at)
    assert place.rows("SELECT version_num FROM alembic_version") == [(tables.HEAD,)]


def test_the_migrations_make_the_tables_that_the_code_expects(place: Place) -> None:
    """Alembic finds no difference between the migrated schema and the code's tables."""
    place.build("head")
    with place.connection() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, tables.metadata) == []


def test_a_current_ledger_opens_without_alembic(place: Place) -> None:
    """Alembic, keyring and psutil are imported only when they are needed."""
    code = (
        "import sys; from pathlib import Path; import bcrunbook.accounts, bcrunbook.secrets\n"
        "from bcrunbook.ledger.store import open_ledger\n"
        "open_ledger(sys.argv[1], Path(sys.argv[2])).close()\n"
        "print([name for name in ('alembic', 'keyring', 'psutil') if name in sys.modules])"
    )
    answers = [
        subprocess.run(
            program(code, place), timeout=60, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert answers == ["['alembic']", "[]"]


def test_several_processes_may_make_the_ledger_at_once(place: Place) -> None:
    """Of processes that open a new ledger together, one migrates, and all can write."""
    code = CRASH.replace("os.kill(os.getpid(), signal.SIGKILL)", "ledger.close()")
    code = code.replace("ledger = ", 'print("ready", flush=True); sys.stdin.readline(); ledger = ')
    started = [
        subprocess.Popen(
            program(code, place), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    together(started)
    for process in started:
        process.communicate(timeout=60)
    assert [process.returncode for process in started] == [0] * 4
    with place.open() as ledger:
        assert len(ledger.facts(Scope(TRIAL))) == 4


def together(started: list[subprocess.Popen[str]]) -> None:
    """Let processes go on in the same instant, once all say that they are ready."""
    for process in started:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


# --- databases that cannot be used -------------------------------------------------------------


def test_a_newer_ledger_is_refused(place: Place) -> None:
    """A ledger from a newer version is left alone, with the command that upgrades."""
    place.build("head")
    place.change("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(FixInput, match="newer version") as caught:
        place.open()
    assert "pip install --upgrade bcrunbook" in caught.value.next


@pytest.mark.parametrize("migrated", [False, True])
def test_another_programs_database_is_refused(migrated: bool, place: Place) -> None:
    """A database with other tables is not made into a ledger, even one kept by alembic."""
    place.change("CREATE TABLE recipes (id INTEGER)")
    if migrated:
        place.change("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        place.change(f"INSERT INTO alembic_version VALUES ('{tables.HEAD}')")
    with pytest.raises(FixInput, match="another program"):
        place.open()
    with place.connection() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {"recipes", "alembic_version"}


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///none/ledger.db", "cannot be opened"),
        ("postgresql+psycopg2://ada:hunter22@host/x", "not the address"),
        ("postgresql+psycopg://ada:hunter22@host:port/x", "not the address"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("ledger.db", "not the address"),
        ("oracel://x/y", "not the address"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(url: str, says: str, tmp_path: Path) -> None:
    """A folder that is not there, no file, or no address: each has its own words."""
    with pytest.raises(FixInput, match=says) as caught:
        open_ledger(url, tmp_path)
    assert caught.value.next and "hunter22" not in str(caught.value)


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


async def test_a_lease_is_renewed(
    ledger: Ledger, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the block runs, the heartbeat goes on."""
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.01)
    async with ledger.lease("account/trial", what="step x"):
        first = place.rows("SELECT heartbeat FROM lease")
        async with asyncio.timeout(20):
            while place.rows("SELECT heartbeat FROM lease") == first:
                await asyncio.sleep(0.01)


def hold(place: Place, heartbeat: datetime, host: str) -> None:
    """Let somebody else hold the account since 2026, on another machine."""
    since = place.time(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    place.change("DELETE FROM lease")
    place.change(
        "INSERT INTO lease (name, token, holder, host, pid, process_started, what, since,"
        " heartbeat, machine) VALUES ('account/trial', 't', 'bob', :host, 1, 0, 'step y',"
        f" '{since}', '{place.time(heartbeat)}', 'another')",
        host=host,
    )


async def test_a_lease_without_heartbeat_is_taken_over(
    ledger: Ledger, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """Another machine's lease counts while its heartbeat is fresh, and not after 90 seconds."""

    def beat(seconds_ago: float) -> None:
        hold(place, datetime.now(UTC) - timedelta(seconds=seconds_ago), host="elsewhere")

    beat(60)
    with pytest.raises(WaitAndRetry, match=r"bob@elsewhere.*step y, since 2026-01-02 03:04:05 UTC"):
        async with ledger.lease("account/trial", what="step x"):
            pytest.fail("two holders")
    beat(95)
    async with ledger.lease("account/trial", what="step x"):
        assert place.rows("SELECT what FROM lease") == [("step x",)]
    assert "took over account/trial from bob@elsewhere" in caplog.text
    assert place.rows("SELECT what FROM lease") == []


PATIENT = JobOptions(waits_for_lost_holders=True)
"""A job that waits for those who may have gone with their machine."""


async def test_patience_with_somebody_who_may_be_gone(ledger: Ledger, place: Place) -> None:
    """Another machine's silent lease is waited for until it is stale."""
    hold(place, datetime.now(UTC) - timedelta(seconds=88), host="elsewhere")
    with doing_job(PATIENT):
        async with asyncio.timeout(30), ledger.lease("account/trial", what="step x"):
            assert place.rows("SELECT what FROM lease") == [("step x",)]


async def test_no_patience_with_somebody_at_work(ledger: Ledger, place: Place) -> None:
    """Whoever is heard of meanwhile, or is on this machine, is not waited for."""
    hold(place, datetime.now(UTC) - timedelta(seconds=14), host="elsewhere")

    async def work() -> None:
        with doing_job(PATIENT):
            async with ledger.lease("account/trial", what="step x"):
                pytest.fail("two holders")

    waiting = asyncio.create_task(work())
    await asyncio.sleep(0.2)
    assert not waiting.done()
    hold(place, datetime.now(UTC), host="elsewhere")
    async with asyncio.timeout(30):
        with pytest.raises(WaitAndRetry, match="bob@elsewhere"):
            await waiting
    place.change("DELETE FROM lease")
    async with ledger.lease("account/trial", what="step y"):
        with pytest.raises(WaitAndRetry, match="step y"):
            await work()


async def test_a_machine_of_the_same_name_is_another(ledger: Ledger, place: Place) -> None:
    """A process that is not found here may be alive on another machine that is called the same."""
    hold(place, datetime.now(UTC), host=socket.gethostname())
    with pytest.raises(WaitAndRetry, match="bob@"):
        async with ledger.lease("account/trial", what="step x"):
            pytest.fail("two holders")


async def test_a_lost_lease_is_logged_and_left_to_its_new_holder(
    ledger: Ledger,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A process that slept too long says so, and does not end the lease of another."""
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.01)
    async with ledger.lease("account/trial", what="step x"):
        place.change("UPDATE lease SET token = 'of another'")
        async with asyncio.timeout(20):
            while "was taken over" not in caplog.text:
                await asyncio.sleep(0.01)
    assert place.rows("SELECT token FROM lease") == [("of another",)]


async def test_a_failing_heartbeat_does_not_fail_the_work(
    ledger: Ledger,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """If the ledger breaks under a held lease, the block still ends as it would have."""
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.01)
    async with ledger.lease("account/trial", what="step x"):
        place.change("ALTER TABLE lease RENAME TO elsewhere")
        async with asyncio.timeout(20):
            while "could not be renewed" not in caplog.text:
                await asyncio.sleep(0.01)
    assert "could not be given back" in caplog.text
    assert all(record.levelno == logging.WARNING for record in caplog.records)


HOLD = """
import asyncio, sys
from pathlib import Path
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
async def hold():
    ledger = open_ledger(sys.argv[1], Path(sys.argv[2]))
    async with ledger.lease("account/trial", what="step of the child"):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
    ledger.close()
asyncio.run(hold())
"""


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="a dead child is left unwaited for")
async def test_a_killed_process_loses_its_lease_at_once(ledger: Ledger, place: Place) -> None:
    """Two processes contend: the second waits while the first lives, and follows when it dies."""
    child = subprocess.Popen(
        program(HOLD, place), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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


async def test_a_reused_process_number_is_not_the_holder(ledger: Ledger, place: Place) -> None:
    """A live process with the holder's number, but started at another time, is somebody else."""
    async with ledger.lease("account/trial", what="step x"):
        place.change("UPDATE lease SET process_started = process_started - 100")
        async with ledger.lease("account/trial", what="step y"):
            assert place.rows("SELECT what FROM lease") == [("step y",)]


RACE = """
import asyncio, sys
from pathlib import Path
from bcrunbook.errors import WaitAndRetry
from bcrunbook.ledger.store import open_ledger
async def race():
    ledger = open_ledger(sys.argv[1], Path(sys.argv[2]))
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


def test_of_racing_processes_one_gets_the_lease(place: Place) -> None:
    """Several processes that ask in the same instant: one holds, the others are told to wait."""
    racers = [
        subprocess.Popen(
            program(RACE, place), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    together(racers)
    answers = [racer.stdout.readline().strip() for racer in racers if racer.stdout]
    for racer in racers:
        racer.communicate("\n", timeout=60)
    assert sorted(answers) == ["held", "refused", "refused", "refused"]


def test_threads_of_one_process_make_ledgers_at_once(tmp_path: Path) -> None:
    """Each its own; none disturbs the others."""

    def make(number: int) -> int:
        folder = tmp_path / str(number)
        folder.mkdir()
        with open_ledger("sqlite:///ledger.db", folder) as ledger:
            ledger.record(Scope(TRIAL, "start_here"), "kept", "it", "observed", {})
            return len(ledger.facts(Scope(TRIAL)))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(make, range(16))) == 16 * [1]
