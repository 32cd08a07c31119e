"""`bcrunbook init`: lay out a workspace."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.cli import options, output


def init(
    directory: Annotated[Path, typer.Argument(help="The folder to lay out; made if missing.")],
    as_json: options.Json = False,
) -> None:
    """Lay out a workspace: accounts.toml with comments, and the notebooks. Overwrites nothing."""
    from bcrunbook.accounts import template
    from bcrunbook.errors import FixInput
    from bcrunbook.run.notebooks import shipped

    made: list[str] = []
    kept: list[str] = []
    try:
        (directory / "notebooks").mkdir(parents=True, exist_ok=True)
        config = directory / "accounts.toml"
        if config.exists():
            kept.append(str(config))
        else:
            config.write_text(template(), encoding="utf-8")
            made.append(str(config))
        for notebook in sorted(shipped().glob("*.ipynb")):
            target = directory / "notebooks" / notebook.name
            if target.exists():
                kept.append(str(target))
            else:
                shutil.copyfile(notebook, target)
                made.append(str(target))
    except OSError as error:
        raise FixInput(
            f"The workspace cannot be laid out ({error.strerror or type(error).__name__}).",
            where=str(directory),
            next="choose a folder that can be written to",
        ) from None
    if as_json:
        output.print_json({"workspace": str(directory), "made": made, "kept": kept})
        return
    for path in made:
        output.say(f"made  {path}")
    for path in kept:
        output.say(f"kept  {path}")
    output.say(f"Next: fill in {directory / 'accounts.toml'}, then bcrunbook accounts check.")
