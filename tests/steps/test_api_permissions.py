"""The permissions and the consent, against the rehearsal cloud."""

from __future__ import annotations

from bcrunbook.core.step import Mode
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.steps.requirements import BUSINESS_CENTRAL_APP_ID, SCOPES
from tests.conftest import MakeWorkspace, only_account, requests_of
from tests.support.clock import pass_time
from tests.support.independent_client import MakeClient
from tests.support.running import run_steps, states

STEP = "api_permissions"
GRAPH_API = "00000003-0000-0000-c000-000000000000"
USER_READ = "e1fe6dd8-ba31-4d61-89e7-88639da4683d"


async def test_it_adds_two_scopes_and_the_tenant_wide_grant(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """Exactly the two delegated permissions, and one grant that names them.

    contract G1.4, G2.1, G2.2, G2.3, G2.4, G2.11, G3.5, G10.1, G10.3, B2.1, B2.3, B2.4, B2.5, B2.6,
    B10.15 and C10.3
    """
    workspace = make_workspace()
    outcomes = await run_steps(workspace, "register_application", STEP)
    assert states(outcomes) == ["changed", "changed"]
    client = make_client()
    app = client.application(only_account(workspace))
    (api,) = app["requiredResourceAccess"]
    assert api["resourceAppId"] == BUSINESS_CENTRAL_APP_ID
    assert {(one["id"], one["type"]) for one in api["resourceAccess"]} == {
        (id, "Scope") for id in SCOPES.values()
    }
    (grant,) = client.grants(app["appId"])
    assert grant["consentType"] == "AllPrincipals"
    assert set(grant["scope"].split()) == set(SCOPES)


async def test_a_second_run_changes_nothing(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Unchanged, the step ends done with one call."""
    workspace = make_workspace()
    await run_steps(workspace, "register_application", STEP)
    before = len(requests_of(cloud))
    assert states(await run_steps(workspace, STEP)) == ["done"]
    assert len(requests_of(cloud)[before:]) == 1


async def test_other_permissions_and_grants_are_merged_not_replaced(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """Permissions of another API stay, and a narrower grant is extended in place.

    contract G6.4 and G10.5
    """
    workspace = make_workspace()
    await run_steps(workspace, "register_application")
    client = make_client()
    app = client.application(only_account(workspace))
    theirs = {"resourceAppId": GRAPH_API, "resourceAccess": [{"id": USER_READ, "type": "Scope"}]}
    body = {"requiredResourceAccess": [theirs]}
    assert client.call("PATCH", f"/applications/{app['id']}", body).status_code == 204
    own = client.call("GET", f"/servicePrincipals(appId='{app['appId']}')").json()["id"]
    api = client.call("GET", f"/servicePrincipals(appId='{BUSINESS_CENTRAL_APP_ID}')").json()["id"]
    narrow = client.call(
        "POST",
        "/oauth2PermissionGrants",
        {
            "clientId": own,
            "resourceId": api,
            "consentType": "AllPrincipals",
            "scope": "user_impersonation",
        },
    )
    assert narrow.status_code == 201, narrow.text
    pass_time(cloud)
    assert states(await run_steps(workspace, STEP)) == ["changed"]
    app = client.application(only_account(workspace))
    assert theirs in app["requiredResourceAccess"]
    assert len(app["requiredResourceAccess"]) == 2
    (grant,) = client.grants(app["appId"])
    assert grant["id"] == narrow.json()["id"]
    assert set(grant["scope"].split()) == set(SCOPES)


async def test_plan_mode_grants_nothing(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """In plan mode both changes are told, and neither is made."""
    workspace = make_workspace()
    await run_steps(workspace, "register_application")
    (outcome,) = await run_steps(workspace, STEP, mode=Mode.PLAN)
    assert [change.key for change in outcome.changes] == ["permissions", "consent"]
    app = make_client().application(only_account(workspace))
    assert app["requiredResourceAccess"] == []
