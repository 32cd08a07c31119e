"""Where an account's work goes: which tenant, and who is signed in, as the first step saw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bcrunbook.core.step import Outcome

SIGNED_IN: Final = "Signed in as"
"""The first step's row that says who is signed in."""
TENANT: Final = "Tenant"
"""The first step's row that says which tenant it is."""


@dataclass(frozen=True)
class Whereabouts:
    """Where an account's work goes.

    Args:
        tenant: the tenant, with its id; as it is configured before it was seen.
        signed_in: who is signed in; empty before anybody was.
    """

    tenant: str
    signed_in: str = ""

    @property
    def tenant_name(self) -> str:
        """The tenant's name alone."""
        return self.tenant.partition(" (")[0]

    @property
    def person(self) -> str:
        """The name of whoever is signed in; empty where that is an application."""
        name, is_told_with_address, _ = self.signed_in.partition(" <")
        return name if is_told_with_address else ""


def whereabouts(first: Outcome | None, tenant: str) -> Whereabouts:
    """Where an account's work goes.

    Args:
        first: how the first step ended last; None where it has not been run.
        tenant: the tenant that is configured: what was seen of another one counts for nothing.
    """
    rows = {row.name: row for row in first.findings} if first is not None else {}
    if TENANT not in rows or rows[TENANT].wanted != tenant:
        return Whereabouts(tenant)
    signed_in = rows[SIGNED_IN].actual if SIGNED_IN in rows else ""
    return Whereabouts(rows[TENANT].actual or tenant, signed_in)
