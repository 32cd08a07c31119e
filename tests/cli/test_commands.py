"""The table of commands is true, and reading it costs nothing that `--help` does not need."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from bcrunbook.cli.commands import COMMANDS, Command
from tests.cli.test_help import COMMANDS as SPELLED
from tests.tools import command_pages

CLI = Path(__file__).resolve().parents[2] / "bcrunbook" / "cli"

LATE = {
    "batch.batch": "the processes of a batch are made ready while this process reads its own part",
    "lab._goes_on": "only for --rehearse, and JupyterLab starts meanwhile",
    "lab._rehearsal": "only for --rehearse, and JupyterLab starts meanwhile",
    "lab._workspace": "JupyterLab is started before anything else is read",
    "lab.lab": "JupyterLab is started before anything else is read",
    "output.console": "--help and --version do without rich",
    "run.run": "only for --rehearse, which needs a whole server",
}
"""The functions of the command line that import something, each with its reason."""


def late_imports() -> set[str]:
    """Every function in the command line with an import in it."""
    found = set()
    for file in CLI.glob("*.py"):
        for function in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(function)
            ):
                found.add(f"{file.stem}.{function.name}")
    return found


def test_imports_stand_at_the_head_of_a_module() -> None:
    """But for the named ones; whoever adds one gives its reason in `LATE`."""
    assert late_imports() == set(LATE)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_commands_own_help_begins_with_its_short_help(command: Command) -> None:
    """The list says what the command itself says, and the command bears the list's name."""
    loaded = command.load()
    assert loaded.name == command.name
    assert " ".join(loaded.help.split()).startswith(command.short_help.removesuffix("."))


def test_the_list_of_commands_reads_no_command() -> None:
    """`--help` reads no module of a command, and no library that only commands need."""
    code = "import sys; from bcrunbook.cli import app; app(['--help'], standalone_mode=False)"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True
    )
    read = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if "|" in line}
    homes = {f"bcrunbook.cli.{command.home.partition(':')[0]}" for command in COMMANDS}
    assert "bcrunbook.cli.commands" in read
    assert not read & {*homes, "bcrunbook.accounts", "bcrunbook.steps"}
    assert not read & {"sqlalchemy", "msal", "httpx", "pydantic", "rich", "papermill", "starlette"}


def test_the_page_of_the_commands_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docs/reference/commands.md` says what the program says, at any width of a terminal."""
    monkeypatch.setenv("COLUMNS", "40")
    assert command_pages.PAGE.is_file(), f"write it: {command_pages.COMMAND}"
    written = command_pages.PAGE.read_text("utf-8")
    assert written == command_pages.page(), f"out of date: {command_pages.COMMAND}"


def test_the_page_has_every_command() -> None:
    """Each by the words that call it; an exit code is told of no command that is not there."""
    headings = command_pages.PAGE.read_text("utf-8").split("\n## bcrunbook ")[1:]
    titles = {heading.splitlines()[0] for heading in headings}
    assert titles == {" ".join(words) for words in SPELLED}
    assert set(command_pages.ENDINGS) <= titles
