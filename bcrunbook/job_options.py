"""What a process has been told about the job that it was made for.

A notebook takes nothing but text as its parameters. Whatever else the process of a batch knows
about its job reaches the cells through here, as a context variable: it holds in the threads and
tasks that are begun for the job, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bcrunbook.accounts import Workspace, load


@dataclass(frozen=True)
class JobOptions:
    """How a job differs from a run by itself; the defaults are those of a run by itself.

    Args:
        workspace: the part of the workspace that the job is about, so that all parts of a larger
            work go by the same file; None for what the file says now.
        notebooks: the folder of the notebooks; None for that of the workspace.
        runs_cells_here: whether the process was made for this job, so that cells may run in it.
        is_followed_elsewhere: whether another process stays with what is under way, so that a step
            that finds such a thing ends as waiting at once.
        folder: where what the job leaves goes; None for a run that has no folder.
        waits_for_lost_holders: whether a lease is waited for whose holder may have gone with its
            machine. It takes a while until that is certain; whoever turns out to be at work is not
            waited for.
        kept: what one notebook of the job has made in memory, by its own key, for the next to go on
            with; None where each has a process of its own.
    """

    workspace: Workspace | None = None
    notebooks: Path | None = None
    runs_cells_here: bool = False
    is_followed_elsewhere: bool = False
    folder: Path | None = None
    waits_for_lost_holders: bool = False
    kept: dict[Any, Any] | None = None

    def load(self, root: Path) -> Workspace:
        """The workspace in a folder, as the job goes by it.

        Args:
            root: the folder that holds accounts.toml.

        Raises:
            FixInput: the file cannot be read or used.
        """
        if self.workspace is not None and self.workspace.root == root.expanduser().resolve():
            return self.workspace
        return load(root)


_BY_ITSELF: Final = JobOptions()
_current: ContextVar[JobOptions] = ContextVar("job_options", default=_BY_ITSELF)


def job_options() -> JobOptions:
    """The options of the job that is being done here."""
    return _current.get()


@contextmanager
def doing_job(options: JobOptions) -> Iterator[None]:
    """Do a job with these options, for the length of a `with` block.

    Args:
        options: the job's.
    """
    token = _current.set(options)
    try:
        yield
    finally:
        _current.reset(token)
