"""`bcrunbook rehearse`, and `run --rehearse`: the runbook against the rehearsal cloud."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from bcrunbook.accounts import Workspace, find_workspace, load
from bcrunbook.cli import options, output
from bcrunbook.cli.asked import Asked, typed
from bcrunbook.cli.ending import code_of, finish
from bcrunbook.cli.progress import ProgressLines, showing
from bcrunbook.cli.rehearse_year import rehearse_year
from bcrunbook.core.step import AnyStep
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.rehearsal.lags import PROFILES, USUAL
from bcrunbook.run.account import StepRun
from bcrunbook.run.engine.processes import prepare as prepare_processes
from bcrunbook.run.folders import run_folder
from bcrunbook.run.rehearse.account import play
from bcrunbook.run.rehearse.customers import linked_again, play_customers
from bcrunbook.run.rehearse.workspace import STANDARD, Rehearsed, prepare, running_cloud
from bcrunbook.steps import SETUP_STEPS, step_named

_STANDARD_FOLDER: Final = Path("rehearsal")
_YEAR_FOLDER: Final = Path("rehearsal-year")


def rehearse(
    directory: Annotated[
        Path, typer.Option("--dir", help="Where everything goes. Run again to go on from there.")
    ] = _STANDARD_FOLDER,
    year: Annotated[
        bool,
        typer.Option(
            "--year",
            help="A whole year instead: twelve customers, weekly checks, secrets that are replaced,"
            " told as a story. Takes a few minutes; a new folder.",
        ),
    ] = False,
    lags: options.Lags = USUAL.name,
    verbose: options.Verbose = False,
    as_json: options.Json = False,
) -> None:
    """Rehearse everything on this machine: every notebook, for a trial and a production account.

    The notebooks run against the rehearsal cloud. Where a person is needed, somebody scripted acts
    on its pages, and the runbook goes on from there. Nothing outside this machine is touched. It
    takes about half a minute, and ends with the address of a report.
    """
    options.check_word("lags", lags, tuple(PROFILES), noun="way to lag")
    began = time.monotonic()
    if year:
        folder = _YEAR_FOLDER if directory == _STANDARD_FOLDER else directory
        raise typer.Exit(rehearse_year(folder.absolute(), lags, verbose=verbose, as_json=as_json))
    again = typed(
        "rehearse",
        dir=None if directory == _STANDARD_FOLDER else directory,
        lags=None if lags == USUAL.name else lags,
    )
    asked = Asked("Rehearsal", again, again, to_see="", as_json=as_json, verbose=verbose)
    directory = directory.absolute()
    prepare_processes()
    output.say(f"Starting the rehearsal cloud in {directory}; all of it takes about half a minute.")
    with running_cloud(directory, lags=lags) as cloud:
        workspace = asyncio.run(prepare(directory, cloud, STANDARD))
        names = [account.name for account in STANDARD]
        code = _play(
            workspace, cloud, names, SETUP_STEPS, "apply", asked, began=began, customers=True
        )
    raise typer.Exit(code)


def rehearse_account(
    root: Path | None, account: str, step: str | None, mode: str, asked: Asked
) -> int:
    """Play one account of a workspace against the rehearsal cloud.

    Args:
        root: the workspace as it was named; None to search for it.
        account: the account's name.
        step: one step's id; None for all of the account's.
        mode: `auto`, `plan` or `apply`.
        asked: the same, as its end says it again.

    Returns:
        The exit code.
    """
    began = time.monotonic()
    workspace = load(find_workspace(root))
    chosen = workspace.account(account)
    directory = workspace.root / "rehearsal"
    output.say(f"Starting the rehearsal cloud in {directory}.")
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
            asked,
            began=began,
        )


def _play(
    workspace: Workspace,
    cloud: RehearsalDescription,
    accounts: Sequence[str],
    steps: Sequence[AnyStep],
    mode: str,
    asked: Asked,
    *,
    began: float,
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

    total = len(accounts) * len(steps)
    what = f"Starting {output.counted(total, 'notebook')} of {' and '.join(accounts)}."
    with showing(total, what) as progress:
        runs = asyncio.run(everything(progress))
    if customers:
        asked = replace(asked, to_see=_to_see(workspace, runs))
    seconds = time.monotonic() - began
    return finish(runs, folder, asked, workspace=workspace, cloud="rehearsal", seconds=seconds)


def _to_see(workspace: Workspace, runs: Sequence[StepRun]) -> str:
    """What a whole rehearsal shows, and how to do the same by hand."""
    shows = "each step, who helped, and each installation"
    for account, customer in linked_again(runs):
        name = workspace.customer(account, customer).display_name
        shows += f"; how {name} lost App Link, the check noticed, and they linked again"
    return f"To see in the report: {shows}. The same by hand: bcrunbook lab --rehearse"
