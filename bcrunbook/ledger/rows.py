"""One read or write at a time of the ledger's database, with its errors explained to a person."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import exc

from bcrunbook.errors import ReportBug
from bcrunbook.ledger import tables as database
from bcrunbook.ledger.tables import lease
from bcrunbook.skipped import dates

_COMPARED_EVERY: Final = 600.0


class Taken(Exception):
    """Another process inserted the same lease first."""


class Rows:
    """Reads and writes rows of a ledger.

    Args:
        engine: the database; see `ledger_database.connect`.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._compared = (-math.inf, 0.0)

    @property
    def ahead(self) -> float:
        """How far the clock that all who share the ledger have in common is ahead, in seconds.

        Ahead of this machine's, that is; compared again every ten minutes.
        """
        when, ahead = self._compared
        if time.monotonic() - when > _COMPARED_EVERY:
            with database.explained(self._engine):
                ahead = database.clock_ahead(self._engine)
            self._compared = time.monotonic(), ahead
        return ahead

    def now(self) -> datetime:
        """Now, by that clock: what is noted by several machines has one order in time."""
        return dates.now() + timedelta(seconds=self.ahead)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _write(
        self,
        statement: sa.Insert | sa.Update | sa.Delete,
        values: Mapping[str, Any] | None = None,
    ) -> int:
        engine = self._engine
        with database.explained(engine, writes=True), database.writing(engine) as connection:
            try:
                return connection.execute(statement, values).rowcount
            except exc.IntegrityError as error:
                if statement.table is lease:
                    raise Taken from None
                raise ReportBug(
                    f"The ledger refused a row of the table {statement.table}.",
                    where="the ledger",
                    # PostgreSQL's second line shows the row.
                    why=str(error.orig).split("\n")[0],
                ) from error

    def _read(
        self, query: sa.Select[Any], values: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        # One statement sees one state of the database, and needs no transaction for that.
        with database.explained(self._engine), self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query, values).mappings()]
