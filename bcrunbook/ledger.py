"""The ledger: durable facts about what was observed, intended, done and said.

The data model:

    run       one execution of one step for one account (and customer): who asked for what, and
              how it ended. `state` and `ended_at` are filled in once.
    fact      one thing learnt at one instant about one subject. Append-only.
    outcome   what a step came to in one run. Append-only.
    lease     who is working on what right now, one row per thing, gone when they are finished.
    turn      when a service may be asked next, one row per limit; overwritten at every turn.
    tenant_name  which tenant a domain was seen to lead to; the tenant's id is a name of it too.

Whose a run, a fact or an outcome is says an `Identity`: account, cloud, tenant and Codat instance.
A row is found again only by the identity that it was noted for, however the tenant is named. Rows
from before identities were noted have none: they are never found, and `strangers` tells of them.

Status is never stored; it is a query over facts and outcomes. A fact's `basis` says how it is
known: `observed` (read from a service), `intended` (about to be done), `done` (a service said so),
`said` (a person said so, who is named). Each write is on the disk before the method returns: an
intention must outlive a crash of the very request it precedes. Everything written has been scrubbed
of secrets.

Times are UTC. The schema holds on SQLite, the default, and on PostgreSQL, which a team can share;
its history is in `migrations`.

Rows are ordered by their ids. On PostgreSQL an id is drawn before its row can be seen, so of two
writers at once the one with the lower id may show later. Of one step of one account or customer
there is one writer at a time, the holder of the lease, so its highest id is the latest; and nothing
reads on from the last id it has seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import json
import logging
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import sqlalchemy as sa
from sqlalchemy import exc

from . import ledger_database as database
from . import ledger_holder as holder
from .accounts.identity import Identity
from .errors import FixInput, NotFound, ReportBug, RunbookError, WaitAndRetry
from .ledger_database import fact, lease, outcome, run, tenant_name, turn
from .secrets import scrub, scrub_json

_log = logging.getLogger(__name__)

Basis = Literal["observed", "intended", "done", "said"]

HEARTBEAT_SECONDS: Final = 15.0

_LONGEST_BACKLOG_SECONDS: Final = 600.0
_LOOK_AGAIN_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing learnt at one instant.

    Attributes:
        at: when, in UTC.
        subject: what it is about, such as an object id.
        basis: `observed`, `intended`, `done` or `said`.
        said_by: who, when the basis is `said`.
        data: the rest, plain data without secrets.
    """

    id: int
    run_id: str | None
    at: datetime
    account: str
    customer: str | None
    step: str
    kind: str
    subject: str
    basis: Basis
    said_by: str | None
    data: dict[str, Any]
    cloud: str | None = None
    tenant: str | None = None
    instance: str | None = None


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What a step came to in one run; `at` is UTC, `data` plain data without secrets."""

    id: int
    run_id: str
    at: datetime
    account: str
    customer: str | None
    step: str
    state: str
    data: dict[str, Any]
    cloud: str | None = None
    tenant: str | None = None
    instance: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a step ended last, and by which version of the program; `at` is UTC."""

    account: str
    customer: str | None
    step: str
    state: str
    at: datetime
    version: str


def open_ledger(url: str, root: Path) -> Ledger:
    """Open a ledger, making it or bringing it up to date first.

    Args:
        url: an SQLAlchemy address; the file of `sqlite:///FILE` is meant from `root`.
        root: the workspace.

    Raises:
        FixInput: there is no such place, it holds something else, a newer version wrote it, or the
            server does not let you in.
        AskAdministrator: your role in the database may not do what is needed there.
        WaitAndRetry: another program keeps it locked, or the server is starting or full.
        Unreachable: the disk is full or failing, or the server does not answer.
    """
    engine = database.connect(url, root)
    ledger = Ledger(engine)
    try:
        with database.explained(engine):
            database.migrate(engine)
    except BaseException:
        ledger.close()
        raise
    return ledger


