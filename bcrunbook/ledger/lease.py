"""Leases: who is working on what right now; and how far shared rate limits are used up.

A lease is one row per thing, gone when its holder has finished. A holder that is dead or silent for
too long is taken over from; it may be alive all the same, and asks before each thing that only the
holder may do.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from bcrunbook.errors import RunbookError, WaitAndRetry
from bcrunbook.ledger import holder as holder
from bcrunbook.ledger import tables as database
from bcrunbook.ledger.rows import Rows, Taken
from bcrunbook.ledger.tables import lease, turn

_log = logging.getLogger("bcrunbook.ledger")

HEARTBEAT_SECONDS: Final = 15.0

_LONGEST_BACKLOG_SECONDS: Final = 600.0
_LOOK_AGAIN_SECONDS: Final = 1.0


class Leases(Rows):
    """The part of a ledger that is about now."""

    @contextlib.asynccontextmanager
    async def lease(self, name: str, what: str) -> AsyncIterator[Lease]:
        """Be the only one who works on something, for the length of an `async with` block.

        Args:
            name: the thing, such as `account/trial`.
            what: what is being done, for others to read: `step client_secret`.

        Yields:
            The lease, which tells whether it is still held.

        Raises:
            WaitAndRetry: somebody else is at it; says who, where and since when.
        """
        token = await self._get(name, what)
        beat = asyncio.create_task(self._beat(name, token))
        try:
            yield Lease(self, name, token)
        finally:
            beat.cancel()
            try:
                self._write(_given_back(), {"lease": name, "mine": token})
            except RunbookError as error:
                # What the block did, or why it failed, matters more; the lease goes stale anyway.
                _log.warning("the lease on %s could not be given back: %s", name, error.what)
            await asyncio.gather(beat, return_exceptions=True)

    def check_lease(self, name: str, token: str) -> None:
        """Refuse to go on with a lease that somebody else has taken over.

        Raises:
            WaitAndRetry: this process was stopped for longer than a lease holds.
        """
        rows = self._read(_held(), {"lease": name})
        if rows and rows[0]["token"] == token:
            return
        other = f" {rows[0]['holder']}@{rows[0]['host']} has it." if rows else ""
        raise WaitAndRetry(
            f"This process was stopped for so long that its turn at {name} was given to another"
            f" run.{other} Nothing more was written.",
            where=f"the lease on {name}",
            why="the machine slept, or the process was stopped",
            next="run again: what the other run has done is found",
        )

    def reserve_slots(
        self, name: str, count: int, interval: float, burst_seconds: float, *, skipped: float = 0.0
    ) -> float:
        """Reserve the next slots of a rate limit that everybody who shares the ledger keeps.

        Args:
            name: the limit.
            count: how many slots, one for each request.
            interval: seconds from one slot to the next.
            burst_seconds: how many seconds of slots that nobody used may be made up for.
            skipped: by how much everybody's clock is ahead of the ledger's, in seconds.

        Returns:
            In how many seconds the first of them comes, the others `interval` after each other;
            not above 0 when it has come.
        """
        engine = self._engine
        with database.explained(engine, writes=True), database.writing(engine) as connection:
            statement = _reservation(engine.dialect.name)
            values = {
                "limit": name,
                "taken": count * interval,
                "unused": burst_seconds,
                "skipped": skipped,
            }
            return float(connection.execute(statement, values).scalar_one())

    async def _get(self, name: str, what: str) -> str:
        """Take a lease; who may be gone is waited for until that is certain."""
        heard = None
        while True:
            try:
                return self._take(name, what)
            except _Held as held:
                beat = held.by["heartbeat"]
                if not holder.may_be_gone(held.by) or heard not in (None, beat):
                    raise holder.busy(held.by, name) from None
                heard = beat
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _take(self, name: str, what: str) -> str:
        dialect = self._engine.dialect.name
        mine = {"token": str(uuid.uuid4()), **holder.this_process(), "what": what}
        # Compare and swap: whoever loses a race finds the winner's row and reads it.
        while True:
            with contextlib.suppress(Taken):
                held = self._read(_seen(dialect), {"lease": name})
                if not held:
                    self._write(_taken(dialect), {"name": name, **mine})
                    return str(mine["token"])
                other = held[0]
                if not holder.is_abandoned(other, other["now"]):
                    raise _Held(other)
                stale = {"lease": name, "mine": other["token"]}
                if self._write(_taken_over(dialect), {**stale, **mine}):
                    # One that was killed here is no news to whoever starts the next.
                    is_news = not holder.is_here(other)
                    _log.log(
                        logging.WARNING if is_news else logging.INFO,
                        "took over %s from %s@%s, process %s, which is gone",
                        name,
                        other["holder"],
                        other["host"],
                        other["pid"],
                    )
                    return str(mine["token"])

    async def _beat(self, name: str, token: str) -> None:
        renewed, mine = _renewed(self._engine.dialect.name), {"lease": name, "mine": token}
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                still_held = self._write(renewed, mine)
            except RunbookError as error:
                # The next beat may succeed; the work itself is not at fault.
                _log.warning("the lease on %s could not be renewed: %s", name, error.what)
                continue
            if not still_held:
                _log.warning("the lease on %s was taken over while this process was busy", name)
                return


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that this process took.

    A process that was stopped meanwhile does not know that it has lost it: it asks right before
    each thing that only the holder may do.
    """

    ledger: Leases
    name: str
    token: str

    def check(self) -> None:
        """Refuse to go on when somebody else has taken it over.

        Raises:
            WaitAndRetry: it is lost.
        """
        self.ledger.check_lease(self.name, self.token)


