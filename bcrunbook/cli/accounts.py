"""`bcrunbook accounts`: the accounts of the workspace."""

from __future__ import annotations

from typing import Any, Final

import typer

from bcrunbook.accounts import Account, find_workspace, load
from bcrunbook.cli import options, output

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
    # Read only now: what the file says need not wait for the database.
    from bcrunbook.cli.accounts_known import notes

    for note in notes(loaded):
        output.say(note)


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
