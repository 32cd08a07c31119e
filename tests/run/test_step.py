"""The public `run_step`: one call opens what a step needs, runs it, and closes it."""

from __future__ import annotations

import pytest

import bcrunbook
from bcrunbook import Change, Mode, State
from tests.conftest import MakeWorkspace, only_account


async def test_a_program_plans_and_applies_a_step(make_workspace: MakeWorkspace) -> None:
    """Workspace, names and a mode are all it takes; the second run finds it done."""
    workspace = make_workspace()
    account = only_account(workspace)
    lines: list[str] = []
    outcomes = [
        await bcrunbook.run_step(
            workspace, account, "register_application", mode, on_progress=lines.append
        )
        for mode in (Mode.PLAN, Mode.APPLY, Mode.PLAN)
    ]
    assert [one.state for one in outcomes] == [State.PENDING, State.CHANGED, State.DONE]
    assert {one.account for one in outcomes} == {account}
    assert lines


async def test_what_is_asked_is_shown_first(make_workspace: MakeWorkspace) -> None:
    """In the mode `ask` the answer decides, and it is asked about what would be done."""
    workspace = make_workspace()
    shown: list[tuple[Change, ...]] = []

    async def no(changes: tuple[Change, ...]) -> bool:
        shown.append(changes)
        return False

    outcome = await bcrunbook.run_step(
        workspace, only_account(workspace), "register_application", Mode.ASK, approve=no
    )
    assert outcome.state is State.NEEDS_PERSON
    assert [change.by for change in shown[0]] == ["program"] * len(shown[0])


@pytest.mark.parametrize(
    ("account", "step", "mode", "customer", "error", "says"),
    [
        ("nobody", "start_here", Mode.PLAN, "", bcrunbook.NotFound, "no account"),
        ("", "no_such_step", Mode.PLAN, "", bcrunbook.NotFound, "no step"),
        ("", "link_customer", Mode.PLAN, "nobody", bcrunbook.NotFound, "no customer"),
        ("", "link_customer", Mode.PLAN, "", bcrunbook.FixInput, "none is named"),
        ("", "start_here", Mode.PLAN, "nobody", bcrunbook.FixInput, "a customer is named"),
        ("", "start_here", Mode.ASK, "", bcrunbook.FixInput, "nobody is here"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    make_workspace: MakeWorkspace,
    account: str,
    step: str,
    mode: Mode,
    customer: str,
    error: type[bcrunbook.RunbookError],
    says: str,
) -> None:
    """Nothing is opened for a name that does not exist, or a call that contradicts itself."""
    workspace = make_workspace()
    whose = account or only_account(workspace)
    with pytest.raises(error, match=says):
        await bcrunbook.run_step(workspace, whose, step, mode, customer=customer)
    assert not (workspace.root / "ledger.db").exists()
