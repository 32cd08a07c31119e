"""A notebook before it is run: whether what is asked of it would be what it does.

Notebooks are files that people may edit: prose, further cells, other defaults. What a run relies on
is read here: values that are put into it arrive, it does the step that its name says, and it asks
for all of it. Nothing is run for that.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bcrunbook.accounts import Workspace
from bcrunbook.core.step import AnyStep, Mode
from bcrunbook.errors import FixInput
from bcrunbook.notebook_files.cells import CALLS, assigned, is_papermills, parsed
from bcrunbook.notebook_files.parameters import TAG, names_of
from bcrunbook.notebook_files.shipped import notebook_path, shipped

_INJECTED: Final = "injected-parameters"
_SKIPPED: Final = "skip-execution"
_ASKING: Final = ("auto", Mode.ASK.value, Mode.PLAN.value)
"""The modes in which nothing is written without a question to somebody who is there."""


@dataclass(frozen=True)
class _Cell:
    """A cell: whether it is run, its source, its tags."""

    is_code: bool
    source: str
    tags: tuple[str, ...]

    @property
    def is_run(self) -> bool:
        """Whether a run runs it."""
        return self.is_code and _SKIPPED not in self.tags


class _Unfit(Exception):
    """Why a notebook cannot be run, and what mends it."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


def check_sources(steps: Iterable[AnyStep], workspace: Workspace) -> None:
    """Check the notebooks of steps, before the first of them is run.

    Args:
        steps: the steps.
        workspace: whose notebooks they are.

    Raises:
        FixInput: one is missing, or would not do what is asked of it. Nothing was run.
    """
    for step in steps:
        path = notebook_path(step, workspace)
        try:
            _check(step, _read(path))
        except _Unfit as unfit:
            fresh = f"move it away and lay out a fresh one: bcrunbook init {workspace.root}"
            if path.parent == shipped():
                fresh = "install bcrunbook anew, as this notebook came with it"
            raise FixInput(
                f"The notebook {path.name} cannot be run: {unfit.what}. Nothing was run.",
                where=str(path),
                why="it was edited, a tool has cleaned it, or it belongs to another version",
                next=f"{unfit.mend}; or {fresh}" if unfit.mend else fresh,
            ) from None


def asks_first(step: AnyStep, path: Path) -> bool:
    """Whether a notebook, run as it is before a person, asks them before anything is written.

    Args:
        step: the step that it is to do.
        path: its file.
    """
    try:
        cells = _read(path)
        _check(step, cells)
    except _Unfit:
        return False
    # Below one another, and nowhere else: that was checked.
    values = [cell for cell in cells if {TAG, _INJECTED}.intersection(cell.tags)]
    modes = [given["mode"] for cell in values if "mode" in (given := assigned(cell.source))]
    return modes[-1] in _ASKING


def _read(path: Path) -> list[_Cell]:
    try:
        notebook = json.loads(path.read_text("utf-8"))
        metadata = notebook.get("metadata", {})
        kernel = metadata.get("kernelspec", {})
        languages = {kernel.get("language"), metadata.get("language_info", {}).get("name")} - {None}
        cells = [
            _Cell(
                one["cell_type"] == "code",
                "".join(one["source"]),
                tuple(one.get("metadata", {}).get("tags", ())),
            )
            for one in notebook["cells"]
        ]
    except OSError as error:
        raise _Unfit(f"it cannot be read ({error.strerror or type(error).__name__})") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _Unfit("it is not a Jupyter notebook (format 4)") from None
    if languages != {"python"} or not kernel.get("name"):
        raise _Unfit("its metadata do not say that it is in Python, and for which kernel")
    return cells


def _check(step: AnyStep, cells: Sequence[_Cell]) -> None:
    opening = _opening(step, cells)
    defaults = _index_of_defaults(step, cells)
    _check_that_values_arrive(step, cells, defaults, opening.index)
    _check_calls(cells, opening)


