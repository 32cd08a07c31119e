"""The end of the runbook: a person sees what it came to; a record tells of its own run alone."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.order import CLIENT_SECRET, HEALTH_CHECK
from bcrunbook.rehearsal import launch
from bcrunbook.steps import notebook_of, step_named
from bcrunbook.views.cells import OUTCOME_MIME
from tests.notebook.interactive_session import InteractiveSession
from tests.support.linking import set_up

OPEN = """
from bcrunbook.notebook import open_step
step = await open_step({step!r}, account="trial", mode={mode!r}, workspace={root!r})
await step.examine(); step.plan(); await step.apply(); step.check()
"""
PRODUCTION = """
[accounts.production]
kind = "production"
cloud = "rehearsal"
tenant = "contoso.com"
application = "Books"
requires = "trial"
"""


def recorded(root: Path, step: str) -> dict[str, Any]:
    """What the last cell of a notebook displays that nobody sits at."""
    notebook = nbformat.read(shipped() / notebook_of(step_named(step)), 4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = f"account, mode, workspace = 'trial', 'plan', {str(root)!r}"
    NotebookClient(notebook, kernel_name="python3").execute(env=dict(os.environ))
    return dict(notebook.cells[-1].outputs[0].data)


def test_the_end_is_told_to_a_person_and_not_in_a_record(
    tmp_path: Path, session: InteractiveSession
) -> None:
    """By clicks: the secret's end, the card, lines to copy. Headless: the secret's end alone."""
    with launch(tmp_path / "cloud", skips=True, latency_ms=0, lags="worst") as cloud:
        workspace = asyncio.run(set_up(tmp_path, cloud, []))
        with (workspace.root / "accounts.toml").open("a", encoding="utf-8") as file:
            file.write(PRODUCTION)
        root = str(workspace.root)
        session.run(OPEN.format(step=CLIENT_SECRET, mode="auto", root=root))
        assert session.outcome()["state"] == "done"
        shown = session.last_words()
        assert "of 180 days left" in shown and "is set up" not in shown
        session.run(OPEN.format(step=HEALTH_CHECK, mode="auto", root=root))
        outcome = session.outcome()
        assert outcome["state"] == "done"
        shown = session.last_words()
        record = recorded(workspace.root, HEALTH_CHECK)
    for part in (
        "of 180 days left, ends",
        "calendar/trial.ics in the workspace",
        "(trial) is set up in this rehearsal, and everything stands.",
        "Customers linked: none yet",
        "Who helped: ",
        f"bcrunbook run production --workspace {root}",
        "0 7 * * 1 ",
        f"check trial --workspace {root}",
    ):
        assert part in shown, shown
    copied = [
        str(one["text"]) for one in session.state.values() if "label" in one and "text" in one
    ]
    assert sum(one.startswith("0 7 * * 1 ") for one in copied) == 1
    assert f"bcrunbook run production --workspace {root}" in copied
    assert (workspace.root / "calendar" / "trial.ics").is_file()
    told = f"{record['text/plain']}{record['text/html']}"
    assert "of 180 days left, ends" in told
    assert "is set up" not in told and "Who helped" not in told and "crontab" not in told
    headless = record[OUTCOME_MIME]
    assert [one["name"] for one in headless["findings"]] == [
        one["name"] for one in outcome["findings"]
    ]
    assert set(headless) == set(outcome)
