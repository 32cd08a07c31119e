"""The notebooks as files: their shape, their cells, and that nothing of a machine is in them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from bcrunbook.notebook_files.parameters import names_of
from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.notebook_files.source import check_sources
from bcrunbook.steps import EVERY_STEP, notebook_of
from bcrunbook.views.cells import OUTCOME_MIME
from tests.conftest import MakeWorkspace

NOTEBOOKS = [shipped() / notebook_of(step) for step in EVERY_STEP]
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

LONGEST_CELL = 6
BRANCHES = (ast.If, ast.For, ast.While, ast.Try, ast.FunctionDef, ast.AsyncFunctionDef, ast.With)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    """The code cells of a notebook."""
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def tags(cell: nbformat.NotebookNode) -> list[str]:
    """A cell's tags."""
    return list(cell.metadata.get("tags", []))


@each
def test_parameters_are_strings_in_one_tagged_cell(path: Path) -> None:
    """Papermill finds the cell by its tag; the names are the fixed ones, all of them strings."""
    (cell,) = [cell for cell in code_cells(path) if "parameters" in tags(cell)]
    values: dict[str, object] = {}
    exec(compile(cell.source, path.name, "exec", dont_inherit=True), values)
    del values["__builtins__"]
    assert values.pop("__annotations__") == dict.fromkeys(values, str)
    assert tuple(values) == names_of(EVERY_STEP[NOTEBOOKS.index(path)])
    assert all(isinstance(value, str) for value in values.values())


def test_nothing_stands_in_the_way_of_a_run(make_workspace: MakeWorkspace) -> None:
    """What is read of a notebook before it is run is in order in all of them."""
    check_sources(EVERY_STEP, make_workspace())


@each
def test_cells_hold_no_logic(path: Path) -> None:
    """A cell is a few lines without a branch, a loop or a definition."""
    transform = TransformerManager().transform_cell
    for cell in code_cells(path):
        assert len(cell.source.splitlines()) <= LONGEST_CELL
        tree = compile(
            transform(cell.source),
            "cell",
            "exec",
            ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        )
        assert not [node for node in ast.walk(tree) if isinstance(node, BRANCHES)]


@each
def test_the_last_cell_displays_the_outcome(path: Path) -> None:
    """Whoever runs the notebook reads the outcome from its last cell."""
    last = nbformat.read(path, 4).cells[-1]
    assert [OUTCOME_MIME in output.get("data", {}) for output in last.outputs] == [True]


@each
def test_promises_are_kept_with_output_and_count(path: Path) -> None:
    """Each tagged cell has a count, without which nbval silently skips it, and its output."""
    promises = [cell for cell in code_cells(path) if "nbval-check-output" in tags(cell)]
    assert len(promises) >= 4
    for cell in promises:
        assert cell.execution_count
        assert cell.outputs
        assert {"text/plain", "text/html"} <= set(cell.outputs[0].data)


@each
def test_nothing_of_a_machine_or_a_person_is_in_it(path: Path) -> None:
    """No paths, no widget state, no execution times, no kernel of somebody's own."""
    notebook = nbformat.read(path, 4)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    text = path.read_text("utf-8")
    assert not re.search(r"/(home|root|tmp|Users|work)/", text)
    for cell in notebook.cells:
        assert "execution" not in cell.metadata
        for output in cell.get("outputs", []):
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


@each
def test_each_says_what_why_how_by_hand_and_what_can_go_wrong(path: Path) -> None:
    """Every notebook has the same sections, for somebody who has never seen the Azure portal."""
    prose = [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown"]
    headings = re.findall(r"^## (.+)$", "\n".join(prose), flags=re.MULTILINE)
    wanted = [
        *("What is there now", "Plan", "Check afterwards"),
        *("The same by hand", "What can go wrong", "Outcome"),
    ]
    assert [heading for heading in headings if heading in wanted] == wanted
