"""One id names module, notebook and test file; sections exist; the public door costs nothing."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import bcrunbook
from bcrunbook import errors
from bcrunbook.core.step import Step
from bcrunbook.errors import RunbookError
from bcrunbook.order import ORDER, UPKEEP
from bcrunbook.steps import EVERY_STEP, STEPS, UPKEEP_STEPS, notebook_of, step_named

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"


def cells(notebook: Path, kind: str) -> list[str]:
    """The sources of a notebook's cells of one kind."""
    found = json.loads(notebook.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == kind]


def headings(notebook: Path) -> set[str]:
    """The anchors of a notebook's headings, as JupyterLab and GitHub spell them."""
    text = "\n".join(cells(notebook, "markdown"))
    titles = re.findall(r"^#+ +(.+?) *$", text, re.M)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("step", EVERY_STEP, ids=lambda step: step.id)
def test_one_id_names_everything(step: Step[Any, Any]) -> None:
    """Module, notebook and test file bear the step's id, and the notebook opens that step."""
    home = f"bcrunbook.steps.{step.id}"
    assert type(step).__module__ in (home, f"{home}.step")
    assert (ROOT / "tests" / "steps" / f"test_{step.id}.py").is_file()
    notebook = NOTEBOOKS / notebook_of(step)
    opened = re.findall(r'open_step\(\s*"(\w+)"', "\n".join(cells(notebook, "code")))
    assert opened == [step.id]


def test_no_notebook_is_left_over() -> None:
    """There is a notebook for each step, in order, and no other."""
    assert sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")) == [
        notebook_of(step) for step in EVERY_STEP
    ]


def test_the_order_names_the_steps_there_are() -> None:
    """The list from which numbers follow, and the steps, are the same."""
    assert [step.id for step in STEPS] == list(ORDER)
    assert [step.id for step in UPKEEP_STEPS] == list(UPKEEP)


NUMBERS = re.compile(r"\b[Ss]teps? [0-9]|\b0[0-9]_[a-z]+|\bnotebook 0[0-9]")
NUMBERED = {"bcrunbook/order.py"}
"""Where a number stands as an example of what is made of an id."""


def test_no_step_is_called_by_a_number() -> None:
    """Numbers follow from the order alone: nowhere in the package is one written by hand."""
    numbered = set()
    for path in (ROOT / "bcrunbook").rglob("*"):
        if path.suffix in (".py", ".toml", ".html", ".md", ".txt", ".css", ".js"):
            name = path.relative_to(ROOT).as_posix()
            numbered |= {
                name for line in path.read_text("utf-8").splitlines() if NUMBERS.search(line)
            }
    assert numbered <= NUMBERED, numbered - NUMBERED


LISTS_OF_STEPS = {"STEPS", "SETUP_STEPS", "ORDER", "OF_ACCOUNTS", "ALONE", "UP_TO_KEYS"}
NUMBERED_STEP = re.compile(rf"\b[Ss]teps? [0-9]|\b[0-9]+_({'|'.join(ORDER)})\b")
COUNTED = {"tests/test_order.py"}
"""Where the numbers that the order makes are the subject."""


def counts_steps(node: ast.AST) -> bool:
    """Whether a piece of code knows the number of a step: in a name, or in a list of steps."""
    match node:
        case ast.Constant(value=str(text)):
            return bool(NUMBERED_STEP.search(text))
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return bool(re.search(r"step_?[0-9]", name))
        case ast.Subscript(value=ast.Name(id=name), slice=index) if name in LISTS_OF_STEPS:
            bounds = (index.lower, index.upper) if isinstance(index, ast.Slice) else (index,)
            # What is first, or last, is so whatever is put in between.
            return any(isinstance(bound, ast.Constant) and bound.value for bound in bounds)
        case _:
            return False


def test_no_test_counts_the_steps() -> None:
    """A test names a step, its notebook and a part of the list by ids, as the package does."""
    counted = set()
    for file in sorted((ROOT / "tests").rglob("*.py")):
        path = file.relative_to(ROOT).as_posix()
        nodes = ast.walk(ast.parse(file.read_text("utf-8")))
        counted |= {
            f"{path}:{node.lineno}"
            for node in nodes
            if isinstance(node, ast.stmt | ast.expr) and counts_steps(node)
        }
    assert {line for line in counted if line.rpartition(":")[0] not in COUNTED} == set()
    assert {line.rpartition(":")[0] for line in counted} == COUNTED


def test_a_step_needs_only_earlier_ones() -> None:
    """What `needs` names are steps that come before."""
    for number, step in enumerate(EVERY_STEP):
        assert set(step.needs) <= {earlier.id for earlier in EVERY_STEP[:number]}, step.id


def sections() -> set[str]:
    """Every section of a step's notebook that an error of the package points to."""
    found = set()
    for file in (ROOT / "bcrunbook").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.keyword(arg="section", value=ast.Constant(value=str(name))) if name:
                    found.add(name)
    return found


