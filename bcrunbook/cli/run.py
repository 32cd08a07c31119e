"""`bcrunbook plan` and `bcrunbook run`: one account's notebooks, headlessly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcrunbook.cli import options, output
from bcrunbook.core.step import AnyStep

if TYPE_CHECKING:
    from bcrunbook.accounts import Workspace
    from bcrunbook.errors import NotFound

Account = Annotated[str, typer.Argument(help="An account's name in accounts.toml.")]
StepName = Annotated[
    str | None,
    typer.Argument(help="One step's id. Default: all of the account's, or of the customer's."),
]
Customer = Annotated[
    list[str] | None,
    typer.Option(help="A customer of the account, for the steps about one. May be repeated."),
]


def plan(
    account: Account,
    step: StepName = None,
    customer: Customer = None,
    workspace: options.Workspace = None,
    as_json: options.Json = False,
) -> None:
    """Show what would be done for an account. Writes nothing to any service."""
    _run(_load(workspace), account, step, "plan", customer or [], as_json=as_json)


def run(
    account: Account,
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
        _rehearse(loaded, account, step, mode, as_json=as_json)
        return
    _run(loaded, account, step, mode, customer or [], as_json=as_json)


def _load(workspace: Path | None) -> Workspace:
    from bcrunbook.accounts import find_workspace, load

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
    from bcrunbook.cli.progress import finish, showing
    from bcrunbook.run.account import run_account, run_customers
    from bcrunbook.run.copies import Copies
    from bcrunbook.run.folders import run_folder

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
        told = {"began": progress.began, "ended": progress.ended}
        place = folder / account
        if names:
            work = run_customers(workspace, account, names, steps, mode, place, **told)
        else:
            work = run_account(workspace, account, steps, mode, place, **told)
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
    from bcrunbook.errors import FixInput
    from bcrunbook.steps import SETUP_STEPS, STEPS, step_named

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
    from bcrunbook.errors import NotFound

    return NotFound(
        f"The account {account} has no customers.",
        where=f"accounts.{account}.customers in accounts.toml",
        next='add a table [accounts.NAME.customers.KEY], or name a file: customers = "FILE.csv"',
    )


def _rehearse(
    workspace: Workspace, account: str, step: str | None, mode: str, *, as_json: bool
) -> None:
    from bcrunbook.cli.progress import rehearsed
    from bcrunbook.run.rehearse.workspace import Rehearsed, prepare, running_cloud
    from bcrunbook.steps import SETUP_STEPS, step_named

    chosen = workspace.account(account)
    directory = workspace.root / "rehearsal"
    with running_cloud(directory) as told:
        # The others are named as well: an account that the file does not name is one that is gone.
        others = [one for one in workspace.accounts.values() if one is not chosen]
        accounts = [Rehearsed.of(one) for one in (chosen, *others)]
        prepared = asyncio.run(prepare(directory, told, accounts, anew=True))
        output.say(
            f'Rehearsing "{account}" with the rehearsal cloud\'s tenant, instance, sign-in and'
            f" secret store; everything else is as configured. All of it lies in {directory}."
        )
        code = rehearsed(
            prepared,
            told,
            [account],
            [step_named(step)] if step else SETUP_STEPS,
            mode,
            title=f"Account {account}",
            as_json=as_json,
        )
    raise typer.Exit(code)
