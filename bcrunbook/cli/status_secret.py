"""How long the client secret of each account is good for, as the ledger knows it."""

from __future__ import annotations

from datetime import datetime

from bcrunbook.accounts import Workspace
from bcrunbook.ledger.store import Ledger
from bcrunbook.steps.client_secret.calendar import calendar_file
from bcrunbook.steps.client_secret.life import known_life
from bcrunbook.views.secret_life import secret_line


def secret_lines(workspace: Workspace, ledger: Ledger, now: datetime) -> list[str]:
    """A line for each account of whose secret the ledger knows.

    Args:
        workspace: the workspace.
        ledger: its ledger.
        now: the time now.
    """
    lines = []
    for account in workspace.accounts.values():
        life = known_life(ledger, account.identity)
        if life is None:
            continue
        file = calendar_file(workspace.root, account.name)
        kept = f"; reminder: {file.relative_to(workspace.root)}" if file.is_file() else ""
        lines.append(f"{account.name}: client secret {secret_line(life, now)}{kept}")
    return lines