@pytest.mark.parametrize("section", sorted(sections()))
def test_errors_point_to_sections_that_exist(section: str) -> None:
    """`step#heading` is a heading of that step's notebook, and shown as its file is named."""
    step, mark, anchor = section.partition("#")
    notebook = NOTEBOOKS / notebook_of(step_named(step))
    assert notebook.is_file()
    shown = f"{notebook.stem}{mark}{anchor}"
    error = RunbookError("It happened.", section=section)
    assert error.as_dict()["section"] == shown and str(error).endswith(f"read:  {shown}")
    assert not anchor or anchor in headings(notebook), sorted(headings(notebook))


def test_a_class_name_means_one_thing() -> None:
    """No two classes of the client's rooms share a name; the rehearsal cloud may mirror them."""
    homes: dict[str, list[str]] = {}
    for file in sorted((ROOT / "bcrunbook").rglob("*.py")):
        path = file.relative_to(ROOT).as_posix()
        if path.startswith("bcrunbook/rehearsal/"):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(path)
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


OWN_TIME = {
    "journal/file.py": "the name of a file that nobody compares",
    "ledger/tables.py": "leases are of processes, which live in our time",
    "notebook/session_file.py": "how old what a kernel tells is, for the bar",
    "run/account.py": "how long a step took",
    "run/engine/shell.py": "messages of a kernel",
    "signin/credentials.py": "certificates are held against this machine's clock by TLS as well",
}
"""What goes by this machine's own clock, whatever dates a rehearsal has."""


def test_whatever_has_a_date_asks_for_it_in_one_place() -> None:
    """In a rehearsal of a year all dates go by its clock: none may be missed."""
    found = {
        file.relative_to(ROOT / "bcrunbook").as_posix()
        for file in (ROOT / "bcrunbook").rglob("*.py")
        if "datetime.now" in file.read_text("utf-8")
    }
    assert {one for one in found if not one.startswith("rehearsal/")} == set(OWN_TIME)


# Hosts of Microsoft's services and portals, as opposed to pages that are read about them.
OF_MICROSOFT = re.compile(
    r"login\.microsoftonline\.com|graph\.microsoft\.com|management\.azure\.com|vault\.azure\.net"
    r"|portal\.azure\.com|myaccount\.microsoft\.com|(?<![\w.])(?:api\.)?businesscentral\.dynamics\.com"
)


def test_hosts_of_microsoft_stand_in_one_module() -> None:
    """What a national cloud names otherwise is in `bcrunbook.hosts`, and in prose at most."""
    strays = []
    for file in sorted((ROOT / "bcrunbook").rglob("*.py")):
        path = file.relative_to(ROOT).as_posix()
        if path.startswith("bcrunbook/rehearsal/") or path == "bcrunbook/hosts.py":
            continue
        tree = ast.parse(file.read_text("utf-8"))
        prose = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        strays += [
            f"{path}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in prose
            and OF_MICROSOFT.search(node.value)
        ]
    assert strays == []


PUBLIC = {
    "STEPS": tuple,
    "Account": type,
    "AnswerLost": type,
    "AskAdministrator": type,
    "Change": type,
    "Customer": type,
    "FixInput": type,
    "Mode": type,
    "NotFound": type,
    "Outcome": type,
    "ReportBug": type,
    "RunbookError": type,
    "SignInAgain": type,
    "State": type,
    "Unreachable": type,
    "WaitAndRetry": type,
    "Workspace": type,
    "__version__": str,
    "find_workspace": object,
    "load": object,
    "run_step": object,
}


def test_the_public_door() -> None:
    """These names, and no others, are promised to programs; each can be had."""
    assert set(bcrunbook.__all__) == set(PUBLIC)
    for name, kind in PUBLIC.items():
        found = getattr(bcrunbook, name)
        assert isinstance(found, kind) and not isinstance(found, ModuleType), name
        assert name in dir(bcrunbook)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = bcrunbook.no_such_name


def test_every_error_can_be_caught_through_the_public_door() -> None:
    """A program needs no inner module to tell what it may do about an error."""
    tree = {
        name: error
        for name, error in vars(errors).items()
        if isinstance(error, type) and issubclass(error, BaseException)
    }
    assert tree == {name: getattr(bcrunbook, name) for name in tree}
    assert all(issubclass(error, bcrunbook.RunbookError) for error in tree.values())


def test_constants_are_final() -> None:
    """What a module calls in capitals does not change: `NAME: Final = ...`, and nothing else is."""
    wrong = []
    for path in sorted((ROOT / "bcrunbook").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                name, is_final = node.target.id, ast.unparse(node.annotation).startswith("Final")
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name, is_final = node.targets[0].id, False
            else:
                continue
            is_constant = node.col_offset == 0 and re.fullmatch("_?[A-Z][A-Z0-9_]+", name)
            if is_final != bool(is_constant):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {name}")
    assert not wrong, wrong


def test_importing_the_package_loads_nothing_heavy() -> None:
    """`import bcrunbook` brings in no part of itself and no third party."""
    trace = subprocess.run(
        [sys.executable, "-I", "-X", "importtime", "-c", "import bcrunbook"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    loaded = {line.rsplit("|", 1)[-1].strip() for line in trace.splitlines() if "|" in line}
    assert "bcrunbook" in loaded
    assert not {name for name in loaded if name.startswith("bcrunbook.")}
    assert not loaded & {"sqlalchemy", "msal", "httpx", "pydantic", "rich", "typer", "asyncio"}
