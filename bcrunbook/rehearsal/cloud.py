"""What every stand-in host works with: the state, the clock, the keys, the addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bcrunbook.rehearsal.clock import Clock
from bcrunbook.rehearsal.keys import SigningKey
from bcrunbook.rehearsal.lags import Ids
from bcrunbook.rehearsal.log import Canaries
from bcrunbook.rehearsal.state import GLOBAL, Store

SECRET: Final = "secret"
"""The kind of record that holds what was drawn at random for this folder."""


@dataclass(frozen=True)
class RehearsalCloud:
    """The rehearsal cloud as its hosts see it."""

    store: Store
    clock: Clock
    canaries: Canaries
    key: SigningKey
    pages: str
    ids: Ids = field(default_factory=Ids)

    def secret(self, name: str) -> str:
        """A value drawn at random for this folder (a password, a key), by its name."""
        document = self.store.latest(SECRET, GLOBAL, name)
        if document is None:
            raise KeyError(name)
        return str(document["value"])
