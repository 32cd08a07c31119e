"""Somebody's word that an account may begin before the one it requires has passed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from bcrunbook.ledger import Ledger

_STEP: Final = "batch"
_KIND: Final = "without_trial"
_HOLDS: Final = timedelta(days=1)


def allow(ledger: Ledger, account: str, reason: str, who: str) -> None:
    """Note the word; it holds for a day.

    Args:
        ledger: the ledger.
        account: the account that may begin.
        reason: why.
        who: who says so.
    """
    ledger.record(account, _STEP, _KIND, account, "said", {"reason": reason}, said_by=who)


def is_allowed(ledger: Ledger, account: str) -> bool:
    """Whether somebody has said so within the last day."""
    word = ledger.latest(account, _STEP, _KIND)
    return word is not None and datetime.now(UTC) - word.at < _HOLDS
