"""papermill's own command, ours, and a kernel that runs the cells: the same outcome."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from bcrunbook.notebook.files import shipped
from bcrunbook.notebook.views import OUTCOME_MIME
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.run.papermill import read_outcome
from tests.conftest import MakeWorkspace, only_account, requests_of
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
