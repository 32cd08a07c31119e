"""`bcrunbook init`: lay out a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.accounts import template
from bcrunbook.cli import options, output
from bcrunbook.cli.asked import typed
from bcrunbook.run.layout import lay_out_notebooks, laying_out
from bcrunbook.run.pipelines import PIPELINES, pipeline


def init(
    directory: Annotated[Path, typer.Argument(help="The folder to lay out; made if missing.")],
    forge: Annotated[
        str,
        typer.Option(
            "--pipeline",
            metavar="FORGE",
            help="github, azure or gitlab: also write its workflow, for a repository with this"
            " folder as its root.",
        ),
    ] = "",
    as_json: options.Json = False,
) -> None:
    """Lay out a workspace: accounts.toml with comments, and the notebooks. Overwrites nothing.

    Nothing is sent anywhere. To fill in accounts.toml takes some minutes, with the tenant's name
    and that of your Codat instance at hand.
    """
    if forge:
        options.check_word("pipeline", forge, list(PIPELINES))
    config = directory / "accounts.toml"
    files = {config: template()}
    if forge:
        files[directory / PIPELINES[forge]] = pipeline(forge)
    new = [path for path in files if not path.exists()]
    with laying_out(directory):
        directory.mkdir(parents=True, exist_ok=True)
        for path in new:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
    notebooks_made, notebooks_kept = lay_out_notebooks(directory)
    made = [str(path) for path in new + notebooks_made]
    kept = [str(path) for path in [one for one in files if one not in new] + notebooks_kept]
    if as_json:
        output.print_json({"workspace": str(directory), "made": made, "kept": kept})
        return
    for name in made:
        output.say(f"made  {name}")
    for name in kept:
        output.say(f"kept  {name}")
    check, lab = (typed(*words, workspace=directory) for words in (("accounts", "check"), ("lab",)))
    output.say(f"Next: fill in {config}, which its comments explain. Then: {check}")
    if forge:
        output.say(
            f"Before the first run of {PIPELINES[forge]}: its head says what the forge, Entra and"
            " accounts.toml need."
        )
    output.say(f"After that, step by step in your browser: {lab}")
