"""What is asked right before a write leaves for a service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from bcrunbook.errors import FixInput, ReportBug
from bcrunbook.ledger.lease import Lease

# Whose lease a write goes by is the task's: many customers of one account are followed at once.
_held: ContextVar[tuple[WriteGuard, Lease] | None] = ContextVar("held", default=None)


class WriteGuard:
    """Lets a write out only to the tenant that was looked at, and only while the lease is held.

    Looking at a tenant and writing to it are minutes apart where somebody is asked in between: by
    then the sign-in may lead elsewhere (`az account set`), and a process that slept may have lost
    its lease.

    Args:
        account: the account's name.
    """

    def __init__(self, account: str) -> None:
        self._account = account
        self._tenants: frozenset[str] = frozenset()

    def admit(self, *names: str) -> None:
        """Note which tenant was found to be the account's, by all its names."""
        self._tenants = frozenset(name.lower() for name in names)

    @contextmanager
    def held(self, lease: Lease) -> Iterator[None]:
        """Writes of this task may go out in the block, for as long as the lease is not lost."""
        before = _held.set((self, lease))
        try:
            yield
        finally:
            _held.reset(before)

    def check_tenant(self, tenant: str) -> None:
        """Refuse a token of another tenant than was looked at.

        Raises:
            FixInput: names both.
        """
        if tenant.lower() not in self._tenants:
            seen = sorted(self._tenants)[0] if self._tenants else "none"
            raise FixInput(
                f"The sign-in leads to the tenant {tenant} now, and the tenant that was looked at"
                f" is {seen}. Nothing more was written.",
                where=f'account "{self._account}"',
                why="somebody signed in to another tenant in between",
                next="sign in to the right tenant, and run this step again",
                section="start_here#which-tenant",
            )

    def check(self) -> None:
        """Refuse to write without the lease.

        Raises:
            WaitAndRetry: another run has taken it over.
        """
        held = _held.get()
        if held is None or held[0] is not self:
            raise ReportBug("A write was about to leave without the lease.", where=self._account)
        held[1].check()
