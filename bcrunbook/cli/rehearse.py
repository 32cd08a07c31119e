"""`bcrunbook rehearse`: the whole runbook for both accounts, against the rehearsal cloud."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.cli import options


def rehearse(
    directory: Annotated[
        Path, typer.Option("--dir", help="Where everything goes. Run again to go on from there.")
    ] = Path("rehearsal"),
    as_json: options.Json = False,
) -> None:
    """Run every notebook for a trial and a production account against the rehearsal cloud.

    Where a person is needed, somebody scripted acts on the rehearsal's pages, and the runbook goes
    on from there. Nothing outside this machine is touched.
    """
    from bcrunbook.cli.progress import rehearsed
    from bcrunbook.run.rehearse.workspace import STANDARD, prepare, running_cloud
    from bcrunbook.steps import SETUP_STEPS

    directory = directory.absolute()
    with running_cloud(directory) as told:
        workspace = asyncio.run(prepare(directory, told, STANDARD))
        names = [account.name for account in STANDARD]
        code = rehearsed(
            workspace,
            told,
            names,
            SETUP_STEPS,
            "apply",
            title="Rehearsal",
            as_json=as_json,
            customers=True,
        )
    raise typer.Exit(code)
