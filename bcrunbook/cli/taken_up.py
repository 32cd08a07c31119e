"""A customer that was retired is taken up again: that is noted, and nothing has to be restored."""

from __future__ import annotations

from pathlib import Path

from bcrunbook.accounts import find_workspace, load
from bcrunbook.cli import output
from bcrunbook.cli.asked import typed
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import RETIRE_CUSTOMER
from bcrunbook.steps.retired import note_restored, retired_account


def take_up(workspace: Path | None, account: str, customers: list[str], *, as_json: bool) -> None:
    """Note that customers are customers again; nothing is sent anywhere.

    Args:
        workspace: the workspace as it was named; None to search for it.
        account: the account's name.
        customers: their names.
        as_json: whether what it came to is printed for programs.

    Raises:
        FixInput: the account itself is retired.
        NotFound: there is no such customer.
    """
    loaded = load(find_workspace(workspace))
    whose = loaded.account(account).identity
    for name in customers:
        loaded.customer(account, name)
    with open_ledger(loaded.ledger_url, loaded.root) as ledger:
        over = retired_account(ledger, whose)
        if over is not None:
            raise over.refusal
        taken_up = [
            name for name in customers if note_restored(ledger, Scope(whose, RETIRE_CUSTOMER, name))
        ]
    if as_json:
        output.print_json({"account": account, "restored": taken_up})
        return
    for name in customers:
        known = "is a customer again" if name in taken_up else "was not retired"
        output.say(f"{account}/{name} {known}.")
    output.say(f"Next: {typed('run', account, customer=customers, workspace=workspace)}")
