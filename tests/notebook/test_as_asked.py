"""What runs is what was asked for: notebooks that were edited, through everything that runs them.

Each case is a way in which a notebook can be spoilt; each runner is a way to run it for an account.
In all of them the notebook's own defaults are dangerous: another account, and mode `apply`.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from bcrunbook.accounts import Workspace
from bcrunbook.core.step import Outcome, State
from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.notebook_files.source import asks_first
from bcrunbook.order import REGISTER_APPLICATION
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.run.account import run_account
from bcrunbook.run.papermill import read_outcome
from bcrunbook.steps import notebook_of, step_named
from bcrunbook.views.cells import OUTCOME_MIME
from tests.cli.conftest import Command, command
from tests.conftest import lay_out

__all__ = ["command"]

STEP = REGISTER_APPLICATION
NAME = notebook_of(step_named(STEP))


@dataclass(frozen=True)
class Prepared:
    """Where it happens.

    Args:
        workspace: its notebooks can be edited.
        asked: the account that is asked for.
        other: the account that the notebook's own defaults name.
    """

    workspace: Workspace
    asked: str
    other: str

    @property
    def notebook(self) -> Path:
        """The notebook that is run."""
        return self.workspace.root / "notebooks" / NAME

    @property
    def values(self) -> dict[str, str]:
        """What is asked of it."""
        return {"account": self.asked, "mode": "apply", "workspace": str(self.workspace.root)}


@pytest.fixture
def prepared(tmp_path: Path, cloud: RehearsalDescription) -> Prepared:
    """A workspace with two accounts and a notebook of its own, whose defaults were edited."""
    asked, other = (f"{word}-{secrets.token_hex(3)}" for word in ("asked", "other"))
    workspace = lay_out(tmp_path, cloud, {asked: {}, other: {}})
    made = Prepared(workspace, asked, other)
    made.notebook.parent.mkdir()
    edit(shipped() / NAME, made.notebook, lambda cells: set_defaults(cells, made))
    return made


Cells = list[Any]


def edit(source: Path, target: Path, change: Callable[[Cells], None]) -> None:
    """Write a notebook anew with its cells changed."""
    notebook = nbformat.read(source, 4)
    change(notebook.cells)
    nbformat.write(notebook, target)


def set_defaults(cells: Cells, prepared: Prepared) -> None:
    """Another account, and to be applied."""
    values = prepared.values | {"account": prepared.other}
    tagged(cells).source = "\n".join(f"{name} = {value!r}" for name, value in values.items())


def tagged(cells: Cells) -> Any:
    """The cell with the parameters."""
    (cell,) = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    return cell


def holding(cells: Cells, text: str) -> Any:
    """The one cell of code that has this in it."""
    (cell,) = [one for one in cells if one.cell_type == "code" and text in one.source]
    return cell


# --- ways to spoil it ----------------------------------------------------------------------------


def lose_the_tag(cells: Cells) -> None:
    del tagged(cells).metadata["tags"]


def lose_all_metadata(cells: Cells) -> None:
    for cell in cells:
        cell.metadata.clear()


def tag_twice(cells: Cells) -> None:
    cell = nbformat.v4.new_code_cell("'parameters'")
    cell.metadata["tags"] = ["parameters"]
    cells.insert(0, cell)


def tag_text(cells: Cells) -> None:
    lose_the_tag(cells)
    cells[0].metadata["tags"] = ["parameters"]


def tag_the_cell_that_opens(cells: Cells) -> None:
    lose_the_tag(cells)
    holding(cells, "open_step").metadata["tags"] = ["parameters"]


def clean_after_a_run(cells: Cells) -> None:
    """As papermill wrote it for the other account, and a tool has taken the tags."""
    values = nbformat.v4.new_code_cell(f"# Parameters\n{tagged(cells).source}")
    cells.insert(cells.index(tagged(cells)) + 1, values)
    lose_the_tag(cells)


def set_again_below(cells: Cells) -> None:
    cells.insert(cells.index(tagged(cells)) + 1, nbformat.v4.new_code_cell(tagged(cells).source))


def name_the_account(cells: Cells) -> None:
    (account, *_) = tagged(cells).source.splitlines()
    cell = holding(cells, "open_step")
    cell.source = cell.source.replace("account=account", account.replace(" ", ""))


def be_older(cells: Cells) -> None:
    """From before there were workspaces elsewhere."""
    cell = holding(cells, "open_step")
    cell.source = cell.source.replace(", workspace=workspace", "")


def not_plan(cells: Cells) -> None:
    cells.remove(holding(cells, "step.plan()"))


def be_another_step(cells: Cells) -> None:
    holding(cells, "open_step").source = holding(cells, "open_step").source.replace(
        STEP, "client_secret"
    )


@dataclass(frozen=True)
class Case:
    """A way to spoil a notebook.

    Args:
        spoil: does it.
        ours: what is said before it is run.
        own: what the notebook says itself, run by anybody; empty where it cannot know.
    """

    spoil: Callable[[Cells], None]
    ours: tuple[str, ...]
    own: tuple[str, ...] = ("given account", "ASKED", "OTHER", 'tag "parameters"')


CASES = [
    Case(lose_the_tag, ("no cell has the tag",)),
    Case(lose_all_metadata, ("no cell has the tag",)),
    Case(tag_twice, ("2 cells have the tag",)),
    Case(tag_text, ("cell with text",)),
    Case(tag_the_cell_that_opens, ("account, mode, workspace are wanted",)),
    Case(clean_after_a_run, ("no cell has the tag",)),
    Case(set_again_below, ("sets account, mode, workspace once more",)),
    Case(name_the_account, ("hand its account on",)),
    Case(be_older, ("hand its workspace on",), ("given workspace",)),
    Case(not_plan, ("lacks step.plan()",), ("not run the step's cells in their order",)),
    Case(be_another_step, ("'client_secret'", f"'{STEP}'"), ()),
]

# --- ways to make it one's own -------------------------------------------------------------------


def add_to_it(cells: Cells) -> None:
    """Prose and cells of one's own, with names of one's own, and IPython's commands."""
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source += "\n\nOurs."
    note = "%pwd\nnote = 'ours'\nnumber: int = 3"
    other = "class Sheet:\n    apply = plan = check = len\n\nSheet.apply('no'), Sheet.check(note)"
    opens = cells.index(holding(cells, "open_step"))
    cells[opens:opens] = [nbformat.v4.new_code_cell(one) for one in (note, other)]
    cells.insert(0, nbformat.v4.new_code_cell("import os\n!echo ours"))
    cells.insert(cells.index(holding(cells, "step.plan()")), nbformat.v4.new_code_cell(other))
    cells.append(nbformat.v4.new_code_cell("rows = step.check()\nrows"))


