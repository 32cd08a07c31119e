"""A copy of a run's folder under another address, such as a bucket: whatever fsspec writes to."""

from __future__ import annotations

import threading
from pathlib import Path, PurePosixPath
from typing import Any, Final

from bcrunbook.errors import FixInput, RunbookError, Unreachable

_PROBE: Final = ".bcrunbook"


class Copies:
    """Keeps a copy of what is in a run's folder.

    Args:
        url: where copies of all runs are kept, as fsspec names it; None for no copies.
        folder: the run's folder, whose name its copy has too.

    Raises:
        FixInput: fsspec, or its library for this kind of address, is not installed.
        Unreachable: nothing can be written there.
    """

    def __init__(self, url: str | None, folder: Path) -> None:
        self._folder = folder
        # Several threads copy, and some kinds of address have one connection for all.
        self._one_at_a_time = threading.Lock()
        self._made: set[str] = set()
        self.url = f"{url.rstrip('/')}/{folder.name}" if url else ""
        if not self.url:
            return
        try:
            from fsspec.core import url_to_fs

            self._system, self._path = url_to_fs(self.url)
            self._write(_PROBE, b"")
            self._system.rm(f"{self._path}/{_PROBE}")
        except ImportError as error:
            raise FixInput(
                f"What is needed to write to {self.url} is not installed: {error}.",
                where="accounts.toml, [runs] url",
                next='pip install "bcrunbook[fsspec]", and the library that fsspec names for this'
                " kind of place",
            ) from None
        except Exception as error:
            raise self._unwritable(error) from None

    def keep(self, *paths: Path) -> None:
        """Copy files, and folders with all that is in them.

        Args:
            paths: below the run's folder; what is not there is left out.

        Raises:
            Unreachable: something cannot be copied.
        """
        if not self.url:
            return
        for path in paths:
            for file in (path, *path.rglob("*")):
                if file.is_file():
                    try:
                        self._write(file.relative_to(self._folder).as_posix(), file.read_bytes())
                    except Exception as error:
                        raise self._unwritable(error) from None

    def bring_back(self) -> None:
        """Fetch what was copied from this run's folder by another machine, and is not here.

        Raises:
            Unreachable: it cannot be read.
        """
        if not self.url:
            return
        try:
            for path in self._system.find(self._path):
                name = PurePosixPath(path.rpartition(f"/{self._folder.name}/")[2])
                here = self._folder / name
                # Who may write there may choose names: none leads out of the run's folder.
                if ".." not in name.parts and not here.exists():
                    here.parent.mkdir(parents=True, exist_ok=True)
                    here.write_bytes(self._system.cat_file(path))
        except Exception as error:
            raise self._unreadable(error) from None

    def _write(self, name: str, content: bytes) -> None:
        path = f"{self._path}/{name}"
        with self._one_at_a_time:
            if (parent := path.rpartition("/")[0]) not in self._made:
                self._system.makedirs(parent, exist_ok=True)
                self._made.add(parent)
            self._system.pipe_file(path, content)

    def _unwritable(self, error: Any) -> RunbookError:
        # Each kind of address has its own library, with errors of its own.
        return Unreachable(
            f"The copy of the run cannot be written ({type(error).__name__}: {error}).",
            where=self.url,
            why="the place is not reachable, is not there, or does not let this identity write",
            next=f"mend that and give the command again; what was written here is in"
            f" {self._folder}",
        )

    def _unreadable(self, error: Any) -> RunbookError:
        return Unreachable(
            f"The copy of the run cannot be read ({type(error).__name__}: {error}).",
            where=self.url,
            why="the place does not let this identity read, or was left in between",
            next="mend that and give the command again; or leave that batch and begin another with"
            " --anew",
        )
