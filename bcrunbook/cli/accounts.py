"""`bcrunbook accounts`: the accounts of the workspace."""

from __future__ import annotations

import typer

from bcrunbook.cli import options, output

app = typer.Typer(help="The accounts of the workspace.", no_args_is_help=True)


@app.callback()
def accounts() -> None:
    """The accounts of the workspace."""


@app.command()
def check(workspace: options.Workspace = None, as_json: options.Json = False) -> None:
    """Check accounts.toml. Names every mistake: line, key, what was expected."""
    from bcrunbook.accounts import find_workspace, load

    loaded = load(find_workspace(workspace))
    told = [
        {
            "account": account.name,
            "kind": account.kind,
            "tenant": account.tenant,
            "application": account.application,
            "sign_in": account.sign_in.method,
            "secret_store": account.secret_store,
            "cloud": account.cloud,
        }
        for account in loaded.accounts.values()
    ]
    if as_json:
        output.print_json({"workspace": str(loaded.root), "accounts": told})
        return
    for one in told:
        name = one.pop("account")
        output.print_block(name, one)
    counted = output.counted(len(told), "account")
    output.say(f"{loaded.root / 'accounts.toml'}: {counted}, no mistakes.")
