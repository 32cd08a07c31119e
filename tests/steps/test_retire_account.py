"""Retiring an account: in the order in which nothing is left over, and nobody else's goes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode, Outcome
from bcrunbook.errors import AskAdministrator
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import (
    CODAT_KEYS,
    HEALTH_CHECK,
    REGISTER_APPLICATION,
    RETIRE_ACCOUNT,
    RETIRE_CUSTOMER,
)
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.steps import SETUP_STEPS, step_named
from bcrunbook.steps.opening import open_context
from bcrunbook.steps.required import not_yet
from bcrunbook.steps.retire_request import RetireRequest
from bcrunbook.steps.retired import note_restored, retired_account
from tests.conftest import MakeWorkspace, lay_out, only_account, stored_secrets
from tests.support.independent_client import IndependentClient, MakeClient
from tests.support.linking import lab_customer, link, run_link_customer, set_up
from tests.support.portal import at_portal, confirm, handed, row
from tests.support.running import run_steps

TAKEN_DOWN = [
    "take_back_consent",
    "remove_secret",
    "delete_service_principal",
    "delete_application",
    "forget_value",
]


async def retire(workspace: Workspace, wish: str = "", mode: Mode = Mode.APPLY) -> Outcome:
    """The outcome of retiring the workspace's one account."""
    account = workspace.account(only_account(workspace))
    async with open_context(workspace, account, retire=RetireRequest.parse(wish)) as context:
        return await run_in_context(step_named(RETIRE_ACCOUNT), context, mode)


def keys_of(outcome: Outcome) -> list[str]:
    """The keys of what was done, or would be."""
    return [change.key for change in outcome.changes]


def left(client: IndependentClient, workspace: Workspace) -> list[str]:
    """What is left of the account: applications, and values in the secret store."""
    name = only_account(workspace)
    values = stored_secrets(workspace.root.parent / "secret-store", name)
    return [*(one["appId"] for one in client.applications(name)), *(one.name for one in values)]


