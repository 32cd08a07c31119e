"""In a kernel that has run nothing yet, a notebook's own names are unknown: what to say then.

After a restart the cells on the page look as they did, and running one that is not the first ends
in a NameError. Loaded by each kernel of `bcrunbook lab` as an extension of IPython. Imports nothing
heavy, because every kernel waits for it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from bcrunbook.notebook_files.kernel_sessions import own_session_file
from bcrunbook.person import WORKSPACE_VARIABLE

NAMES: Final = frozenset({"account", "customer", "mode", "open_step", "step", "workspace"})
"""What the first cells of a notebook define."""

_TOLD: Final = (
    "This notebook's cells have not run in this kernel yet, so {name} is not known. Nothing was"
    " changed.\nNext: press Run all cells in the bar above, or choose Run > Run All Cells."
)


def load_ipython_extension(shell: Any) -> None:
    """Say it in this kernel.

    Args:
        shell: IPython's.
    """
    _forget_session_before()
    shell.set_custom_exc((NameError,), _tell)


def _tell(
    shell: Any,
    kind: type[BaseException],
    error: NameError,
    trace: TracebackType | None,
    tb_offset: int | None = None,
) -> list[str]:
    if error.name not in NAMES or error.name in shell.user_ns:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return []
    lines = [_TOLD.format(name=error.name)]
    shell._showtraceback(kind, error, lines)
    return lines


def _forget_session_before() -> None:
    """Take away what this kernel said of itself before it was restarted: it has the same id."""
    root = os.environ.get(WORKSPACE_VARIABLE)
    file = own_session_file(Path(root)) if root else None
    if file is not None:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
