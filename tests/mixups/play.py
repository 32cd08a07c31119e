"""Histories one after the other: `python -m tests.mixups.play SEED COUNT`.

Fails at the first that goes wrong, with what was done in it and with its seed.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from bcrunbook.ledger.store import open_ledger
from tests.mixups.histories import History
from tests.mixups.inprocess import InProcess

_MEMORY = Path("/dev/shm")
IN_MEMORY = _MEMORY if _MEMORY.is_dir() else None
"""A folder for ledgers, which wait for a disk; None where there is none in memory."""


def play(cloud: InProcess, folder: Path, empty_ledger: Path, seed: int) -> None:
    """One history, from nothing to its end."""
    cloud.begin_anew()
    folder.mkdir()
    history = History(cloud, folder, seed, empty_ledger)
    try:
        for _ in range(history.random.randint(3, 7)):
            for _ in range(history.random.choice((0, 1, 1, 2))):
                history.edit()
            history.command()
    except BaseException as error:
        story = "\n  ".join(history.story)
        error.add_note(f"MIXUPS_SEED={seed}\n  {story}")
        raise
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Play them."""
    first, count = map(int, sys.argv[1:])
    with (
        tempfile.TemporaryDirectory(dir=IN_MEMORY) as made,
        contextlib.closing(InProcess(Path(made) / "cloud")) as cloud,
        cloud.joined(pytest.MonkeyPatch()),
    ):
        empty = Path(made) / "empty"
        empty.mkdir()
        # Making its tables takes longer than most histories.
        open_ledger("sqlite:///ledger.db", empty).close()
        for seed in range(first, first + count):
            play(cloud, Path(made) / "history", empty / "ledger.db", seed)


if __name__ == "__main__":
    main()
