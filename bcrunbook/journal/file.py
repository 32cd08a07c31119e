"""The file of a journal: a line is there whole, or it is passed over."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Final

from bcrunbook.journal.entry import JournalEntry, entry_of

log = logging.getLogger(__name__)

JOURNAL_NAME: Final = "journal.jsonl"
"""What a journal is called in the folder of a run."""

_WRITE_SECONDS: Final = 1.0
_WITHOUT_RUN: Final = "journals"


class JournalFile:
    """Where lines are added; made with the first one.

    They go out whole, by one write at the end of the file, so that a process that is killed leaves
    no part of one, and two that share the file do not mix theirs. As with a notebook, that is done
    once a second at most: a disk that is busy with ledgers would hold up each request.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_there = False
        self._is_lost = False
        self._waiting: list[str] = []
        self._written = 0.0

    def add(self, lines: str) -> None:
        """Add lines; after the first that cannot be written none is tried any more.

        Args:
            lines: whole ones.
        """
        self._waiting.append(lines)
        if time.monotonic() - self._written >= _WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        """Write what waits to be written."""
        lines = "".join(self._waiting)
        self._waiting.clear()
        if self._is_lost or not lines:
            return
        self._written = time.monotonic()
        try:
            if not self._is_there:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._is_there = True
            with self.path.open("ab", buffering=0) as file:
                file.write(lines.encode("ascii"))
        except OSError as error:
            self._is_lost = True
            log.warning("no journal is kept (%s)", error.strerror or type(error).__name__)


def journal_in(folder: Path | None, root: Path) -> Path:
    """The file of the journal of what is done here.

    Args:
        folder: that of the run; None where it has none, as in a kernel.
        root: the workspace's folder.
    """
    if folder is not None:
        return folder / JOURNAL_NAME
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(4)}.jsonl"
    return root / "runs" / _WITHOUT_RUN / name


@dataclass(frozen=True)
class ReadJournal:
    """What files of journals hold.

    Args:
        entries: in the order of the files.
        files: how many files there were.
        passed_over: how many lines are none of a journal, or break off.
    """

    entries: tuple[JournalEntry, ...]
    files: int
    passed_over: int


def read_journals(paths: list[Path]) -> ReadJournal:
    """Read journals.

    Args:
        paths: files, or folders with journals anywhere below.

    Raises:
        OSError: one cannot be read.
    """
    files = [file for path in paths for file in _files(path)]
    entries, passed_over = [], 0
    for file in dict.fromkeys(files):
        for line in file.read_bytes().splitlines():
            try:
                entries.append(entry_of(line.decode("ascii")))
            except ValueError:
                passed_over += 1
    return ReadJournal(tuple(entries), len(set(files)), passed_over)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted({*path.rglob(JOURNAL_NAME), *path.rglob(f"{_WITHOUT_RUN}/*.jsonl")})
