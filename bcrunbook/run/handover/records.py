"""What the ledger has of an account, read in a few queries however many customers there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bcrunbook.accounts import Account
from bcrunbook.core.stored import StoredOutcome
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Fact, Ledger, RunRow
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    CODAT_KEYS,
    LINK_CUSTOMER,
    REGISTER_APPLICATION,
)
from bcrunbook.steps import EVERY_STEP
from bcrunbook.steps.client_secret.life import SecretLife, known_life
from bcrunbook.steps.journey import outcomes_now
from bcrunbook.steps.retired import Retired, retired_account, retired_customers

_OF_CODAT: Final = frozenset(step.id for step in EVERY_STEP if step.is_about_codat)

# Looks of a watch are left out: there are dozens for each customer, and its end tells what counts.
_SEEN: Final = {
    FactKind.APPLICATION: REGISTER_APPLICATION,
    FactKind.SERVICE_PRINCIPAL: REGISTER_APPLICATION,
    FactKind.SECRET_SEEN: CLIENT_SECRET,
    FactKind.SECRET_REMOVED: CLIENT_SECRET,
    FactKind.CONSENT: API_PERMISSIONS,
    FactKind.INSTANCE: CODAT_KEYS,
    FactKind.COMPANY: LINK_CUSTOMER,
    FactKind.CONNECTION: LINK_CUSTOMER,
    FactKind.EXTENSION: LINK_CUSTOMER,
    FactKind.WATCH_BEGAN: LINK_CUSTOMER,
}
"""The sorts of what is observed, with the step that notes each."""


@dataclass(frozen=True)
class Records:
    """What the ledger has of an account and its customers.

    Args:
        account: the account, as accounts.toml means it.
        tenant: the tenant's id, where one was noted for its name; else the name.
        seen: what was observed, by its sort, oldest first.
        written: what was done or intended, oldest first.
        said: what people said, oldest first.
        ended: how each step ended last.
        runs: every run, oldest first.
        life: the current secret's life; None where it is not known.
        over: that the account is retired, or about to be; None where it is not.
        customers_over: the same of its customers, by name.
    """

    account: Account
    tenant: str
    seen: dict[str, list[Fact]]
    written: list[Fact]
    said: list[Fact]
    ended: list[StoredOutcome]
    runs: list[RunRow]
    life: SecretLife | None
    over: Retired | None
    customers_over: dict[str, Retired]

    def of(self, *kinds: str) -> list[Fact]:
        """Everything of some sorts, however it is known, oldest first."""
        done = [one for one in self.written if one.kind in kinds]
        seen = [one for kind in kinds for one in self.seen.get(kind, ())]
        return sorted([*done, *seen], key=lambda one: one.id)


def read_records(ledger: Ledger, account: Account) -> Records:
    """Read what the ledger has of an account.

    Args:
        ledger: the ledger.
        account: the account.
    """
    whose = account.identity
    scope = Scope(whose)

    def mine(facts: Iterable[Fact]) -> list[Fact]:
        # What is about Codat is about one instance of it.
        instances = (None, whose.instance)
        return [one for one in facts if one.step not in _OF_CODAT or one.instance in instances]

    seen = {
        str(kind): mine(ledger.facts(Scope(whose, step), kind, basis="observed"))
        for kind, step in _SEEN.items()
    }
    written = [
        one for basis in ("done", "intended") for one in mine(ledger.facts(scope, basis=basis))
    ]
    return Records(
        account=account,
        tenant=ledger.tenant_of(whose),
        seen=seen,
        written=sorted(written, key=lambda one: one.id),
        said=mine(ledger.facts(scope, basis="said")),
        ended=outcomes_now(ledger, whose, in_full=True),
        runs=ledger.runs(whose),
        life=known_life(ledger, whose),
        over=retired_account(ledger, whose),
        customers_over=retired_customers(ledger, whose),
    )
