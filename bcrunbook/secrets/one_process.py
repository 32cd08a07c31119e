"""One process of this user at a time: for what reads a file, changes it and writes it back.

The lock belongs to the process, so it goes with it however that ends.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import IO, Final

from bcrunbook.person import cache_folder

_LOOK_AGAIN_SECONDS: Final = 0.05

if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def one_process(name: str) -> Iterator[None]:
    """Hold the lock of this name while the block runs; blocks until it is had.

    Where this machine can lock no file, the block runs all the same.

    Args:
        name: the name of what is used, such as `keyring`.
    """
    file = _opened(name)
    if file is None:
        yield
        return
    with file:
        while not _taken(file):
            time.sleep(_LOOK_AGAIN_SECONDS)
        yield


def _opened(name: str) -> IO[bytes] | None:
    folder = cache_folder()
    if folder is None:
        return None
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        return open(os.open(folder / f"{name}.lock", flags, 0o600), "r+b", buffering=0)
    return None


def _taken(file: IO[bytes]) -> bool:
    """Whether the lock is had, or cannot be had by anybody, as on some network disks."""
    try:
        _take(file)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True
