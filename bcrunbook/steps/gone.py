"""Accounts and customers that the ledger made something for and that the file does not name."""

from __future__ import annotations

from bcrunbook.accounts import Workspace
from bcrunbook.ledger.scope import FactKind
from bcrunbook.ledger.store import Ledger
from bcrunbook.order import LINK_CUSTOMER, REGISTER_APPLICATION


def gone(ledger: Ledger, workspace: Workspace) -> frozenset[tuple[str, str]]:
    """Accounts, and customers with their account, that were given up or renamed.

    For whoever does a part of a work and is given no more of the workspace than the part.

    Args:
        ledger: the ledger.
        workspace: the whole workspace.
    """
    found = set()
    for cloud in {account.cloud for account in workspace.accounts.values()}:
        for fact in (
            *ledger.elsewhere(REGISTER_APPLICATION, FactKind.APPLICATION, cloud=cloud),
            *ledger.elsewhere(LINK_CUSTOMER, FactKind.COMPANY, cloud=cloud),
        ):
            found.add((fact.account, fact.customer or ""))
    return frozenset(one for one in found if not workspace.has(*one))
