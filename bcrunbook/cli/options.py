"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Workspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help="The folder with accounts.toml. Default: searched from here upwards.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print data for programs on stdout.")]
