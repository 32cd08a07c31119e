"""Store real outputs in the notebooks: `uv run poe outputs`.

Runs the notebooks in order against a fresh rehearsal cloud, exactly as they are, and keeps what the
cells displayed. nbval compares it on every test run. Nothing of this machine is kept: no paths, no
times of execution, no widget state.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from bcrunbook.rehearsal import launch
from bcrunbook.run.rehearse.workspace import STANDARD, prepare

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def store(path: Path) -> None:
    """Execute one notebook in place."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, kernel_name="python3", store_widget_state=False, record_timing=False
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    # As the kernel tells it, but for the version, which is this machine's.
    language = notebook.metadata["language_info"]
    language.pop("version", None)
    notebook.metadata = {
        "kernelspec": notebook.metadata["kernelspec"],
        "language_info": language,
    }
    nbformat.write(notebook, path)


def main() -> None:
    """Store the outputs of all notebooks."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with launch(directory / "cloud", skips=True, lags="worst") as cloud:
            workspace = asyncio.run(prepare(directory, cloud, STANDARD))
            os.environ["BCRUNBOOK_WORKSPACE"] = str(workspace.root)
            for path in sorted(NOTEBOOKS.glob("*.ipynb")):
                store(path)
                print(path.name)


if __name__ == "__main__":
    main()
