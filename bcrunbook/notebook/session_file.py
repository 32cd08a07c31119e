"""What this kernel does now, written down for whoever does not see its cells: JupyterLab's bar."""

from __future__ import annotations

import atexit
import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

from bcrunbook.atomic_write import atomic_write
from bcrunbook.notebook_files.kernel_sessions import KernelSession, own_session_file
from bcrunbook.notebook_files.own_folder import made_own_folder
from bcrunbook.secrets import scrub_json


class SessionFile:
    """The file of this process's kernel (see `bcrunbook.notebook_files.kernel_sessions`).

    Args:
        root: the workspace's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = own_session_file(root)
        self._before: KernelSession | None = None
        atexit.register(self.remove)

    def write(self, session: KernelSession) -> None:
        """Write how it is now, where that has changed."""
        if self._path is None or session == self._before:
            return
        self._before = session
        told = scrub_json(session.as_dict(), where="a session's file")
        now = datetime.now(UTC).isoformat()
        # A workspace that cannot be written to has no bar; its cells go on.
        with contextlib.suppress(OSError):
            made_own_folder(self._root)
            self._path.parent.mkdir(exist_ok=True)
            atomic_write(self._path, json.dumps({**told, "updated": now}).encode("utf-8"))

    def remove(self) -> None:
        """Nothing is open any more."""
        self._before = None
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
