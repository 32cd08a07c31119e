"""The ledger in a file of SQLite's: commits, damage, a full disk, and who else has it open."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from bcrunbook.errors import FixInput, RunbookError, Unreachable, WaitAndRetry
from bcrunbook.ledger import tables
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from tests.support.ledgers import SQLITE as URL
from tests.support.ledgers import TRIAL


def test_commits_wait_for_the_disk(tmp_path: Path) -> None:
    """SQLite runs with a write-ahead log, full synchronisation and foreign keys."""
    engine = tables.connect(URL, tmp_path)
    with engine.begin() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A text file in the ledger's place is named as such, and kept."""
    (tmp_path / "ledger.db").write_text("no database\n" * 100)
    with pytest.raises(FixInput, match="not a database"):
        open_ledger(URL, tmp_path)
    assert (tmp_path / "ledger.db").read_text() == "no database\n" * 100


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
            ledger.record(Scope(TRIAL, "x"), "k", "s", "done", {"long": "x" * 100_000})
    finally:
        event.remove(Engine, "connect", hinder)
    assert str(tmp_path / "ledger.db") in str(caught.value) and caught.value.next
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as other:
        assert other.execute("SELECT id FROM fact").fetchall() == []


def test_a_new_file_that_somebody_writes_to_is_waited_for(tmp_path: Path) -> None:
    """Before a file has its write-ahead log, SQLite would refuse it at once."""
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, check_same_thread=False)
    with closing(other):
        other.execute("BEGIN IMMEDIATE")
        ending = threading.Timer(0.2, other.execute, ["ROLLBACK"])
        ending.start()
        with open_ledger(URL, tmp_path) as ledger:
            assert ledger.facts(Scope(TRIAL)) == []
        ending.join()


def test_a_locked_ledger_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When another program keeps the file locked, the error is to wait, not a traceback."""
    monkeypatch.setattr(tables, "_BUSY_MS", 1)
    open_ledger(URL, tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with open_ledger(URL, tmp_path) as hurried, pytest.raises(WaitAndRetry, match="locked"):
            hurried.record(Scope(TRIAL, "x"), "k", "s", "done", {})
