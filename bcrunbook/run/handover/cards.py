"""The cards that runs have left, for whoever has to act."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bcrunbook.core.step import Outcome
from bcrunbook.order import notebook_name

_ENDING: Final = ".card.html"


class Cards:
    """The newest card of each step of each account and customer, below a workspace's `runs`.

    A card lies beside the step's notebook, in a folder that bears the account's name, or in one of
    the customer's name below that. The folder is read once, when a card is first asked for.

    Args:
        root: the workspace.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._found: dict[tuple[str, ...], Path] | None = None

    def of(self, outcome: Outcome) -> str | None:
        """The card with what a person has to do, from the workspace on; None where there is none.

        Args:
            outcome: how the step ended.
        """
        if not outcome.hand_offs:
            return None
        if self._found is None:
            self._found = self._index()
        name = f"{notebook_name(outcome.step)}{_ENDING}"
        whose = (outcome.account, outcome.customer) if outcome.customer else (outcome.account,)
        # Of a customer whose key is an account's name, the longer way is the one that counts.
        card = self._found.get((*whose, name))
        if card is None or (outcome.started and _written(card) < outcome.started):
            return None
        return card.relative_to(self._root).as_posix()

    def _index(self) -> dict[tuple[str, ...], Path]:
        found: dict[tuple[str, ...], Path] = {}
        for card in sorted((self._root / "runs").rglob(f"*{_ENDING}"), key=_written):
            names = card.relative_to(self._root).parts
            for whose in (names[-2:], names[-3:]):
                found[whose] = card
        return found


def _written(card: Path) -> datetime:
    return datetime.fromtimestamp(card.stat().st_mtime, UTC)