def annotate(cells: Cells) -> None:
    """Types and remarks at the parameters."""
    lines = [line.replace(" =", ": str =") for line in tagged(cells).source.splitlines()]
    tagged(cells).source = "# Ours:\n" + "  # which\n\n".join(lines)


def keep_a_run(cells: Cells) -> None:
    """As papermill wrote it for the other account."""
    cell = nbformat.v4.new_code_cell(f"# Parameters\n{tagged(cells).source}\n")
    cell.metadata["tags"] = ["injected-parameters"]
    cells.insert(cells.index(tagged(cells)) + 1, cell)


# --- ways to run it ------------------------------------------------------------------------------


def by_command(*words: str) -> Callable[[Prepared, Command], tuple[bool, str]]:
    """With our own command."""

    def run(prepared: Prepared, command: Command) -> tuple[bool, str]:
        chosen = [prepared.asked if one == "ASKED" else one for one in words]
        result = command(*chosen, "-w", prepared.workspace.root)
        assert "Traceback" not in result.err
        return result.code != 2, result.out + result.err

    return run


def by_papermill(engine: str | None) -> Callable[[Prepared], tuple[bool, str]]:
    """With plain papermill."""

    def run(prepared: Prepared) -> tuple[bool, str]:
        target = prepared.workspace.root / "out.ipynb"
        try:
            papermill.execute_notebook(
                str(prepared.notebook),
                str(target),
                parameters=prepared.values,
                engine_name=engine,
                progress_bar=False,
            )
        except PapermillExecutionError as error:
            assert error.ename == "StepFailed"
        return judged(read_outcome(target))

    return run


def put_in(prepared: Prepared) -> Any:
    """The notebook with values, as papermill puts them in."""
    return parameterize_notebook(load_notebook_node(str(prepared.notebook)), prepared.values)


