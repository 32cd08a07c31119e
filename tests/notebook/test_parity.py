"""papermill's own command, ours, and a kernel that runs the cells: the same outcome."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbclient import NotebookClient

from bcrunbook.notebook.files import shipped
from bcrunbook.notebook.views import OUTCOME_MIME
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.run.papermill import read_outcome
from bcrunbook.steps import notebook_of, step_named
from tests.conftest import MakeWorkspace, only_account, requests_of
from tests.notebook.seat import Seat
from tests.run.conftest import bcrunbook

NOTEBOOK = "01_register_application.ipynb"
STEP = "register_application"

# What may differ between two runs: ids, times, and the name of the account itself.
VARYING = ("started", "ended", "run_id", "account", "findings", "changes")


def by_papermill(root: Path, account: str) -> dict[str, Any]:
    """Through papermill's own command line, without ours."""
    target = root / "out.ipynb"
    program = [sys.executable, "-m", "papermill", str(shipped() / NOTEBOOK), str(target)]
    values = {"account": account, "mode": "apply", "workspace": str(root)}
    words = [word for name, value in values.items() for word in ("-r", name, value)]
    done = subprocess.run(
        [*program, *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    outcome = read_outcome(target)
    assert outcome is not None
    return outcome


def by_us(root: Path, account: str) -> dict[str, Any]:
    """Through our own command."""
    done = bcrunbook("run", account, STEP, "--mode", "apply", "-w", str(root))
    assert done.returncode == 0, done.stderr
    (notebook,) = (root / "runs").rglob(NOTEBOOK)
    outcome = read_outcome(notebook)
    assert outcome is not None
    return outcome


def by_kernel(root: Path, account: str) -> dict[str, Any]:
    """By running the cells in a kernel, with the parameters typed into their cell."""
    notebook = nbformat.read(shipped() / NOTEBOOK, 4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = f"account = {account!r}\nmode = 'apply'\nworkspace = {str(root)!r}"
    NotebookClient(notebook, kernel_name="python3").execute(env=dict(os.environ))
    outcome = notebook.cells[-1].outputs[0].data[OUTCOME_MIME]
    return dict(outcome)


def told(outcome: dict[str, Any]) -> dict[str, Any]:
    """The outcome without what may differ."""
    same = {key: value for key, value in outcome.items() if key not in VARYING}
    same["changes"] = [(one["key"], one["title"], one["by"]) for one in outcome["changes"]]
    same["findings"] = [(one["name"], one["verdict"], one["source"]) for one in outcome["findings"]]
    return same


def test_three_ways_lead_to_the_same_outcome_and_the_same_calls(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Outcome, findings, changes and the requests made are the same, whoever runs the notebook."""
    outcomes, calls = [], []
    for run in (by_papermill, by_us, by_kernel):
        workspace = make_workspace(application="Parity")
        before = len(requests_of(cloud))
        account = only_account(workspace)
        outcomes.append(told(run(workspace.root, account)))
        made = requests_of(cloud)[before:]
        calls.append(
            # How often a new thing is asked for until it has spread may vary by one.
            list(dict.fromkeys((c["method"], c["path"].replace(account, "NAME")) for c in made))
        )
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert calls[0] == calls[1] == calls[2]
    assert outcomes[0]["state"] == "changed"


CLICKS = {
    "start_here": "",
    "register_application": "Apply",
    "client_secret": "Apply",
    "api_permissions": "Apply",
    "codat_keys": "Not now",
    "enable_integration": "Stop waiting",
}
"""What somebody clicks at each step; where only they could act, they do not."""


def by_clicks(seat: Seat, root: Path, account: str, step: str) -> dict[str, Any]:
    """By somebody who runs the notebook's own cells, and clicks."""
    notebook = nbformat.read(shipped() / notebook_of(step_named(step)), 4)
    shown: list[dict[str, Any]] = []
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = f"account = {account!r}\nmode = 'auto'\nworkspace = {str(root)!r}"
        if cell.cell_type == "code":
            click = CLICKS[step] if "step.apply()" in cell.source else ""
            shown += seat.run(cell.source, click=click)
    return dict(shown[-1][OUTCOME_MIME])


def through_papermill(root: Path, account: str, step: str) -> dict[str, Any]:
    """Headless, without anybody."""
    target = root / f"{step}.ipynb"
    papermill.execute_notebook(
        str(shipped() / notebook_of(step_named(step))),
        str(target),
        parameters={"account": account, "mode": "apply", "workspace": str(root)},
        progress_bar=False,
    )
    outcome = read_outcome(target)
    assert outcome is not None
    return outcome


def seen(outcome: dict[str, Any]) -> dict[str, Any]:
    """State, findings and changes: what is said about a click is another thing to say."""
    return {key: told(outcome)[key] for key in ("step", "state", "findings", "changes")}


def test_clicks_and_papermill_lead_to_the_same(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, seat: Seat
) -> None:
    """At every step of an account: the same outcome, the same writes, and the same things read."""
    hosts = ("graph.microsoft.com", "api.codat.io")

    def made(run: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], list[Any], set[Any]]:
        before = {host: len(requests_of(cloud, host)) for host in hosts}
        outcome = seen(run())
        calls = [
            (host, one["method"], re.sub(r"[0-9a-f-]{36}", "ID", one["path"]).replace(name, "NAME"))
            for host in hosts
            for one in requests_of(cloud, host)[before[host] :]
        ]
        writes = [one for one in calls if one[1] != "GET" and "$batch" not in one[2]]
        # How often a new thing is asked for until it has spread may vary.
        return outcome, list(dict.fromkeys(writes)), set(calls)

    clicked: list[Any] = []
    headless: list[Any] = []
    for found, way in (
        (clicked, partial(by_clicks, seat)),
        (headless, through_papermill),
    ):
        workspace = make_workspace(application="Parity")
        name = only_account(workspace)
        found += [made(partial(way, workspace.root, name, step)) for step in CLICKS]
    for one, other in zip(clicked, headless, strict=True):
        assert one[0] == other[0]
        assert one[1] == other[1], one[0]["step"]
        assert one[2] == other[2], one[0]["step"]


@pytest.mark.parametrize("step", ["client_secret"])
def test_a_failed_step_fails_papermill_too(
    make_workspace: MakeWorkspace, tmp_path: Path, step: str
) -> None:
    """Whoever only looks at papermill's exit code sees that a step failed; the outcome says why."""
    workspace = make_workspace()
    target = tmp_path / "out.ipynb"
    program = [sys.executable, "-m", "papermill", str(shipped() / f"02_{step}.ipynb"), str(target)]
    words = ["-r", "account", only_account(workspace), "-r", "workspace", str(workspace.root)]
    done = subprocess.run(
        [*program, *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    outcome = read_outcome(target)
    assert outcome is not None
    assert outcome["state"] == "failed"
    assert "register_application" in outcome["error"]["next"]
