"""A program that shows no widgets and may still ask: every step opens, is read, and goes on.

Such are a console, an editor with plain outputs, and cells that a server runs on a page's behalf.
Whoever sits there has what displays say as text and as HTML, nothing to click, and a terminal.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.notebook_files.parameters import names_of
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    CODAT_KEYS,
    ENABLE_INTEGRATION,
    LINK_CUSTOMER,
    ORDER,
    REGISTER_APPLICATION,
    START_HERE,
)
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.run.rehearse.workspace import STANDARD, prepare
from bcrunbook.steps import step_named
from tests.cli.conftest import Command, command
from tests.conftest import MakeWorkspace, only_account
from tests.notebook.interactive_session import InteractiveSession
from tests.steps.test_start_here import device_code
from tests.support.linking import lab_customer
from tests.support.portal import set_enabled

__all__ = ["command"]

ACCOUNT, OTHER = STANDARD[0], STANDARD[1]
CUSTOMER, SECOND = lab_customer("normal", "Normal"), lab_customer("slow", "Slow")
REPR = re.compile(r"<[\w.]+ object at|\w+\(children=|\w+Model\(|layout=")
CLICKED = (REGISTER_APPLICATION, CLIENT_SECRET, API_PERMISSIONS, LINK_CUSTOMER)
"""Where the program changes something after a click."""
TOLD = re.compile(r'"(bcrunbook [^"]+)"')
PAPERMILLS = {"PAPERMILL_INPUT_PATH": "in.ipynb", "PAPERMILL_OF_ANOTHER_VERSION": "x"}
LOOK_OFTEN = """
from bcrunbook.core import runner
from bcrunbook.core.backoff import Backoff
runner.WATCHING = Backoff(first=0.2, longest=0.2, deadline=600)
"""
"""A cell that shortens the pauses between two looks at what a person does."""
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[RehearsalDescription]:
    """A fresh cloud, in which nothing is set up yet."""
    with launch(tmp_path / "cloud", skips=True, lags="worst") as cloud:
        yield cloud


@pytest.fixture
def workspace(tmp_path: Path, own_cloud: RehearsalDescription) -> Workspace:
    """Two accounts, and two customers of the first."""
    accounts = [replace(ACCOUNT, customers=(CUSTOMER, SECOND)), replace(OTHER, customers=())]
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(lambda: asyncio.run(prepare(tmp_path, own_cloud, accounts))).result()


class Reader:
    """Somebody who reads the displays of a step's notebook, and cannot click.

    Args:
        session: the kernel.
        step: the step's id.
        values: the notebook's parameters.
    """

    def __init__(self, session: InteractiveSession, step: str, **values: str) -> None:
        self._session = session
        self._cells = {
            "open": f"step = await open_step({step!r}, **{values!r})\nstep",
            "examine": "await step.examine()",
            "plan": "step.plan()",
            "apply": "await step.apply()",
            "check": "step.check()",
            "outcome": "await step.outcome()",
        }
        session.run("from bcrunbook.notebook import open_step")

    def run_all(self) -> dict[str, str]:
        """Run all cells, none of which waits for anybody; what each of them says."""
        return {name: self.run(name) for name in self._cells}

    def run(self, name: str) -> str:
        """Run one of the cells; what it says, and goes on saying where no display is renewed."""
        self._read(*self._session.run(self._cells[name]))
        return self._read(self._session.at_first())

    def outcome(self) -> dict[str, Any]:
        """The outcome, which its display becomes by itself."""
        return self._session.outcome()

    def _read(self, shown: dict[str, Any]) -> str:
        """What a display says: the same as text and as HTML, and all that could be used."""
        plain, rich = str(shown["text/plain"]), str(shown["text/html"])
        assert plain.strip() and not REPR.search(plain + rich)
        assert ("no widgets" in plain) == ("no widgets" in rich)
        if WIDGET in shown:
            for comm in self._session.widgets_in(shown):
                one = self._session.state[comm]
                label = str(one.get("label") or one.get("description") or "")
                if label and one.get("_model_name") in ("ButtonModel", "AnyModel"):
                    copied = one.get("text") if label.startswith("Copy the ") else None
                    told = copied in plain if copied else is_told(label, plain)
                    assert told, f"{label!r} is not told: {plain}"
        return plain


def is_told(label: str, plain: str) -> bool:
    """Whether words say what a field or a button is for."""
    if label.startswith(("Switch to", "This one")):
        return "tenant in accounts.toml" in plain
    # A secret is handed in where there are widgets, and nowhere else.
    return label.lower() in plain.lower() or (
        "secret" in label.lower() and "bcrunbook lab" in plain
    )


def typed(command: Command, told: str, words: str) -> None:
    """Type into a terminal the one told command that begins with these words."""
    (line,) = {one for one in TOLD.findall(told) if one.startswith(f"bcrunbook {words}")}
    result = command(*shlex.split(line)[1:])
    assert result.code in (0, 3, 4), result.out + result.err


def test_every_step_can_be_read_and_gone_on_with(
    workspace: Workspace,
    own_cloud: RehearsalDescription,
    session: InteractiveSession,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In no notebook anything waits for ever, widgets have words, and what these advise works."""
    monkeypatch.chdir(workspace.root)
    session.run(LOOK_OFTEN)
    states = {}
    for step in ORDER:
        asked = {"account": ACCOUNT.name, "mode": "auto", "workspace": str(workspace.root)}
        if step_named(step).is_per_customer:
            asked["customer"] = CUSTOMER.name
        reader = Reader(session, step, **asked)
        told = reader.run_all()
        assert f"Another account can be chosen: {OTHER.name}." in told["open"]
        assert ("Another customer can be chosen" in told["open"]) == ("customer" in asked)
        apply = told["apply"]
        if step in CLICKED:
            assert "Waits for a click" in apply and "Waits for your click" in told["outcome"]
            if step == REGISTER_APPLICATION:
                assert 'set the parameter mode to "apply"' in apply
                reader = Reader(session, step, **asked | {"mode": "apply"})
                assert "no widgets" not in reader.run_all()["apply"]
            else:
                typed(command, apply, f"run {ACCOUNT.name} {step}")
                reader.run_all()
        elif step == CODAT_KEYS:
            typed(command, apply, f"run {ACCOUNT.name} {step}")
            (say_so,) = re.findall(r"bcrunbook (confirm [^;]+);", apply)
            assert command(*shlex.split(say_so)).code == 0
            reader.run_all()
        elif step == ENABLE_INTEGRATION:
            assert "it is looked for by itself, and again when this cell is run" in apply
            set_enabled(own_cloud, True)
            reader.run("apply")
        if step == LINK_CUSTOMER:
            # The customer is waited for, and no click; the stop button is every program's.
            last = reader.run("outcome")
            assert last.startswith(f"Waiting for {CUSTOMER.display_name} to link Business Central.")
            session.interrupt()
        states[step] = reader.outcome()["state"]
    assert states == dict.fromkeys(ORDER, "done") | {
        REGISTER_APPLICATION: "changed",
        LINK_CUSTOMER: "needs_person",
    }


