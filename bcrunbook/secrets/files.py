"""Secret files: made whole or not at all, readable by their owner only, inside their folder.

A value is written to a new file beside its place, forced to the disk, and then renamed. A crash
before the rename leaves the old value, or none; after it the new one. Never half of one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import Final

from bcrunbook.atomic_write import put, sweep
from bcrunbook.errors import FixInput, RunbookError, Unreachable

_POSIX: Final = os.name == "posix"


def beneath(root: Path, spelled: str) -> Path:
    """The absolute path that a person meant; `~` is theirs, a relative one starts at root."""
    try:
        return Path(os.path.normpath(root.absolute() / Path(spelled).expanduser()))
    except RuntimeError as error:
        raise FixInput("There is no such home folder.", where=f"path {spelled!r}") from error


def load(path: Path, folder: Path | None) -> str | None:
    """The value in a secret file, without the line end that an editor adds; None if no file.

    Args:
        path: the file.
        folder: the store's folder, which the file must not lead out of and which must be
            private; None for a file that a person named directly.

    Raises:
        FixInput: others can read it, it leads elsewhere, or it is no readable text.
    """
    try:
        if folder is not None:
            if not folder.exists():
                return None
            _refuse_open_folder(folder)
            _refuse_elsewhere(path, folder)
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise FixInput("A secret is kept in a file, and this is none.", where=str(path))
            _refuse_open(path, status.st_mode, "file", "chmod 600")
            raw = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _explain(error, path, "read") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FixInput(
            "This secret file is not UTF-8 text.", where=str(path), next="save it as UTF-8"
        ) from None
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def save(path: Path, value: str, folder: Path) -> None:
    """Write a value so that after a crash it is there whole, or was never there.

    Args:
        path: the file, inside the folder.
        value: the secret.
        folder: the store's folder; made if it does not exist.

    Raises:
        FixInput: the folder is open to others or cannot be written.
        Unreachable: the disk is full or failing.
    """
    try:
        _make_private(path.parent)
        _refuse_open_folder(folder)
        _refuse_elsewhere(path, folder)
        sweep(path.parent)
        # A line end of the value's own would be taken for an editor's, so one is added.
        put(path, value.encode() + b"\n", 0o600, durable=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise _explain(error, path, "written") from error


def remove(path: Path, folder: Path) -> None:
    """Delete a secret file if it is there."""
    try:
        if folder.exists():
            _refuse_elsewhere(path, folder)
            path.unlink(missing_ok=True)
            if path.parent.exists():
                _sync_folder(path.parent)
    except NotADirectoryError:
        return
    except OSError as error:
        raise _explain(error, path, "removed") from error


def _make_private(folder: Path) -> None:
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        # Another process may be making the same one.
        with contextlib.suppress(FileExistsError):
            parent.mkdir(mode=0o700)
            _sync_folder(parent.parent)


def _refuse_open_folder(folder: Path) -> None:
    _refuse_open(folder, folder.stat().st_mode, "folder", "chmod 700")


def _refuse_open(path: Path, mode: int, noun: str, command: str) -> None:
    if _POSIX and mode & 0o077:
        raise FixInput(
            f"Other users of this machine can get at this secret {noun}.",
            where=str(path),
            why=f"its mode is {stat.S_IMODE(mode):o}",
            next=f"run: {command} '{path}'",
        )


def _refuse_elsewhere(path: Path, folder: Path) -> None:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise FixInput(
            "This secret would be outside the folder of its store.",
            where=str(path),
            why="a symbolic link leads out of it",
            next="remove the link",
        )


def _sync_folder(folder: Path) -> None:
    # Windows cannot open a folder for this, and keeps renames in order by itself.
    if _POSIX:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _explain(error: OSError, path: Path, done: str) -> RunbookError:
    reason = error.strerror or type(error).__name__
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unreachable(
            "The disk is full, so the secret was not kept.",
            where=str(path.parent),
            why=reason,
            next="make room there, then run again",
        )
    if error.errno == errno.EIO:
        return Unreachable("The disk is failing.", where=str(path.parent), why=reason)
    return FixInput(
        f"This secret file cannot be {done}.",
        where=str(path),
        why=reason,
        next="check the owner and the mode of the file and its folder",
    )
