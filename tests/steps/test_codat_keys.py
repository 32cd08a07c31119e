"""The keys, against the rehearsal cloud: what is checked, handed over, and whose word counts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bcrunbook.accounts import Workspace, load
from bcrunbook.cloud import Cloud
from bcrunbook.core.step import Comparison, Mode, Outcome
from bcrunbook.errors import FixInput
from bcrunbook.hosts import CODAT_HOST
from bcrunbook.order import CLIENT_SECRET, notebook_name
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.steps.codat_portal import accounting_page
from tests.conftest import MakeWorkspace, only_account, requests_of, stored_secrets
from tests.support.independent_client import MakeClient
from tests.support.portal import (
    api_key,
    at_portal,
    confirm,
    facts,
    handed,
    instance_with_plan,
    row,
    set_enabled,
)
from tests.support.running import run_steps, states

STEP = "codat_keys"
SECRET = ("register_application", "client_secret")
CONFIRMATION = "Keys in the Codat Portal"


async def step(workspace: Workspace, mode: Mode = Mode.APPLY) -> Outcome:
    """The outcome of handing over the keys."""
    (outcome,) = await run_steps(workspace, STEP, mode=mode)
    return outcome


async def with_secret(make_workspace: MakeWorkspace, **changes: object) -> Workspace:
    """A workspace whose account has its application and a stored secret."""
    workspace = make_workspace(**changes)
    assert states(await run_steps(workspace, *SECRET)) == ["changed", "changed"]
    return workspace


async def test_the_hand_off_is_complete(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """Page, role, instance, client id, where the secret is, what success looks like, the slips.

    contract C6.1, C6.2, C6.3, C6.5, C6.7 and C6.8
    """
    workspace = await with_secret(make_workspace)
    outcome = await step(workspace)
    assert (outcome.state, outcome.exit_code) == ("needs_person", 3)
    card, account = handed(outcome), only_account(workspace)
    assert card.link == f"{cloud.pages}/app.codat.io/settings/integrations/accounting"
    assert "Developer or Administrator" in card.who
    values = dict(card.values)
    assert values["Instance"] == cloud.codat["instance"]
    assert values["Client ID"] == make_client().application(account)["appId"]
    (stored,) = stored_secrets(workspace.root.parent / "secret-store", account)
    assert card.secret == f"file:../secret-store/{account}/{values['Client ID']}/{stored.name}"
    text = " ".join((*card.actions, *card.slips, card.looks_like))
    for word in ("Set up", "Client secret", "Save", "confirms", "Secret ID", "blank", "Premium"):
        assert word in text
    assert stored.read_text("utf-8").strip() not in json.dumps(outcome.as_dict(), default=str)


async def test_what_can_be_checked_is_checked_first(make_workspace: MakeWorkspace) -> None:
    """API key, instance, platform, and that id and secret work together.

    contract C1.9 and C5.12
    """
    outcome = await step(await with_secret(make_workspace))
    names = ("Codat API key", "Codat instance", "Client id and secret")
    assert {row(outcome, name).verdict for name in names} == {Comparison.OK}
    assert row(outcome, "Dynamics 365 Business Central in Codat").verdict is Comparison.OK
    assert row(outcome, CONFIRMATION).verdict is Comparison.DIFFERS


async def test_somebodys_word_ends_it(make_workspace: MakeWorkspace) -> None:
    """Who said it and when is told; nothing is handed over any more."""
    workspace = await with_secret(make_workspace)
    confirm(workspace, await step(workspace), by="Ada Lovelace")
    outcome = await step(workspace)
    assert (outcome.state, outcome.hand_offs) == ("done", ())
    assert "Ada Lovelace" in row(outcome, CONFIRMATION).actual
    assert "confirmed" in row(outcome, CONFIRMATION).source


async def test_a_new_secret_makes_the_confirmation_stale(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """After the secret was replaced, the keys have to be saved again (contract C6.2 and C10.12)."""
    workspace = await with_secret(make_workspace)
    first = await step(workspace)
    confirm(workspace, first)
    name, client = only_account(workspace), make_client()
    app = client.application(name)
    (credential,) = app["passwordCredentials"]
    client.call("POST", f"/applications/{app['id']}/removePassword", {"keyId": credential["keyId"]})
    shutil.rmtree(workspace.root.parent / "secret-store" / name)
    assert states(await run_steps(workspace, "client_secret")) == ["changed"]
    outcome = await step(workspace)
    assert outcome.state == "needs_person"
    assert "replaced since" in row(outcome, CONFIRMATION).actual
    assert handed(outcome).secret != handed(first).secret
    assert "Manage" in " ".join(handed(outcome).actions)
    confirm(workspace, outcome)
    assert (await step(workspace)).state == "done"


async def test_enabled_before_the_first_run(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Somebody was here before: the person is asked to compare, and enabling it is done already."""
    workspace = await with_secret(make_workspace)
    set_enabled(cloud, True)
    (toggle,) = await run_steps(workspace, "enable_integration")
    assert toggle.state == "done"
    outcome = await step(workspace)
    assert outcome.state == "needs_person"
    assert "before" in row(outcome, "Dynamics 365 Business Central in Codat").advice
    confirm(workspace, outcome)
    outcomes = await run_steps(workspace, STEP, "enable_integration")
    assert states(outcomes) == ["done", "done"]


