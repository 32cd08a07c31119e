"""What the rehearsal cloud writes down: requests (without secrets) and canaries (only secrets).

The request log never holds a body, a token or a query value that could be one: only the query
options named here are kept. The canary file is what a leak test searches for.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote

from bcrunbook.atomic_write import put

KEPT_OPTIONS: Final = frozenset(
    {
        "$filter",
        "$select",
        "$top",
        "$expand",
        "$count",
        "$orderby",
        "$search",
        "api-version",
        "page",
        "pagesize",
        "orderby",
        "query",
        "tags",
    }
)


def loggable(path: str, query: str) -> str:
    """The path with those query options that cannot hold a secret."""
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [f"{name}={quote(value)}" for name, value in pairs if name.lower() in KEPT_OPTIONS]
    return f"{path}?{'&'.join(kept)}" if kept else path


def private_file(path: Path, content: bytes) -> None:
    """Replace a file as a whole by one that only its owner can read."""
    put(path, content, 0o600)


class LineLog:
    """An append-only file of JSON lines; every line is with the operating system at once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, **values: object) -> None:
        """Append one line."""
        self._file.write(json.dumps(values, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class Canaries:
    """Every secret value ever issued or accepted, one a line, each once.

    What people type may be anything: a value of several lines counts as several, and one that is
    too short to be searched for (it would be found in any text) is left out.
    """

    SHORTEST = 6

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "a+", encoding="utf-8", buffering=1)
        self._file.seek(0)
        self._known = {line.rstrip("\n") for line in self._file}

    def add(self, value: str) -> str:
        """Note a secret value; answers the value itself."""
        for line in value.splitlines():
            if len(line) >= self.SHORTEST and line not in self._known:
                self._known.add(line)
                self._file.write(line + "\n")
        return value

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
