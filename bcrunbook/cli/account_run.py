"""An account's notebooks from the command line: which steps, for whom, how they go and end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from bcrunbook.accounts import Workspace, find_workspace, load
from bcrunbook.cli import output
from bcrunbook.cli.asked import Asked
from bcrunbook.cli.ending import finish
from bcrunbook.cli.progress import showing
from bcrunbook.core.step import AnyStep
from bcrunbook.errors import FixInput, NotFound
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import ENDING
from bcrunbook.run.account import run_account, run_customers
from bcrunbook.run.copies import Copies
from bcrunbook.run.folders import run_folder
from bcrunbook.steps import SETUP_STEPS, STEPS, step_named
from bcrunbook.steps.retired import all_retired


def run_notebooks(
    root: Path | None,
    account: str,
    step: str | None,
    mode: str,
    customers: list[str],
    asked: Asked,
    *,
    wish: str = "",
    customers_first: str = "",
) -> int:
    """Run the notebooks of an account, or of customers of it.

    Args:
        root: the workspace as it was named; None to search for it.
        account: the account's name.
        step: one step's id; None for all of the account's, or of the customers'.
        mode: `auto`, `plan` or `apply`.
        customers: the customers' names; empty for the account itself, or for all of its customers
            where the step is about one.
        asked: the same, as its end says it again.
        wish: what a step is asked for besides, as its notebook's parameter says it.
        customers_first: the id of a step that is run for all of the account's customers before;
            empty for none.

    Returns:
        The exit code.
    """
    workspace = load(find_workspace(root))
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
    if steps[0].id not in ENDING:
        names = _in_use(workspace, account, names, customers)
    folder = run_folder(workspace.root)
    copies = Copies(workspace.runs_url, folder)
    before = list(chosen.customers) if customers_first else []
    total = len(steps) * max(1, len(names)) + len(before)
    with showing(total, f"Starting {_of_what(account, names, total)}.") as progress:
        calls = {"began": progress.began, "ended": progress.ended}
        target = folder / account
        runs = []
        if before:
            chosen_step = [step_named(customers_first)]
            runs += asyncio.run(
                run_customers(
                    workspace, account, before, chosen_step, mode, target, wish=wish, **calls
                )
            )
        if names:
            work = run_customers(workspace, account, names, steps, mode, target, wish=wish, **calls)
        else:
            work = run_account(workspace, account, steps, mode, target, wish=wish, **calls)
        runs += asyncio.run(work)
    seconds = time.monotonic() - began
    return finish(
        runs,
        folder,
        asked,
        workspace=workspace,
        cloud=chosen.cloud,
        seconds=seconds,
        copies=copies,
    )


def _in_use(
    workspace: Workspace, account: str, names: list[str], asked_for: list[str]
) -> list[str]:
    """The customers that are run: those that are retired are not.

    Raises:
        FixInput: the account is retired, or every customer of it, or one that was named.
    """
    whose = workspace.account(account).identity
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        gone = all_retired(ledger, whose)
    if "" in gone:
        raise gone[""].refusal
    left = [name for name in names if name not in gone]
    refused = next((gone[name] for name in asked_for if name in gone), None)
    if refused is None and names and not left:
        refused = gone[names[0]]
    if refused is not None:
        raise refused.refusal
    for name in names:
        if name in gone:
            output.say(f"Left out: {gone[name].sentence}")
    return left


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