# Statements are made once: that takes longer than they do.


def _is_named() -> sa.ColumnElement[bool]:
    return lease.c.name == sa.bindparam("lease")


def _is_mine() -> sa.ColumnElement[bool]:
    return sa.and_(_is_named(), lease.c.token == sa.bindparam("mine"))


@cache
def _held() -> sa.Select[Any]:
    """Who has the lease on something."""
    return sa.select(lease).where(_is_named())


@cache
def _seen(dialect: str) -> sa.Select[Any]:
    """Who has it, and what time it is."""
    return _held().add_columns(database.clock(dialect).label("now"))


@cache
def _taken(dialect: str) -> sa.Insert:
    """Takes a lease that nobody has."""
    now = database.clock(dialect)
    return lease.insert().values(since=now, heartbeat=now)


@cache
def _taken_over(dialect: str) -> sa.Update:
    """Takes a lease from its holder, if that is still who was seen."""
    now = database.clock(dialect)
    return lease.update().where(_is_mine()).values(since=now, heartbeat=now)


@cache
def _renewed(dialect: str) -> sa.Update:
    """Shows that the holder is alive, if it is still the one that took the lease."""
    return lease.update().where(_is_mine()).values(heartbeat=database.clock(dialect))


@cache
def _given_back() -> sa.Delete:
    """Gives a lease back, on the same condition."""
    return lease.delete().where(_is_mine())


@cache
def _reservation(dialect: str) -> sa.Executable:
    """Reserves slots of a limit: `taken` seconds of them, after at most `unused` seconds.

    It is executed before every few requests.
    """
    ahead = sa.bindparam("skipped", type_=sa.Double)
    now, taken = database.seconds(dialect) + ahead, sa.bindparam("taken", type_=sa.Double)
    earliest = now - sa.bindparam("unused", type_=sa.Double)
    # A clock that was set back would otherwise hold everybody up for as long.
    has_begun = turn.c.next.between(earliest, now + _LONGEST_BACKLOG_SECONDS)
    first = sa.case((has_begun, turn.c.next), else_=earliest)
    return (
        database.upsert(dialect, turn)
        .values(name=sa.bindparam("limit"), next=earliest + taken)
        .on_conflict_do_update(index_elements=[turn.c.name], set_={"next": first + taken})
        .returning(turn.c.next - taken - now)
    )


class _Held(Exception):
    """Another process has the lease."""

    def __init__(self, by: dict[str, Any]) -> None:
        super().__init__(by)
        self.by = by
