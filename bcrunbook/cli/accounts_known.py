"""What the ledger knows otherwise than accounts.toml says, for `bcrunbook accounts check`."""

from __future__ import annotations

from bcrunbook.accounts import Workspace, neighbours
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import START_HERE, ref
from bcrunbook.steps.link_customer.codat_customer import renamed


def notes(workspace: Workspace) -> list[str]:
    """What is no mistake of the file, and yet may not be meant; as far as the ledger tells.

    Args:
        workspace: the loaded workspace.

    Returns:
        Sentences for a person.
    """
    try:
        return _compared(workspace) if _has_ledger(workspace) else []
    except RunbookError as error:
        return [f"The ledger could not be compared with the file: {error.what}"]


def _has_ledger(workspace: Workspace) -> bool:
    """Whether the workspace has a ledger: looking makes none."""
    kind, _, file = workspace.ledger_url.partition(":///")
    return kind != "sqlite" or (workspace.root / file).exists()


def _compared(workspace: Workspace) -> list[str]:
    notes = []
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        for account in workspace.accounts.values():
            mine = ledger.tenant_of(account.identity)
            names = {
                one.identity.tenant
                for one in workspace.accounts.values()
                if ledger.tenant_of(one.identity) == mine
            }
            for other in neighbours(workspace, account, names):
                if account.is_production:
                    notes.append(
                        f"Is this intended? {account.name} (production) and {other} (trial) name"
                        f" one tenant, {account.tenant}."
                    )
            for stranger in ledger.strangers(account.identity):
                if stranger is not None:
                    notes.append(
                        f"Is this intended? The ledger knows {stranger}, and the file means"
                        f" {account.identity}. What was done there counts for nothing here."
                    )
                else:
                    notes.append(
                        f"The ledger has records of {account.name} from before tenants were noted."
                        f" {ref(START_HERE).capitalize()} asks whose they are: bcrunbook run"
                        f" {account.name} {START_HERE}"
                    )
            notes += renamed(ledger, account)
    return notes
