"""`bcrunbook rehearse`, and `run --rehearse`: the runbook against the rehearsal cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.accounts import Workspace
from bcrunbook.cli import options, output
from bcrunbook.cli.progress import ProgressLines, code_of, finish, showing
from bcrunbook.core.step import AnyStep
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.run.account import StepRun
from bcrunbook.run.folders import run_folder
from bcrunbook.run.rehearse.account import play
from bcrunbook.run.rehearse.customers import play_customers
from bcrunbook.run.rehearse.workspace import STANDARD, Rehearsed, prepare, running_cloud
from bcrunbook.steps import SETUP_STEPS, step_named


def rehearse(
    directory: Annotated[
        Path, typer.Option("--dir", help="Where everything goes. Run again to go on from there.")
    ] = Path("rehearsal"),
    as_json: options.Json = False,
) -> None:
    """Rehearse everything on this machine: every notebook, for a trial and a production account.

    The notebooks run against the rehearsal cloud. Where a person is needed, somebody scripted acts
    on its pages, and the runbook goes on from there. Nothing outside this machine is touched.
    """
    directory = directory.absolute()
    with running_cloud(directory) as cloud:
        workspace = asyncio.run(prepare(directory, cloud, STANDARD))
        names = [account.name for account in STANDARD]
        code = _play(
            workspace,
            cloud,
            names,
            SETUP_STEPS,
            "apply",
            title="Rehearsal",
            as_json=as_json,
            customers=True,
        )
    raise typer.Exit(code)


def rehearse_account(
    workspace: Workspace, account: str, step: str | None, mode: str, *, as_json: bool
) -> int:
    """Play one account of a workspace against the rehearsal cloud.

    Args:
        workspace: the workspace, as configured.
        account: the account's name.
        step: one step's id; None for all of the account's.
        mode: `auto`, `plan` or `apply`.
        as_json: whether what it came to is printed for programs.

    Returns:
        The exit code.
    """
    chosen = workspace.account(account)
    directory = workspace.root / "rehearsal"
    with running_cloud(directory) as cloud:
        # The others are named as well: an account that the file does not name is one that is gone.
        others = [other for other in workspace.accounts.values() if other is not chosen]
        accounts = [Rehearsed.of(configured) for configured in (chosen, *others)]
        prepared = asyncio.run(prepare(directory, cloud, accounts, anew=True))
        output.say(
            f'Rehearsing "{account}" with the rehearsal cloud\'s tenant, instance, sign-in and'
            f" secret store; everything else is as configured. All of it lies in {directory}."
        )
        return _play(
            prepared,
            cloud,
            [account],
            [step_named(step)] if step else SETUP_STEPS,
            mode,
            title=f"Account {account}",
            as_json=as_json,
        )


def _play(
    workspace: Workspace,
    cloud: RehearsalDescription,
    accounts: Sequence[str],
    steps: Sequence[AnyStep],
    mode: str,
    *,
    title: str,
    as_json: bool,
    customers: bool = False,
) -> int:
    """Play a rehearsal, with its customers if so wanted, and write its report.

    Returns:
        The exit code.
    """
    folder = run_folder(workspace.root)

    async def everything(progress: ProgressLines) -> list[StepRun]:
        calls = {"began": progress.began, "ended": progress.ended, "acted": output.say}
        runs = await play(workspace, cloud, accounts, steps, mode, folder, **calls)
        if customers and code_of(runs) == 0:
            runs += await play_customers(workspace, cloud, accounts, folder, **calls)
        return runs

    with showing(len(accounts) * len(steps)) as progress:
        runs = asyncio.run(everything(progress))
    return finish(runs, folder, cloud="rehearsal", title=title, as_json=as_json)
