"""Replacing a secret, against the rehearsal cloud: never a moment without one that Codat has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode, Outcome
from bcrunbook.errors import AskAdministrator, FixInput
from bcrunbook.order import CODAT_KEYS, REGISTER_APPLICATION, ROTATE_SECRET
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.secrets import Secret
from bcrunbook.steps import step_named
from bcrunbook.steps.client_secret.adopt import adopt
from bcrunbook.steps.client_secret.replacement import Replacement
from bcrunbook.steps.opening import open_context
from tests.conftest import MakeWorkspace, only_account, requests_of, stored_secrets
from tests.support.independent_client import IndependentClient, MakeClient
from tests.support.portal import AtOnce, confirm, handed, row
from tests.support.running import UP_TO_KEYS, run_steps

FOR_LONG = {"secret_lifetime": "180 days"}


async def rotate(
    workspace: Workspace, replace: str = "", mode: Mode = Mode.APPLY, operator: Any = None
) -> Outcome:
    """The outcome of replacing the account's secret."""
    account = workspace.account(only_account(workspace))
    async with open_context(workspace, account, replace=Replacement.parse(replace)) as context:
        return await run_in_context(step_named(ROTATE_SECRET), context, mode, operator=operator)


async def set_up(make_workspace: MakeWorkspace, **changes: Any) -> Workspace:
    """A workspace whose account has a secret, which somebody says is saved in the portal."""
    workspace = make_workspace(**changes)
    *_, keys = await run_steps(workspace, *UP_TO_KEYS)
    confirm(workspace, keys)
    return workspace


def markers(workspace: Workspace) -> list[str]:
    """The markers of the values that the secret store has."""
    folder = workspace.root.parent / "secret-store"
    return [one.name for one in stored_secrets(folder, only_account(workspace))]


def on_application(client: IndependentClient, workspace: Workspace) -> list[str]:
    """The markers of the secrets on the application, oldest first, as Microsoft Graph has them."""
    credentials = client.application(only_account(workspace))["passwordCredentials"]
    credentials.sort(key=lambda one: one["startDateTime"])
    return [str(one["displayName"]).rsplit(" ", 1)[-1].rstrip(")") for one in credentials]


def keys_of(outcome: Outcome) -> list[str]:
    """The keys of what was done, or would be."""
    return [change.key for change in outcome.changes]


