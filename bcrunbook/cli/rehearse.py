"""`bcrunbook rehearse`: the whole runbook for both accounts, against the rehearsal cloud."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.cli import options, output


def rehearse(
    directory: Annotated[
        Path, typer.Option("--dir", help="Where everything goes. Run again to go on from there.")
    ] = Path("rehearsal"),
    as_json: options.Json = False,
) -> None:
    """Run every notebook for a trial and a production account against the rehearsal cloud.

    Nothing outside this machine is touched.
    """
    from bcrunbook.cli.progress import finish, showing
    from bcrunbook.cli.run import run_folder
    from bcrunbook.run.account import StepRun, exit_code, run_account
    from bcrunbook.run.rehearsal import STANDARD, prepare, running_cloud
    from bcrunbook.steps import STEPS

    directory = directory.absolute()
    runs: list[StepRun] = []
    with running_cloud(directory) as told:
        workspace = asyncio.run(prepare(directory, told, STANDARD))
        folder = run_folder(workspace.root)
        with showing(len(STANDARD) * len(STEPS)) as progress:
            for account in STANDARD:
                runs += asyncio.run(
                    run_account(
                        workspace,
                        account.name,
                        STEPS,
                        "apply",
                        folder / account.name,
                        began=progress.began,
                        ended=progress.ended,
                    )
                )
                if exit_code(runs):
                    output.say(f"{account.name} did not pass, so the rehearsal stops here.")
                    break
    raise typer.Exit(finish(runs, folder, cloud="rehearsal", title="Rehearsal", as_json=as_json))
