"""What came of a job that was done elsewhere: its runs, and the files that they wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bcrunbook.atomic_write import atomic_write
from bcrunbook.run.account import StepRun
from bcrunbook.run.papermill import unwritable

_NOTEBOOK: Final = ".ipynb"


@dataclass(frozen=True)
class JobResult:
    """Runs with their files.

    Args:
        runs: the runs, in order; the paths in them are those at home.
        files: the content of each file, by its path below the job's folder.
    """

    runs: tuple[StepRun, ...]
    files: dict[str, bytes]


def pack(
    runs: Sequence[StepRun], folder: Path, home: Path, sources: Mapping[str, str]
) -> JobResult:
    """Pack what a job wrote.

    Args:
        runs: how its steps ended.
        folder: where it wrote.
        home: the folder that the files go to.
        sources: by the name of each notebook, from where it really came.
    """

    def at_home(path: Path | None) -> Path | None:
        return home / path.relative_to(folder) if path is not None else None

    files = {}
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == _NOTEBOOK:
                content = _with_paths(content, sources[path.name], str(at_home(path)))
            files[path.relative_to(folder).as_posix()] = content
    return JobResult(
        tuple(replace(r, notebook=at_home(r.notebook), card=at_home(r.card)) for r in runs), files
    )


def unpack(result: JobResult, home: Path) -> None:
    """Write the files, each whole or not at all.

    Args:
        result: what came of the job.
        home: the folder that they go to.

    Raises:
        Unreachable: one cannot be written.
    """
    for name, content in result.files.items():
        path = home / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, content)
        except OSError as error:
            raise unwritable(error, path) from None


def _with_paths(content: bytes, source: str, target: str) -> bytes:
    """A notebook with these paths in papermill's record, in the form in which it writes files."""
    notebook = json.loads(content)
    paths = notebook["metadata"].get("papermill", {})
    paths.update(input_path=source, output_path=target)
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True).encode()
