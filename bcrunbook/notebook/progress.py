"""What is being done, while it is being done."""

from __future__ import annotations

import time
from typing import Any, Literal

from IPython.display import display

from bcrunbook.core.step import Change
from bcrunbook.views import cells
from bcrunbook.views.cells import Tick


class Lines:
    """Line after line of what is being done.

    What only counts on takes the place of the line before.
    """

    def __init__(self) -> None:
        self.all: list[str] = []

    def add(self, line: str) -> bool:
        """Add a line; says whether that has changed anything."""
        text = f"{line[0].upper()}{line[1:]}"
        if self.all[-1:] == [text]:
            return False
        if self.all and _head(self.all[-1]) == _head(text):
            self.all.pop()
        self.all.append(text)
        return True


class PlainProgress:
    """The lines as a plain output of the cell that runs, renewed in its place."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._handle: Any = None

    def tell(self, line: str) -> None:
        """Show one more line."""
        if self._lines.add(line):
            self._show(is_over=False)

    def end(self) -> None:
        """Show that it is over."""
        if self._lines.all:
            self._show(is_over=True)

    def _show(self, *, is_over: bool) -> None:
        view = cells.progress_view(self._lines.all, is_over=is_over)
        if self._handle is None:
            self._handle = display(view, display_id=True)
        else:
            self._handle.update(view)


class Ticks:
    """How far each of some changes is, and how long it took."""

    def __init__(self) -> None:
        self._begun: dict[tuple[str, str], float] = {}
        self.all: dict[tuple[str, str], Tick] = {}
        """How far each is, by key and subject."""
        self.changes: list[Change] = []
        """The changes that were begun, in order."""

    def note(self, change: Change, state: Literal["running", "done", "failed"]) -> None:
        """Note what has become of a change."""
        name = (change.key, change.subject)
        if state == "running":
            self._begun[name] = time.monotonic()
            self.changes = [one for one in self.changes if (one.key, one.subject) != name]
            self.changes.append(change)
        began = self._begun.get(name)
        seconds = None if state == "running" or began is None else time.monotonic() - began
        self.all[name] = Tick(state, seconds)


def _head(line: str) -> str:
    return line.partition(" (")[0]
