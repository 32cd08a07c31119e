"""The ledger: durable facts about what was observed, intended, done and said.

The data model:

    run       one execution of one step for one account (and customer): who asked for what, and
              how it ended. `state` and `ended_at` are filled in once.
    fact      one thing learnt at one instant about one subject. Append-only.
    outcome   what a step came to in one run. Append-only.
    lease     who is working on what right now, one row per thing, gone when they are finished.
    turn      the next slot of a shared rate limit, one row per limit; overwritten each time.
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

import importlib.metadata
import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import sqlalchemy as sa

from bcrunbook.accounts.identity import Identity
from bcrunbook.errors import FixInput, NotFound, ReportBug
from bcrunbook.ledger import tables as database
from bcrunbook.ledger.lease import Leases
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.tables import fact, outcome, run, tenant_name
from bcrunbook.secrets import scrub, scrub_json

_log = logging.getLogger(__name__)

Basis = Literal["observed", "intended", "done", "said"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing learnt at one instant.

    Args:
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
class RunRow:
    """One execution of one step; times are UTC, and there is no end where it was broken off."""

    step: str
    customer: str | None
    started_at: datetime
    ended_at: datetime | None
    state: str | None


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
            server refuses the login.
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


class Ledger(Leases):
    """An open ledger. Get one from `open_ledger`; close it, or use it in a `with` block.

    Every method may raise what `open_ledger` does. One that writes raises AnswerLost if the
    connection breaks before the server has answered: it may have been noted, or not. Nothing is
    written twice unless it is asked for twice.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def begin_run(self, scope: Scope, mode: str) -> str:
        """Note that a step begins.

        Returns:
            The new run's id.
        """
        run_id = str(uuid.uuid4())
        self._write(
            _added(run),
            {
                "id": run_id,
                **_columns_of(scope.whose),
                "customer": scope.customer,
                "step": scope.step,
                "mode": mode,
                "started_at": self.now(),
                "version": _version(),
            },
        )
        return run_id

    def end_run(self, run_id: str, state: str) -> None:
        """Note how a run ended.

        Raises:
            NotFound: there is no such run.
        """
        ended = {"which": run_id, "ended_at": self.now(), "state": state}
        changed = self._write(_end_of_run(), ended)
        if not changed:
            raise NotFound("There is no such run in the ledger.", where=f"run {run_id}")

    def record(
        self,
        scope: Scope,
        kind: str,
        subject: str,
        basis: Basis,
        data: Mapping[str, Any],
        *,
        run_id: str | None = None,
        said_by: str | None = None,
    ) -> None:
        """Add a fact. It is on the disk when this returns.

        Args:
            scope: what it is about: account, step and customer.
            kind: what sort of fact: a `FactKind`, or the key of a change that a person confirms.
            subject: what it is about, such as an object id.
            basis: how it is known.
            data: the rest, plain data; secrets in it are masked.
            run_id: the run that learnt it.
            said_by: who said it, when the basis is `said`.
        """
        self._write(
            _added(fact),
            {
                "run_id": run_id,
                "at": self.now(),
                **_columns_of(scope.whose),
                "customer": scope.customer,
                "step": scope.step,
                "kind": str(kind),
                "subject": scrub(subject, where="the ledger"),
                "basis": basis,
                "said_by": scrub(said_by, where="the ledger") if said_by else said_by,
                "data": _plain(data),
            },
        )

    def facts(
        self,
        scope: Scope,
        kind: str | None = None,
        subject: str | None = None,
        *,
        basis: Basis | None = None,
    ) -> list[Fact]:
        """The facts about something, oldest first; None leaves a filter out."""
        wanted = _wanted(scope, kind, subject, basis)
        return [Fact(**row) for row in self._read(_oldest_first(frozenset(wanted)), wanted)]

    def latest(
        self, scope: Scope, kind: str | None = None, subject: str | None = None
    ) -> Fact | None:
        """The newest of those facts, or None."""
        wanted = _wanted(scope, kind, subject)
        rows = self._read(_newest_matching(frozenset(wanted)), wanted)
        return Fact(**rows[0]) if rows else None

    def record_outcome(
        self, run_id: str, scope: Scope, state: str, data: Mapping[str, Any]
    ) -> None:
        """Add what a step came to; secrets in `data` are masked."""
        self._write(
            _added(outcome),
            {
                "run_id": run_id,
                "at": self.now(),
                **_columns_of(scope.whose),
                "customer": scope.customer,
                "step": scope.step,
                "state": state,
                "data": _plain(data),
            },
        )

    def outcomes(self, whose: Identity, *, brief: frozenset[str] = frozenset()) -> list[OutcomeRow]:
        """The latest outcome of each step of an account and its customers, oldest first.

        Args:
            whose: the account as it is meant now.
            brief: of a customer's outcome with one of these states the data are no more than
                `summary` and `since`: there may be thousands, and the whole takes long to read.
        """
        rows = self._read(_newest_outcomes(brief), _columns_of(whose))
        return [OutcomeRow(**_with_data(row)) for row in rows]

    def runs(self, whose: Identity) -> list[RunRow]:
        """Every run of a step of an account and its customers, the one that began first first."""
        columns = (run.c[one] for one in ("step", "customer", "started_at", "ended_at", "state"))
        query = sa.select(*columns).where(*_of_instance(run)).order_by(run.c.started_at, run.c.id)
        return [RunRow(**row) for row in self._read(query, _columns_of(whose))]

    def standings(self, whose: Identity) -> list[Standing]:
        """How each step of an account and its customers ended last, without its particulars."""
        return [Standing(**row) for row in self._read(_standings(), _columns_of(whose))]

    def latest_outcome(self, scope: Scope) -> OutcomeRow | None:
        """How a step ended last, or None if it was never run to its end."""
        wanted = {**_columns_of(scope.whose), "step": scope.step, "customer": scope.customer}
        rows = self._read(_last_ended(for_account=scope.customer is None), wanted)
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
        known = self._tenant_noted(whose)
        if known not in ("", found):
            raise FixInput(
                f"{whose.tenant} led to the tenant {known} before, and leads to {found}"
                " now. Nothing was written.",
                where=f'account "{whose.account}", tenant = "{whose.tenant}"',
                why="the domain was moved from one tenant to the other",
                next="name the tenant that is meant by its id",
                section="start_here#which-tenant",
            )
        if not known:
            for name in sorted({whose.tenant, found}):
                self._write(
                    database.upsert(self._engine.dialect.name, tenant_name)
                    .values(cloud=whose.cloud, name=name, id=found)
                    .on_conflict_do_nothing()
                )

    def tenant_of(self, whose: Identity) -> str:
        """The tenant's id, where one was noted for its name; else the name."""
        return self._tenant_noted(whose) or whose.tenant

    def _tenant_noted(self, whose: Identity) -> str:
        rows = self._read(_tenant_of_name(), _columns_of(whose))
        return str(rows[0]["id"]) if rows else ""

    def strangers(self, whose: Identity) -> list[Identity | None]:
        """As what else the ledger knows an account of this name.

        Returns:
            The other identities, and None where something was noted before identities were.
        """
        columns = (outcome.c[one] for one in ("cloud", "tenant", "instance"))
        seen = self._read(sa.select(*columns).where(outcome.c.account == whose.account).distinct())
        mine = self._read(
            sa.select(outcome.c.cloud, outcome.c.tenant, outcome.c.instance)
            .where(*_ended())
            .distinct(),
            _columns_of(whose),
        )
        others = [row for row in seen if row not in mine]
        return [
            Identity(whose.account, **row) if row["tenant"] is not None else None for row in others
        ]

    def elsewhere(
        self, step: str, kind: str, *, cloud: str, customer: str | None = None
    ) -> list[Fact]:
        """Facts of one kind, whichever account of a cloud they are about, oldest first.

        Args:
            step: the step that noted them.
            kind: their kind.
            cloud: the cloud.
            customer: the customer whom their data name; None for whomever.
        """
        wanted = {"step": step, "kind": str(kind), "cloud": cloud}
        if customer is not None:
            wanted["named"] = customer
        rows = self._read(_of_any_account(is_named=customer is not None), wanted)
        return [Fact(**row) for row in rows]

    def claim(self, whose: Identity) -> int:
        """Take what was noted of an account of this name before identities were: it is this one's.

        For somebody to say, never for the program to guess.

        Returns:
            How many outcomes it had.
        """
        values = _columns_of(whose)
        runs = sa.select(run.c.id).where(
            run.c.account == whose.account, run.c.tenant.is_(None), run.c.cloud == whose.cloud
        )
        of_runs = fact.c.run_id.is_(None) | fact.c.run_id.in_(runs)
        earlier = (fact.c.account == whose.account, fact.c.tenant.is_(None), of_runs)
        self._write(fact.update().where(*earlier).values(**values))
        ended = (outcome.c.tenant.is_(None), outcome.c.run_id.in_(runs))
        found = self._write(outcome.update().where(*ended).values(**values))
        self._write(run.update().where(run.c.id.in_(runs)).values(**values))
        return found


