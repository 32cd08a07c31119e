"""Whether an account or a customer is retired, or about to be, as the ledger has it.

It is noted before the first thing goes, so that nothing is set up anew behind it: a batch on a
schedule would otherwise make a secret for an application that is being taken down.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bcrunbook.accounts import Identity
from bcrunbook.core.confirmations import latest_confirmation
from bcrunbook.core.step import Observation
from bcrunbook.errors import FixInput
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Fact, Ledger
from bcrunbook.order import RETIRE_ACCOUNT, RETIRE_CUSTOMER

_KINDS: Final = (FactKind.RETIREMENT_BEGAN, FactKind.RETIRED, FactKind.RESTORED)


@dataclass(frozen=True)
class Retired:
    """That an account or a customer is retired, or about to be.

    Args:
        account: the account's name.
        customer: the customer's name; empty for the account itself.
        at: when it was retired, or when that began (UTC).
        is_whole: whether it has come to its end.
    """

    account: str
    customer: str
    at: datetime
    is_whole: bool

    @property
    def word(self) -> str:
        """How it stands, in a few words."""
        day = f"{self.at:%Y-%m-%d}"
        return f"retired on {day}" if self.is_whole else f"being retired since {day}"

    @property
    def sentence(self) -> str:
        """The same as a sentence."""
        who = f"{self.account}/{self.customer}" if self.customer else self.account
        return f"{who} {self.verb}."

    @property
    def verb(self) -> str:
        """The same without whom it is about."""
        return f"was {self.word}" if self.is_whole else f"is {self.word}"

    @property
    def next(self) -> str:
        """How to go on, or to take it up again."""
        restore, retire = (
            f"bcrunbook {word} {self.account}"
            if not self.customer
            else f"bcrunbook {word} {self.account} --customer {self.customer}"
            for word in ("restore", "retire")
        )
        again = f"{restore} takes it up again"
        return again if self.is_whole else f"{retire} goes on, {again}"

    @property
    def told(self) -> str:
        """How it stands, and how to go on."""
        return f"{self.word}; {self.next}"

    @property
    def refusal(self) -> FixInput:
        """Why nothing is set up for it."""
        return FixInput(
            f"{self.sentence} Nothing was written.",
            where=f'account "{self.account}"'
            + (f', customer "{self.customer}"' if self.customer else ""),
            next=self.next,
        )


def retired_account(ledger: Ledger, whose: Identity) -> Retired | None:
    """Whether an account is retired, or about to be; None where it is not.

    Args:
        ledger: the ledger.
        whose: the account.
    """
    return _last(whose, "", _facts(ledger, Scope(whose, RETIRE_ACCOUNT)))


def retired_customers(ledger: Ledger, whose: Identity) -> dict[str, Retired]:
    """The customers of an account that are retired, or about to be, by name.

    Args:
        ledger: the ledger.
        whose: the account.
    """
    by_customer: dict[str, list[Fact]] = {}
    for fact in _facts(ledger, Scope(whose, RETIRE_CUSTOMER)):
        by_customer.setdefault(str(fact.customer), []).append(fact)
    found = {name: _last(whose, name, facts) for name, facts in by_customer.items()}
    return {name: one for name, one in found.items() if one is not None}


def all_retired(ledger: Ledger, whose: Identity) -> dict[str, Retired]:
    """What of an account is retired, or about to be.

    Args:
        ledger: the ledger.
        whose: the account.

    Returns:
        By customer, with empty text for the account itself.
    """
    account = retired_account(ledger, whose)
    return ({"": account} if account is not None else {}) | retired_customers(ledger, whose)


def retired(ledger: Ledger, whose: Identity, customer: str = "") -> Retired | None:
    """Why nothing is set up for an account, or for one of its customers; None where it may be.

    Args:
        ledger: the ledger.
        whose: the account.
        customer: the customer's name; empty for the account itself.
    """
    account = retired_account(ledger, whose)
    if account is not None or not customer:
        return account
    scope = Scope(whose, RETIRE_CUSTOMER, customer)
    return _last(whose, customer, _facts(ledger, scope))


def restored_at(ledger: Ledger, whose: Identity) -> dict[str, datetime]:
    """When an account, and customers of it, were taken up again last.

    How a step had ended before says nothing any more: what it made was removed.

    Args:
        ledger: the ledger.
        whose: the account.

    Returns:
        By customer, with empty text for the account itself; without those that never were.
    """
    return {
        fact.customer or "": fact.at
        for step in (RETIRE_ACCOUNT, RETIRE_CUSTOMER)
        for fact in ledger.facts(Scope(whose, step), FactKind.RESTORED)
    }


def note_begun(ledger: Ledger, scope: Scope) -> None:
    """Note that something is about to go, unless that is noted.

    Args:
        ledger: the ledger.
        scope: the step that retires it, and whom.
    """
    facts = _facts(ledger, scope)
    if not facts or facts[-1].kind == FactKind.RESTORED:
        ledger.record(scope, FactKind.RETIREMENT_BEGAN, _subject(scope), "intended", {})


def note_restored(ledger: Ledger, scope: Scope) -> bool:
    """Note that an account or a customer is taken up again.

    Args:
        ledger: the ledger.
        scope: the step that has retired it, and whom.

    Returns:
        Whether it was retired, or about to be.
    """
    facts = _facts(ledger, scope)
    if not facts or facts[-1].kind == FactKind.RESTORED:
        return False
    ledger.record(scope, FactKind.RESTORED, _subject(scope), "done", {})
    return True


def said_since(ledger: Ledger, scope: Scope, key: str) -> Fact | None:
    """What somebody said last about a change of a retirement, unless it was taken back since.

    Args:
        ledger: the ledger.
        scope: the step that retires, and whom.
        key: the change's key.
    """
    said = latest_confirmation(ledger, scope, key)
    restored = ledger.latest(scope, FactKind.RESTORED)
    return None if said and restored and restored.id > said.id else said


def retirement_seen(ledger: Ledger, scope: Scope, about: str) -> Observation:
    """What is noted when all that had to go is gone.

    Args:
        ledger: the ledger.
        scope: the step that retires, and whom.
        about: the id of what has gone; empty where there was nothing.
    """
    # Another retirement than the one before: what was noted once is not noted again.
    restored = sum(fact.kind == FactKind.RESTORED for fact in _facts(ledger, scope))
    return Observation(FactKind.RETIRED, about or _subject(scope), {"restored": restored})


def _subject(scope: Scope) -> str:
    return scope.customer or scope.whose.account


def _facts(ledger: Ledger, scope: Scope) -> list[Fact]:
    return [fact for fact in ledger.facts(scope) if fact.kind in _KINDS]


def _last(whose: Identity, customer: str, facts: Iterable[Fact]) -> Retired | None:
    *_, last = (None, *facts)
    if last is None or last.kind == FactKind.RESTORED:
        return None
    return Retired(whose.account, customer, last.at, last.kind == FactKind.RETIRED)
