"""Which client secret somebody asks to be replaced before its time, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bcrunbook.accounts import Identity
from bcrunbook.errors import FixInput
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Ledger
from bcrunbook.order import CLIENT_SECRET

_LEAKED: Final = "leaked:"
_MARKER: Final = re.compile("[0-9a-f]{8}")


@dataclass(frozen=True)
class Replacement:
    """A secret that is to be replaced though its end is far.

    Naming it makes the wish safe to repeat: once it is gone, there is nothing left to be done.

    Args:
        marker: our marker in the secret's description.
        is_leaked: whether others may know its value: then it goes first, whatever stops by that.
    """

    marker: str
    is_leaked: bool = False

    @classmethod
    def parse(cls, text: str) -> Replacement | None:
        """Read what a notebook's parameter says.

        Args:
            text: a marker, `leaked:` and a marker, or nothing.

        Returns:
            None where nothing is named: then the secret is meant whose time has come.

        Raises:
            FixInput: it is something else; it is not repeated, as it may be the secret itself.
        """
        if not text:
            return None
        marker = text.removeprefix(_LEAKED)
        if not _MARKER.fullmatch(marker):
            raise FixInput(
                "This is no marker of a client secret.",
                where="the secret to be replaced",
                why="a marker is the eight digits and letters a to f that end the secret's"
                " description: (bcrunbook 1a2b3c4d)",
                next="read it in the Azure portal, under Certificates & secrets of the application",
            )
        return cls(marker, text.startswith(_LEAKED))

    def __str__(self) -> str:
        return f"{_LEAKED if self.is_leaked else ''}{self.marker}"


def to_be_replaced(ledger: Ledger, whose: Identity, before: datetime) -> str:
    """The marker of an account's secret whose time has come, as the ledger knows it.

    Where the next one has been made already it is the older one, until that is gone.

    Args:
        ledger: the ledger.
        whose: the account.
        before: a secret that ends before this moment is to be replaced.

    Returns:
        Empty where there is none.
    """
    scope = Scope(whose, CLIENT_SECRET)
    removed = {fact.subject for fact in ledger.facts(scope, FactKind.SECRET_REMOVED)}
    there = {
        fact.subject: datetime.fromisoformat(fact.data["ends"])
        for fact in ledger.facts(scope, FactKind.SECRET_STORED)
        if fact.subject not in removed
    }
    if not there:
        return ""
    oldest, ends = next(iter(there.items()))
    return oldest if len(there) > 1 or ends < before else ""
