"""Who runs this, where their home is, and how they name their workspace, where the machine knows.

A container may know none of it.
"""

from __future__ import annotations

import contextlib
import getpass
from pathlib import Path
from typing import Final

from bcrunbook.errors import FixInput

WORKSPACE_VARIABLE: Final = "BCRUNBOOK_WORKSPACE"
"""The environment variable that names the workspace, for all that is started from there."""


def user_name() -> str:
    """The name of the user; a word for nobody in particular where it is not known."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        # A container may run under a number that has no name; Windows may lack USERNAME.
        return "somebody"


def home_folder() -> Path | None:
    """The home folder; None where there is none."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def cache_folder() -> Path | None:
    """Where this program keeps things of this user; None where there is no home folder."""
    import platformdirs

    with contextlib.suppress(RuntimeError):
        return Path(platformdirs.user_cache_dir("bcrunbook", appauthor=False))
    return None


def no_home() -> FixInput:
    """The error for what Jupyter cannot do without a home folder."""
    return FixInput(
        "Jupyter has no folder for its own files.",
        why="this user has no home folder here: HOME is not set, and the system knows none",
        next="set HOME, or JUPYTER_CONFIG_DIR, JUPYTER_DATA_DIR and JUPYTER_RUNTIME_DIR, to folders"
        " that can be written",
    )
