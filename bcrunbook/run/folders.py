"""Where a run's notebooks, cards and report go."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bcrunbook.errors import FixInput
from bcrunbook.skipped import dates


def run_folder(root: Path) -> Path:
    """A folder for one run, named by its time (UTC); made when the first notebook begins.

    Raises:
        FixInput: nothing can be written there, and nothing was run.
    """
    runs = root / "runs"
    try:
        runs.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=runs):
            pass
    except OSError as error:
        raise FixInput(
            f"The folder of the runs cannot be written ({error.strerror or type(error).__name__})."
            " Nothing was run.",
            where=str(runs),
            next="it has to be a folder that you may write to: correct its rights, or move away"
            " what is in its place",
        ) from None
    return runs / f"{dates.now():%Y%m%d-%H%M%S-%f}"
