"""What Jupyter's server neither lists nor serves: the files of a workspace that hold secrets.

A store of the kind `file:` may be a folder of the workspace, and so may certificates be in it. Who
looks for a notebook in the file browser is not to come upon them, nor is what they hold to be in a
page. Imports nothing heavy, because the server waits for it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

# Keys of accounts.toml whose values are paths of what holds a secret.
_PATHS: Final = ("certificate", "private_key", "token_file")


class SecretFiles:
    """The paths in `accounts.toml` that hold secrets; read again when the file has changed.

    Args:
        root: the workspace.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: tuple[int, int] = (0, 0)
        self._paths: list[str] = []

    def hold(self, path: str) -> bool:
        """Whether a path is one of them, or below one."""
        real = _real(path)
        return any(real == one or real.startswith(one + os.sep) for one in self._now())

    def _now(self) -> list[str]:
        # A file that cannot be read just now has named what it named before.
        with contextlib.suppress(OSError, ValueError):
            file = self._root / "accounts.toml"
            status = file.stat()
            if (status.st_mtime_ns, status.st_size) != self._read:
                found = tomllib.loads(file.read_text("utf-8-sig"))
                self._paths = [_real(self._root / one) for one in _paths(found)]
                self._read = (status.st_mtime_ns, status.st_size)
        return self._paths


def _paths(data: Any, key: str = "") -> Iterator[Path]:
    if isinstance(data, dict):
        for name, value in data.items():
            yield from _paths(value, name)
    elif isinstance(data, str):
        path = data.strip().removeprefix("file:")
        if path and (path != data.strip() or key in _PATHS):
            with contextlib.suppress(RuntimeError):  # no such home folder
                yield Path(path).expanduser()


def _real(path: str | Path) -> str:
    return os.path.normcase(os.path.realpath(path))


def keep_from_pages(server: Any, secret_files: SecretFiles) -> None:
    """Have Jupyter's server know nothing of these.

    Args:
        server: a `ServerApp` whose manager of files keeps them below one folder.
        secret_files: what it is not to know of.
    """
    from jupyter_server.utils import url_path_join
    from tornado.web import HTTPError

    class Unknown(HTTPError, PermissionError):
        """A listing leaves out what gives the second of these, and fails by the first."""

        def __init__(self, path: str) -> None:
            super().__init__(404, f"file or directory does not exist: {path}")
            self.errno = errno.EACCES

    manager = server.contents_manager
    path_of = getattr(manager, "_get_os_path", None)
    if path_of is None:
        return  # it keeps its files elsewhere

    def known_path_of(path: str) -> str:  # the manager names it, too: path=...
        found: str = path_of(path)
        if secret_files.hold(found):
            raise Unknown(path)
        return found

    # All that the manager does with a file goes through this; addresses below /files do not.
    manager._get_os_path = known_path_of

    class Files(manager.files_handler_class):  # type: ignore[misc, name-defined]
        def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
            if secret_files.hold(absolute_path):
                raise Unknown(self.request.path)
            found: str | None = super().validate_absolute_path(root, absolute_path)
            return found

    address = url_path_join(server.base_url, r"/files/(.*)")
    server.web_app.add_handlers(".*$", [(address, Files, manager.files_handler_params)])