async def test_nothing_is_replaced_before_its_time(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """A secret that lives for long stays; nobody is asked for anything."""
    workspace = await set_up(make_workspace, **FOR_LONG)
    before = on_application(make_client(), workspace)
    outcome = await rotate(workspace)
    assert (outcome.state, keys_of(outcome)) == ("done", [])
    assert on_application(make_client(), workspace) == before == markers(workspace)


async def test_the_old_one_works_until_the_next_is_saved(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """Made, handed over, said to be saved, and only then removed; at most eight calls to Graph."""
    workspace = await set_up(make_workspace, **FOR_LONG)
    client = make_client()
    (old,) = on_application(client, workspace)
    before = len(requests_of(cloud))
    first = await rotate(workspace, old)
    asked = len(requests_of(cloud)) - before
    assert (first.state, keys_of(first)) == ("needs_person", ["add_secret", "save_keys"])
    there = on_application(client, workspace)
    assert there[0] == old and len(there) == 2
    app = client.application(only_account(workspace))["appId"]
    for marker in there:
        value = next(
            one
            for one in stored_secrets(
                workspace.root.parent / "secret-store", only_account(workspace)
            )
            if one.name == marker
        ).read_text("utf-8")
        assert "access_token" in client.ask_token(app, value.strip())
    assert dict(handed(first).values)["Marker of the secret"].startswith(there[1])
    assert f"confirm {only_account(workspace)} {ROTATE_SECRET}" in " ".join(handed(first).actions)

    # Whoever asks again before it is saved is told the same, and nothing is made twice.
    again = await rotate(workspace, old)
    assert (again.state, keys_of(again)) == ("needs_person", ["save_keys"])
    assert on_application(client, workspace) == there

    confirm(workspace, again)
    before = len(requests_of(cloud))
    last = await rotate(workspace, old)
    asked += len(requests_of(cloud)) - before
    assert (last.state, keys_of(last)) == ("changed", ["remove_secret"])
    assert on_application(client, workspace) == [there[1]] == markers(workspace)
    assert row(last, "Codat reads with it").verdict == "note"
    assert asked <= 8, "both runs of the rotation together"

    assert (await rotate(workspace, old)).state == "done"
    (keys,) = await run_steps(workspace, CODAT_KEYS)
    assert keys.state == "done", "what was said at one step counts at the other"


async def test_with_somebody_there_one_run_is_enough(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """What their word was waited for is done at once, in the same run."""
    workspace = await set_up(make_workspace, **FOR_LONG)
    (old,) = on_application(make_client(), workspace)
    ada = AtOnce()
    outcome = await rotate(workspace, old, operator=ada)
    assert (outcome.state, ada.asked) == ("changed", ["save_keys"])
    assert [one.key for one in outcome.changes] == ["add_secret", "remove_secret"]
    (new,) = on_application(make_client(), workspace)
    assert new != old and markers(workspace) == [new]


async def test_one_that_ends_soon_is_replaced_unasked(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """The last third of its life has begun: the next one is made, saved, and left alone."""
    workspace, client = make_workspace(**FOR_LONG), make_client()
    name = only_account(workspace)
    await run_steps(workspace, REGISTER_APPLICATION)
    now = datetime.now(UTC)
    made = client.add_password(
        name,
        "by hand",
        startDateTime=(now - timedelta(days=80)).isoformat(),
        endDateTime=(now + timedelta(days=20)).isoformat(),
    )
    async with open_context(workspace, workspace.account(name)) as context:
        await adopt(context, Secret(made["secretText"]))
    (keys,) = await run_steps(workspace, CODAT_KEYS)
    confirm(workspace, keys)
    first = await rotate(workspace)
    assert (first.state, keys_of(first)) == ("needs_person", ["add_secret", "save_keys"])
    confirm(workspace, first)
    last = await rotate(workspace)
    assert (last.state, keys_of(last)) == ("changed", ["remove_secret"])
    assert markers(workspace) == on_application(client, workspace) != ["hand"]
    assert (await rotate(workspace)).state == "done"


async def test_a_leaked_one_goes_first(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """The plan tells what stops; then it is removed before the next one is made."""
    workspace = await set_up(make_workspace, **FOR_LONG)
    client = make_client()
    (old,) = on_application(client, workspace)
    plan = await rotate(workspace, f"leaked:{old}", Mode.PLAN)
    assert (plan.state, keys_of(plan)) == ("pending", ["remove_secret", "add_secret"])
    assert "Codat reads nothing" in plan.changes[0].title
    assert on_application(client, workspace) == [old]

    done = await rotate(workspace, f"leaked:{old}")
    assert (done.state, keys_of(done)) == (
        "needs_person",
        ["remove_secret", "add_secret", "save_keys"],
    )
    (new,) = on_application(client, workspace)
    assert new != old and markers(workspace) == [new]
    confirm(workspace, done)
    assert (await rotate(workspace, f"leaked:{old}")).state == "done"


async def test_a_leaked_one_that_is_not_in_use_stops_nothing(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """The portal has the older one still: the next one goes, and another is made."""
    workspace = await set_up(make_workspace, **FOR_LONG)
    client = make_client()
    (old,) = on_application(client, workspace)
    await rotate(workspace, old)
    _, leaked = on_application(client, workspace)
    plan = await rotate(workspace, f"leaked:{leaked}", Mode.PLAN)
    assert "so nothing stops" in plan.changes[0].title
    await rotate(workspace, f"leaked:{leaked}")
    kept, new = on_application(client, workspace)
    assert kept == old and new not in (old, leaked)


async def test_a_leaked_one_goes_even_if_the_next_is_refused(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """What is wrong with the next one is told beside it, and holds nothing up."""
    workspace = await set_up(make_workspace, **FOR_LONG)
    client = make_client()
    (leaked,) = on_application(client, workspace)
    await rotate(workspace, leaked)
    _, new = on_application(client, workspace)
    folder = workspace.root.parent / "secret-store"
    (value,) = [one for one in stored_secrets(folder, only_account(workspace)) if one.name == new]
    value.write_text("another-value-than-the-secrets", "utf-8")
    outcome = await rotate(workspace, f"leaked:{leaked}")
    assert outcome.state == "needs_person"
    assert keys_of(outcome) == ["remove_secret", "replace_secret"]
    assert on_application(client, workspace) == [new]


async def test_a_removal_that_is_refused_is_handed_to_a_person(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """The card says which secret to delete, by its id, and not how to make one."""
    workspace = await set_up(make_workspace, **FOR_LONG)
    (leaked,) = on_application(make_client(), workspace)
    (key_id,) = [
        one["keyId"]
        for one in make_client().application(only_account(workspace))["passwordCredentials"]
    ]
    step = step_named(ROTATE_SECRET)
    async with open_context(
        workspace,
        workspace.account(only_account(workspace)),
        replace=Replacement(leaked, is_leaked=True),
    ) as context:
        findings = await step.examine(context)
    (removal, _) = step.plan(findings)
    card = step.hand_off(findings, removal, AskAdministrator("refused")).hand_off
    assert card is not None
    assert key_id in " ".join(card.actions) and "New client secret" not in " ".join(card.actions)
    assert ("Secret ID", key_id) in card.values


async def test_a_strangers_secret_is_in_the_way(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """Two secrets are the most: the card names the stranger's, and nothing is removed or made."""
    workspace = await set_up(make_workspace, **FOR_LONG)
    client = make_client()
    (old,) = on_application(client, workspace)
    client.add_password(only_account(workspace), "made by hand")
    outcome = await rotate(workspace, old)
    assert (outcome.state, keys_of(outcome)) == ("needs_person", ["free_a_place"])
    assert "made by hand" in " ".join(handed(outcome).actions)
    assert len(client.application(only_account(workspace))["passwordCredentials"]) == 2


async def test_a_strangers_secret_is_never_removed(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """One that a colleague's ledger has made is for whoever made it, also when it is named."""
    workspace = await set_up(make_workspace, **FOR_LONG)
    client = make_client()
    client.add_password(only_account(workspace), "Books (bcrunbook 0badcafe)")
    for replace in ("0badcafe", "leaked:0badcafe"):
        outcome = await rotate(workspace, replace)
        assert outcome.state == "needs_person"
        assert "neither made nor adopted" in " ".join(handed(outcome).actions)
    assert "0badcafe" in on_application(client, workspace)


@pytest.mark.parametrize("text", ["0BADCAFE", "leaked:", "leaked", "0badcafe0", "a secret~value"])
def test_what_is_no_marker_is_refused(text: str) -> None:
    """Whatever else is given for one is not repeated."""
    with pytest.raises(FixInput) as caught:
        Replacement.parse(text)
    assert text not in str(caught.value)
