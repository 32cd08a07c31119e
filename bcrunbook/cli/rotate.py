"""`bcrunbook rotate`: the next client secret, without a moment in which Codat has none."""

from __future__ import annotations

from typing import Annotated

import typer

from bcrunbook.cli import options
from bcrunbook.cli.asked import Asked, typed
from bcrunbook.run.engine.processes import prepare


def rotate(
    account: options.Account,
    secret: Annotated[
        str,
        typer.Option(
            metavar="MARKER",
            help="Replace this secret though its end is far. Its marker ends its description:"
            " (bcrunbook MARKER).",
        ),
    ] = "",
    leaked: Annotated[
        bool,
        typer.Option(
            "--leaked",
            help="Others may know it: remove it first. Codat reads nothing until the next one is"
            " saved.",
        ),
    ] = False,
    mode: options.Mode = "auto",
    workspace: options.Workspace = None,
    verbose: options.Verbose = False,
    as_json: options.Json = False,
) -> None:
    """Replace an account's client secret in time. The old one goes when the new one is saved.

    Run it again after each step that a person has done: it goes on from what is there.
    """
    options.check_word("mode", mode, options.MODES)
    prepare()
    # Read only now, while the processes that `prepare` has begun read what they need.
    from bcrunbook.cli.account_run import run_notebooks
    from bcrunbook.errors import FixInput
    from bcrunbook.order import ROTATE_SECRET
    from bcrunbook.steps.client_secret.replacement import Replacement

    if leaked and not secret:
        raise FixInput(
            "It is not said which secret has leaked.",
            where="--leaked",
            next="name it: --secret MARKER; the Azure portal shows the marker under Certificates &"
            " secrets, at the end of the description",
        )
    replace = str(Replacement(secret, leaked)) if secret else ""

    def words(applied: str) -> str:
        return typed(
            "rotate",
            account,
            "--leaked" if leaked else None,
            secret=secret,
            mode=applied,
            workspace=workspace,
        )

    asked = Asked.in_mode(
        f"Client secret of {account}",
        words,
        mode,
        to_see="Nothing is left to do: one secret is there, and the Codat Portal has it.",
        as_json=as_json,
        verbose=verbose,
    )
    raise typer.Exit(
        run_notebooks(workspace, account, ROTATE_SECRET, mode, [], asked, wish=replace)
    )