def by_nbclient(prepared: Prepared) -> tuple[bool, str]:
    """With nbclient, as `jupyter execute` and nbconvert do."""
    notebook = put_in(prepared)
    try:
        NotebookClient(notebook, kernel_name="python3").execute(env=dict(os.environ))
    except CellExecutionError as error:
        assert error.ename == "StepFailed"
    target = prepared.workspace.root / "out.ipynb"
    nbformat.write(notebook, target)
    return judged(read_outcome(target))


def by_nbval(prepared: Prepared) -> tuple[bool, str]:
    """With nbval, which only tells."""
    target = prepared.workspace.root / "nbval" / NAME
    target.parent.mkdir()
    nbformat.write(put_in(prepared), target)
    program = (sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", "-q")
    done = subprocess.run(
        [*program, "--rootdir", str(target.parent), "-o", "addopts=", str(target)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return "Cell execution caused an exception" not in done.stdout, done.stdout


def judged(outcome: Outcome | None) -> tuple[bool, str]:
    """Whether it was run, and what was said."""
    assert outcome is not None
    return outcome.state != "failed", json.dumps(outcome.as_dict(), ensure_ascii=False)


OURS = {
    "plan": by_command("plan", "ASKED", STEP),
    "run": by_command("run", "ASKED", STEP, "--mode", "apply"),
    "the whole account": by_command("run", "ASKED", "--mode", "apply"),
    "batch": by_command("batch", "ASKED", "--mode", "apply"),
    # Nobody is there: it is refused before anybody is looked for.
    "batch on Dask": by_command("batch", "ASKED", "--executor", "dask://127.0.0.1:9"),
}
OTHERS = {
    "papermill": by_papermill(None),
    "papermill --engine bcrunbook": by_papermill("bcrunbook"),
    "nbclient": by_nbclient,
    "nbval": by_nbval,
}


class Log:
    """What the rehearsal cloud was asked to change since this was made."""

    def __init__(self, cloud: RehearsalDescription) -> None:
        self._file = Path(cloud.requests)
        self._before = len(self._lines())

    def _lines(self) -> list[str]:
        return self._file.read_text("utf-8").splitlines()

    def writes(self) -> list[str]:
        """The writes."""
        made = [json.loads(line) for line in self._lines()[self._before :]]
        return [
            f"{one['method']} {one['host']}{one['path']}"
            for one in made
            if one["method"] not in ("GET", "HEAD", "CONNECT")
            and "login.microsoftonline.com" not in one["host"]
            and "$batch" not in one["path"]
        ]


by_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.spoil.__name__)


@by_case
@pytest.mark.parametrize("way", OURS)
def test_our_commands_refuse_it_before_anything_runs(
    case: Case, way: str, prepared: Prepared, cloud: RehearsalDescription, command: Command
) -> None:
    """Exit 2, the notebook is named, and nothing has been run or written."""
    edit(prepared.notebook, prepared.notebook, case.spoil)
    log = Log(cloud)
    was_run, text = OURS[way](prepared, command)
    assert not was_run, text
    text = " ".join(text.split())
    for word in (*case.ours, str(prepared.notebook), "Nothing was run.", "bcrunbook init"):
        assert word in text, text
    assert log.writes() == []
    assert not list((prepared.workspace.root / "runs").rglob("*.ipynb"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a Jupyter notebook"),
        ("[1]", "not a Jupyter notebook"),
        ('{"worksheets": [{"cells": []}], "nbformat": 3}', "not a Jupyter notebook"),
        ('{"cells": [{"cell_type": "code"}]}', "not a Jupyter notebook"),
        ('{"cells": [], "metadata": {}}', "that it is in Python"),
        (
            '{"cells": [], "metadata": {"kernelspec": {"name": "ir", "language": "R"}}}',
            "that it is in Python",
        ),
    ],
)
def test_a_file_that_holds_no_such_notebook(
    text: str, says: str, prepared: Prepared, command: Command
) -> None:
    """Exit 2 and a sentence, before anything runs."""
    prepared.notebook.write_text(text, "utf-8")
    was_run, printed = OURS["plan"](prepared, command)
    assert not was_run
    assert says in " ".join(printed.split())
    assert not list((prepared.workspace.root / "runs").rglob("*.ipynb"))


def others() -> list[Any]:
    """Every case by papermill and by one of the others in turn; by all of them with ALL_WAYS."""
    mine = [case for case in CASES if case.own]
    ways = list(OTHERS)
    return [
        pytest.param(case, way, id=f"{case.spoil.__name__}-{way}")
        for number, case in enumerate(mine)
        for place, way in enumerate(ways)
        if "ALL_WAYS" in os.environ or place in (0, 1 + number % (len(ways) - 1))
    ]


@pytest.mark.parametrize(("case", "way"), others())
def test_the_notebook_refuses_by_itself(
    case: Case, way: str, prepared: Prepared, cloud: RehearsalDescription
) -> None:
    """Whoever runs it: it fails, says both, and writes nothing."""
    edit(prepared.notebook, prepared.notebook, case.spoil)
    log = Log(cloud)
    was_run, text = OTHERS[way](prepared)
    assert not was_run, text
    names = {"ASKED": prepared.asked, "OTHER": prepared.other}
    for word in case.own:
        assert names.get(word, word) in text.replace('\\"', '"'), text
    assert log.writes() == []


@pytest.mark.parametrize("way", ["run", "papermill", "papermill --engine bcrunbook", "nbclient"])
@pytest.mark.parametrize("change", [add_to_it, annotate, keep_a_run])
def test_what_people_may_edit_still_runs(
    change: Callable[[Cells], None],
    way: str,
    prepared: Prepared,
    cloud: RehearsalDescription,
    command: Command,
) -> None:
    """It does what is asked, for the account that is asked for, whatever its defaults say."""
    edit(prepared.notebook, prepared.notebook, change)
    log = Log(cloud)
    was_run, text = OURS[way](prepared, command) if way in OURS else OTHERS[way](prepared)
    assert was_run, text
    assert prepared.asked in text and prepared.other not in text
    writes = log.writes()
    assert any(prepared.asked in one for one in writes)
    assert not any(prepared.other in one for one in writes)


@pytest.mark.parametrize("given", [("account",), ("account", "mode", "workspace")])
def test_values_that_bear_no_mark_do_not_get_lost_either(
    given: tuple[str, ...], prepared: Prepared
) -> None:
    """As other tools than papermill put them in: above the shipped defaults, without a tag."""

    def put_above(cells: Cells) -> None:
        lose_the_tag(cells)
        lines = [f"{name} = {prepared.values[name]!r}" for name in given]
        cells.insert(0, nbformat.v4.new_code_cell("\n".join(lines)))

    edit(shipped() / NAME, prepared.notebook, put_above)
    notebook = nbformat.read(prepared.notebook, 4)
    with pytest.raises(CellExecutionError, match=f'given account = "{prepared.asked}"'):
        NotebookClient(notebook, kernel_name="python3").execute(env=dict(os.environ))


def test_a_cell_that_broke_down_is_no_success(prepared: Prepared) -> None:
    """Where a runner goes on after an error: nothing was looked at, so nothing is done."""

    def break_down(cells: Cells) -> None:
        source = "from bcrunbook.steps import RegisterApplication\nRegisterApplication.examine = 0"
        cells.insert(0, nbformat.v4.new_code_cell(source))

    edit(prepared.notebook, prepared.notebook, break_down)
    notebook = nbformat.read(prepared.notebook, 4)
    NotebookClient(notebook, kernel_name="python3", allow_errors=True).execute(env=dict(os.environ))
    outcome = notebook.cells[-1].outputs[0].data[OUTCOME_MIME]
    assert outcome["state"] == "failed"
    assert "one of them broke down" in outcome["error"]["why"]


def test_without_values_the_defaults_count(prepared: Prepared) -> None:
    """A notebook that nobody gives anything to does what stands in it, tag or not."""
    edit(prepared.notebook, prepared.notebook, lose_the_tag)
    notebook = nbformat.read(prepared.notebook, 4)
    NotebookClient(notebook, kernel_name="python3").execute(env=dict(os.environ))
    outcome = notebook.cells[-1].outputs[0].data[OUTCOME_MIME]
    assert (outcome["account"], outcome["state"]) == (prepared.other, "changed")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("account", "OTHER"),
        ("step", "client_secret"),
        ("customer", "northwind"),
        ("mode", "apply"),
        ("cloud", "live"),
        ("", ""),
    ],
)
async def test_an_outcome_of_something_else_is_a_failure(
    name: str, shown: str, prepared: Prepared
) -> None:
    """Whatever a notebook shows as its outcome: it counts for what was asked, or not at all."""
    asked: dict[str, Any] = {
        "account": prepared.asked,
        "step": STEP,
        "customer": "",
        "mode": "plan",
    }
    asked |= {"cloud": "rehearsal"}
    shown = prepared.other if shown == "OTHER" else shown
    payload = asked | ({name: shown} if name else {})
    payload |= {"state": "done", "exit_code": 0, "summary": "", "changes": [], "error": None}

    def show(cells: Cells) -> None:
        source = f"display({{{OUTCOME_MIME!r}: {payload!r}}}, raw=True)"
        cells.append(nbformat.v4.new_code_cell(source))

    edit(prepared.notebook, prepared.notebook, show)
    (run,) = await run_account(
        prepared.workspace,
        prepared.asked,
        [step_named(STEP)],
        "plan",
        prepared.workspace.root / "runs" / "one",
        began=lambda *_: None,
        ended=lambda _: None,
    )
    assert (run.account, run.step, run.outcome.account) == (prepared.asked, STEP, prepared.asked)
    if not name:
        assert run.exit_code == 0
        return
    assert (run.state, run.exit_code) == (State.FAILED, 1)
    assert f'ran with {name} "{shown}"' in run.outcome.summary
    assert f'asked for {name} "{asked[name]}"' in run.outcome.summary


