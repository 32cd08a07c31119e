"""What a tenant's application management policies refuse, and what a person is told of it.

Against tenants of the rehearsal cloud that have one each (contract G8.7, G8.8, G8.9 and G8.10).
"""

from __future__ import annotations

from typing import Any

import pytest

from bcrunbook.core.step import Mode, State
from bcrunbook.order import CLIENT_SECRET, REGISTER_APPLICATION
from bcrunbook.rehearsal import RehearsalDescription, world
from tests.conftest import MakeWorkspace, only_account, requests_of
from tests.support.independent_client import MakeClient
from tests.support.portal import handed, row
from tests.support.running import run_steps, states

EXEMPTS = {
    "displayName": "Codat may have a secret",
    "isEnabled": True,
    "restrictions": {
        "passwordCredentials": [{"restrictionType": "passwordAddition", "state": "disabled"}]
    },
}


def additions(cloud: RehearsalDescription) -> list[dict[str, Any]]:
    """The requests for a secret so far."""
    return [one for one in requests_of(cloud) if one["path"].endswith("/addPassword")]


async def test_secrets_are_forbidden_until_an_exemption_is_given(
    make_workspace: MakeWorkspace, make_client: MakeClient, cloud: RehearsalDescription
) -> None:
    """Asked for once a run; the card names the page, and followed, the step goes on.

    contract G8.7 and G8.8
    """
    workspace, client = make_workspace(tenant=world.NO_SECRETS), make_client(world.NO_SECRETS)
    before = len(additions(cloud))
    registered, secret = await run_steps(workspace, REGISTER_APPLICATION, CLIENT_SECRET)
    assert registered.state is State.CHANGED
    assert secret.state is State.NEEDS_PERSON
    assert len(additions(cloud)) - before == 1
    assert "forbids client secrets" in row(secret, "Tenant's policy on secrets").actual
    card, app = handed(secret), client.application(only_account(workspace))
    assert "keeps the tenant's application management policies" in card.who
    assert any(
        "Application policies" in action and f"Excluded apps: add {app['appId']}" in action
        for action in card.actions
    ), card.actions
    assert ("Refused with", "CredentialTypeNotAllowedAsPerAppPolicy") in card.values
    assert not any("New client secret" in action for action in card.actions)

    made = client.call("POST", "/policies/appManagementPolicies", EXEMPTS).json()
    link = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/x/{made['id']}"}
    path = f"/applications(appId='{app['appId']}')/appManagementPolicies/$ref"
    assert client.call("POST", path, link).status_code == 204
    (again,) = await run_steps(workspace, CLIENT_SECRET)
    assert again.state is State.CHANGED, again.summary
    default = client.call("GET", "/policies/defaultAppManagementPolicy").json()
    rules = default["applicationRestrictions"]["passwordCredentials"]
    assert [one["restrictionType"] for one in rules] == ["passwordAddition"]


async def test_whoever_asks_may_be_exempt(make_workspace: MakeWorkspace) -> None:
    """The default policy reads as forbidden all the same: only asking tells (contract G8.8)."""
    workspace = make_workspace(tenant=world.EXEMPT_CALLER)
    (_, planned) = await run_steps(workspace, REGISTER_APPLICATION, CLIENT_SECRET, mode=Mode.APPLY)
    assert planned.state is State.CHANGED, planned.summary
    (again,) = await run_steps(workspace, CLIENT_SECRET)
    assert again.state is State.DONE
    assert "unless" in row(again, "Tenant's policy on secrets").actual


@pytest.mark.parametrize(
    ("tenant", "code", "about"),
    [
        (world.NO_CONSUMERS, "SignInAudienceNotAllowedAsPerAppPolicy", "signInAudience"),
        (world.NO_CODAT, "RedirectUriNotAllowedAsPerAppPolicy", "dynamics365businesscentral"),
    ],
)
async def test_an_application_as_codat_needs_it_is_forbidden(
    tenant: str, code: str, about: str, make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """A card that quotes the refusal, and names the page and who keeps it. Nothing was made.

    contract G8.9 and G8.10
    """
    workspace, client = make_workspace(tenant=tenant), make_client(tenant)
    (registered,) = await run_steps(workspace, REGISTER_APPLICATION)
    assert registered.state is State.NEEDS_PERSON
    card = handed(registered)
    assert about in card.found
    assert "keeps the tenant's application management policies" in card.who
    assert any("Application policies" in action for action in card.actions), card.actions
    assert ("Refused with", code) in card.values
    assert client.applications(only_account(workspace)) == []
    assert states(await run_steps(workspace, REGISTER_APPLICATION)) == ["needs_person"]
