"""`bcrunbook plan` and `bcrunbook run`: one account's notebooks, headlessly."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcrunbook.cli import options, output

if TYPE_CHECKING:
    from bcrunbook.accounts import Workspace

Account = Annotated[str, typer.Argument(help="An account's name in accounts.toml.")]
Step = Annotated[str | None, typer.Argument(help="One step's id. Default: all, in order.")]


def plan(
    account: Account,
    step: Step = None,
    workspace: options.Workspace = None,
    as_json: options.Json = False,
) -> None:
    """Show what would be done for an account. Writes nothing to any service."""
    _run(_load(workspace), account, step, "plan", as_json=as_json)


def run(
    account: Account,
    step: Step = None,
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
    from bcrunbook.errors import NotFound, nearest

    modes = ("auto", "plan", "apply")
    if mode not in modes:
        raise NotFound(
            f'There is no mode "{mode}" here.', where="--mode", next=nearest(mode, modes)
        )
    loaded = _load(workspace)
    if rehearse:
        _rehearse(loaded, account, step, mode, as_json=as_json)
        return
    _run(loaded, account, step, mode, as_json=as_json)


def _load(workspace: Path | None) -> Workspace:
    from bcrunbook.accounts import find_workspace, load

    return load(find_workspace(workspace))


def _run(workspace: Workspace, account: str, step: str | None, mode: str, *, as_json: bool) -> None:
    from bcrunbook.cli.progress import finish, showing
    from bcrunbook.run.account import run_account
    from bcrunbook.run.folders import run_folder
    from bcrunbook.steps import STEPS, step_named

    cloud = workspace.account(account).cloud
    steps = [step_named(step)] if step else list(STEPS)
    folder = run_folder(workspace.root)
    with showing(len(steps)) as progress:
        runs = asyncio.run(
            run_account(
                workspace,
                account,
                steps,
                mode,
                folder / account,
                began=progress.began,
                ended=progress.ended,
            )
        )
    code = finish(runs, folder, cloud=cloud, title=f"Account {account}", as_json=as_json)
    if code == 5 and mode == "auto":
        output.say("Nothing was written. To apply: --mode apply")
    raise typer.Exit(code)


def _rehearse(
    workspace: Workspace, account: str, step: str | None, mode: str, *, as_json: bool
) -> None:
    from bcrunbook.cli.progress import rehearsed
    from bcrunbook.run.rehearsal import Rehearsed, prepare, running_cloud
    from bcrunbook.steps import STEPS, step_named

    chosen = workspace.account(account)
    directory = workspace.root / "rehearsal"
    with running_cloud(directory) as told:
        prepared = asyncio.run(prepare(directory, told, [Rehearsed.of(chosen)], anew=True))
        output.say(
            f'Rehearsing "{account}" with the rehearsal cloud\'s tenant, instance, sign-in and'
            f" secret store; everything else is as configured. All of it lies in {directory}."
        )
        code = rehearsed(
            prepared,
            told,
            [account],
            [step_named(step)] if step else STEPS,
            mode,
            title=f"Account {account}",
            as_json=as_json,
        )
    raise typer.Exit(code)
