"""Where worlds begin: what is there, in the cloud and on the machine, at an instant.

What many worlds have in common is played once, without troubles, and each begins from what came of
it. The scenes follow each other, as the steps do.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.simulation.standin import Records

_LEDGER: Final = "workspace/ledger.db"


@dataclass(frozen=True)
class Scene:
    """What is there at an instant.

    Args:
        at: when, in seconds since the epoch.
        records: the cloud's state.
        canaries: every secret that the cloud has given out.
        files: the content of the files, by their path in the world's folder.
    """

    at: float
    records: Records
    canaries: frozenset[str]
    files: dict[str, bytes]

    def lay_out(self, folder: Path) -> None:
        """Put the files where a world's are, in the place of the last one's.

        Args:
            folder: the world's folder.
        """
        shutil.rmtree(folder, ignore_errors=True)
        made = {folder.parent}
        for name, content in self.files.items():
            path = folder / name
            for parent in reversed(path.parents):
                # The store's folders are their owner's alone.
                if parent not in made and parent.is_relative_to(folder):
                    parent.mkdir(mode=0o700)
                    made.add(parent)
            path.touch(0o600)
            path.write_bytes(content)


def files_in(folder: Path, but: Sequence[str] = ()) -> dict[str, bytes]:
    """The files of a world's folder, the ledger whole in one of them.

    Args:
        folder: the world's folder.
        but: which ones to leave out, by the beginning of their path.
    """
    ledger = folder / _LEDGER
    if ledger.exists():
        with sqlite3.connect(ledger) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith((f"{_LEDGER}-", *but)):
            found[name] = path.read_bytes()
    return found
