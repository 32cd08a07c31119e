"""The application, against the rehearsal cloud."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bcrunbook.core.step import Mode
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.steps.requirements import AUDIENCE, REDIRECT_URI
from tests.conftest import MakeWorkspace, only_account, requests_of
from tests.support.independent_client import IndependentClient, MakeClient
from tests.support.running import run_steps, states

STEP = "register_application"


def by_hand(client: IndependentClient, **changes: object) -> dict[str, object]:
    """An application as somebody might have clicked it together in the portal."""
    body = {
        "displayName": "By hand",
        "signInAudience": "AzureADMultipleOrgs",
        "web": {"redirectUris": ["https://contoso.example/cb"]},
        "tags": ["theirs"],
        **changes,
    }
    response = client.call("POST", "/applications", body)
    assert response.status_code == 201, response.text
    return dict(response.json())


async def test_it_registers_what_the_setup_page_asks_for(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """From nothing: the exact audience, token version and redirect URI, and a service principal.

    contract G3.1, G3.3, G3.4, G3.6, G3.9, G5.3, G7.11, C10.1 and C10.2
    """
    workspace = make_workspace(application="Contoso books")
    (outcome,) = await run_steps(workspace, STEP)
    assert outcome.state == "changed"
    client = make_client()
    app = client.application(only_account(workspace))
    assert app["displayName"] == "Contoso books"
    assert app["signInAudience"] == AUDIENCE
    assert app["api"]["requestedAccessTokenVersion"] == 2
    assert app["web"]["redirectUris"] == [REDIRECT_URI]
    assert app["uniqueName"] == f"bcrunbook-{only_account(workspace)}"
    principal = client.call("GET", f"/servicePrincipals(appId='{app['appId']}')")
    assert principal.status_code == 200
    assert app["passwordCredentials"] == []


async def test_a_second_run_changes_nothing_and_says_so(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Unchanged, the step ends done, with one call and no write."""
    workspace = make_workspace()
    await run_steps(workspace, STEP)
    before = len(requests_of(cloud))
    (outcome,) = await run_steps(workspace, STEP)
    assert outcome.state == "done"
    assert outcome.summary.startswith("0 to change")
    assert [one["path"] for one in requests_of(cloud)[before:]] == ["/v1.0/$batch"]


async def test_plan_mode_writes_nothing(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """In plan mode the change is told, with its values, and nothing is made."""
    workspace = make_workspace()
    (outcome,) = await run_steps(workspace, STEP, mode=Mode.PLAN)
    assert outcome.state == "pending"
    assert outcome.exit_code == 5
    assert REDIRECT_URI in {row.after for change in outcome.changes for row in change.rows}
    assert make_client().applications(only_account(workspace)) == []


async def test_it_adopts_an_application_made_by_hand(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """Named by its client id, an existing application is completed; what others put there stays.

    contract G3.7, G5.2, G5.3, G6.4 and G6.5
    """
    client = make_client()
    home = "https://contoso.example/"
    web = {"redirectUris": ["https://contoso.example/cb"], "homePageUrl": home}
    made = by_hand(client, web=web)
    workspace = make_workspace(client_id=made["appId"])
    outcomes = await run_steps(workspace, STEP)
    assert states(outcomes) == ["changed"]
    app = client.call("GET", f"/applications/{made['id']}").json()
    assert app["signInAudience"] == AUDIENCE
    assert set(app["web"]["redirectUris"]) == {"https://contoso.example/cb", REDIRECT_URI}
    assert app["web"]["homePageUrl"] == home
    assert app["tags"] == ["theirs"]
    assert app["uniqueName"] == f"bcrunbook-{only_account(workspace)}"
    assert states(await run_steps(workspace, STEP)) == ["done"]


async def test_an_application_of_the_same_name_is_left_alone(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """A display name is no identity: somebody else's application of that name is not touched."""
    client = make_client()
    made = by_hand(client, displayName="Twins")
    workspace = make_workspace(application="Twins")
    await run_steps(workspace, STEP)
    theirs = client.call("GET", f"/applications/{made['id']}").json()
    assert theirs["signInAudience"] == "AzureADMultipleOrgs"
    assert client.application(only_account(workspace))["id"] != made["id"]


@pytest.mark.parametrize(
    ("redirect_uris", "named"),
    [
        (["https://contoso.example/cb?x=1"], "query string"),
        ([f"https://contoso.example/{n}" for n in range(100)], "101 redirect URIs"),
    ],
)
async def test_limits_are_checked_before_any_call(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    make_client: MakeClient,
    redirect_uris: list[str],
    named: str,
) -> None:
    """What the wanted audience would not allow is refused with its number, and nothing is sent.

    contract G3.8, G4.3 and G4.4
    """
    client = make_client()
    made = by_hand(client, web={"redirectUris": redirect_uris})
    workspace = make_workspace(client_id=made["appId"])
    before = len(requests_of(cloud))
    (outcome,) = await run_steps(workspace, STEP)
    assert outcome.state == "failed"
    assert named in outcome.summary
    assert {one["method"] for one in requests_of(cloud)[before:]} == {"POST"}
    app = client.call("GET", f"/applications/{made['id']}").json()
    assert sorted(app["web"]["redirectUris"]) == sorted(redirect_uris)


async def test_a_client_id_that_does_not_exist_is_said(make_workspace: MakeWorkspace) -> None:
    """A mistyped client_id ends in advice, not in a second application (contract G5.1)."""
    workspace = make_workspace(client_id="00000000-1111-4222-8333-444444444444")
    (outcome,) = await run_steps(workspace, STEP)
    assert outcome.state == "failed"
    assert outcome.exit_code == 2
    assert outcome.error is not None
    assert "client_id" in outcome.error["where"]


async def test_a_tenant_without_our_sign_in_is_refused(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """A tenant that the identity should not use gives no token, and the advice says why."""
    workspace = make_workspace(tenant=cloud.accounts["not_to_be_used"]["tenant"])
    before = len(requests_of(cloud))
    (outcome,) = await run_steps(workspace, STEP)
    assert outcome.error is not None
    assert outcome.error["code"] == "AADSTS700016"
    assert "tenant" in outcome.error["next"]
    assert requests_of(cloud)[before:] == []


async def test_a_token_of_another_tenant_is_refused_before_any_write(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    make_client: MakeClient,
    az_login: Callable[..., None],
) -> None:
    """Token and accounts.toml disagree on the tenant: one read, then a clear refusal."""
    client = make_client()
    az_login(client.token, tenant=cloud.accounts["trial"]["tenant"])
    other = cloud.accounts["production"]["tenant"]
    workspace = make_workspace(tenant=other, sign_in={"method": "az"})
    before = len(requests_of(cloud))
    (outcome,) = await run_steps(workspace, STEP)
    assert outcome.state == "failed"
    assert outcome.exit_code == 2
    assert "belongs to another" in outcome.summary
    assert [one["path"] for one in requests_of(cloud)[before:]] == ["/v1.0/$batch"]
