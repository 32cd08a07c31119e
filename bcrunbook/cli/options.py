"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from bcrunbook.errors import NotFound, nearest

Workspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help="The folder with accounts.toml. Default: searched from here upwards.",
    ),
]
Account = Annotated[str, typer.Argument(help="An account's name in accounts.toml.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print the path of each executed notebook too.")
]
Json = Annotated[bool, typer.Option("--json", help="Print data for programs on stdout.")]
Mode = Annotated[
    str,
    typer.Option(help="auto, plan or apply. auto applies in the rehearsal cloud, and plans live."),
]
Lags = Annotated[
    str,
    typer.Option(
        "--lags",
        help="How new things lag in the rehearsal cloud: usual (hardly, as in recordings of the"
        " services) or worst (all of them, in every way).",
    ),
]

MODES: Final = ("auto", "plan", "apply")


def check_word(name: str, value: str, known: Sequence[str], *, noun: str = "") -> None:
    """Refuse what an option does not know.

    Args:
        name: the option's name, without its dashes.
        value: what was given.
        known: what there is.
        noun: what one of these is; the option's name, unless it is no noun in the singular.

    Raises:
        NotFound: it is none of those; offers the nearest.
    """
    if value not in known:
        raise NotFound(
            f'There is no {noun or name} "{value}" here.',
            where=f"--{name}",
            next=nearest(value, known),
        )
