"""What setting an account up came to, as its ledger tells: what was made, who helped, how long.

Reading and telling are apart: `read_history` asks the ledger, the rest is pure.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bcrunbook.accounts import Account, Identity, Workspace
from bcrunbook.core.step import PASSED
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Fact, Ledger, RunRow
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    LINK_CUSTOMER,
    REGISTER_APPLICATION,
)

_SERVICES: Final = {
    REGISTER_APPLICATION: "Microsoft Entra",
    CLIENT_SECRET: "Microsoft Entra",
    API_PERMISSIONS: "Microsoft Entra",
    LINK_CUSTOMER: "Codat",
}
"""Where the program's changes of a step are made."""

_Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class History:
    """What the ledger has of an account and its customers.

    Args:
        runs: every run of a step, the one that began first first.
        facts: every fact, oldest first.
    """

    runs: tuple[RunRow, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Helper:
    """Somebody who did a person's part.

    Args:
        name: who, as they said.
        said: what they said they have done.
        at: when they said so last (UTC).
    """

    name: str
    said: str
    at: datetime


@dataclass(frozen=True)
class Took:
    """How long it took until the account was set up and the first customer linked.

    Args:
        whole: from the first look on.
        at_work: how much of it a step was open, an installation that was followed not counted.
    """

    whole: timedelta
    at_work: timedelta


@dataclass(frozen=True)
class Closing:
    """What setting an account up came to.

    Args:
        account: the account.
        client_id: the application's client id; empty where the ledger does not know it.
        changes: by service, how many changes the program made there.
        customers: the names of the customers that are linked.
        helpers: who did a person's part, in the order in which they said so.
        took: how long it took; None where the ledger does not tell.
        data_since: when data of a customer were seen in Codat first (UTC); None before that.
        production: the production account that is next; None where there is none.
    """

    account: Account
    client_id: str
    changes: dict[str, int]
    customers: tuple[str, ...]
    helpers: tuple[Helper, ...]
    took: Took | None
    data_since: datetime | None
    production: Account | None


def read_history(ledger: Ledger, whose: Identity) -> History:
    """What a ledger has of an account and its customers."""
    return History(tuple(ledger.runs(whose)), tuple(ledger.facts(Scope(whose))))


def closing(
    account: Account, history: History, setup: Sequence[str], production: Account | None
) -> Closing:
    """What setting an account up came to.

    Args:
        account: the account.
        history: what the ledger has of it.
        setup: the ids of the steps that set an account up.
        production: see `next_production`.
    """
    facts = history.facts
    applied = Counter(
        _SERVICES[one.step]
        for one in facts
        if one.kind == FactKind.APPLIED and one.step in _SERVICES
    )
    ids = [one.subject for one in facts if one.kind == FactKind.APPLICATION]
    linked = {
        one.customer: one.state in PASSED for one in history.runs if one.step == LINK_CUSTOMER
    }
    return Closing(
        account=account,
        client_id=account.client_id or (ids[-1] if ids else ""),
        changes=dict(applied),
        customers=tuple(
            one.display_name for name, one in account.customers.items() if linked.get(name)
        ),
        helpers=_helpers(facts),
        took=_took(history, setup),
        data_since=next(
            (one.at for one in facts if one.kind == FactKind.WATCH_POLL and one.data.get("synced")),
            None,
        ),
        production=production,
    )


def next_production(
    workspace: Workspace, ledger: Ledger, account: Account, setup: Sequence[str]
) -> Account | None:
    """The production account to go on with after a trial; None where there is none left to do.

    Args:
        workspace: the workspace.
        ledger: its ledger.
        account: the account that has just been set up.
        setup: the ids of the steps that set an account up.
    """
    if account.is_production:
        return None
    others = [one for one in workspace.accounts.values() if one.is_production]
    # One that waits for this account comes before one that only happens to be there.
    for other in sorted(others, key=lambda one: one.requires != account.name):
        states = {
            one.step: one.state for one in ledger.standings(other.identity) if not one.customer
        }
        if any(states.get(step) not in PASSED for step in setup):
            return other
    return None


def begin_command(account: Account, root: Path) -> str:
    """What begins an account on the command line; in a live cloud, with a look at the plan.

    Args:
        account: the account.
        root: the workspace's folder.
    """
    word = "plan" if account.cloud == "live" else "run"
    return shlex.join(["bcrunbook", word, account.name, "--workspace", str(root)])


def weekly_check(program: Path, account: str, root: Path) -> str:
    """A line for a crontab that checks an account each Monday at seven.

    Args:
        program: the file that is the command `bcrunbook`.
        account: the account's name.
        root: the workspace's folder.
    """
    command = shlex.join([str(program), "check", account, "--workspace", str(root)])
    # In a crontab a per cent sign ends the command.
    return f"0 7 * * 1 {command}".replace("%", "\\%")


def _helpers(facts: Iterable[Fact]) -> tuple[Helper, ...]:
    said = {}
    for one in facts:
        if one.basis == "said" and one.said_by and isinstance(text := one.data.get("said"), str):
            said[one.said_by, one.kind, one.customer] = Helper(one.said_by, text, one.at)
    return tuple(sorted(said.values(), key=lambda one: one.at))


def _took(history: History, setup: Sequence[str]) -> Took | None:
    runs = [one for one in history.runs if one.step in setup or one.step == LINK_CUSTOMER]
    first: dict[str, datetime] = {}
    for one in runs:
        if one.state in PASSED and one.ended_at is not None:
            ended = first.get(one.step, one.ended_at)
            first[one.step] = min(ended, one.ended_at)
    if any(step not in first for step in setup):
        return None
    begin, end = min(one.started_at for one in runs), max(first.values())
    open_ = [(one.started_at, one.ended_at) for one in runs if one.ended_at is not None]
    followed = _followed(history.facts)
    covered = _covered([*open_, *followed], begin, end)
    return Took(max(end - begin, timedelta()), covered - _covered(followed, begin, end))


def _followed(facts: Iterable[Fact]) -> list[_Span]:
    """From when to when installations were followed."""
    began: dict[str | None, datetime] = {}
    last: dict[tuple[str | None, datetime], datetime] = {}
    for one in facts:
        if one.kind == FactKind.WATCH_BEGAN:
            began[one.customer] = one.at
        elif one.kind in (FactKind.WATCH_POLL, FactKind.WATCH_ENDED) and one.customer in began:
            last[one.customer, began[one.customer]] = one.at
    return [(start, end) for (_, start), end in last.items()]


def _covered(spans: Iterable[_Span], begin: datetime, end: datetime) -> timedelta:
    """How much of the time between two moments is in at least one of the spans."""
    whole, reached = timedelta(), begin
    for start, stop in sorted(spans):
        start, stop = max(start, reached), min(stop, end)
        if stop > start:
            whole, reached = whole + (stop - start), stop
    return whole
