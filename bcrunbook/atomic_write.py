"""Writing a file whole or not at all: whoever reads it meanwhile sees it as it was.

The new content goes to a draft of its own beside the file, under a name that nobody can foresee and
that is not there yet: where others can write to the folder, they may have put a link there.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from secrets import token_hex
from typing import Final

DRAFT: Final = ".new-"
_LEFT_BEHIND_SECONDS: Final = 3600.0


def atomic_write(path: Path, content: bytes) -> None:
    """Put `content` in the place of a file. One that is there keeps its permissions.

    Args:
        path: the file; its folder is there.
        content: all of it.

    Raises:
        OSError: it cannot be written; it is as before, and no draft of it is left.
    """
    with contextlib.suppress(FileNotFoundError):
        mode = path.stat().st_mode & 0o7777
        return put(path, content, 0o600, lasting=mode)
    put(path, content, 0o666)


def put(
    path: Path, content: bytes, mode: int, *, lasting: int | None = None, durable: bool = False
) -> None:
    """Put `content` in the place of a file.

    Args:
        path: the file; its folder is there.
        content: all of it.
        mode: the permissions of a new file, less what the person's mask takes away.
        lasting: the permissions that it has in the end, whatever the mask.
        durable: whether it is forced to the disk first.

    Raises:
        OSError: it cannot be written; it is as before, and no draft of it is left.
    """
    draft = path.with_name(f"{DRAFT}{token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(draft, flags, mode), "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if lasting is not None:
            draft.chmod(lasting)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def sweep(folder: Path) -> None:
    """Remove what a killed process left: content under no name, which nobody would look for."""
    for left in folder.glob(f"{DRAFT}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_BEHIND_SECONDS:
                left.unlink()