async def test_a_trial_is_thrown_away(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """In its order, and kept for 30 days; a second command changes nothing.

    contract G5.13, G6.8, G9.10 and G10.13
    """
    workspace, client = make_workspace(), make_client()
    name = only_account(workspace)
    await run_steps(workspace)
    app = client.application(name)

    plan = await retire(workspace, mode=Mode.PLAN)
    assert (plan.state, keys_of(plan)) == ("pending", TAKEN_DOWN)
    async with open_context(workspace, workspace.account(name)) as context:
        step = step_named(RETIRE_ACCOUNT)
        findings = await step.examine(context)
    for change in step.plan(findings):
        card = step.hand_off(findings, change, AskAdministrator("refused", next="ask")).hand_off
        assert card is not None and "again" in card.actions[-1]
    assert client.application(name)["passwordCredentials"]

    outcome = await retire(workspace)
    assert (outcome.state, keys_of(outcome)) == ("changed", TAKEN_DOWN)
    assert left(client, workspace) == []
    assert client.call("GET", f"/servicePrincipals(appId='{app['appId']}')").status_code == 404
    deleted = client.call("GET", f"/directory/deletedItems/{app['id']}").json()
    assert deleted["passwordCredentials"] == []
    assert "can be restored until" in row(outcome, "Deleted application").actual

    again = await retire(workspace)
    assert (again.state, again.changes) == ("done", ())
    (refused,) = await run_steps(workspace, REGISTER_APPLICATION)
    assert refused.exit_code == 2 and f"bcrunbook restore {name}" in str(refused.error)
    (check,) = await run_steps(workspace, HEALTH_CHECK)
    assert check.state == "done" and row(check, "Account").actual.startswith("retired on")


@pytest.mark.parametrize("what", ["redirect URI", "secret", "federated credential", "permission"])
async def test_what_others_have_put_on_it_makes_it_stay(
    make_workspace: MakeWorkspace, make_client: MakeClient, what: str
) -> None:
    """A card says what is there, and nothing goes; named by its client id, the application goes."""
    workspace, client = make_workspace(), make_client()
    name = only_account(workspace)
    await run_steps(workspace)
    app = client.application(name)
    if what == "redirect URI":
        uris = [*app["web"]["redirectUris"], "https://books.example/back"]
        client.call("PATCH", f"/applications/{app['id']}", {"web": {"redirectUris": uris}})
    elif what == "secret":
        client.add_password(name, "of another team")
    elif what == "federated credential":
        theirs = {
            "name": "theirs",
            "issuer": "https://token.actions.githubusercontent.com",
            "subject": "repo:theirs/books:ref:refs/heads/main",
            "audiences": ["api://AzureADTokenExchange"],
        }
        made = client.call(
            "POST", f"/applications/{app['id']}/federatedIdentityCredentials", theirs
        )
        assert made.status_code == 201, made.text
    else:
        (grant,) = client.grants(app["appId"])
        wider = {"scope": f"{grant['scope']} Something.Else"}
        client.call("PATCH", f"/oauth2PermissionGrants/{grant['id']}", wider)
    before = left(client, workspace)
    stays = await retire(workspace)
    assert (stays.state, keys_of(stays)) == ("needs_person", ["whose_application"])
    assert what in row(stays, "Of others on it").actual
    assert f"--id {app['appId']}" in " ".join(handed(stays).actions)
    assert left(client, workspace) == before
    named = await retire(workspace, f"id:{app['appId']}")
    assert named.state == "changed" and left(client, workspace) == []


async def test_one_that_this_ledger_has_not_made_stays(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """A colleague's, found by the marker alone, goes only by its client id."""
    workspace, client = make_workspace(), make_client()
    await run_steps(workspace, REGISTER_APPLICATION)
    (workspace.root / "ledger.db").unlink()
    stays = await retire(workspace)
    assert keys_of(stays) == ["whose_application"]
    assert "has not made it" in stays.hand_offs[0].title
    assert len(left(client, workspace)) == 1


async def test_production_goes_when_its_name_is_typed_and_needs_no_trial_for_that(
    cloud: RehearsalDescription, tmp_path: Path, make_client: MakeClient
) -> None:
    """The trial of a production account may be retired first: what it has passed counts on."""
    workspace = lay_out(
        tmp_path,
        cloud,
        {"old-trial": {}, "old-prod": {"kind": "production", "requires": "old-trial"}},
    )
    trial, production = workspace.account("old-trial"), workspace.account("old-prod")

    async def run(account: Any, wish: str, mode: Mode = Mode.APPLY) -> Outcome:
        asked = RetireRequest.parse(wish)
        async with open_context(workspace, account, retire=asked) as context:
            return await run_in_context(step_named(RETIRE_ACCOUNT), context, mode)

    steps = tuple(step.id for step in SETUP_STEPS)
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        for step in steps:
            scope = Scope(trial.identity, step)
            run_id = ledger.begin_run(scope, "apply")
            ledger.end_run(run_id, "done")
            ledger.record_outcome(run_id, scope, "done", {"step": step})
        gone = await run(trial, "")
        assert row(gone, "Required by").actual == "old-prod"
        assert retired_account(ledger, trial.identity) is not None
        assert not_yet(ledger, workspace, production, steps) is None
        # It was retired with another version of the runbook: it cannot pass with this one.
        with pytest.MonkeyPatch.context() as later:
            later.setattr("bcrunbook.steps.required.__version__", "99.0")
            assert not_yet(ledger, workspace, production, steps) is None
            note_restored(ledger, Scope(trial.identity, RETIRE_ACCOUNT))
            assert not_yet(ledger, workspace, production, steps) is not None

    async with open_context(workspace, production) as context:
        made = await run_in_context(step_named(REGISTER_APPLICATION), context, Mode.APPLY)
    assert made.state == "changed", made.summary
    client = make_client(production.tenant)
    assert (await run(production, "", Mode.PLAN)).state == "pending"
    for wish in ("", "name:old-trial"):
        refused = await run(production, wish)
        assert refused.exit_code == 2 and "--name old-prod" in str(refused.error)
    assert client.applications("old-prod")
    assert (await run(production, "name:old-prod")).state == "changed"
    assert client.applications("old-prod") == []


async def test_a_trial_that_had_not_passed_when_it_was_retired_is_said_to_be_so(
    cloud: RehearsalDescription, tmp_path: Path
) -> None:
    """Production waits, and is told that it waits for what passes nothing any more."""
    workspace = lay_out(
        tmp_path,
        cloud,
        {"gone-trial": {}, "gone-prod": {"kind": "production", "requires": "gone-trial"}},
    )
    trial, production = workspace.account("gone-trial"), workspace.account("gone-prod")
    async with open_context(workspace, trial, retire=RetireRequest()) as context:
        assert (
            await run_in_context(step_named(RETIRE_ACCOUNT), context, Mode.APPLY)
        ).state == "done"
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        refused = not_yet(ledger, workspace, production, (REGISTER_APPLICATION,))
    assert refused is not None
    assert "retired on" in refused.what and "bcrunbook restore gone-trial" in refused.next


def test_customers_and_the_toggle_come_first(tmp_path: Path) -> None:
    """While Codat reads anybody's books nothing goes; then a person switches the toggle off.

    The whole way of an account with two customers, one of them without a row in the file any more.
    """

    async def play(cloud: RehearsalDescription) -> None:
        customers = [lab_customer("normal", "Normal"), lab_customer("slow", "Slow")]
        workspace = await set_up(tmp_path, cloud, customers)
        account = workspace.account("trial")

        async def run(wish: str = "") -> Outcome:
            asked = RetireRequest.parse(wish)
            async with open_context(workspace, account, retire=asked) as context:
                return await run_in_context(step_named(RETIRE_ACCOUNT), context, Mode.APPLY)

        async with open_context(workspace, account) as context:
            await run_link_customer(context, "normal")
            await link(context, cloud, "normal")
            await run_link_customer(context, "slow")
        first = await run()
        assert (first.state, keys_of(first)) == ("needs_person", ["customers"])
        assert "--with-customers" in " ".join(handed(first).actions)

        for name in ("normal", "slow"):
            customer = workspace.customer("trial", name)
            async with open_context(workspace, account, customer=customer) as context:
                await run_in_context(step_named(RETIRE_CUSTOMER), context, Mode.APPLY)
        second = await run()
        assert (second.state, keys_of(second)) == ("needs_person", ["disable"])
        assert handed(second).is_watched
        person = at_portal(cloud, instance=account.codat_instance or "")
        person.toggle(False)
        third = await run()
        assert (third.state, keys_of(third)) == ("changed", TAKEN_DOWN)
        assert (await run()).state == "done"

    with launch(tmp_path / "cloud", skips=True, latency_ms=0, lags="worst") as cloud:
        asyncio.run(play(cloud))


async def test_without_an_api_key_somebody_says_that_it_is_off(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """What cannot be seen is asked for, once the keys were said to be in the portal."""
    workspace = make_workspace(codat_api_key=None)
    await run_steps(workspace)
    (keys,) = await run_steps(workspace, CODAT_KEYS)
    confirm(workspace, keys)
    asked = await retire(workspace)
    assert keys_of(asked) == ["disable"] and handed(asked).confirmation
    confirm(workspace, asked)
    assert (await retire(workspace)).state == "changed"
    assert left(make_client(), workspace) == []
