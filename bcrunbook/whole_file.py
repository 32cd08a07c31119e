"""Writing a file whole or not at all: whoever reads it meanwhile sees it as it was."""

from __future__ import annotations

import os
from pathlib import Path


def replace_whole(path: Path, content: bytes) -> None:
    """Put `content` in the place of a file. One that is there keeps its permissions.

    Args:
        path: the file; its folder is there.
        content: all of it.

    Raises:
        OSError: it cannot be written; it is as before, and no draft of it is left.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        if path.exists():
            draft.chmod(path.stat().st_mode)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