@pytest.mark.parametrize("key", ["Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1u", "Basic Zm9vYmFy"])
async def test_a_wrong_api_key(make_workspace: MakeWorkspace, key: str) -> None:
    """It ends as a mistake in the configuration: which key, where to find the right one.

    contract C1.4 and C2.8
    """
    workspace = await with_secret(make_workspace)
    api_key(workspace, key)
    outcome = await step(workspace)
    assert (outcome.state, outcome.exit_code, outcome.changes) == ("failed", 2, ())
    assert outcome.error is not None
    assert "key" in outcome.error["next"]
    assert key not in json.dumps(outcome.as_dict(), default=str)


async def test_a_key_of_another_instance(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Nothing is handed over for the wrong instance; both names are told (contract C1.9)."""
    workspace = await with_secret(make_workspace)
    other = next(one for one in cloud.codat["instances"] if one["name"] != cloud.codat["instance"])
    api_key(workspace, other["api_key"])
    outcome = await step(workspace)
    assert (outcome.state, outcome.exit_code, outcome.changes) == ("failed", 2, ())
    assert other["name"] in outcome.summary and cloud.codat["instance"] in outcome.summary


async def test_a_plan_that_has_ended(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Codat refuses every call: that is for the account manager, and no card is made.

    contract C2.9
    """
    ended = instance_with_plan(cloud, "Free, ended")
    workspace = await with_secret(make_workspace, codat_instance=ended["name"])
    api_key(workspace, ended["api_key"])
    outcome = await step(workspace)
    assert (outcome.state, outcome.exit_code, outcome.hand_offs) == ("needs_person", 3, ())
    assert outcome.error is not None
    assert "account manager" in outcome.error["who"]
    assert (outcome.error["code"], bool(outcome.error["request_id"])) == ("402", True)


async def test_a_free_plan(make_workspace: MakeWorkspace, cloud: RehearsalDescription) -> None:
    """No call tells the plan: the card says what the person will see, and whom to ask.

    contract C6.9 and C6.10
    """
    free = instance_with_plan(cloud, "Free")
    workspace = await with_secret(make_workspace, codat_instance=free["name"])
    api_key(workspace, free["api_key"])
    outcome = await step(workspace)
    assert outcome.state == "needs_person"
    person = at_portal(cloud, instance=free["name"])
    with pytest.raises(Exception, match="neither Set up nor Manage"):
        person.save_keys("some-id", "some-secret-value")
    (slip,) = [one for one in handed(outcome).slips if "Premium" in one]
    assert "account manager" in slip


async def test_without_an_api_key_it_is_done_by_hand(make_workspace: MakeWorkspace) -> None:
    """What cannot be looked at is unknown; the pair is proven and handed over all the same."""
    workspace = await with_secret(make_workspace, codat_api_key=None, codat_instance=None)
    outcome = await step(workspace)
    assert outcome.state == "needs_person"
    assert row(outcome, "Codat API key").verdict is Comparison.UNKNOWN
    assert row(outcome, "Client id and secret").verdict is Comparison.OK
    confirm(workspace, outcome)
    assert (await step(workspace)).state == "done"


async def test_a_secret_that_does_not_work_is_not_handed_over(
    make_workspace: MakeWorkspace,
) -> None:
    """Whatever is in the store is tried first; a refusal leads back to the secret.

    contract C5.12
    """
    workspace = await with_secret(make_workspace)
    (stored,) = stored_secrets(workspace.root.parent / "secret-store", only_account(workspace))
    stored.write_text("abc8Q~not-the-secret-that-entra-has-made-x", "utf-8")
    outcome = await step(workspace)
    assert (outcome.state, outcome.hand_offs) == ("failed", ())
    assert outcome.error is not None
    assert (outcome.error["code"], outcome.error["section"].split("#")[0]) == (
        "AADSTS7000215",
        notebook_name(CLIENT_SECRET),
    )


async def test_without_a_secret_making_one_comes_first(make_workspace: MakeWorkspace) -> None:
    """There is nothing to hand over yet."""
    workspace = make_workspace()
    await run_steps(workspace, "register_application")
    outcome = await step(workspace)
    assert (outcome.state, outcome.exit_code) == ("failed", 2)
    assert outcome.error is not None and "client_secret" in outcome.error["next"]


async def test_a_colleague_with_another_ledger_finds_the_secret(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    """Same tenant and store, a ledger that knows nothing: the application's own secrets tell."""
    workspace = await with_secret(make_workspace)
    first = await step(workspace)
    other = tmp_path / "colleague"
    other.mkdir()
    shutil.copy(workspace.root / "accounts.toml", other)
    (again,) = await run_steps(load(other), STEP)
    assert handed(again).values == handed(first).values
    assert handed(again).secret == handed(first).secret


async def test_a_secret_that_a_colleague_made_since_is_found(
    make_workspace: MakeWorkspace, tmp_path: Path, make_client: MakeClient
) -> None:
    """This ledger remembers one that is gone: the application's own newest is handed over."""
    workspace = await with_secret(make_workspace)
    name, client = only_account(workspace), make_client()
    other = tmp_path / "colleague"
    other.mkdir()
    shutil.copy(workspace.root / "accounts.toml", other)
    app = client.application(name)
    (credential,) = app["passwordCredentials"]
    client.call("POST", f"/applications/{app['id']}/removePassword", {"keyId": credential["keyId"]})
    (old,) = stored_secrets(workspace.root.parent / "secret-store", name)
    old.unlink()
    assert states(await run_steps(load(other), "client_secret")) == ["changed"]
    old.touch(mode=0o600)
    old.write_text("the-value-of-a-secret-that-was-removed", "utf-8")
    outcome = await step(workspace)
    assert outcome.state == "needs_person", outcome.error
    new = {one.name for one in old.parent.iterdir()} - {old.name}
    assert {outcome.hand_offs[0].subject} == new


@pytest.mark.parametrize(
    "by", ["", "x" * 101, "two\nlines", "abc8Q~0123456789abcdefghijklmnopqrstu"]
)
async def test_what_is_no_name_is_not_noted(make_workspace: MakeWorkspace, by: str) -> None:
    """Whichever door it comes by: a pasted secret above all."""
    workspace = await with_secret(make_workspace)
    outcome = await step(workspace)
    with pytest.raises(FixInput) as refusal:
        confirm(workspace, outcome, by=by)
    assert facts(workspace, STEP, "save_keys") == []
    assert not by or by not in str(refusal.value)


async def test_plan_mode_writes_nothing(make_workspace: MakeWorkspace) -> None:
    """It shows the same hand-off, and notes nothing but how it ended."""
    workspace = await with_secret(make_workspace)
    outcome = await step(workspace, Mode.PLAN)
    assert (outcome.state, len(outcome.hand_offs)) == ("needs_person", 1)
    assert facts(workspace, STEP, "save_keys") == []


async def test_the_portals_steps_only_read(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """No call saves keys or flips the toggle, and those that old clients had are not tried.

    contract C5.9, C5.10 and C5.11
    """
    workspace = make_workspace()
    await run_steps(workspace, "register_application", "client_secret")
    before = len(requests_of(cloud, CODAT_HOST))
    await run_steps(workspace, "codat_keys", "enable_integration")
    asked = requests_of(cloud, CODAT_HOST)[before:]
    assert asked and {one["method"] for one in asked} == {"GET"}


def test_the_portals_page_has_its_real_address() -> None:
    """In a live cloud (contract C6.1)."""
    address = "https://app.codat.io/settings/integrations/accounting"
    assert accounting_page(Cloud(kind="live")) == address
