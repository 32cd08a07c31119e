"""What the engine asks of whatever a step works with; it needs no service and no cloud for it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from bcrunbook.accounts import Identity
from bcrunbook.core.pace import Pace
from bcrunbook.ledger.lease import Lease
from bcrunbook.ledger.store import Ledger


class RunContext(Protocol):
    """One account, or one of its customers, at the time of a run."""

    @property
    def ledger(self) -> Ledger:
        """Where runs and what they saw are noted."""

    @property
    def pace(self) -> Pace:
        """How fast waiting goes."""

    @property
    def identity(self) -> Identity:
        """Whom the ledger's facts are about."""

    @property
    def customer_name(self) -> str | None:
        """The customer that the run is about; None for the account itself."""

    @property
    def is_followed_elsewhere(self) -> bool:
        """Whether somebody else stays with what is under way."""

    def held(self, lease: Lease) -> AbstractContextManager[None]:
        """Writes may go out in the block, for as long as the lease is not lost."""

    def check_required(self, step: str) -> None:
        """Refuse to write before the account that this one requires has passed.

        Args:
            step: the id of the step that is about to write.

        Raises:
            FixInput: it has not; says how to go on.
        """

    def check_unasked(self, step: str) -> None:
        """Refuse to write without being asked what a person has to be asked about.

        Args:
            step: the id of the step that is about to write.

        Raises:
            FixInput: nobody has said that it is meant; says how to.
        """

    def check_still_meant(self) -> None:
        """Refuse what was planned for another meaning of the names: a person took their time.

        Raises:
            FixInput: the configuration means something else by them now.
        """