@pytest.mark.parametrize("shown", ["done", {"state": "splendid"}, {"state": "done"}])
async def test_what_is_no_outcome_is_a_failure(shown: Any, prepared: Prepared) -> None:
    """It is told where it stands and what to do; nothing of it counts."""

    def show(cells: Cells) -> None:
        source = f"display({{{OUTCOME_MIME!r}: {shown!r}}}, raw=True)"
        cells.append(nbformat.v4.new_code_cell(source))

    edit(prepared.notebook, prepared.notebook, show)
    (run,) = await run_account(
        prepared.workspace,
        prepared.asked,
        [step_named(STEP)],
        "plan",
        prepared.workspace.root / "runs" / "one",
        began=lambda *_: None,
        ended=lambda _: None,
    )
    assert (run.outcome.step, run.state, run.exit_code) == (STEP, State.FAILED, 1)
    assert "shows as its outcome cannot be read" in run.outcome.summary
    assert run.outcome.error is not None and run.outcome.error["where"] == str(run.notebook)


# --- before a click on a link runs it ------------------------------------------------------------


def ask(cells: Cells) -> None:
    """The defaults as they are shipped: whoever is there is asked."""
    tagged(cells).source = tagged(cells).source.replace("'apply'", "'auto'")


def leave_the_mode(cells: Cells) -> None:
    """Only where it is used: nothing of it in the parameters."""
    cell = holding(cells, "open_step")
    cell.source = cell.source.replace("mode=mode", "mode='apply'")