def _columns_of(whose: Identity) -> dict[str, str | None]:
    """An identity as a row tells it."""
    return {
        "account": whose.account,
        "cloud": whose.cloud,
        "tenant": whose.tenant,
        "instance": whose.instance,
    }


# Statements that steps execute again and again are made once: that takes longer than they do. Their
# parameters have the names of the columns, and come from `_columns_of` and `_wanted`.


def _is(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    """What makes a row of a table be about an identity, by whichever name its tenant has there."""
    # Names of its own SQLAlchemy would draw by chance.
    named, other = tenant_name.alias("named"), tenant_name.alias("other")
    cloud, tenant = sa.bindparam("cloud", type_=sa.String), sa.bindparam("tenant", type_=sa.String)
    names = (
        sa.select(other.c.name)
        .join(named, sa.and_(named.c.cloud == other.c.cloud, named.c.id == other.c.id))
        .where(named.c.cloud == cloud, named.c.name == tenant)
    )
    return [
        table.c.account == sa.bindparam("account"),
        table.c.cloud == cloud,
        sa.or_(table.c.tenant == tenant, table.c.tenant.in_(names)),
    ]


def _of_instance(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    """The same, where what is about Codat is about one instance."""
    instance = table.c.instance
    return [*_is(table), sa.or_(instance.is_(None), instance == sa.bindparam("instance"))]


def _ended() -> list[sa.ColumnElement[bool]]:
    """What makes an outcome be about an identity."""
    return _of_instance(outcome)


def _newest() -> sa.Select[Any]:
    """The ids of the latest outcome of each step of an account and its customers."""
    return (
        sa.select(sa.func.max(outcome.c.id))
        .where(*_ended())
        .group_by(outcome.c.customer, outcome.c.step)
    )


_BRIEF: Final = ("summary", "since")


@cache
def _newest_outcomes(brief: frozenset[str]) -> sa.Select[Any]:
    columns: list[sa.ColumnElement[Any]] = list(outcome.c)
    if brief:
        is_brief = sa.and_(outcome.c.customer.is_not(None), outcome.c.state.in_(sorted(brief)))
        columns.remove(outcome.c.data)
        columns.append(sa.case((is_brief, sa.null()), else_=outcome.c.data).label("data"))
        columns += [
            sa.case((is_brief, outcome.c.data[one].as_string())).label(f"brief_{one}")
            for one in _BRIEF
        ]
    return sa.select(*columns).where(outcome.c.id.in_(_newest())).order_by(outcome.c.id)


def _with_data(row: dict[str, Any]) -> dict[str, Any]:
    """An outcome's columns, where they were read in brief with the data that it has."""
    told = {one: row.pop(f"brief_{one}", None) for one in _BRIEF}
    return row if row["data"] is not None else {**row, "data": told}


@cache
def _standings() -> sa.Select[Any]:
    columns = (outcome.c[one] for one in ("account", "customer", "step", "state", "at"))
    return (
        sa.select(*columns, run.c.version)
        .join(run, run.c.id == outcome.c.run_id)
        .where(outcome.c.id.in_(_newest()))
    )


@cache
def _last_ended(*, for_account: bool) -> sa.Select[Any]:
    """The latest outcome of a step, of the account itself or of a customer."""
    customer = outcome.c.customer
    whom = customer.is_(None) if for_account else customer == sa.bindparam("customer")
    return (
        sa.select(outcome)
        .where(*_ended(), outcome.c.step == sa.bindparam("step"), whom)
        .order_by(outcome.c.id.desc())
        .limit(1)
    )


@cache
def _tenant_of_name() -> sa.Select[Any]:
    """The id of the tenant that a name led to."""
    return sa.select(tenant_name.c.id).where(
        tenant_name.c.cloud == sa.bindparam("cloud"), tenant_name.c.name == sa.bindparam("tenant")
    )


def _wanted(
    scope: Scope, kind: str | None, subject: str | None, basis: str | None = None
) -> dict[str, str | None]:
    """What facts are to be like, None left out but for the identity's own."""
    about = {"step": scope.step, "customer": scope.customer}
    filters = {**about, "kind": kind, "subject": subject, "basis": basis}
    given = {column: str(value) for column, value in filters.items() if value is not None}
    return {**_columns_of(scope.whose), **given}


def _matching(columns: frozenset[str]) -> sa.Select[Any]:
    """The facts about an identity that are as wanted in some more columns."""
    filters = sorted(columns & {"step", "kind", "subject", "customer", "basis"})
    return sa.select(fact).where(
        *_is(fact), *(fact.c[column] == sa.bindparam(column) for column in filters)
    )


@cache
def _added(table: sa.Table) -> sa.Insert:
    return table.insert()


@cache
def _end_of_run() -> sa.Update:
    return run.update().where(run.c.id == sa.bindparam("which"))


@cache
def _of_any_account(*, is_named: bool) -> sa.Select[Any]:
    """The facts of one kind, of all accounts of a cloud, or of a customer by name."""
    filters = [fact.c[column] == sa.bindparam(column) for column in ("kind", "step", "cloud")]
    if is_named:
        filters.append(fact.c.data["customer"].as_string() == sa.bindparam("named"))
    return sa.select(fact).where(*filters).order_by(fact.c.id)


@cache
def _oldest_first(columns: frozenset[str]) -> sa.Select[Any]:
    return _matching(columns).order_by(fact.c.id)


@cache
def _newest_matching(columns: frozenset[str]) -> sa.Select[Any]:
    return _matching(columns).order_by(fact.c.id.desc()).limit(1)


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


@cache
def _version() -> str:
    return importlib.metadata.version("bcrunbook")
