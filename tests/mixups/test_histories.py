"""Whatever is mixed up between two commands, no write reaches what was not meant."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom

import pytest

from bcrunbook.ledger import open_ledger
from tests.mixups.histories import History
from tests.mixups.inprocess import InProcess

HISTORIES = int(os.environ.get("MIXUPS", "2000"))
SEED = os.environ.get("MIXUPS_SEED", "")
PARTS = 8
_IN_MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """An empty folder, in memory where there is such a place: a ledger waits for its disk."""
    place = _IN_MEMORY if _IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def empty_ledger(folder: Path) -> Path:
    """A ledger that has its tables: making them takes longer than most histories."""
    place = folder / "empty"
    place.mkdir()
    open_ledger("sqlite:///ledger.db", place).close()
    return place / "ledger.db"


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
        told = "\n  ".join(history.told)
        error.add_note(f"MIXUPS_SEED={seed}\n  {told}")
        raise
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_write_reaches_what_was_not_meant(
    part: int,
    shared_cloud: InProcess,
    folder: Path,
    empty_ledger: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Histories of several workspaces and accounts, each drawn anew; the seed is printed."""
    first = int(SEED) if SEED else SystemRandom().randrange(10**9)
    print(f"histories from MIXUPS_SEED={first}")
    with shared_cloud.joined(monkeypatch):
        for number in range(1 if SEED else -(-HISTORIES // PARTS)):
            play(shared_cloud, folder / "history", empty_ledger, first + number)
