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
    """Check accounts.toml: every mistake with file, line, key and what was expected."""
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
    output.print_table(list(told[0]), [list(one.values()) for one in told])
    output.say(f"{loaded.root / 'accounts.toml'}: {len(told)} accounts, no mistakes.")
