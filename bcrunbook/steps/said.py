"""What people say they have done, apart from what was seen: who, when, and about what."""

from __future__ import annotations

from bcrunbook.ledger import Fact, Ledger
from bcrunbook.steps.step import Change


def confirm(ledger: Ledger, account: str, step: str, change: Change, by: str) -> None:
    """Note that somebody says they have done a change.

    Args:
        ledger: where it is noted.
        account: the account's name.
        step: the step's id.
        change: a change by a person, with the values it was about.
        by: who says so.
    """
    handed = change.hand_off
    assert handed is not None
    ledger.record(
        account,
        step,
        change.key,
        change.subject,
        "said",
        {"said": handed.confirmation, "values": dict(handed.values)},
        said_by=by,
    )


def said(ledger: Ledger, account: str, step: str, key: str) -> Fact | None:
    """What somebody said last about the change of this key; None when nobody has."""
    told = [fact for fact in ledger.facts(account, step, key) if fact.basis == "said"]
    return told[-1] if told else None
