"""The table of commands is true, and reading it costs nothing that `--help` does not need."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.cli import app
from bcrunbook.cli.commands import COMMANDS, Command
from bcrunbook.ledger.store import open_ledger
from tests.cli.test_help import COMMANDS as SPELLED
from tests.conftest import MakeWorkspace
from tests.tools import command_pages

CLI = Path(__file__).resolve().parents[2] / "bcrunbook" / "cli"

LATE = {
    "accounts.check": "what the file says is shown before the database is read",
    "batch.batch": "the processes of a batch are made ready while this process reads its own part",
    "doctor._kernel": "what was checked before is shown first, and this reads Jupyter",
    "lab._goes_on": "only for --rehearse, and JupyterLab starts meanwhile",
    "lab._rehearsal": "only for --rehearse, and JupyterLab starts meanwhile",
    "lab._workspace": "JupyterLab is started before anything else is read",
    "lab.lab": "JupyterLab is started before anything else is read",
    "output.console": "--help and --version do without rich",
    "retire.retire": "as of a run: its process is made ready meanwhile",
    "restore.restore": "as of a run, which the account alone needs",
    "rotate.rotate": "as of a run: its process is made ready meanwhile",
    "run._run": "the processes of notebooks are made ready while this process reads its own part",
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


HEAVY = {
    "IPython",
    "alembic",
    "cryptography",
    "httpx",
    "ipywidgets",
    "jinja2",
    "jupyter_client",
    "keyring",
    "msal",
    "nbclient",
    "papermill",
    "psycopg",
    "pydantic",
    "rich",
    "sqlalchemy",
    "sqlalchemy.dialects.postgresql",
    "starlette",
    "uvicorn",
}
"""Whatever takes long to be read."""

_ACCOUNTS = {"pydantic"}
_LEDGER = {"pydantic", "sqlalchemy"}
_SERVICES = {"httpx", "pydantic", "rich", "sqlalchemy"}
READ = {
    "accounts": _ACCOUNTS,
    "batch": set(),
    "check": _SERVICES,
    "confirm": _LEDGER,
    "doctor": _SERVICES,
    "explain": _LEDGER,
    "fidelity": {"pydantic", "rich"},
    "handover": _LEDGER,
    "init": _LEDGER,
    "lab": set(),
    "link": _SERVICES,
    "notice": _SERVICES,
    "plan": set(),
    "rehearse": {"cryptography", "starlette", "uvicorn"} | _SERVICES,
    "rehearsal": {"cryptography", "starlette", "uvicorn"},
    "rotate": set(),
    "retire": set(),
    "restore": set(),
    "run": set(),
    "secret": _SERVICES,
    "status": {"rich"} | _LEDGER,
}
"""What of it each command reads before it begins, by the command's name."""

_LOADED = """
import json, sys
from bcrunbook.cli import app
try:
    app(sys.argv[1:], standalone_mode=False)
finally:
    print(json.dumps(sorted(sys.modules)))
"""


def read_by(source: str, *words: str) -> set[str]:
    """The heavy modules that a program has read by its end, of which the last line tells."""
    done = subprocess.run(
        [sys.executable, "-c", source, *words], capture_output=True, text=True, check=True
    )
    return HEAVY & set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_a_command_reads_no_more_than_it_begins_with(name: str) -> None:
    """The rest is read when it is needed: who waits for a command waits for what it reads."""
    source = (
        "import json, sys; from bcrunbook.cli.commands import COMMANDS;"
        " {one.name: one for one in COMMANDS}[sys.argv[1]].load();"
        " print(json.dumps(sorted(sys.modules)))"
    )
    assert read_by(source, name) == READ[name]


@pytest.mark.parametrize("words", [("status",), ("accounts", "check")], ids=" ".join)
def test_what_asks_no_service_reads_nothing_that_would(
    words: tuple[str, ...], make_workspace: MakeWorkspace
) -> None:
    """To their ends: neither sign-in nor network, no widget, and no notebook's machinery."""
    workspace = make_workspace()
    open_ledger(workspace.ledger_url, workspace.root).close()
    read = read_by(_LOADED, *words, "--workspace", str(workspace.root))
    assert read <= {"rich"} | _LEDGER


def test_the_coordinator_of_notebooks_runs_no_cell() -> None:
    """Neither IPython nor a kernel's client is for who has notebooks run by other processes."""
    source = (
        "import json, sys; from bcrunbook.cli import account_run, batch_run;"
        " print(json.dumps(sorted(sys.modules)))"
    )
    assert read_by(source) == _SERVICES


@pytest.mark.parametrize(
    "command", [one for one in COMMANDS if one.begins], ids=lambda one: one.name
)
def test_what_takes_a_while_says_so_before_it_is_read(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence on stderr; none where only help is asked for."""

    def load(_: Command) -> Any:
        raise NotImplementedError

    monkeypatch.setattr(Command, "load", load)
    with pytest.raises(NotImplementedError):
        app([command.name, "something"], standalone_mode=False)
    assert capsys.readouterr() == ("", f"{command.begins}\n")
    with pytest.raises(NotImplementedError):
        app([command.name, "--help"], standalone_mode=False)
    assert capsys.readouterr() == ("", "")


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
