"""A client secret that was made by hand: proven, kept, and followed by the next one in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.errors import FixInput, RunbookError
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.secrets import Secret
from bcrunbook.steps.client_secret.adopt import adopt
from bcrunbook.steps.client_secret.stored import stored_secret
from bcrunbook.steps.opening import open_context
from tests.conftest import MakeWorkspace, only_account
from tests.support.independent_client import IndependentClient, MakeClient
from tests.support.running import run_steps, states

STEP = "client_secret"


def make_by_hand(
    client: IndependentClient, account: str, *, since: int, left: int
) -> dict[str, Any]:
    """A secret as the portal makes it, of which so many days are over and left."""
    now = datetime.now(UTC)
    app = client.application(account)
    credential = {
        "displayName": "made by hand",
        "startDateTime": (now - timedelta(days=since)).isoformat(),
        "endDateTime": (now + timedelta(days=left)).isoformat(),
    }
    answer = client.call(
        "POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": credential}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def adopted(workspace: Workspace, value: str) -> str:
    """Take a secret in, as soon as it is known everywhere; returns where it is kept."""
    async with open_context(workspace, workspace.account(only_account(workspace))) as context:
        for _ in range(40):
            try:
                return await adopt(context, Secret(value))
            except RunbookError:
                await context.cloud.pace.sleep(2.0)
        return await adopt(context, Secret(value))


async def test_it_counts_as_the_accounts_own(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """The step has nothing to do then, and the next one hands over just this secret.

    It is told from its neighbour by how it begins.

    contract G7.4
    """
    workspace = make_workspace()
    account = only_account(workspace)
    await run_steps(workspace, "register_application")
    made, _ = (make_by_hand(make_client(), account, since=0, left=180) for _ in range(2))
    reference = await adopted(workspace, made["secretText"])
    client_id = make_client().application(account)["appId"]
    assert reference.endswith(f"{account}/{client_id}/{made['keyId'][:8]}")
    assert states(await run_steps(workspace, STEP)) == ["done"]
    async with open_context(workspace, workspace.account(account)) as context:
        assert (await stored_secret(context)).value.reveal() == made["secretText"]
    assert len(make_client().application(account)["passwordCredentials"]) == 2


@pytest.mark.parametrize("what", ["keyId", "displayName"])
async def test_what_is_no_value_of_a_secret_is_refused(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient, what: str
) -> None:
    """The Secret ID, which looks like one, above all. Nothing is kept (contract G7.9)."""
    workspace = make_workspace()
    account = only_account(workspace)
    await run_steps(workspace, "register_application")
    made = make_by_hand(make_client(), account, since=0, left=180)
    async with open_context(workspace, workspace.account(account)) as context:
        with pytest.raises(FixInput) as caught:
            await adopt(context, Secret(str(made[what])))
    assert "Secret ID was copied" in caught.value.why
    assert not (workspace.root.parent / "secret-store" / account).exists()


@pytest.mark.parametrize(
    ("since", "left", "state"),
    [(150, 30, "changed"), (148, 32, "done"), (20, 10, "changed"), (20, 11, "done")],
)
async def test_the_next_one_is_made_before_it_ends(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    make_client: MakeClient,
    since: int,
    left: int,
    state: str,
) -> None:
    """A month before, or in the last third of a short life; the old one stays until it ends.

    contract G7.13
    """
    workspace = make_workspace()
    account = only_account(workspace)
    await run_steps(workspace, "register_application")
    made = make_by_hand(make_client(), account, since=since, left=left)
    await adopted(workspace, made["secretText"])
    assert states(await run_steps(workspace, STEP, STEP)) == [state, "done"]
    kept = make_client().application(account)["passwordCredentials"]
    assert made["keyId"] in [one["keyId"] for one in kept]
    assert len(kept) == (2 if state == "changed" else 1)
    async with open_context(workspace, workspace.account(account)) as context:
        is_old = (await stored_secret(context)).value.reveal() == made["secretText"]
    assert is_old == (state == "done")
