"""`bcrunbook init`: lay out a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.accounts import template
from bcrunbook.cli import options, output
from bcrunbook.cli.asked import typed
from bcrunbook.run.layout import lay_out_notebooks, laying_out


def init(
    directory: Annotated[Path, typer.Argument(help="The folder to lay out; made if missing.")],
    as_json: options.Json = False,
) -> None:
    """Lay out a workspace: accounts.toml with comments, and the notebooks. Overwrites nothing.

    Nothing is sent anywhere. To fill in accounts.toml takes some minutes, with the tenant's name
    and that of your Codat instance at hand.
    """
    config = directory / "accounts.toml"
    is_new = not config.exists()
    with laying_out(directory):
        directory.mkdir(parents=True, exist_ok=True)
        if is_new:
            config.write_text(template(), encoding="utf-8")
    notebooks_made, notebooks_kept = lay_out_notebooks(directory)
    made = [str(path) for path in ([config] if is_new else []) + notebooks_made]
    kept = [str(path) for path in ([] if is_new else [config]) + notebooks_kept]
    if as_json:
        output.print_json({"workspace": str(directory), "made": made, "kept": kept})
        return
    for path in made:
        output.say(f"made  {path}")
    for path in kept:
        output.say(f"kept  {path}")
    check, lab = (typed(*words, workspace=directory) for words in (("accounts", "check"), ("lab",)))
    output.say(f"Next: fill in {config}, which its comments explain. Then: {check}")
    output.say(f"After that, step by step in your browser: {lab}")
