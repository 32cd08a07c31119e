"""What the build does beyond copying: the wheel's notebooks are blank."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BlankNotebooks(BuildHookInterface):
    """Puts the notebooks into the wheel as users are to have them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make them, before the wheel is put together.

        Args:
            version: of the build; an editable one uses the checkout's own.
            build_data: what goes into the wheel.
        """
        if version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root))
        from bcrunbook.notebook_files.blank import blank

        self._made = tempfile.TemporaryDirectory()
        for notebook in sorted((root / "notebooks").glob("*.ipynb")):
            target = Path(self._made.name) / notebook.name
            target.write_text(blank(notebook.read_text("utf-8")), "utf-8")
            build_data["force_include"][str(target)] = f"bcrunbook/notebooks/{notebook.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Throw them away, once they are in the wheel.

        Args:
            version: of the build.
            build_data: what went into the wheel.
            artifact_path: the wheel.
        """
        if version != "editable":
            self._made.cleanup()
