"""One notebook, run by papermill, and the outcome that its last cell displayed.

Whoever runs one checks it before (`bcrunbook.notebook_files.source`). What it says afterwards is
held against what was asked of it: a notebook is a file that people may edit.

papermill blocks, so it runs in a thread. It writes the output notebook itself while it runs, whole
each time; nothing secret may ever reach it, so parameters are checked before it starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

from bcrunbook.atomic_write import atomic_write
from bcrunbook.core.step import Outcome
from bcrunbook.errors import ReportBug, RunbookError, Unreachable
from bcrunbook.job_options import doing_job, job_options
from bcrunbook.notebook_files import parameters
from bcrunbook.skipped.waiting import join_loop
from bcrunbook.views.cells import OUTCOME_MIME

EngineName = Literal["bcrunbook", "kernel"]
"""What runs a notebook's cells: our own engine, or a Jupyter kernel."""


async def run_notebook(
    source: Path, target: Path, values: dict[str, str], engine: EngineName = "bcrunbook"
) -> Outcome:
    """Run a notebook and return its outcome.

    Args:
        source: the notebook.
        target: where the output notebook goes.
        values: the notebook's parameters.
        engine: what runs its cells.

    Raises:
        FixInput: a parameter is not acceptable; nothing was run.
        Unreachable: the output cannot be written (disk full, no right).
        ReportBug: the notebook broke down without an outcome, or shows something else as one.
    """
    parameters.check(**values)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _Stop() as stop, doing_job(replace(job_options(), folder=target.parent)):
            failure = await asyncio.to_thread(_execute, source, target, values, engine, stop)
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


def read_outcome(notebook: Path) -> Outcome | None:
    """The outcome that a notebook's outputs hold; None when there is none.

    Args:
        notebook: an output notebook. People may edit it, and any cell may show what it likes.

    Raises:
        ReportBug: what it shows as its outcome is none.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    shown = (
        output["data"][OUTCOME_MIME]
        for cell in reversed(cells)
        for output in cell.get("outputs", [])
        if OUTCOME_MIME in output.get("data", {})
    )
    data = next(shown, None)
    try:
        return Outcome.from_dict(data) if data is not None else None
    except ValueError as error:
        raise ReportBug(
            f"What the notebook shows as its outcome cannot be read: {error}.",
            where=str(notebook),
            why="the notebook was changed, or another version of bcrunbook ran in it",
            next="open the output notebook to see what it did, and look there before you run"
            " anything again; then replace the notebook that it was made of",
        ) from None


class _Stop:
    """Ends what papermill's thread does when nobody waits for it any more (Ctrl-C).

    A thread cannot be cancelled, but without the process that runs its cells it comes to an end by
    itself. Killing that is safe at every instant: the next run finds what was done.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._process: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._asked = True
            if self._process is not None:
                self._kill()

    def watch(self, process: Any) -> None:
        """Note the process that runs the cells, which has just begun."""
        with self._lock:
            self._process = process
            if self._asked:
                self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(ValueError):  # it has ended, and was closed
            self._process.kill()


_written_whole: set[Path] = set()


def _write_whole(folder: Path) -> None:
    """Have papermill write a folder's files whole or not at all."""
    from papermill.iorw import LocalHandler, papermill_io

    class WrittenWhole(LocalHandler):  # type: ignore[misc]
        def write(self, buf: str, path: str) -> None:
            atomic_write(Path(path), buf.encode("utf-8"))

    if folder not in _written_whole:
        _written_whole.add(folder)
        papermill_io.register(str(folder), WrittenWhole())


def _execute(
    source: Path, target: Path, values: dict[str, str], engine: EngineName, stop: _Stop
) -> str:
    """Run papermill; returns the name of the error that a cell raised, or an empty string."""
    # Only here: it takes half a second, for which nobody waits who only gets a refusal.
    import papermill
    from papermill.exceptions import PapermillException

    _write_whole(target.parent)
    # Whatever goes wrong comes back as an error or an outcome: nobody else talks to the person.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    with _quiet():
        try:
            papermill.execute_notebook(
                str(source),
                str(target),
                parameters=values,
                progress_bar=False,
                log_output=False,
                **_with_kernel(stop)
                if engine == "kernel"
                else {"engine_name": "bcrunbook", "started": stop.watch},
            )
        except PapermillException as error:
            return str(getattr(error, "ename", "") or type(error).__name__)
        except RuntimeError as error:
            # nbclient reports a dead process this way.
            return type(error).__name__
    return ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Drop deprecations of papermill's and nbformat's own; what cells warn of is shown."""
    if job_options().runs_cells_here:
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _with_kernel(stop: _Stop) -> dict[str, Any]:
    from jupyter_client.manager import AsyncKernelManager

    class EncryptedKernelManager(AsyncKernelManager):
        """Encrypts the traffic with the kernel, which plain TCP would show to this machine."""

        transport_encryption = "auto"

        async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
            await super()._async_launch_kernel(kernel_cmd, **kw)
            if process := getattr(self.provisioner, "process", None):
                stop.watch(process)

    def joins(**_: Any) -> None:
        join_loop()

    return {
        "kernel_manager_class": EncryptedKernelManager,
        # While a cell waits for a rehearsal's clock, nbclient's loop does nothing but wait for it.
        "on_cell_execute": joins,
        # Stopping a kernel makes it log an error of its own that means nothing.
        "extra_arguments": ["--log-level=CRITICAL"],
    }


def unwritable(error: OSError, target: Path) -> RunbookError:
    """What it means that a run's output cannot be written to `target`.

    Args:
        error: why.
        target: what was to be written.
    """
    full = error.errno == errno.ENOSPC
    return Unreachable(
        "The disk is full: the output notebook cannot be written."
        if full
        else f"The output notebook cannot be written ({error.strerror or type(error).__name__}).",
        where=str(target),
        why="" if full else "the folder cannot be written to",
        next="make room" if full else "check the folder and its rights",
    )
