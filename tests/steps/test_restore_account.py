"""A retired account is taken up again: within 30 days with its ids, afterwards from the start."""

from __future__ import annotations

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode, Outcome
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import CLIENT_SECRET, REGISTER_APPLICATION, RESTORE_ACCOUNT, RETIRE_ACCOUNT
from bcrunbook.steps import step_named
from bcrunbook.steps.opening import open_context
from bcrunbook.steps.retired import note_begun, retired_account
from tests.conftest import MakeWorkspace, only_account
from tests.support.independent_client import MakeClient
from tests.support.portal import row
from tests.support.running import run_steps, states


async def run(workspace: Workspace, step: str, mode: Mode = Mode.APPLY) -> Outcome:
    """The outcome of retiring, or restoring, the workspace's one account."""
    async with open_context(workspace, workspace.account(only_account(workspace))) as context:
        return await run_in_context(step_named(step), context, mode)


def is_retired(workspace: Workspace) -> bool:
    """Whether the ledger has the account for retired."""
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        whose = workspace.account(only_account(workspace)).identity
        return retired_account(ledger, whose) is not None


async def test_within_30_days_it_comes_back_with_its_ids(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """The same application; consent and secret are made anew; then it may be retired again.

    contract G6.8 and G9.10
    """
    workspace, client = make_workspace(), make_client()
    name = only_account(workspace)
    await run_steps(workspace)
    app = client.application(name)
    await run(workspace, RETIRE_ACCOUNT)
    assert is_retired(workspace)

    plan = await run(workspace, RESTORE_ACCOUNT, Mode.PLAN)
    assert plan.state == "pending" and is_retired(workspace)
    back = await run(workspace, RESTORE_ACCOUNT)
    assert (back.state, [one.key for one in back.changes]) == (
        "changed",
        ["restore_application", "restore_service_principal", "take_up"],
    )
    assert not is_retired(workspace)
    assert client.application(name)["appId"] == app["appId"]
    assert (await run(workspace, RESTORE_ACCOUNT)).changes == ()

    assert states(await run_steps(workspace))[-2:] == ["changed", "changed"]
    again = client.application(name)
    assert again["id"] == app["id"] and len(again["passwordCredentials"]) == 1
    (grant,) = client.grants(app["appId"])
    assert "user_impersonation" in grant["scope"]

    await run(workspace, RETIRE_ACCOUNT)
    assert is_retired(workspace) and client.applications(name) == []


async def test_what_is_gone_for_good_is_said_to_be_and_a_new_one_is_made(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """After 30 days, or when somebody has purged it, there is nothing to restore."""
    workspace, client = make_workspace(), make_client()
    name = only_account(workspace)
    await run_steps(workspace)
    app = client.application(name)
    await run(workspace, RETIRE_ACCOUNT)
    assert client.call("DELETE", f"/directory/deletedItems/{app['id']}").status_code == 204

    gone = await run(workspace, RESTORE_ACCOUNT)
    assert (gone.state, [one.key for one in gone.changes]) == ("changed", ["take_up"])
    found = row(gone, "Application")
    assert "cannot be restored" in found.actual and "every customer links again" in found.advice
    (made,) = await run_steps(workspace, REGISTER_APPLICATION)
    assert made.state == "changed"
    assert client.application(name)["appId"] != app["appId"]


async def test_a_retirement_that_has_only_begun_is_taken_back(
    make_workspace: MakeWorkspace,
) -> None:
    """Nothing was deleted yet: it is noted that the account goes on, which it may not before."""
    workspace = make_workspace()
    await run_steps(workspace, REGISTER_APPLICATION)
    whose = workspace.account(only_account(workspace)).identity
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        note_begun(ledger, Scope(whose, RETIRE_ACCOUNT))
    (refused,) = await run_steps(workspace, CLIENT_SECRET)
    assert refused.exit_code == 2 and "is being retired since" in refused.summary
    back = await run(workspace, RESTORE_ACCOUNT)
    assert [one.key for one in back.changes] == ["take_up"]
    (made,) = await run_steps(workspace, CLIENT_SECRET)
    assert made.state == "changed"
