"""Where the notebooks are: in the workspace, beside the package, or inside the wheel."""

from __future__ import annotations

from pathlib import Path

from bcrunbook.accounts import Workspace
from bcrunbook.core.step import AnyStep
from bcrunbook.errors import FixInput
from bcrunbook.job_options import job_options
from bcrunbook.steps import notebook_of


def shipped() -> Path:
    """The folder of the notebooks that came with this version."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "notebooks"
    # In a source checkout the notebooks stand beside the package, at the top level.
    return inside if inside.is_dir() else package.parent / "notebooks"


def notebook_path(step: AnyStep, workspace: Workspace) -> Path:
    """The notebook of a step: the workspace's own copy, else the shipped one.

    Args:
        step: the step.
        workspace: whose notebooks come first.

    Raises:
        FixInput: there is none.
    """
    name = notebook_of(step)
    own = job_options().notebooks or workspace.root / "notebooks"
    for folder in (own, shipped()):
        if (folder / name).is_file():
            return folder / name
    raise FixInput(
        f"The notebook {name} is missing.",
        where=str(own),
        next=f"lay the workspace out again: bcrunbook init {workspace.root}",
    )
