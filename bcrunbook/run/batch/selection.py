"""Which accounts and customers a batch is about, and what has to come before what."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bcrunbook.accounts import Account, Workspace
from bcrunbook.core.step import PASSED, State
from bcrunbook.errors import FixInput, NotFound, nearest
from bcrunbook.ledger.store import Standing
from bcrunbook.order import ROTATE_SECRET
from bcrunbook.steps import SETUP_STEPS, STEPS

Standings = Mapping[tuple[str, str, str], Standing]
"""How each step ended last, by account, customer (empty for the account itself) and step."""

OF_ACCOUNTS: Final = tuple(step.id for step in SETUP_STEPS)
OF_CUSTOMERS: Final = tuple(step.id for step in STEPS if step.is_per_customer)


@dataclass(frozen=True)
class Selection:
    """What somebody asked for; what is left empty chooses everything.

    Args:
        names: patterns as in file names: `trial*` for accounts with their customers,
            `trial/mill*` for customers alone.
        kind: `trial` or `production`.
        tags: tags of accounts, one of which is enough.
        failed: only what failed last.
        needs_person: only what needed a person last.
    """

    names: tuple[str, ...] = ()
    kind: str = ""
    tags: tuple[str, ...] = ()
    failed: bool = False
    needs_person: bool = False


@dataclass(frozen=True)
class WorkItem:
    """What one process does: an account's steps, or a customer's.

    Args:
        account: the account's name.
        customer: the customer's name; empty for the account itself.
        tenant: the account's tenant, whose limits it shares.
        meant: whom the file means by these names: a batch that was broken off is taken up again
            only for the same.
        secret: the marker of the account's secret that is replaced: then nothing else is done.
    """

    account: str
    customer: str = ""
    tenant: str = ""
    meant: str = ""
    secret: str = ""

    @property
    def who(self) -> str:
        """Whom it is about."""
        return f"{self.account}/{self.customer}" if self.customer else self.account

    @property
    def steps(self) -> tuple[str, ...]:
        """Its steps' ids, in order."""
        if self.secret:
            return (ROTATE_SECRET,)
        return OF_CUSTOMERS if self.customer else OF_ACCOUNTS


def chosen(workspace: Workspace, selection: Selection, standings: Standings) -> list[WorkItem]:
    """The items that are meant, in the order of the file, each account before its customers.

    Args:
        workspace: the loaded workspace.
        selection: what was asked for.
        standings: how each step ended last; may be empty where the selection does not go by that.

    Raises:
        FixInput: nothing matches all of it.
        NotFound: a pattern or a tag matches nothing; offers the nearest.
    """
    everything = list(_everything(workspace))
    _check_names(workspace, selection, everything)
    items = [
        item
        for item in everything
        if _is_meant(workspace.account(item.account), item, selection)
        and _stands_so(item, selection, standings)
    ]
    if not items:
        raise FixInput(
            "No account or customer matches.",
            where="the options of bcrunbook batch",
            why="what was asked for leaves no account and no customer",
            next="bcrunbook status shows how everything stands; leave options out to widen it",
        )
    return items


def rotating(items: Sequence[WorkItem], secrets: Mapping[str, str]) -> list[WorkItem]:
    """The accounts of a selection whose secret is to be replaced, and nothing else of them.

    Args:
        items: the selection.
        secrets: by account, the marker of the secret that is to be replaced.
    """
    return [
        replace(item, secret=secrets[item.account], meant=f"{item.meant}: rotation")
        for item in items
        if not item.customer and item.account in secrets
    ]


def _everything(workspace: Workspace) -> Iterator[WorkItem]:
    for account in workspace.accounts.values():
        meant = str(account.identity)
        yield WorkItem(account.name, tenant=account.tenant, meant=meant)
        for name, customer in account.customers.items():
            yield WorkItem(account.name, name, account.tenant, f"{meant}: {customer.display_name}")


def _is_meant(account: Account, item: WorkItem, selection: Selection) -> bool:
    if selection.kind and account.kind != selection.kind:
        return False
    if selection.tags and not set(selection.tags) & set(account.tags):
        return False
    return not selection.names or any(_fits(item, one) for one in selection.names)


def _fits(item: WorkItem, pattern: str) -> bool:
    return fnmatch.fnmatchcase(item.who if "/" in pattern else item.account, pattern)


def _stands_so(item: WorkItem, selection: Selection, standings: Standings) -> bool:
    states = {
        name
        for name, is_wanted in (
            (State.FAILED.value, selection.failed),
            (State.NEEDS_PERSON.value, selection.needs_person),
        )
        if is_wanted
    }
    if not states:
        return True
    # The first that has not passed: those after it may not have been run since.
    known = (standings.get((item.account, item.customer, step)) for step in item.steps)
    first = next((one for one in known if one is None or one.state not in PASSED), None)
    return first is not None and first.state in states


def _check_names(workspace: Workspace, selection: Selection, everything: list[WorkItem]) -> None:
    """Refuse a pattern or a tag that matches nothing at all: it is a slip."""
    for pattern in selection.names:
        if not any(_fits(one, pattern) for one in everything):
            names = [one.who for one in everything] if "/" in pattern else workspace.accounts
            raise NotFound(
                f'"{pattern}" matches no account and no customer.',
                where="the names",
                next=nearest(pattern, names),
            )
    known = {tag for account in workspace.accounts.values() for tag in account.tags}
    for tag in selection.tags:
        if tag not in known:
            raise NotFound(
                f'No account has the tag "{tag}".', where="--tag", next=nearest(tag, sorted(known))
            )
