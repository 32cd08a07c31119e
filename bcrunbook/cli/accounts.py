"""`bcrunbook accounts`: the accounts of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from bcrunbook.cli import options, output

if TYPE_CHECKING:
    from bcrunbook.accounts import Account

_LISTED = 10  # so many customers are named on a terminal

app = typer.Typer(help="The accounts of the workspace.", no_args_is_help=True)


@app.callback()
def accounts() -> None:
    """The accounts of the workspace."""


@app.command()
def check(workspace: options.Workspace = None, as_json: options.Json = False) -> None:
    """Check accounts.toml and the customers it names. Tells every mistake with its line."""
    from bcrunbook.accounts import find_workspace, load

    loaded = load(find_workspace(workspace))
    accounts = loaded.accounts.values()
    if as_json:
        told = [{**_told(one), "customers": _customers(one)} for one in accounts]
        output.print_json({"workspace": str(loaded.root), "accounts": told})
        return
    for one in accounts:
        rows = {key: value for key, value in _told(one).items() if key != "account"}
        output.print_block(one.name, {**rows, "customers": _listed(list(one.customers))})
    counted = output.counted(len(accounts), "account")
    output.say(f"{loaded.root / 'accounts.toml'}: {counted}, no mistakes.")


def _told(account: Account) -> dict[str, str]:
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
    return [one.model_dump(by_alias=True) for one in account.customers.values()]


def _listed(names: list[str]) -> str:
    if not names:
        return "none"
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