def read_the_mode(cells: Cells) -> None:
    """From somewhere that nobody can look into beforehand."""
    tagged(cells).source = tagged(cells).source.replace("'auto'", "str('auto')")


def run_for_the_other(cells: Cells) -> None:
    """The values of an earlier run, of which the mode is one, win over the defaults."""
    keep_a_run(cells)
    values = next(one for one in cells if "injected-parameters" in one.metadata.get("tags", []))
    values.source = values.source.replace("'auto'", "'apply'")


@pytest.mark.parametrize("change", [add_to_it, annotate, keep_a_run], ids=lambda one: one.__name__)
def test_a_notebook_that_asks_is_known(prepared: Prepared, change: Callable[[Cells], None]) -> None:
    """Whatever else was made of it; as long as its parameters say to apply, it asks nobody."""
    step = step_named(STEP)
    assert not asks_first(step, prepared.notebook)
    for one in (ask, change):
        edit(prepared.notebook, prepared.notebook, one)
    assert asks_first(step, prepared.notebook)


@pytest.mark.parametrize(
    "spoil",
    [*(case.spoil for case in CASES), leave_the_mode, read_the_mode, run_for_the_other],
    ids=lambda one: one.__name__,
)
def test_a_notebook_that_may_not_ask_is_known_too(
    prepared: Prepared, spoil: Callable[[Cells], None]
) -> None:
    """Whatever it was spoilt by, although its parameters say that it asks."""
    for one in (ask, spoil):
        edit(prepared.notebook, prepared.notebook, one)
    assert not asks_first(step_named(STEP), prepared.notebook)


def test_what_is_no_notebook_asks_nobody(tmp_path: Path) -> None:
    """Nor does a file that is not there."""
    file = tmp_path / NAME
    assert not asks_first(step_named(STEP), file)
    file.write_text("[]", "utf-8")
    assert not asks_first(step_named(STEP), file)
