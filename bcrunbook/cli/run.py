"""`bcrunbook plan` and `bcrunbook run`: one account's notebooks, headlessly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.cli import options
from bcrunbook.cli.asked import Asked, typed
from bcrunbook.run.engine.processes import prepare

StepName = Annotated[
    str | None,
    typer.Argument(help="One step's id. Default: all of the account's, or of the customer's."),
]
Customer = Annotated[
    list[str] | None,
    typer.Option(help="A customer of the account, for the steps about one. May be repeated."),
]


def plan(
    account: options.Account,
    step: StepName = None,
    customer: Customer = None,
    workspace: options.Workspace = None,
    verbose: options.Verbose = False,
    as_json: options.Json = False,
) -> None:
    """Show what would be done for an account. Writes nothing to any service."""
    customers = customer or []
    asked = Asked(
        f"Plan of {account}",
        again=_typed("plan", account, step, customers, workspace),
        applying=_typed("run", account, step, customers, workspace, mode="apply"),
        to_see=_to_see(workspace),
        as_json=as_json,
        verbose=verbose,
    )
    raise typer.Exit(_run(workspace, account, step, "plan", customers, asked))


def run(
    account: options.Account,
    step: StepName = None,
    customer: Customer = None,
    mode: options.Mode = "auto",
    rehearse: Annotated[
        bool,
        typer.Option("--rehearse", help="Play this account against the rehearsal cloud instead."),
    ] = False,
    workspace: options.Workspace = None,
    verbose: options.Verbose = False,
    as_json: options.Json = False,
) -> None:
    """Run an account's notebooks headlessly. In a live cloud, --mode apply is needed to write."""
    options.check_word("mode", mode, options.MODES)
    customers = customer or []
    flag = "--rehearse" if rehearse else None
    asked = Asked.in_mode(
        f"Account {account}",
        lambda mode: _typed("run", account, step, customers, workspace, flag, mode=mode),
        mode,
        to_see=f"For real, after a look at the plan: {typed('plan', account, workspace=workspace)}"
        if rehearse
        else _to_see(workspace),
        as_json=as_json,
        verbose=verbose,
    )
    if rehearse:
        prepare()
        # Read only when asked for: the rehearsal cloud is a server, and its libraries take a while.
        from bcrunbook.cli.rehearse import rehearse_account

        raise typer.Exit(rehearse_account(workspace, account, step, mode, asked))
    raise typer.Exit(_run(workspace, account, step, mode, customers, asked))


def _typed(
    word: str,
    account: str,
    step: str | None,
    customers: list[str],
    workspace: Path | None,
    flag: str | None = None,
    *,
    mode: str = "",
) -> str:
    """A command about the same account, step, customers and workspace, as it is typed."""
    whom = {"customer": customers, "mode": mode, "workspace": workspace}
    return typed(word, account, step, flag, **whom)


def _to_see(workspace: Path | None) -> str:
    return f"Nothing is left to do here. What comes next: {typed('status', workspace=workspace)}"


def _run(
    workspace: Path | None,
    account: str,
    step: str | None,
    mode: str,
    customers: list[str],
    asked: Asked,
) -> int:
    """Run the notebooks; what their processes need is read while this one reads its own part."""
    prepare()
    from bcrunbook.cli.account_run import run_notebooks

    return run_notebooks(workspace, account, step, mode, customers, asked)
