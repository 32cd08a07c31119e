"""The state of the rehearsal cloud: versioned records in memory, written through to SQLite.

Invariants: an effect is on disk before its answer leaves (the edge commits, then answers), so a
kill at any instant loses nothing that anybody was told of. A record is the list of its versions,
each with the time it was written and the kind of lag it is subject to; a plain read sees the
newest version that has replicated, a read through the index an older one, a write the newest.
Documents are never changed in place.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bcrunbook.rehearsal.clock import Clock

Document = dict[str, Any]
Version = tuple[float, str, Document | None]
Record = list[Version]
GLOBAL: Final = "-"
"""The partition of records that belong to no tenant."""


class StateInUse(Exception):
    """Another server works on the same folder."""


class Store:
    """Records by kind, tenant and key."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._records: dict[str, dict[str, dict[str, Record]]] = defaultdict(dict)
        self._undo: list[tuple[str, str, str, Record | None]] | None = None
        # The seeded secrets are in it, to be told again after a restart: its owner's alone.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            # Exclusive: the lock lasts as long as the process, so a second server is refused.
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            # The promise is to outlive a kill of the process, not of the machine.
            self._db.execute("PRAGMA synchronous=OFF")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS records (kind TEXT, tenant TEXT, key TEXT,"
                " versions TEXT NOT NULL, PRIMARY KEY (kind, tenant, key)) WITHOUT ROWID"
            )
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as problem:
            self._db.close()
            raise StateInUse(f"{path} is in use by another rehearsal cloud") from problem
        for kind, tenant, key, versions in self._db.execute(
            "SELECT kind, tenant, key, versions FROM records"
        ):
            self._records[kind].setdefault(tenant, {})[key] = [
                (at, lag, document) for at, lag, document in json.loads(versions)
            ]

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All the writes within, or none: on disk when the block ends, undone when it raises."""
        self._db.execute("BEGIN IMMEDIATE")
        self._undo = []
        try:
            yield
        except BaseException:
            for kind, tenant, key, record in reversed(self._undo):
                if record is None:
                    self._records[kind][tenant].pop(key, None)
                else:
                    self._records[kind][tenant][key] = record
            self._db.execute("ROLLBACK")
            raise
        else:
            self._db.execute("COMMIT")
        finally:
            self._undo = None

    def put(
        self, kind: str, tenant: str, key: str, document: Document | None, lag: str = "at_once"
    ) -> None:
        """Write a new version (None: the object is gone). `lag` names a field of `Lags`."""
        if self._undo is None:
            raise RuntimeError("a write outside a transaction")
        now = self._clock.now()
        held = self._records[kind].setdefault(tenant, {})
        old = held.get(key)
        self._undo.append((kind, tenant, key, old))
        record: Record = [] if lag == "at_once" else self._pruned(key, old or [], now)
        record.append((now, lag, document))
        if all(version is None for _, _, version in record):
            held.pop(key, None)
            self._forget(kind, tenant, key)
        else:
            held[key] = record
            self._keep(kind, tenant, key, record)

    def _keep(self, kind: str, tenant: str, key: str, record: Record) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO records VALUES (?,?,?,?)",
            (kind, tenant, key, json.dumps(record)),
        )

    def _forget(self, kind: str, tenant: str, key: str) -> None:
        self._db.execute(
            "DELETE FROM records WHERE kind=? AND tenant=? AND key=?", (kind, tenant, key)
        )

    def latest(self, kind: str, tenant: str, key: str) -> Document | None:
        """The newest version, replicated or not: what writes build on."""
        record = self._held(kind, tenant).get(key)
        return record[-1][2] if record else None

    def all_latest(self, kind: str, tenant: str) -> Iterator[tuple[str, Document]]:
        """Key and newest version of every existing object."""
        for key, record in list(self._held(kind, tenant).items()):
            document = record[-1][2]
            if document is not None:
                yield key, document

    def tenants_of(self, kind: str) -> list[str]:
        """The tenants that hold records of a kind."""
        # Among thousands of companies this is asked for each token.
        return list(self._records[kind])

    def _held(self, kind: str, tenant: str) -> dict[str, Record]:
        # Who reads leaves nothing behind.
        return self._records[kind].get(tenant, {})

    def visible(self, kind: str, tenant: str, key: str, *, index: bool = False) -> Document | None:
        """What a read sees now; with `index`, what an advanced query sees."""
        record = self._held(kind, tenant).get(key)
        return self._seen(key, record, self._clock.now(), index) if record else None

    def all_visible(
        self, kind: str, tenant: str, *, index: bool = False
    ) -> Iterator[tuple[str, Document]]:
        """Key and visible version of every object a read sees now."""
        now = self._clock.now()
        for key, record in list(self._held(kind, tenant).items()):
            document = self._seen(key, record, now, index)
            if document is not None:
                yield key, document

    def created_at(self, kind: str, tenant: str, key: str) -> float:
        """When the object came to be, as far as its document says."""
        document = self.latest(kind, tenant, key)
        return float(document.get("_created", 0.0)) if document else 0.0

    def _seen(self, key: str, record: Record, now: float, index: bool) -> Document | None:
        for at, lag, document in reversed(record):
            if self._clock.passed(at, lag, key, now=now) and (
                not index or lag == "at_once" or self._clock.indexed(at, now=now)
            ):
                return document
        return None

    def _pruned(self, key: str, record: Record, now: float) -> Record:
        """The versions that some read may still see."""
        for position in range(len(record) - 1, 0, -1):
            at, lag, _ = record[position]
            if self._clock.passed(at, lag, key, now=now) and self._clock.indexed(at, now=now):
                return record[position:]
        return list(record)
