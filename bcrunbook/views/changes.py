"""Changes as a person reads them: marked as in a comparison of two texts, each value once.

Told apart at a glance, in colour and without: `+ create`, `~ change`, `- delete`, and `> person`
for what somebody does. A value that is new stands alone, one that is replaced stands before its
successor, and of a list it shows what stays, what is added and what goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bcrunbook.core.step import Change, Row

Mark = Literal["", "+", "-"]

_KINDS: Final = {
    "create": ("create", "+ create"),
    "update": ("change", "~ change"),
    "delete": ("delete", "- delete"),
    "person": ("person", "> person"),
}


@dataclass(frozen=True)
class Tick:
    """How far a change is.

    Args:
        state: how far it is.
        seconds: how long it took; None while it is not over.
    """

    state: Literal["waiting", "running", "done", "failed"]
    seconds: float | None = None

    @property
    def words(self) -> str:
        """The same in words."""
        return self.state if self.seconds is None else f"{self.state}, {duration(self.seconds)}"


@dataclass(frozen=True)
class MarkedValue:
    """A line of a value: one that stays (without a mark), is added or goes."""

    mark: Mark
    text: str


@dataclass(frozen=True)
class MarkedRow:
    """A value of a change.

    Args:
        name: what it is.
        old: what a single value replaces; empty where it replaces nothing.
        lines: the value.
        api: how the API says it; empty where it says nothing else.
    """

    name: str
    old: str
    lines: tuple[MarkedValue, ...]
    api: str

    @property
    def text(self) -> str:
        """The value in one line."""
        joined = ", ".join(" ".join(filter(None, (one.mark, one.text))) for one in self.lines)
        value = f"{self.old} -> {joined}" if self.old else joined
        return f"{value}  [{self.api}]" if self.api else value


@dataclass(frozen=True)
class MarkedChange:
    """A change, ready to be drawn.

    Args:
        change: the change.
        tone: names its colour.
        kind: its mark with a word.
        rows: its values.
        tick: how far it is; None where that is not told.
    """

    change: Change
    tone: str
    kind: str
    rows: tuple[MarkedRow, ...]
    tick: Tick | None

    @property
    def head(self) -> str:
        """Mark, word and title in one line."""
        tick = f"  [{self.tick.words}]" if self.tick else ""
        return f"  {self.kind}  {self.change.title}{tick}"

    @property
    def brief(self) -> str:
        """The title, with the name of what it is about where the title does not say it."""
        title = self.change.title
        name = next((row.lines for row in self.rows if row.name == "Name"), ())
        text = name[0].text if len(name) == 1 else ""
        return f"{title}: {text}" if text and text not in title else title


def marked(
    changes: Sequence[Change], ticks: Mapping[tuple[str, str], Tick]
) -> tuple[MarkedChange, ...]:
    """Changes, ready to be drawn.

    Args:
        changes: the changes, in order.
        ticks: how far each is, by key and subject.
    """
    return tuple(
        MarkedChange(
            change,
            *_KINDS["person" if change.by == "person" else change.action],
            tuple(map(_row, change.rows)),
            ticks.get((change.key, change.subject)),
        )
        for change in changes
    )


def _row(row: Row) -> MarkedRow:
    before, after = row.before.splitlines(), row.after.splitlines()
    if len(before) == 1 and len(after) == 1:
        return MarkedRow(row.name, before[0], (MarkedValue("", after[0]),), row.api)
    stays = set(before) & set(after)
    new: Mark = "+" if before else ""
    lines = [MarkedValue("" if one in stays else new, one) for one in after]
    lines += [MarkedValue("-", one) for one in before if one not in stays]
    return MarkedRow(row.name, "", tuple(lines), row.api)


def duration(seconds: float) -> str:
    """How long something took, as exactly as a person cares for."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, left = divmod(whole, 60)
    return f"{minutes} min {left} s" if left else f"{minutes} min"
