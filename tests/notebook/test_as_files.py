"""What other tools make of the notebooks as files, without running them: as users get them."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from ipykernel.ipkernel import IPythonKernel
from nbconvert.exporters import ScriptExporter
from papermill.cli import papermill

from bcrunbook.notebook_files.parameters import names_of
from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.run.layout import lay_out_notebooks
from bcrunbook.steps import EVERY_STEP, notebook_of
from tests.tools.store_outputs import store

LANGUAGE = {key: value for key, value in IPythonKernel.language_info.items() if key != "version"}
"""What the kernel says about Python, but for the version, which is a machine's."""


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The notebooks that `bcrunbook init` writes, in the order of the steps."""
    made, _ = lay_out_notebooks(tmp_path_factory.mktemp("workspace"))
    return made


def test_the_language_is_described_in_full(laid_out: list[Path]) -> None:
    """All that the kernel says of it: tools go by it before any kernel runs."""
    for path in laid_out:
        own = nbformat.read(shipped() / path.name, 4).metadata.language_info
        assert own == LANGUAGE
        assert nbformat.read(path, 4).metadata.language_info.items() >= LANGUAGE.items()


def test_they_become_scripts(laid_out: list[Path]) -> None:
    """`jupyter nbconvert --to script` writes Python, with all prose as comments."""
    for path in laid_out:
        script, resources = ScriptExporter().from_filename(str(path))
        assert resources["output_extension"] == ".py"
        compile(script, path.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        lines = set(script.splitlines())
        for cell in nbformat.read(path, 4).cells:
            mark = "# " if cell.cell_type == "markdown" else ""
            wanted = {f"{mark}{line}" for line in cell.source.splitlines() if line.strip()}
            assert wanted <= lines, wanted - lines


def test_papermill_tells_the_parameters(laid_out: list[Path]) -> None:
    """`papermill --help-notebook` has the type, the default and the meaning of each."""
    for step, path in zip(EVERY_STEP, laid_out, strict=True):
        told = CliRunner().invoke(papermill, ["--help-notebook", str(path)]).output
        words = told.split(f"'{path}':")[1].split()
        places = [words.index(f"{name}:") for name in names_of(step)]
        assert len(places) == words.count("str") == words.count("(default")
        for begin, end in zip(places, [*places[1:], len(words)], strict=True):
            assert len(words[begin:end]) > 8, f"{path.name}: {words[begin]} is not explained"


def test_the_parameters_are_folded(laid_out: list[Path]) -> None:
    """A person has the bar; nothing else is folded."""
    for path in laid_out:
        for cell in nbformat.read(path, 4).cells:
            is_folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
            assert is_folded == ("parameters" in cell.metadata.get("tags", []))


def test_storing_outputs_keeps_the_description(tmp_path: Path) -> None:
    """The tool that renews the stored outputs leaves it as full as the kernel gives it."""
    cells = [nbformat.v4.new_code_cell("1 + 1")]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    scant = {"kernelspec": kernel, "language_info": {"name": "python"}, "somebody": "else"}
    path = tmp_path / notebook_of(EVERY_STEP[0])
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=scant), path)
    store(path)
    stored = nbformat.read(path, 4)
    assert stored.metadata == {"kernelspec": kernel, "language_info": LANGUAGE}
    assert stored.cells[0].outputs and "execution" not in stored.cells[0].metadata
