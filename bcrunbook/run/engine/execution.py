"""A notebook's execution, with papermill's record of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from papermill.engines import NotebookExecutionManager
from papermill.log import logger

from bcrunbook.job_options import job_options
from bcrunbook.run.engine.cells import Started, cells_here, cells_there
from bcrunbook.run.engine.client import CellsClient

# A cell that takes no longer is not written down by itself; the next one that does is.
_WRITE_SECONDS: Final = 1.0


class _Manager(NotebookExecutionManager):  # type: ignore[misc]
    """papermill's record of a run, which writes the file only as often as anybody could read it."""

    def save(self, **kwargs: Any) -> None:
        """Write the file, unless that was done just now."""
        if (self.now() - self.last_save_time).total_seconds() >= _WRITE_SECONDS:
            super().save(**kwargs)

    def cell_complete(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """Note that a cell has ended, as papermill does.

        Papermill has a parser for any date read back when the cell began, which takes longer than
        most cells do.
        """
        noted, ended = cell.metadata.papermill, self.now()
        began = datetime.fromisoformat(noted["start_time"])
        noted["end_time"] = ended.isoformat()
        noted["duration"] = (ended - began).total_seconds()
        if noted["status"] != self.FAILED:
            noted["status"] = self.COMPLETED
        self.save()
        if self.pbar:
            self.pbar.update(1)


def execute(
    nb: Any,
    kernel_name: str,
    *,
    output_path: str | None = None,
    progress_bar: bool = True,
    log_output: bool = False,
    autosave_cell_every: int = 30,
    stdout_file: Any = None,
    stderr_file: Any = None,
    execution_timeout: int | None = None,
    started: Started = lambda process: None,
    **_: Any,
) -> Any:
    """Run a notebook, as papermill's own engine does where it is not about a kernel.

    Args:
        nb: the notebook.
        kernel_name: which kernel the notebook names.
        output_path: where the notebook is written to, while it runs and afterwards.
        progress_bar: whether to show one on the terminal.
        log_output: whether to log what cells print.
        autosave_cell_every: after so many seconds of one cell the file is written again.
        stdout_file: where to write what cells print, too.
        stderr_file: likewise for what they print as errors.
        execution_timeout: how many seconds a cell may take.
        started: called with the process that is made for the cells, unless this one was.

    Returns:
        The notebook, with its outputs.
    """
    manager = _Manager(
        nb,
        output_path=output_path,
        progress_bar=progress_bar,
        log_output=log_output,
        autosave_cell_every=autosave_cell_every,
    )
    manager.notebook_start()
    # What comes to its end is written by papermill afterwards, with a mark at what failed.
    try:
        with cells_here() if job_options().runs_cells_here else cells_there(started) as cells:
            CellsClient(
                manager,
                cells,
                kernel_name=kernel_name,
                timeout=execution_timeout,
                log=logger,
                log_output=log_output,
                stdout_file=stdout_file,
                stderr_file=stderr_file,
            ).execute()
    except BaseException:
        manager.notebook_complete()
        NotebookExecutionManager.save(manager)
        raise
    manager.notebook_complete()
    return manager.nb
