"""`bcrunbook restore`: what was retired is taken up again."""

from __future__ import annotations

from typing import Annotated

import typer

from bcrunbook.cli import options
from bcrunbook.cli.asked import Asked, typed
from bcrunbook.run.engine.processes import prepare


def restore(
    account: options.Account,
    customer: Annotated[
        list[str] | None,
        typer.Option(help="Take this customer up again, not the account. May be repeated."),
    ] = None,
    mode: options.Mode = "auto",
    workspace: options.Workspace = None,
    verbose: options.Verbose = False,
    as_json: options.Json = False,
) -> None:
    """Take up again what was retired: within 30 days the application comes back.

    What is missing then is made in the ordinary way, by run. Of a customer nothing has to be
    restored: it is noted, and the customer links again.
    """
    options.check_word("mode", mode, options.MODES)
    if customer:
        # A ledger is all that it takes: nothing else is read.
        from bcrunbook.cli.taken_up import take_up

        take_up(workspace, account, customer, as_json=as_json)
        return
    prepare()
    # Read only now, while the processes that `prepare` has begun read what they need.
    from bcrunbook.cli.account_run import run_notebooks
    from bcrunbook.order import RESTORE_ACCOUNT

    def words(applied: str) -> str:
        return typed("restore", account, mode=applied, workspace=workspace)

    asked = Asked.in_mode(
        f"Restoring {account}",
        words,
        mode,
        to_see=f"What is missing is made by {typed('run', account, workspace=workspace)}",
        as_json=as_json,
        verbose=verbose,
    )
    raise typer.Exit(run_notebooks(workspace, account, RESTORE_ACCOUNT, mode, [], asked))
