"""The client secret, against the rehearsal cloud."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

from bcrunbook.accounts import Workspace
from bcrunbook.core.step import Mode
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.secrets import open_store
from tests.conftest import MakeWorkspace, only_account, requests_of
from tests.support.clock import pass_time
from tests.support.independent_client import MakeClient
from tests.support.running import run_steps, states

STEP = "client_secret"


async def stored(workspace: Workspace) -> str:
    """The secret that the store has, found through the ledger's reference."""
    name = only_account(workspace)
    account = workspace.account(name)
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        fact = ledger.latest(Scope(account.identity, STEP), "secret_stored")
    assert fact is not None
    store = open_store(account.secret_store, workspace.root)
    value = await store.get(f"{name}/{fact.data['client_id']}/{fact.subject}")
    assert value is not None
    return value.reveal()


def ends_in_days(credential: dict[str, str]) -> float:
    """How many days from now a credential ends."""
    ends = datetime.fromisoformat(credential["endDateTime"].replace("Z", "+00:00"))
    return (ends - datetime.now(UTC)) / timedelta(days=1)


async def test_the_secret_is_stored_works_and_has_description_and_end(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """One secret is made; the value in the store is the one that signs in.

    contract G7.1, G7.2 and G7.6
    """
    workspace = make_workspace(secret_lifetime="90 days", secret_description="Codat link")
    assert states(await run_steps(workspace, "register_application", STEP)) == [
        "changed",
        "changed",
    ]
    client = make_client()
    app = client.application(only_account(workspace))
    (credential,) = app["passwordCredentials"]
    assert credential["displayName"].startswith("Codat link (bcrunbook ")
    assert 89 < ends_in_days(credential) <= 90
    assert "access_token" in client.ask_token(app["appId"], await stored(workspace))


async def test_a_second_run_makes_no_second_secret(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Unchanged, the step ends done with one call, having proven the stored secret again."""
    workspace = make_workspace()
    await run_steps(workspace, "register_application", STEP)
    before = len(requests_of(cloud))
    (outcome,) = await run_steps(workspace, STEP)
    assert outcome.state == "done"
    assert len(requests_of(cloud)[before:]) == 1
    works = [one for one in outcome.findings if one.name == "Secret works"]
    assert works[0].actual == "works"


async def test_plan_mode_makes_no_secret(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """In plan mode the secret is announced, not made."""
    workspace = make_workspace()
    await run_steps(workspace, "register_application")
    (outcome,) = await run_steps(workspace, STEP, mode=Mode.PLAN)
    assert outcome.state == "pending"
    assert make_client().application(only_account(workspace))["passwordCredentials"] == []


async def test_secrets_of_others_stay_and_two_are_the_most(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """With two foreign secrets there, a person is asked to remove one; then it goes on.

    contract G4.2 and G7.7
    """
    workspace = make_workspace()
    await run_steps(workspace, "register_application")
    client = make_client()
    app = client.application(only_account(workspace))
    keys = []
    for name in ("first", "second"):
        body = {"passwordCredential": {"displayName": name}}
        made = client.call("POST", f"/applications/{app['id']}/addPassword", body)
        keys.append(made.json()["keyId"])
    (outcome,) = await run_steps(workspace, STEP)
    assert outcome.state == "needs_person"
    assert outcome.exit_code == 3
    assert "first" in str(outcome.hand_offs)
    client.call("POST", f"/applications/{app['id']}/removePassword", {"keyId": keys[0]})
    pass_time(cloud)
    assert states(await run_steps(workspace, STEP)) == ["changed"]
    left = client.application(only_account(workspace))["passwordCredentials"]
    assert keys[1] in {one["keyId"] for one in left}
    assert len(left) == 2


async def test_the_tenants_policy_shortens_the_lifetime(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """A policy of 90 days turns 180 wanted days into 90, and says so beforehand.

    contract G8.1 and G8.3
    """
    capped = cloud.accounts["short_secrets"]["tenant"]
    workspace = make_workspace(tenant=capped, secret_lifetime="180 days")
    await run_steps(workspace, "register_application")
    (planned,) = await run_steps(workspace, STEP, mode=Mode.PLAN)
    assert "90 days" in {row.after for change in planned.changes for row in change.rows}
    assert states(await run_steps(workspace, STEP)) == ["changed"]
    app = make_client(capped).application(only_account(workspace))
    assert 89 < ends_in_days(app["passwordCredentials"][0]) <= 90


async def test_without_the_application_it_points_to_registering(
    make_workspace: MakeWorkspace,
) -> None:
    """Run too early, the step names the one that comes first."""
    (outcome,) = await run_steps(make_workspace(), STEP)
    assert outcome.exit_code == 2
    assert outcome.error is not None
    assert "register_application" in outcome.error["next"]


async def test_a_secret_that_was_removed_in_the_portal_is_replaced(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """When somebody deletes our secret, the next run notices and makes another."""
    workspace = make_workspace()
    await run_steps(workspace, "register_application", STEP)
    client = make_client()
    app = client.application(only_account(workspace))
    (old,) = app["passwordCredentials"]
    client.call("POST", f"/applications/{app['id']}/removePassword", {"keyId": old["keyId"]})
    pass_time(cloud)
    assert states(await run_steps(workspace, STEP)) == ["changed"]
    (new,) = client.application(only_account(workspace))["passwordCredentials"]
    assert new["keyId"] != old["keyId"]
    assert "access_token" in client.ask_token(app["appId"], await stored(workspace))


async def test_a_colleagues_working_secret_is_never_removed(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """Another ledger and another store: their secret bears our marker, and it stays."""
    workspace = make_workspace()
    name = only_account(workspace)
    await run_steps(workspace, "register_application", STEP)
    client = make_client()
    (theirs,) = client.application(name)["passwordCredentials"]
    for left in workspace.root.glob("ledger.db*"):
        left.unlink()
    shutil.rmtree(workspace.root.parent / "secret-store" / name)
    assert states(await run_steps(workspace, STEP)) == ["changed"]
    left_there = client.application(name)["passwordCredentials"]
    assert theirs["keyId"] in {one["keyId"] for one in left_there}
    assert len(left_there) == 2


async def test_a_value_that_the_store_has_lost_costs_no_secret(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """The store was emptied: the old secret may be in use, so a second one is made beside it."""
    workspace = make_workspace()
    name = only_account(workspace)
    await run_steps(workspace, "register_application", STEP)
    client = make_client()
    (old,) = client.application(name)["passwordCredentials"]
    shutil.rmtree(workspace.root.parent / "secret-store" / name)
    assert states(await run_steps(workspace, STEP)) == ["changed"]
    left_there = client.application(name)["passwordCredentials"]
    assert old["keyId"] in {one["keyId"] for one in left_there}
