"""`bcrunbook plan` and `bcrunbook run`: one account's notebooks, headlessly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.accounts import Workspace, find_workspace, load
from bcrunbook.cli import options, output
from bcrunbook.cli.asked import Asked, typed
from bcrunbook.cli.ending import finish
from bcrunbook.cli.progress import showing
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
    _run(_load(workspace), account, step, "plan", customers, asked)


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
    verbose: options.Verbose = False,
    as_json: options.Json = False,
) -> None:
    """Run an account's notebooks headlessly. In a live cloud, --mode apply is needed to write."""
    options.check_word("mode", mode, options.MODES)
    loaded = _load(workspace)
    customers = customer or []
    flag = "--rehearse" if rehearse else None
    asked = Asked(
        f"Account {account}",
        again=_typed(
            "run", account, step, customers, workspace, flag, mode="" if mode == "auto" else mode
        ),
        applying=_typed("run", account, step, customers, workspace, flag, mode="apply"),
        to_see=f"For real, after a look at the plan: {typed('plan', account, workspace=workspace)}"
        if rehearse
        else _to_see(workspace),
        as_json=as_json,
        verbose=verbose,
    )
    if rehearse:
        # Read only when asked for: the rehearsal cloud is a server, and its libraries take a while.
        from bcrunbook.cli.rehearse import rehearse_account

        raise typer.Exit(rehearse_account(loaded, account, step, mode, asked))
    _run(loaded, account, step, mode, customers, asked)


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


def _load(workspace: Path | None) -> Workspace:
    return load(find_workspace(workspace))


def _run(
    workspace: Workspace,
    account: str,
    step: str | None,
    mode: str,
    customers: list[str],
    asked: Asked,
) -> None:
    began = time.monotonic()
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
    total = len(steps) * max(1, len(names))
    with showing(total, f"Starting {_of_what(account, names, total)}.") as progress:
        calls = {"began": progress.began, "ended": progress.ended}
        target = folder / account
        if names:
            work = run_customers(workspace, account, names, steps, mode, target, **calls)
        else:
            work = run_account(workspace, account, steps, mode, target, **calls)
        runs = asyncio.run(work)
    seconds = time.monotonic() - began
    code = finish(
        runs,
        folder,
        asked,
        workspace=workspace,
        cloud=chosen.cloud,
        seconds=seconds,
        copies=copies,
    )
    raise typer.Exit(code)


def _of_what(account: str, customers: list[str], total: int) -> str:
    """What a run is about, in words."""
    whose = f" for {output.counted(len(customers), 'customer')}" if customers else ""
    return f"{output.counted(total, 'notebook')} of {account}{whose}"


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
