"""Somebody's word that an account may begin before the one it requires has passed."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bcrunbook.accounts import Identity
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Ledger
from bcrunbook.skipped import dates

_STEP: Final = "batch"
_HOLDS: Final = timedelta(days=1)


def allow(ledger: Ledger, whose: Identity, reason: str, who: str) -> None:
    """Note the confirmation; it holds for a day.

    Args:
        ledger: the ledger.
        whose: the account that may begin.
        reason: why.
        who: who says so.
    """
    ledger.record(
        Scope(whose, _STEP),
        FactKind.WITHOUT_TRIAL,
        whose.account,
        "said",
        {"reason": reason},
        said_by=who,
    )


def is_allowed(ledger: Ledger, whose: Identity) -> bool:
    """Whether somebody has said so within the last day."""
    confirmation = ledger.latest(Scope(whose, _STEP), FactKind.WITHOUT_TRIAL)
    if confirmation is None:
        return False
    # One from the future was given before a clock was set back: it ends as well.
    return abs(dates.now() - confirmation.at) < _HOLDS
