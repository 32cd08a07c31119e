"""Where a workspace keeps what is the program's own affair: choices, open steps, JupyterLab's log.

Imports nothing heavy, because Jupyter's server waits for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_NAME: Final = ".bcrunbook"


def own_folder(root: Path) -> Path:
    """The folder, which may not be there yet.

    Args:
        root: the workspace's folder.
    """
    return root / _NAME


def made_own_folder(root: Path) -> Path:
    """The folder, made if need be; git leaves it alone.

    Args:
        root: the workspace's folder.

    Raises:
        OSError: it cannot be made.
    """
    folder = own_folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", "utf-8")
    return folder
