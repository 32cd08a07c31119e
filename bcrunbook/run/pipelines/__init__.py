"""Workflows that run a workspace from a forge: a file for each, as `bcrunbook init` writes it."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import Final

from bcrunbook import __version__

PIPELINES: Final = {
    "github": Path(".github", "workflows", "codat.yml"),
    "azure": Path("azure-pipelines.yml"),
    "gitlab": Path(".gitlab-ci.yml"),
}
"""Where each forge looks for its file, from the repository's root on."""


def pipeline(forge: str) -> str:
    """The file's text, which installs this version of the program.

    Args:
        forge: one of `PIPELINES`.
    """
    file = importlib.resources.files(__package__) / f"{forge}.yml"
    return file.read_text(encoding="utf-8").replace("==VERSION", f"=={__version__}")
