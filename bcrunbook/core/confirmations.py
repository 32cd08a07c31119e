"""What people say they have done, apart from what was seen: who, when, and about what."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from bcrunbook.accounts import Identity
from bcrunbook.core.step import Change
from bcrunbook.errors import FixInput
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Fact, Ledger
from bcrunbook.secrets import looks_like_secret, scrub

EARLIER_RECORDS: Final = "earlier_records"
"""The change with which somebody says whose the ledger's records without a tenant are."""

_LONGEST_NAME: Final = 100


def checked_name(by: str) -> str:
    """The name of whoever says something, as it may be written down.

    Raises:
        FixInput: it is empty, too long, or something else than a name; it is not repeated.
    """
    name = by.strip()
    if looks_like_secret(name) or scrub(name) != name:
        raise FixInput(
            "This looks like a secret, not like a name. Nothing was noted.",
            where="the name of whoever has done it",
            why="names are kept in the ledger and shown in notebooks",
            next="give a name or an address, such as Ada Lovelace",
        )
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise FixInput(
            "A name is needed, of whoever has done it.",
            where="the name of whoever has done it",
            next=f"give a name or an address of at most {_LONGEST_NAME} characters on one line",
        )
    return name


def confirm(ledger: Ledger, scope: Scope, change: Change, by: str) -> str:
    """Note that somebody says they have done a change.

    Args:
        ledger: where it is noted.
        scope: the step, of an account or of one of its customers.
        change: a change by a person, with the values it was about.
        by: who says so.

    Returns:
        The name as it was noted.

    Raises:
        FixInput: that is no name, or another secret was taken last than the change is about.
    """
    handed, name = change.hand_off, checked_name(by)
    assert handed is not None
    if handed.secret:
        _check_taken(ledger, scope.whose, change)
    ledger.record(
        replace(scope, step=change.said_at or scope.step),
        change.key,
        change.subject,
        "said",
        {"said": handed.confirmation, "values": dict(handed.values)},
        said_by=name,
    )
    if change.key == EARLIER_RECORDS:
        ledger.claim(scope.whose)
    return name


def latest_confirmation(ledger: Ledger, scope: Scope, key: str) -> Fact | None:
    """What somebody said last about the change of this key; None when nobody has.

    Args:
        ledger: where it was noted.
        scope: the step, of an account or of one of its customers.
        key: the change's key.
    """
    facts = ledger.facts(scope, key)
    return next((fact for fact in reversed(facts) if fact.basis == "said"), None)


def as_confirmed(what: str, confirmation: Fact) -> str:
    """What somebody says, with who and when: `saved, says Ada Lovelace (2026-11-24)`.

    Args:
        what: what is said.
        confirmation: what the ledger has of it.
    """
    return f"{what}, says {confirmation.said_by} ({confirmation.at:%Y-%m-%d})"


def is_said(text: str) -> bool:
    """Whether a text is what `as_confirmed` makes of somebody's word, and nothing against it."""
    return re.fullmatch(r"[^;]+, says .+ \(\d{4}-\d{2}-\d{2}\)", text) is not None


def _check_taken(ledger: Ledger, whose: Identity, change: Change) -> None:
    """Refuse a confirmation about one secret when another was taken last: that one was saved."""
    taken = ledger.latest(Scope(whose), FactKind.SECRET_HANDED_OVER)
    if taken is None or taken.subject == change.subject:
        return
    raise FixInput(
        f"The secret that was copied last ({taken.subject}, {taken.at:%Y-%m-%d %H:%M} UTC) is not"
        f" the one that was handed over ({change.subject}). Nothing was noted.",
        where=f'account "{whose.account}", the ledger',
        why="the secret was replaced in between, so the portal may hold the older one",
        next="run the step again, copy the secret again (bcrunbook secret copy"
        f" {whose.account}), save it in the portal, and then say so",
    )
