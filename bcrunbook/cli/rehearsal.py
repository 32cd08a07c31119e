"""`bcrunbook rehearsal`: the local stand-in cloud, served until told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.cli import options
from bcrunbook.rehearsal import CannotServe, Settings
from bcrunbook.rehearsal import serve as serve_cloud
from bcrunbook.rehearsal.lags import USUAL

app = typer.Typer(no_args_is_help=True, help="A local stand-in for the services, for rehearsing.")


@app.callback()
def rehearsal() -> None:
    """A local stand-in for the services, for rehearsing."""


@app.command()
def serve(
    directory: Annotated[
        Path, typer.Option("--dir", help="Folder that holds its state; made if need be.")
    ],
    speed: Annotated[
        float, typer.Option(help="By how much lags and throttle windows are shortened.")
    ] = 1.0,
    lags: options.Lags = USUAL.name,
    latency: Annotated[int, typer.Option(help="Milliseconds added to each answer.")] = 0,
    faults: Annotated[
        Path | None, typer.Option(help="File of fault rules (JSON), to rehearse failures.")
    ] = None,
) -> None:
    """Serve the rehearsal cloud; ready once rehearsal.json is in the folder."""
    try:
        serve_cloud(Settings(directory, speed, lags, latency, faults))
    except CannotServe as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(2) from problem
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