class Ledger:
    """An open ledger. Get one from `open_ledger`; close it, or use it in a `with` block.

    Every method may raise what `open_ledger` does. One that writes raises AnswerLost if the
    connection breaks before the server has answered: it may have been noted, or not. Nothing is
    written twice unless it is asked for twice.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def begin_run(self, whose: Identity, step: str, mode: str, customer: str | None = None) -> str:
        """Note that a step begins.

        Returns:
            The new run's id.
        """
        run_id = str(uuid.uuid4())
        self._write(
            run.insert().values(
                id=run_id,
                **_told(whose),
                customer=customer,
                step=step,
                mode=mode,
                started_at=_now(),
                version=_version(),
            )
        )
        return run_id

    def end_run(self, run_id: str, state: str) -> None:
        """Note how a run ended.

        Raises:
            NotFound: there is no such run.
        """
        changed = self._write(
            run.update().where(run.c.id == run_id).values(ended_at=_now(), state=state)
        )
        if not changed:
            raise NotFound("There is no such run in the ledger.", where=f"run {run_id}")

    def record(
        self,
        whose: Identity,
        step: str,
        kind: str,
        subject: str,
        basis: Basis,
        data: Mapping[str, Any],
        run_id: str | None = None,
        customer: str | None = None,
        said_by: str | None = None,
    ) -> None:
        """Add a fact. It is on the disk when this returns.

        Args:
            whose: the account as it is meant now.
            step: the step's id.
            kind: what sort of fact, such as `secret`.
            subject: what it is about, such as an object id.
            basis: how it is known.
            data: the rest, plain data; secrets in it are masked.
            run_id: the run that learnt it.
            customer: the customer it is about.
            said_by: who said it, when the basis is `said`.
        """
        self._write(
            fact.insert().values(
                run_id=run_id,
                at=_now(),
                **_told(whose),
                customer=customer,
                step=step,
                kind=kind,
                subject=scrub(subject, where="the ledger"),
                basis=basis,
                said_by=scrub(said_by, where="the ledger") if said_by else said_by,
                data=_plain(data),
            )
        )

    def facts(
        self,
        whose: Identity,
        step: str | None = None,
        kind: str | None = None,
        subject: str | None = None,
        customer: str | None = None,
    ) -> list[Fact]:
        """The account's facts, oldest first; None leaves a filter out."""
        query = _matching(whose, step, kind, subject, customer).order_by(fact.c.id)
        return [Fact(**row) for row in self._read(query)]

    def latest(
        self,
        whose: Identity,
        step: str | None = None,
        kind: str | None = None,
        subject: str | None = None,
        customer: str | None = None,
    ) -> Fact | None:
        """The newest of those facts, or None."""
        query = _matching(whose, step, kind, subject, customer).order_by(fact.c.id.desc())
        rows = self._read(query.limit(1))
        return Fact(**rows[0]) if rows else None

    def record_outcome(
        self,
        run_id: str,
        whose: Identity,
        step: str,
        state: str,
        data: Mapping[str, Any],
        customer: str | None = None,
    ) -> None:
        """Add what a step came to; secrets in `data` are masked."""
        self._write(
            outcome.insert().values(
                run_id=run_id,
                at=_now(),
                **_told(whose),
                customer=customer,
                step=step,
                state=state,
                data=_plain(data),
            )
        )

    def outcomes(self, whose: Identity) -> list[OutcomeRow]:
        """The latest outcome of each step of an account and its customers, oldest first."""
        newest = (
            sa.select(sa.func.max(outcome.c.id))
            .where(*_ended(whose))
            .group_by(outcome.c.customer, outcome.c.step)
        )
        query = sa.select(outcome).where(outcome.c.id.in_(newest)).order_by(outcome.c.id)
        return [OutcomeRow(**row) for row in self._read(query)]

    def standings(self, whose: Identity) -> list[Standing]:
        """How each step of an account and its customers ended last, without its particulars."""
        newest = (
            sa.select(sa.func.max(outcome.c.id))
            .where(*_ended(whose))
            .group_by(outcome.c.customer, outcome.c.step)
        )
        told = (outcome.c[one] for one in ("account", "customer", "step", "state", "at"))
        query = (
            sa.select(*told, run.c.version)
            .join(run, run.c.id == outcome.c.run_id)
            .where(outcome.c.id.in_(newest))
        )
        return [Standing(**row) for row in self._read(query)]

    def latest_outcome(
        self, whose: Identity, step: str, customer: str | None = None
    ) -> OutcomeRow | None:
        """How a step ended last, or None if it was never run to its end."""
        query = (
            sa.select(outcome)
            .where(
                *_ended(whose),
                outcome.c.step == step,
                outcome.c.customer == customer,
            )
            .order_by(outcome.c.id.desc())
        )
        rows = self._read(query.limit(1))
        return OutcomeRow(**rows[0]) if rows else None

    def note_tenant(self, whose: Identity, tenant: str) -> None:
        """Note to which tenant the name in an identity leads.

        Args:
            whose: the account as it is meant now.
            tenant: the tenant's id, as its own directory tells it.

        Raises:
            FixInput: the name led to another tenant before.
        """
        found = tenant.lower()
        known = self._read(
            sa.select(tenant_name.c.id).where(
                tenant_name.c.cloud == whose.cloud, tenant_name.c.name == whose.tenant
            )
        )
        if known and known[0]["id"] != found:
            raise FixInput(
                f"{whose.tenant} led to the tenant {known[0]['id']} before, and leads to {found}"
                " now. Nothing was written.",
                where=f'account "{whose.account}", tenant = "{whose.tenant}"',
                why="the domain was moved from one tenant to the other",
                next="name the tenant that is meant by its id",
                section="00_start_here#which-tenant",
            )
        if not known:
            for name in sorted({whose.tenant, found}):
                self._write(
                    database.upsert(self._engine, tenant_name)
                    .values(cloud=whose.cloud, name=name, id=found)
                    .on_conflict_do_nothing()
                )

    def tenant_of(self, whose: Identity) -> str:
        """The tenant's id, where one was noted for its name; else the name."""
        rows = self._read(
            sa.select(tenant_name.c.id).where(
                tenant_name.c.cloud == whose.cloud, tenant_name.c.name == whose.tenant
            )
        )
        return str(rows[0]["id"]) if rows else whose.tenant

    def strangers(self, whose: Identity) -> list[Identity | None]:
        """As what else the ledger knows an account of this name.

        Returns:
            The other identities, and None where something was noted before identities were.
        """
        told = (outcome.c[one] for one in ("cloud", "tenant", "instance"))
        seen = self._read(sa.select(*told).where(outcome.c.account == whose.account).distinct())
        mine = self._read(
            sa.select(outcome.c.cloud, outcome.c.tenant, outcome.c.instance)
            .where(*_ended(whose))
            .distinct()
        )
        others = [row for row in seen if row not in mine]
        return [
            Identity(whose.account, **row) if row["tenant"] is not None else None for row in others
        ]

    def elsewhere(
        self, step: str, kind: str, *, cloud: str, subject: str | None = None
    ) -> list[Fact]:
        """Facts of one kind, whichever account of a cloud they are about, oldest first."""
        query = sa.select(fact).where(
            fact.c.cloud == cloud, fact.c.step == step, fact.c.kind == kind
        )
        if subject is not None:
            query = query.where(fact.c.subject == subject)
        return [Fact(**row) for row in self._read(query.order_by(fact.c.id))]

    def claim(self, whose: Identity) -> int:
        """Take what was noted of an account of this name before identities were: it is this one's.

        For somebody to say, never for the program to guess.

        Returns:
            How many outcomes it had.
        """
        told = _told(whose)
        runs = sa.select(run.c.id).where(
            run.c.account == whose.account, run.c.tenant.is_(None), run.c.cloud == whose.cloud
        )
        of_runs = fact.c.run_id.is_(None) | fact.c.run_id.in_(runs)
        earlier = (fact.c.account == whose.account, fact.c.tenant.is_(None), of_runs)
        self._write(fact.update().where(*earlier).values(**told))
        ended = (outcome.c.tenant.is_(None), outcome.c.run_id.in_(runs))
        found = self._write(outcome.update().where(*ended).values(**told))
        self._write(run.update().where(run.c.id.in_(runs)).values(**told))
        return found

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
                self._write(lease.delete().where(lease.c.name == name, lease.c.token == token))
            except RunbookError as error:
                # What the block did, or why it failed, matters more; the lease goes stale anyway.
                _log.warning("the lease on %s could not be given back: %s", name, error.what)
            await asyncio.gather(beat, return_exceptions=True)

    def check_lease(self, name: str, token: str) -> None:
        """Refuse to go on with a lease that somebody else has taken over.

        Raises:
            WaitAndRetry: this process was stopped for longer than a lease holds.
        """
        rows = self._read(sa.select(lease).where(lease.c.name == name))
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

    def take_turns(self, name: str, count: int, between: float, credit: float) -> float:
        """Take the next turns of a limit that everybody who shares the ledger keeps together.

        Args:
            name: the limit.
            count: how many turns.
            between: seconds from one turn to the next.
            credit: how many seconds of turns that nobody took may be made up for.

        Returns:
            In how many seconds the first of them comes, the others `between` after each other;
            not above 0 when it has come.
        """
        now = database.seconds(self._engine)
        # A clock that was set back would otherwise hold everybody up for as long.
        has_begun = turn.c.next.between(now - credit, now + _LONGEST_BACKLOG_SECONDS)
        first = sa.case((has_begun, turn.c.next), else_=now - credit)
        statement = (
            database.upsert(self._engine, turn)
            .values(name=name, next=now - credit + count * between)
            .on_conflict_do_update(
                index_elements=[turn.c.name], set_={"next": first + count * between}
            )
            .returning(turn.c.next - count * between - now)
        )
        engine = self._engine
        with database.explained(engine, writes=True), database.writing(engine) as connection:
            return float(connection.execute(statement).scalar_one())

    async def _get(self, name: str, what: str) -> str:
        """Take a lease, with the patience that this process has."""
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
        now = database.clock(self._engine)
        mine = {
            "token": str(uuid.uuid4()),
            **holder.this_process(),
            "what": what,
            "since": now,
            "heartbeat": now,
        }
        # Compare and swap: whoever loses a race finds the winner's row and reads it.
        while True:
            with contextlib.suppress(_Taken):
                held = self._read(sa.select(lease, now.label("now")).where(lease.c.name == name))
                if not held:
                    self._write(lease.insert().values(name=name, **mine))
                    return str(mine["token"])
                other = held[0]
                if not holder.is_abandoned(other, other["now"]):
                    raise _Held(other)
                stale = (lease.c.name == name, lease.c.token == other["token"])
                if self._write(lease.update().where(*stale).values(**mine)):
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
        mine = lease.update().where(lease.c.name == name, lease.c.token == token)
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                still_held = self._write(mine.values(heartbeat=database.clock(self._engine)))
            except RunbookError as error:
                # The next beat may succeed; the work itself is not at fault.
                _log.warning("the lease on %s could not be renewed: %s", name, error.what)
                continue
            if not still_held:
                _log.warning("the lease on %s was taken over while this process was busy", name)
                return

    def _write(self, statement: sa.Insert | sa.Update | sa.Delete) -> int:
        engine = self._engine
        with database.explained(engine, writes=True), database.writing(engine) as connection:
            try:
                return connection.execute(statement).rowcount
            except exc.IntegrityError as error:
                if statement.table is lease:
                    raise _Taken from None
                raise ReportBug(
                    f"The ledger refused a row of the table {statement.table}.",
                    where="the ledger",
                    # PostgreSQL's second line shows the row.
                    why=str(error.orig).split("\n")[0],
                ) from error

    def _read(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        with database.explained(self._engine), self._engine.begin() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that this process took.

    A process that was stopped meanwhile does not know that it has lost it: it asks right before
    each thing that only the holder may do.
    """

    ledger: Ledger
    name: str
    token: str

    def check(self) -> None:
        """Refuse to go on when somebody else has taken it over.

        Raises:
            WaitAndRetry: it is lost.
        """
        self.ledger.check_lease(self.name, self.token)


class _Taken(Exception):
    """Another process inserted the same lease first."""


class _Held(Exception):
    """Another process has the lease."""

    def __init__(self, by: dict[str, Any]) -> None:
        super().__init__(by)
        self.by = by


def _told(whose: Identity) -> dict[str, str | None]:
    """An identity as a row tells it."""
    return {
        "account": whose.account,
        "cloud": whose.cloud,
        "tenant": whose.tenant,
        "instance": whose.instance,
    }


def _is(table: sa.Table, whose: Identity) -> list[sa.ColumnElement[bool]]:
    """What makes a row of a table be about an identity, by whichever name its tenant has there."""
    named, other = tenant_name.alias(), tenant_name.alias()
    names = (
        sa.select(other.c.name)
        .join(named, sa.and_(named.c.cloud == other.c.cloud, named.c.id == other.c.id))
        .where(named.c.cloud == whose.cloud, named.c.name == whose.tenant)
    )
    return [
        table.c.account == whose.account,
        table.c.cloud == whose.cloud,
        sa.or_(table.c.tenant == whose.tenant, table.c.tenant.in_(names)),
    ]


def _ended(whose: Identity) -> list[sa.ColumnElement[bool]]:
    """What makes an outcome be about an identity; one that is about Codat is about an instance."""
    instance = outcome.c.instance
    return [*_is(outcome, whose), sa.or_(instance.is_(None), instance == whose.instance)]


def _matching(
    whose: Identity, step: str | None, kind: str | None, subject: str | None, customer: str | None
) -> sa.Select[Any]:
    wanted = {"step": step, "kind": kind, "subject": subject, "customer": customer}
    query = sa.select(fact).where(*_is(fact, whose))
    for column, value in wanted.items():
        if value is not None:
            query = query.where(fact.c[column] == value)
    return query


def _plain(data: Mapping[str, Any]) -> Any:
    """A copy without secrets, refused unless every database can keep it."""
    scrubbed = scrub_json(dict(data), where="the ledger")
    try:
        json.dumps(scrubbed, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ReportBug(
            "The ledger keeps plain data only, and was given something else.",
            where="the ledger",
            why=str(error),
        ) from error
    return scrubbed


def _now() -> datetime:
    return datetime.now(UTC)


@cache
def _version() -> str:
    return importlib.metadata.version(__package__)
