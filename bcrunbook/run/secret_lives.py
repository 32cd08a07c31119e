"""The client secrets of a run's accounts, as its report shows them."""

from __future__ import annotations

from collections.abc import Iterable

from bcrunbook.accounts import Workspace
from bcrunbook.ledger.store import Ledger
from bcrunbook.skipped import dates
from bcrunbook.steps.client_secret.calendar import calendar
from bcrunbook.steps.client_secret.life import known_life
from bcrunbook.views.cells import View
from bcrunbook.views.secret_life import secret_life_view


def secret_lives(ledger: Ledger, workspace: Workspace, accounts: Iterable[str]) -> dict[str, View]:
    """By account the life of its secret, of those of whose the ledger knows.

    Args:
        ledger: the workspace's ledger.
        workspace: the workspace.
        accounts: names of accounts.
    """
    now, found = dates.now(), {}
    for account in map(workspace.account, accounts):
        life = known_life(ledger, account.identity)
        if life is not None:
            found[account.name] = secret_life_view(life, now, calendar(life, account))
    return found
