"""A message calls a value as it can be given where it is read: option here, parameter there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bcrunbook
from bcrunbook.errors import FixInput
from bcrunbook.given_as import Place, speak_to
from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.order import START_HERE
from bcrunbook.run.papermill import run_notebook
from bcrunbook.steps import notebook_of, step_named
from tests.cli.conftest import Command, command

__all__ = ["command"]

PACKAGE = Path(bcrunbook.__file__).parent
ONLY_COMMANDS = ("cli/", "rehearsal/", "run/")
"""Rooms whose errors no notebook shows: they are met on the command line alone."""

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
WHOLE_COMMAND = re.compile(r"\b(?:bcrunbook|az|pip|jupyter|papermill) [^;.()]*$")


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder without a workspace, and none above it; afterwards nobody is spoken to."""
    monkeypatch.delenv("BCRUNBOOK_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    speak_to(Place.PROGRAM)


async def in_notebook(folder: Path, workspace: str) -> str:
    """What the first notebook says for a workspace."""
    source = shipped() / notebook_of(step_named(START_HERE))
    values = {"account": "trial", "mode": "plan", "workspace": workspace}
    outcome = await run_notebook(source, folder / "out.ipynb", values, "bcrunbook")
    assert outcome.error is not None and outcome.error["kind"] == "fix_input"
    return str(outcome.error["next"])


async def test_a_notebook_names_its_parameter(nowhere: Path) -> None:
    """Nothing was named, or a folder that is no workspace: no option, and no folder to fill."""
    scheduled = nowhere / "staging"
    scheduled.mkdir()
    for workspace in ("", str(scheduled), str(nowhere / "missing")):
        advice = await in_notebook(nowhere, workspace)
        assert "parameter workspace" in advice and "-r workspace DIR" in advice
        assert "BCRUNBOOK_WORKSPACE" in advice and "bcrunbook init DIR" in advice
        assert "--" not in advice and str(nowhere) not in advice


def test_a_command_names_its_option(nowhere: Path, command: Command) -> None:
    """The same mistakes on the command line."""
    for words in ((), ("-w", nowhere), ("-w", nowhere / "missing")):
        told = command("status", *words).err
        assert "--workspace DIR" in told and "parameter" not in told
    assert f"bcrunbook init {nowhere}" in command("status", "-w", nowhere).err


def test_a_program_is_told_of_neither(nowhere: Path) -> None:
    """Whoever calls the package has options of their own."""
    with pytest.raises(FixInput) as told:
        bcrunbook.find_workspace(None)
    assert "argument workspace" in told.value.next
    assert "--" not in told.value.next and "-r " not in told.value.next


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text of a module but for docstrings; a blank stands for what is put into it."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values}
            parts = (part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and id(node) not in prose | inner:
            yield node.lineno, str(node.value)


NO_OPTIONS = ("given_as.py", "signin/az.py", "views/film.py")
"""Where what begins like an option is none, or belongs to another program."""


def test_no_message_of_a_notebook_names_an_option_alone() -> None:
    """An option stands in a whole command, to be typed in a terminal, or nowhere."""
    strays, found = [], 0
    for file in sorted(PACKAGE.rglob("*.py")):
        path = file.relative_to(PACKAGE).as_posix()
        if path.startswith(ONLY_COMMANDS) or path in NO_OPTIONS:
            continue
        for line, text in texts(ast.parse(file.read_text("utf-8"))):
            for option in OPTION.finditer(text):
                found += 1
                before = text[: option.start()]
                # A blank and the option alone are put at the end of a command.
                if before.strip() and not WHOLE_COMMAND.search(before):
                    strays.append(f"{path}:{line}: {text}")
    assert found > 5
    assert strays == []