def test_a_device_code_is_read(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, session: InteractiveSession
) -> None:
    """The code to copy stands in the text, and nothing is advised that would end the sign-in."""
    workspace = make_workspace(sign_in=device_code(cloud))
    said: list[str] = []
    session.run("from bcrunbook.notebook import open_step")
    session.run(
        f'step = await open_step("{START_HERE}", account="{only_account(workspace)}", mode="auto",'
        f' workspace="{workspace.root.as_posix()}")'
    )
    session.run("step.plan()", read=said.append)
    session.until(lambda: any("enter the code" in one for one in session.updates))
    text = next(one for one in session.updates if "enter the code" in one)
    assert re.search(r"open \S+ and enter the code \S+", text)
    assert "no widgets" not in text and not REPR.search(text)


def test_names_of_papermills_own_are_accepted(
    make_workspace: MakeWorkspace, session: InteractiveSession
) -> None:
    """Whatever papermill puts in by itself, now or in another version."""
    workspace = make_workspace()
    values = dict.fromkeys(names_of(step_named(START_HERE)), "") | {
        "account": only_account(workspace),
        "mode": "plan",
        "workspace": str(workspace.root),
    }
    lines = [f"{key} = {value!r}" for key, value in {**values, **PAPERMILLS}.items()]
    session.run("\n".join(["# Parameters", *lines]))
    handed = ", ".join(f"{key}={key}" for key in values)
    (bar,) = session.run(
        f'from bcrunbook.notebook import open_step\nstep = await open_step("{START_HERE}",'
        f" {handed})\nstep"
    )
    assert "Mode: plan" in bar["text/plain"]
