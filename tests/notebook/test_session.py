"""A person at the notebook: a real kernel that may ask, and somebody who clicks."""

from __future__ import annotations

import pytest

from bcrunbook.rehearsal import RehearsalDescription
from tests.conftest import MakeWorkspace, only_account
from tests.notebook.interactive_session import InteractiveSession
from tests.support.independent_client import MakeClient

OPEN = """
from bcrunbook.notebook import open_step
step = await open_step("register_application", account={account!r}, mode="auto", workspace={root!r})
step
"""


@pytest.mark.parametrize(
    ("click", "state", "there"), [("Apply", "changed", 1), ("Not now", "needs_person", 0)]
)
def test_nothing_is_written_before_the_click(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    make_client: MakeClient,
    session: InteractiveSession,
    click: str,
    state: str,
    there: int,
) -> None:
    """In `auto`, with a person there, the plan waits for a click and does what it says."""
    workspace = make_workspace()
    account = only_account(workspace)
    bar = session.run(OPEN.format(account=account, root=str(workspace.root)))[0]
    assert "Mode: ask" in bar["text/plain"]
    session.run("await step.examine()")
    plan = session.run("step.plan()")[0]
    assert "create the application" in plan["text/plain"]
    assert make_client().applications(account) == []
    session.run("await step.apply()", click=click)
    assert session.outcome()["state"] == state
    assert len(make_client().applications(account)) == there


def test_a_mistake_is_told_in_the_cell_and_ends_in_the_outcome(
    make_workspace: MakeWorkspace, session: InteractiveSession
) -> None:
    """A wrong account name: a clear message, the cells after it stay quiet, the outcome failed."""
    workspace = make_workspace(name="trial")
    (shown,) = session.run(OPEN.format(account="trail", root=str(workspace.root)))
    assert "trial" in shown["text/plain"]
    (quiet,) = session.run("await step.examine()")
    assert quiet["text/plain"].startswith("Not run")
    outcome = session.outcome()
    assert outcome["state"] == "failed"
    assert "trial" in outcome["error"]["next"]


def test_a_person_may_run_cells_in_any_order(
    make_workspace: MakeWorkspace, session: InteractiveSession
) -> None:
    """With a cell of papermill's in the notebook, run by hand: what was run last counts."""
    workspace = make_workspace()
    account = only_account(workspace)
    session.run('# Parameters\naccount = "nobody"\nmode = "plan"\nacount = "x"')
    session.run(f'account, mode, workspace = {account!r}, "auto", {str(workspace.root)!r}')
    bar = session.run(
        "from bcrunbook.notebook import open_step\n"
        'step = await open_step("register_application", account=account, mode=mode,'
        " workspace=workspace)\nstep"
    )[0]
    assert account in bar["text/plain"]
    assert "Mode: ask" in bar["text/plain"]
    session.run('# Parameters\naccount = "nobody"')
    assert "create the application" in str(
        [session.run("await step.examine()"), session.run("step.plan()")]
    )
