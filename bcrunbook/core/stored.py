"""How steps ended, as the ledger keeps it: plain data there, typed from here on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bcrunbook.accounts import Identity
from bcrunbook.core.step import PASSED, Outcome, State
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Ledger, OutcomeRow


@dataclass(frozen=True)
class StoredOutcome:
    """How a step ended, and when that was noted.

    Args:
        at: when (UTC).
        outcome: how.
        said_by: who has said since that a person's part is done; empty where nobody has.
    """

    at: datetime
    outcome: Outcome
    said_by: str = ""


def latest_outcome(ledger: Ledger, scope: Scope) -> StoredOutcome | None:
    """How a step ended last; None if it was never run to its end.

    Args:
        ledger: the ledger.
        scope: the step, of an account or of one of its customers.
    """
    row = ledger.latest_outcome(scope)
    return _stored(row) if row is not None else None


def latest_outcomes(
    ledger: Ledger, whose: Identity, *, in_full: bool = True
) -> list[StoredOutcome]:
    """How each step of an account and its customers ended last.

    Args:
        ledger: the ledger.
        whose: the account as it is meant now.
        in_full: whether of a customer's step that has passed more is needed than how and when.
    """
    if in_full:
        return [_stored(row) for row in ledger.outcomes(whose)]
    return [
        _stored_in_brief(row) if row.customer and row.state in PASSED else _stored(row)
        for row in ledger.outcomes(whose, brief=PASSED)
    ]


def _stored_in_brief(row: OutcomeRow) -> StoredOutcome:
    since = row.data["since"]
    outcome = Outcome(
        step=row.step,
        account=row.account,
        state=State(row.state),
        mode="",
        cloud=row.cloud or "",
        summary=row.data["summary"] or "",
        customer=row.customer or "",
        since=datetime.fromisoformat(since) if since else None,
    )
    return StoredOutcome(row.at, outcome)


def _stored(row: OutcomeRow) -> StoredOutcome:
    """The row's own columns count for what they say; its data have the particulars."""
    columns = {
        "step": row.step,
        "account": row.account,
        "customer": row.customer or "",
        "state": row.state,
    }
    try:
        outcome = Outcome.from_dict({"cloud": row.cloud or "", **row.data, **columns})
    except ValueError as error:
        # Nobody has to be kept from running the step again by what an earlier run has left.
        outcome = Outcome(
            step=row.step,
            account=row.account,
            state=State(row.state),
            mode="",
            cloud=row.cloud or "",
            summary=f"What this run came to cannot be read: {error}.",
            customer=row.customer or "",
        )
    return StoredOutcome(row.at, outcome)
