"""`bcrunbook accounts`: the accounts of the workspace."""

from __future__ import annotations

from typing import Any, Final

import typer

from bcrunbook.accounts import Account, Workspace, find_workspace, load, neighbours
from bcrunbook.cli import options, output
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import START_HERE, ref
from bcrunbook.steps.link_customer.codat_customer import renamed

_LISTED: Final = 10  # so many customers are named on a terminal

app = typer.Typer(help="The accounts of the workspace.", no_args_is_help=True)


@app.callback()
def accounts() -> None:
    """The accounts of the workspace."""


@app.command()
def check(workspace: options.Workspace = None, as_json: options.Json = False) -> None:
    """Check accounts.toml and the customers it names. Lists every mistake with its line."""
    loaded = load(find_workspace(workspace))
    accounts = loaded.accounts.values()
    if as_json:
        data = [{**_settings(account), "customers": _customers(account)} for account in accounts]
        output.print_json({"workspace": str(loaded.root), "accounts": data})
        return
    for account in accounts:
        rows = {key: value for key, value in _settings(account).items() if key != "account"}
        output.print_block(account.name, {**rows, "customers": _listed(list(account.customers))})
    counted = output.counted(len(accounts), "account")
    output.say(f"{loaded.root / 'accounts.toml'}: {counted}, no mistakes.")
    for account in accounts:
        if account.short_lifetime:
            lifetime = output.counted(account.secret_lifetime_days, "day")
            output.say(f"{account.name}: secret_lifetime is {lifetime}. {account.short_lifetime}")
    for note in _notes(loaded):
        output.say(note)


def _notes(workspace: Workspace) -> list[str]:
    """What is no mistake of the file, and yet may not be meant; as far as the ledger tells."""
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


def _settings(account: Account) -> dict[str, str]:
    return {
        "account": account.name,
        "kind": account.kind,
        "tenant": account.tenant,
        "application": account.application,
        "sign_in": account.sign_in.method,
        "secret_store": account.secret_store,
        "cloud": account.cloud,
    }


def _customers(account: Account) -> list[dict[str, Any]]:
    """The customers, by the keys of their file."""
    return [customer.model_dump(by_alias=True) for customer in account.customers.values()]


def _listed(names: list[str]) -> str:
    if not names:
        return "none"
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
