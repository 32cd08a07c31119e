"""One notebook, run by papermill, and the outcome that its last cell displayed.

papermill blocks, so it runs in a thread. It writes the output notebook itself, again and again
while it runs; nothing secret may ever reach it, so parameters are checked before it starts.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import threading
import warnings
from pathlib import Path
from typing import Any, Self

from bcrunbook.errors import ReportBug, RunbookError, Unreachable
from bcrunbook.notebook import parameters
from bcrunbook.notebook.views import OUTCOME_MIME

log = logging.getLogger(__name__)


async def run_notebook(source: Path, target: Path, values: dict[str, str]) -> dict[str, Any]:
    """Run a notebook and return its outcome as plain data.

    Args:
        source: the notebook.
        target: where the output notebook goes.
        values: the notebook's parameters.

    Raises:
        FixInput: a parameter is not acceptable; nothing was run.
        Unreachable: the output cannot be written (disk full, no right).
        ReportBug: the notebook broke down without an outcome.
    """
    parameters.check(**values)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _Stop() as stop:
            failure = await asyncio.to_thread(_execute, source, target, values, stop)
        outcome = read_outcome(target)
    except OSError as error:
        raise unwritable(error, target) from None
    if outcome is not None:
        return outcome
    raise ReportBug(
        f"The notebook ended without an outcome{': ' + failure if failure else ''}.",
        where=str(target),
        why="a cell broke down in a way that nobody foresaw, or the notebook was changed",
        next="open the output notebook: the cell that failed is marked at its top",
    )


def read_outcome(notebook: Path) -> dict[str, Any] | None:
    """The outcome that a notebook's outputs hold; None when there is none."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    for cell in reversed(cells):
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(OUTCOME_MIME)
            if isinstance(found, dict):
                return found
    return None


class _Stop:
    """Ends what papermill's thread does when nobody waits for it any more (Ctrl-C).

    A thread cannot be cancelled, but without its kernel it comes to an end by itself. Killing the
    kernel is safe at every instant: the next run finds what was done.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._kernel: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._asked = True
            if self._kernel is not None and self._kernel.poll() is None:
                self._kernel.kill()

    def watch(self, kernel: Any) -> None:
        """Note the kernel's process, which has just begun."""
        with self._lock:
            self._kernel = kernel
            if self._asked:
                kernel.kill()


def _execute(source: Path, target: Path, values: dict[str, str], stop: _Stop) -> str:
    """Run papermill; returns the name of the error that a cell raised, or an empty string."""
    import papermill
    from jupyter_client.manager import AsyncKernelManager
    from papermill.exceptions import PapermillException

    class EncryptedKernelManager(AsyncKernelManager):
        """Encrypts the traffic with the kernel, which plain TCP would show to this machine."""

        transport_encryption = "auto"

        async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
            await super()._async_launch_kernel(kernel_cmd, **kw)
            stop.watch(getattr(self.provisioner, "process", None))

    # Whatever goes wrong comes back as an error or an outcome: nobody else talks to the person.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        # papermill's and nbformat's own deprecations are nobody's concern here.
        warnings.simplefilter("ignore")
        try:
            papermill.execute_notebook(
                str(source),
                str(target),
                parameters=values,
                progress_bar=False,
                log_output=False,
                kernel_manager_class=EncryptedKernelManager,
                # Stopping a kernel makes it log an error of its own that means nothing.
                extra_arguments=["--log-level=CRITICAL"],
            )
        except PapermillException as error:
            return str(getattr(error, "ename", "") or type(error).__name__)
        except RuntimeError as error:
            # nbclient reports a dead kernel this way.
            return type(error).__name__
    return ""


def unwritable(error: OSError, target: Path) -> RunbookError:
    """What it means that a run's output cannot be written to `target`."""
    full = error.errno == errno.ENOSPC
    return Unreachable(
        "The disk is full: the output notebook cannot be written."
        if full
        else f"The output notebook cannot be written ({error.strerror or type(error).__name__}).",
        where=str(target),
        why="" if full else "the folder cannot be written to",
        next="make room" if full else "check the folder and its rights",
    )
