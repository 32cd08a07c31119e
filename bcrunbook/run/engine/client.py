"""papermill's notebook client, which asks `cells` where it would ask a kernel."""

from __future__ import annotations

from typing import Any, Final

from ipykernel.ipkernel import IPythonKernel
from nbclient.client import timestamp
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager

from bcrunbook.run.engine.cells import Cells, CellsDied, CellTookTooLong

# What nbclient would note from messages of these kinds when it listens to a kernel.
_NOTED: Final = {
    ("status", "busy"): "iopub.status.busy",
    ("execute_input", None): "iopub.execute_input",
    ("execute_reply", None): "shell.execute_reply",
    ("status", "idle"): "iopub.status.idle",
}


class CellsClient(PapermillNotebookClient):  # type: ignore[misc]
    """Runs a notebook.

    Args:
        manager: papermill's record of the run.
        cells: where its cells run.
        kw: as for papermill's client.
    """

    def __init__(self, manager: NotebookExecutionManager, cells: Cells, **kw: Any) -> None:
        super().__init__(manager, **kw)
        self._cells = cells

    def execute(self, **_: Any) -> Any:
        """Run all cells, or up to the first that fails."""
        self.reset_execution_trackers()
        self.papermill_execute_cells()
        self.nb.metadata["language_info"] = dict(IPythonKernel.language_info)
        return self.nb

    def execute_cell(self, cell: Any, cell_index: int, **_: Any) -> Any:
        """Run one cell, and let nbclient make its outputs of what is said meanwhile.

        Args:
            cell: the cell.
            cell_index: which one of the notebook it is.

        Raises:
            CellExecutionError: it raised something that it may not raise.
            CellTimeoutError: it has not ended in time.
            DeadKernelError: the process that it ran in has ended.
        """
        skipped = self.skip_cells_with_tag in cell.metadata.get("tags", [])
        if cell.cell_type != "code" or not cell.source.strip() or skipped:
            return cell
        cell.metadata["execution"], cell["outputs"] = {}, []
        self.clear_before_next_output = False
        seconds = self._get_timeout(cell)
        try:
            messages = self._cells.run(cell.source, seconds)
        except CellTookTooLong:
            raise CellTimeoutError.error_from_timeout_and_cell(
                "The cell took too long.", int(seconds or 0), cell
            ) from None
        except CellsDied:
            raise DeadKernelError("Kernel died") from None
        reply: dict[str, Any] = {}
        for one in messages:
            self._take(one, cell, cell_index)
            if one["msg_type"] == "execute_reply":
                reply = one["content"]
        may_fail = self.allow_errors or "raises-exception" in cell.metadata.get("tags", [])
        if reply.get("status") == "error" and not may_fail:
            raise CellExecutionError.from_cell_and_msg(cell, reply)
        return cell

    def _take(self, message: dict[str, Any], cell: Any, cell_index: int) -> None:
        kind, content = message["msg_type"], message["content"]
        noted = _NOTED.get((kind, content.get("execution_state")))
        if noted and self.record_timing:
            cell.metadata["execution"][noted] = timestamp(message)
        if kind == "execute_input":
            cell["execution_count"] = content["execution_count"]
        elif kind not in ("execute_reply", "status"):
            self.process_message(message, cell, cell_index)
