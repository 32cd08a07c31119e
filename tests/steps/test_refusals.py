"""What a step says when a service refuses a change: the card helps whoever follows it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import MakeWorkspace, only_account, requests_of
from tests.support.independent_client import MakeClient
from tests.support.running import run_steps, states
from tests.support.troubled import Troubled, troubled


@pytest.fixture(scope="module")
def trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troubled]:
    """One troubled cloud for all tests of this module; its faults are Microsoft Graph's."""
    with troubled(tmp_path_factory.mktemp("trouble")) as one:
        yield one


@pytest.fixture(autouse=True)
def calm(trouble: Troubled) -> None:
    """Every test begins without faults."""
    trouble.now()


def refusal(status: int, code: str, message: str = "Not so.") -> dict[str, Any]:
    """A refusal as Microsoft Graph words it."""
    return {"status": status, "body": {"error": {"code": code, "message": message}}}


async def test_a_full_quota_is_no_reason_to_register_by_hand(
    make_workspace: MakeWorkspace, trouble: Troubled
) -> None:
    """The same person meets the same quota in the portal: the card says how to get below it.

    contract G6.13 and G6.14
    """
    trouble.now({"method": "PATCH", **refusal(403, "Directory_QuotaExceeded", "Quota exceeded.")})
    (outcome,) = await run_steps(make_workspace(trouble.cloud), "register_application")
    card = outcome.hand_offs[0].hand_off
    assert card is not None and (outcome.state, outcome.exit_code) == ("needs_person", 3)
    assert "Quota exceeded." in card.found and "250 directory objects" in card.found
    assert card.actions[0].startswith("Delete applications you no longer need")
    assert "deleted ones may count" in card.actions[0]
    assert card.who == "you, or an administrator of the tenant"
    assert "New registration" not in str(outcome.as_dict())


@pytest.mark.parametrize(
    ("step", "path", "says"),
    [
        ("register_application", "/applications", "New registration"),
        ("client_secret", "/addPassword", "New client secret"),
        ("api_permissions", "/applications", "Add a permission"),
    ],
)
async def test_a_lack_of_rights_is_done_by_somebody_who_has_them(
    make_workspace: MakeWorkspace, trouble: Troubled, step: str, path: str, says: str
) -> None:
    """With a role that is missing the same goes by hand.

    Which role, and that it would let the program do it, stands on the card as well.

    contract G12.5, G15.8 and G15.10
    """
    workspace = make_workspace(trouble.cloud)
    if step != "register_application":
        await run_steps(workspace, "register_application")
    denied = refusal(403, "Authorization_RequestDenied", "Insufficient privileges.")
    trouble.now(*({"path": path, "method": one, **denied} for one in ("PATCH", "POST")))
    (outcome,) = await run_steps(workspace, step)
    card = outcome.hand_offs[0].hand_off
    assert card is not None and any(says in action for action in card.actions)
    assert "Insufficient privileges." in card.found and "lacks the role" in card.found
    assert "Application Developer" in card.actions[-1]
    assert card.who == "a Cloud Application or Application Administrator of the tenant"
    trouble.now()
    assert states(await run_steps(workspace, step)) == ["changed"]


async def test_azure_may_demand_claims_as_well(
    make_workspace: MakeWorkspace, trouble: Troubled
) -> None:
    """The list of tenants is asked for again with a token that has them.

    contract G11.6
    """
    claims = base64.b64encode(b'{"access_token":{"acrs":{"value":"c1"}}}').decode()
    header = f'Bearer error="insufficient_claims", claims="{claims}"'
    host = "management.azure.com"
    trouble.now({"host": host, "nth": 1, "status": 401, "headers": {"WWW-Authenticate": header}})
    before = len(requests_of(trouble.cloud, host))
    assert states(await run_steps(make_workspace(trouble.cloud), "start_here")) == ["done"]
    answers = [one["status"] for one in requests_of(trouble.cloud, host)[before:]]
    assert answers == [401, 200]


@pytest.mark.parametrize("status", [400, 409])
async def test_a_deleted_application_is_a_question_and_not_a_wait(
    make_workspace: MakeWorkspace, trouble: Troubled, make_client: MakeClient, status: int
) -> None:
    """Its marker stays taken for 30 days: restored it is found again, with its client id.

    contract G5.13, G6.8, G6.9 and G6.10
    """
    workspace = make_workspace(trouble.cloud)
    await run_steps(workspace, "register_application")
    client = make_client(on=trouble.cloud)
    app = client.application(only_account(workspace))
    assert client.call("DELETE", f"/applications/{app['id']}").status_code == 204
    if status == 409:
        taken = refusal(409, "Request_MultipleObjectsWithSameKeyValue", "It exists.")
        trouble.now({"method": "PATCH", "path": "uniqueName", **taken})
    (outcome,) = await run_steps(workspace, "register_application")
    assert (outcome.state, outcome.exit_code) == ("needs_person", 3)
    card = outcome.hand_offs[0].hand_off
    assert card is not None and app["appId"] in card.found and "was deleted on 20" in card.found
    assert "restore it" in card.actions[0] and "permanently" in card.actions[0]
    assert "an owner" in card.who and "run again: it is found" not in str(outcome.as_dict())
    assert client.applications(only_account(workspace)) == []
    trouble.now()
    back = client.call("POST", f"/directory/deletedItems/{app['id']}/restore")
    assert back.status_code == 200
    assert states(await run_steps(workspace, "register_application"))[0] in ("done", "changed")
    assert client.application(only_account(workspace))["appId"] == app["appId"]


async def test_where_deleted_applications_may_not_be_seen_the_tag_takes_the_markers_place(
    make_workspace: MakeWorkspace, trouble: Troubled, make_client: MakeClient
) -> None:
    """A refused marker alone is no reason to stop: one application is made, and found again.

    contract G4.9, G5.4, G5.6 and G6.2
    """
    workspace = make_workspace(trouble.cloud)
    denied = refusal(403, "Authorization_RequestDenied")
    trouble.now(
        {"method": "PATCH", "path": "uniqueName", **refusal(400, "Request_BadRequest")},
        {"path": "deletedItems", **denied},
    )
    assert states(await run_steps(workspace, "register_application")) == ["changed"]
    assert states(await run_steps(workspace, "register_application")) == ["done"]
    assert make_client(on=trouble.cloud).application(only_account(workspace))["uniqueName"] is None
