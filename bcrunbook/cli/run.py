"""`bcrunbook plan` and `bcrunbook run`: one account's notebooks, headlessly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.accounts import Workspace, find_workspace, load
from bcrunbook.cli import options, output
from bcrunbook.cli.progress import finish, showing
from bcrunbook.core.step import AnyStep
from bcrunbook.errors import FixInput, NotFound
from bcrunbook.run.account import run_account, run_customers
from bcrunbook.run.copies import Copies
from bcrunbook.run.folders import run_folder
from bcrunbook.steps import SETUP_STEPS, STEPS, step_named

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
    as_json: options.Json = False,
) -> None:
    """Show what would be done for an account. Writes nothing to any service."""
    _run(_load(workspace), account, step, "plan", customer or [], as_json=as_json)


def run(
    account: options.Account,
    step: StepName = None,
    customer: Customer = None,
    mode: Annotated[
        str,
        typer.Option(
            help="auto, plan or apply. auto applies in the rehearsal cloud, and plans live."
        ),
    ] = "auto",
    rehearse: Annotated[
        bool,
        typer.Option("--rehearse", help="Play this account against the rehearsal cloud instead."),
    ] = False,
    workspace: options.Workspace = None,
    as_json: options.Json = False,
) -> None:
    """Run an account's notebooks headlessly. In a live cloud, --mode apply is needed to write."""
    options.check_word("mode", mode, options.MODES)
    loaded = _load(workspace)
    if rehearse:
        # Read only when asked for: the rehearsal cloud is a server, and its libraries take a while.
        from bcrunbook.cli.rehearse import rehearse_account

        raise typer.Exit(rehearse_account(loaded, account, step, mode, as_json=as_json))
    _run(loaded, account, step, mode, customer or [], as_json=as_json)


def _load(workspace: Path | None) -> Workspace:
    return load(find_workspace(workspace))


def _run(
    workspace: Workspace,
    account: str,
    step: str | None,
    mode: str,
    customers: list[str],
    *,
    as_json: bool,
) -> None:
    chosen = workspace.account(account)
    steps = _steps(step, customers)
    names = customers
    if steps[0].is_per_customer and not customers:
        names = list(chosen.customers)
        if not names:
            raise _no_customers(account)
    for name in names:
        workspace.customer(account, name)
    folder = run_folder(workspace.root)
    copies = Copies(workspace.runs_url, folder)
    with showing(len(steps) * max(1, len(names))) as progress:
        calls = {"began": progress.began, "ended": progress.ended}
        target = folder / account
        if names:
            work = run_customers(workspace, account, names, steps, mode, target, **calls)
        else:
            work = run_account(workspace, account, steps, mode, target, **calls)
        runs = asyncio.run(work)
    code = finish(runs, folder, cloud=chosen.cloud, title=f"Account {account}", as_json=as_json)
    copies.keep(folder)
    if copies.url:
        output.say(f"Copied to {copies.url}")
    if code == 5 and mode == "auto":
        output.say("Nothing was written. To apply: --mode apply")
    raise typer.Exit(code)


def _steps(step: str | None, customers: list[str]) -> Sequence[AnyStep]:
    """The steps that are meant: of the account, or of customers."""
    if step is None:
        return [one for one in STEPS if one.is_per_customer] if customers else SETUP_STEPS
    chosen = step_named(step)
    if customers and not chosen.is_per_customer:
        raise FixInput(
            f"The step {step} is about the account, and customers were named.",
            where="--customer",
            next="leave --customer out",
        )
    return [chosen]


def _no_customers(account: str) -> NotFound:
    return NotFound(
        f"The account {account} has no customers.",
        where=f"accounts.{account}.customers in accounts.toml",
        next='add a table [accounts.NAME.customers.KEY], or name a file: customers = "FILE.csv"',
    )
