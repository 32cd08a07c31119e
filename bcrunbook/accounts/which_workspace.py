"""What to do where there is no workspace, said so that it works for whoever reads it."""

from __future__ import annotations

from pathlib import Path

from bcrunbook.given_as import given_as, is_notebook
from bcrunbook.person import WORKSPACE_VARIABLE


def other_workspace(named: Path | None) -> str:
    """The next action where a folder is no workspace.

    In a notebook no folder is proposed: it may be one that a scheduler has made for this run, which
    will be gone, and the workspace that is meant lies elsewhere.

    Args:
        named: the folder that was named; None where nothing was, and none was found.
    """
    given = f"{given_as('workspace', 'DIR')}, or in {WORKSPACE_VARIABLE}"
    if is_notebook():
        return (
            f"name the folder that holds accounts.toml with {given}; bcrunbook init DIR makes one"
        )
    if named is None:
        return f"run: bcrunbook init DIR   (or name an existing workspace with {given})"
    return f"run: bcrunbook init {named}   (or name another workspace with {given})"
