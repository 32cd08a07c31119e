"""`bcrunbook plan` and `run`: notebooks for one account, data on stdout, Ctrl-C."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psutil
import pytest

from bcrunbook.order import START_HERE, notebook_name
from bcrunbook.rehearsal import RehearsalDescription
from tests.cli.conftest import Command, CommandResult, program
from tests.conftest import MakeWorkspace, only_account, requests_of
from tests.support.independent_client import MakeClient
from tests.support.program import PROGRAM


def path_of(address: str) -> Path:
    """The file that an address of the kind file:/// names."""
    assert address.startswith("file:///")
    return Path(unquote(address.removeprefix("file://")))


def one_run(result: CommandResult) -> dict[str, Any]:
    """The one step that a run with --json came to."""
    (run,) = result.data["runs"]
    assert result.data["exit_code"] == result.code
    return dict(run)


def test_a_step_that_is_as_it_should_be(command: Command, make_workspace: MakeWorkspace) -> None:
    """Exit 0; a table and the report on stdout, on stderr what is begun and done, and the end."""
    workspace = make_workspace()
    name = only_account(workspace)
    result = program("run", name, "start_here", "-w", workspace.root)
    assert result.code == 0, result.err
    *_, report = result.out.splitlines()
    assert path_of(report).is_file() and ".ipynb" not in result.out
    assert "0 start_here" in result.out and "done" in result.out
    reads, begins, first, step, _, ends, what_next = result.err.splitlines()
    assert reads == "Reading the workspace."
    assert begins == f"Starting 1 notebook of {name}."
    assert first.split() == [name, "start_here", "begins"]
    assert step.split()[:3] == [name, "start_here", "done"]
    assert re.fullmatch(rf"Account {name}: ended after \d+ s; 1 step, 1 done\.", ends)
    assert what_next.endswith(f"bcrunbook status --workspace {workspace.root}")
    rows = command("status", "-w", workspace.root, "--json").data
    assert [row["state"] for row in rows][:2] == ["done", None]


def test_a_verbose_run_names_its_notebooks(make_workspace: MakeWorkspace) -> None:
    """One path a line, and the report's address is the last line all the same."""
    workspace = make_workspace()
    result = program("run", only_account(workspace), "start_here", "-v", "-w", workspace.root)
    *_, notebook, report = result.out.splitlines()
    assert Path(notebook).is_file()
    assert Path(notebook).parent.parent == path_of(report).parent


@pytest.mark.parametrize("words", [("plan",), ("run", "--mode", "plan")], ids=["plan", "run"])
def test_a_plan_ends_with_the_whole_command_that_applies_it(
    words: tuple[str, ...], make_workspace: MakeWorkspace
) -> None:
    """What it proposes can be typed as it stands, and makes the changes."""
    workspace = make_workspace()
    about = (only_account(workspace), "register_application")
    word, *mode = words
    result = program(word, *about, *mode, "-w", workspace.root)
    assert result.code == 5, result.err
    proposed = result.err.splitlines()[-1].partition("To make these changes: ")[2]
    program_name, *typed = shlex.split(proposed)
    assert program_name == "bcrunbook" and "apply" in typed
    assert program(*typed).code == 0


def test_a_plan_writes_nothing_and_says_what_is_pending(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """Exit 5; stdout is JSON alone; the service was only read."""
    workspace = make_workspace()
    name = only_account(workspace)
    before = len(requests_of(cloud))
    result = program("plan", name, "register_application", "-w", workspace.root, "--json")
    assert result.code == 5, result.err
    outcome = one_run(result)["outcome"]
    assert (outcome["state"], outcome["mode"]) == ("pending", "plan")
    assert {change["by"] for change in outcome["changes"]} == {"program"}
    assert {one["method"] for one in requests_of(cloud)[before:]} <= {"GET", "POST"}
    assert make_client().applications(name) == []


def test_a_sign_in_that_needs_a_person_parks_the_run(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """No kept sign-in and nobody there: exit 3, and the person is told where to sign in."""
    sign_in = {"method": "device_code", "client_id": cloud.clients["bootstrap"], "cache": "memory"}
    workspace = make_workspace(sign_in=sign_in)
    result = program("run", only_account(workspace), "start_here", "-w", workspace.root)
    assert result.code == 3
    assert "needs_person" in result.out
    assert "next: " in result.err and notebook_name(START_HERE) in result.err
    assert "Traceback" not in result.err


def test_the_wrong_tenant_is_refused_before_any_write(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """A failed first step: exit 2, the later ones are not run, and the reason is said once."""
    workspace = make_workspace(tenant=cloud.accounts["not_to_be_used"]["tenant"])
    name = only_account(workspace)
    result = program("run", name, "-w", workspace.root)
    assert result.code == 2, result.err
    assert "not run" in result.out
    paragraphs = result.err.split("\n\n")
    assert len(paragraphs) == 3 and "next: " in paragraphs[1] and "request id" in paragraphs[1], (
        result.err
    )
    assert "Traceback" not in result.err
    assert make_client().applications(name) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another event there")
def test_ctrl_c_ends_kernel_and_run(
    command: Command, make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Exit 130 at once, one sentence, no process left behind, nobody locked out."""
    workspace = make_workspace()
    words = [only_account(workspace), "start_here", "-w", str(workspace.root)]
    run = subprocess.Popen(
        [*PROGRAM, "run", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    kernels = _children(run)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=30)
    assert (run.returncode, out) == (130, "")
    assert err.splitlines()[1:] == [
        "Interrupted. Run again: what was done is found, and nothing is done twice."
    ]
    _, alive = psutil.wait_procs(kernels, timeout=5)
    assert not alive
    again = program("run", *words, "--json")
    assert (again.code, one_run(again)["outcome"]["state"]) == (0, "done")


def _children(run: subprocess.Popen[str]) -> list[psutil.Process]:
    """The kernel's process, as soon as there is one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and run.poll() is None:
        found = psutil.Process(run.pid).children(recursive=True)
        if found:
            return list(found)
        time.sleep(0.02)
    raise AssertionError("no kernel was started")
