"""What a notebook's file asks for: its step, and its parameters.

For the bar, which has to know it before the notebook's kernel has run anything. Imports nothing
heavy, because Jupyter's server waits for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bcrunbook.notebook_files.cells import assigned

_OPENS: Final = re.compile(r'\bopen_step\(\s*"(\w+)"')
_TAG: Final = "parameters"


@dataclass(frozen=True)
class NotebookAsks:
    """What a notebook asks for.

    Args:
        step: the id of the step that it opens; empty if it opens none.
        given: its parameters that are texts.
    """

    step: str = ""
    given: Mapping[str, str] = field(default_factory=dict)


class Notebooks:
    """The notebooks of a workspace; a file is read again when it has changed.

    Args:
        root: the workspace.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._read: dict[Path, tuple[tuple[int, int], NotebookAsks]] = {}

    def asked(self, path: str) -> NotebookAsks:
        """What a notebook asks for; nothing if it is none of the workspace.

        Args:
            path: from the workspace, with slashes.
        """
        file = (self._root / path).resolve()
        if file.suffix != ".ipynb" or not file.is_relative_to(self._root):
            return NotebookAsks()
        try:
            status = file.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            before = self._read.get(file)
            if before is None or before[0] != stamp:
                before = stamp, _asked(json.loads(file.read_text("utf-8")))
                self._read[file] = before
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            # It is being written, or somebody else's: what it asked for before counts.
            before = self._read.get(file)
        return before[1] if before else NotebookAsks()


def _asked(notebook: dict[str, Any]) -> NotebookAsks:
    step, given = "", {}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        if not step and (found := _OPENS.search(source)):
            step = found[1]
        if _TAG in cell["metadata"].get("tags", ()):
            values = assigned(source).items()
            given = {name: value for name, value in values if isinstance(value, str)}
    return NotebookAsks(step, given)
