"""Laying out a workspace: the notebooks that came with this version, beside `accounts.toml`."""

from __future__ import annotations

import contextlib
import json
import platform
from collections.abc import Iterator
from pathlib import Path

from bcrunbook.errors import FixInput
from bcrunbook.notebook_files.blank import blank
from bcrunbook.notebook_files.shipped import shipped


@contextlib.contextmanager
def laying_out(root: Path) -> Iterator[None]:
    """Tell a person why nothing could be written to the workspace `root`.

    Raises:
        FixInput: it could not.
    """
    try:
        yield
    except OSError as error:
        raise FixInput(
            f"The workspace cannot be laid out ({error.strerror or type(error).__name__}).",
            where=str(root),
            next="choose a folder that can be written to",
        ) from None


def lay_out_notebooks(root: Path) -> tuple[list[Path], list[Path]]:
    """Copy the shipped notebooks into `root`/notebooks, blank.

    Overwrites nothing.

    Returns:
        Those that were made, and those that were there and are kept as they are.

    Raises:
        FixInput: the folder cannot be written to.
    """
    made: list[Path] = []
    kept: list[Path] = []
    with laying_out(root):
        folder = root / "notebooks"
        folder.mkdir(parents=True, exist_ok=True)
        for notebook in sorted(shipped().glob("*.ipynb")):
            target = folder / notebook.name
            if target.exists():
                kept.append(target)
            else:
                text = _for_this_python(blank(notebook.read_text("utf-8")))
                target.write_text(text, encoding="utf-8")
                made.append(target)
    return made, kept


def _for_this_python(notebook: str) -> str:
    """The notebook with the kernel's version, which JupyterLab would add to it when it opens it.

    It would show it as changed then, before anybody has touched it.
    """
    content = json.loads(notebook)
    content["metadata"]["language_info"]["version"] = platform.python_version()
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