def _index_of_defaults(step: AnyStep, cells: Sequence[_Cell]) -> int:
    """Which cell has the notebook's own values for its parameters."""
    tagged = [index for index, cell in enumerate(cells) if TAG in cell.tags]
    mend = f'give the code cell with {" and ".join(names_of(step))}, and no other, the tag "{TAG}"'
    if len(tagged) != 1:
        count = f"{len(tagged)} cells have" if tagged else "no cell has"
        raise _Unfit(f'{count} the tag "{TAG}", by which values are put into it', mend)
    (index,) = tagged
    if not cells[index].is_code:
        raise _Unfit(f'the tag "{TAG}" is on a cell with text, not on one with code', mend)
    found, wanted = set(assigned(cells[index].source)), set(names_of(step))
    if found != wanted:
        raise _Unfit(
            f'the cell with the tag "{TAG}" sets {_listed(found)}, and {_listed(wanted)} are'
            " wanted",
            f"have that cell set {_listed(wanted)}",
        )
    if is_papermills(cells[index].source):
        raise _Unfit(
            f'the cell with the tag "{TAG}" begins as papermill begins those in which it puts'
            " values",
            "take its first line away, # Parameters",
        )
    return index


@dataclass(frozen=True)
class _Opening:
    """Which cell opens the step, and what it calls the step."""

    index: int
    name: str


def _opening(step: AnyStep, cells: Sequence[_Cell]) -> _Opening:
    found = [
        (index, statement, call)
        for index, cell in enumerate(cells)
        if cell.is_run
        for statement, call in _calls_in(cell.source)
        if ast.unparse(call.func).rpartition(".")[2] == "open_step"
    ]
    if len(found) != 1:
        count = f"{len(found)} times" if found else "nowhere"
        raise _Unfit(f"it opens a step {count}, and once is wanted")
    ((index, statement, call),) = found
    opened = ast.unparse(call.args[0]) if call.args else "nothing"
    if opened != repr(step.id):
        raise _Unfit(f"it opens the step {opened}, and {step.id!r} was asked for")
    handed = {
        one.arg
        for one in call.keywords
        if isinstance(one.value, ast.Name) and one.value.id == one.arg
    }
    kept = [name for name in names_of(step) if name not in handed]
    if kept:
        raise _Unfit(f"it does not hand its {_listed(kept)} on to the step")
    names = list(assigned(ast.unparse(statement)))
    if len(names) != 1:
        raise _Unfit("it does not keep the step that it opens")
    return _Opening(index, names[0])


def _check_that_values_arrive(
    step: AnyStep, cells: Sequence[_Cell], defaults: int, opened: int
) -> None:
    """What papermill puts in comes below the defaults, and nothing sets the same below that.

    It replaces what an earlier run has put in, wherever that is.
    """
    injected = [index for index, cell in enumerate(cells) if _INJECTED in cell.tags]
    index = injected[0] if injected else defaults + 1
    mend = f'take away every cell with the tag "{_INJECTED}"'
    if injected and not defaults < index < opened:
        raise _Unfit("values of an earlier run are in it, in a place where others win", mend)
    if index > opened:
        raise _Unfit("it opens the step above the cell with the parameters")
    names = set(names_of(step))
    for number, cell in enumerate(cells):
        if not cell.is_run or number in (defaults, *injected[:1]):
            continue
        again = names.intersection(assigned(cell.source))
        if again:
            raise _Unfit(
                f"cell {number + 1} sets {_listed(again)} once more, so that others win over the"
                " values that are put into it",
                mend if _INJECTED in cell.tags else "take that out of the cell",
            )


def _check_calls(cells: Sequence[_Cell], opening: _Opening) -> None:
    """It asks its step for everything that a run is made of, in that order."""
    asked = [
        call.func.attr
        for cell in cells[opening.index :]
        if cell.is_run
        for _, call in _calls_in(cell.source)
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == opening.name
    ]
    calls = list(dict.fromkeys(one for one in asked if one in CALLS))
    missing = [one for one in CALLS if one not in calls]
    if missing:
        wanted = [f"{opening.name}.{one}()" for one in missing]
        raise _Unfit(f"it lacks {_listed(wanted)}")
    if calls != list(CALLS):
        raise _Unfit(f"it does not ask for {_listed(CALLS)} in this order")


def _calls_in(source: str) -> Iterator[tuple[ast.stmt, ast.Call]]:
    """The calls that a cell makes whatever else is the case, each with its statement."""
    for statement in parsed(source).body:
        if isinstance(statement, ast.Expr | ast.Assign):
            for part in ast.walk(statement.value):
                if isinstance(part, ast.Call):
                    yield statement, part


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names if isinstance(names, list | tuple) else sorted(names)) or "nothing"
