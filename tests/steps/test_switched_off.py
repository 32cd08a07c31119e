"""An application that somebody has switched off: seen, handed to whoever may, and gone on with.

Against the rehearsal cloud. Nobody is told meanwhile to delete a good secret, or to link again
(contract G8.11, G8.12 and G8.13).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import HandOff, Mode, Outcome, State
from bcrunbook.order import (
    CLIENT_SECRET,
    HEALTH_CHECK,
    REGISTER_APPLICATION,
)
from bcrunbook.rehearsal import RehearsalDescription, launch, world
from bcrunbook.steps import step_named
from bcrunbook.steps.opening import open_context
from tests.conftest import MakeWorkspace, only_account, requests_of
from tests.support.independent_client import IndependentClient, MakeClient
from tests.support.linking import lab_customer, link, run_link_customer, set_up
from tests.support.portal import handed, row
from tests.support.running import run_steps, states

SWITCHES: Final = {
    "deactivated": ("applications", {"isDisabled": True}, {"isDisabled": False}),
    "disabled here": ("servicePrincipals", {"accountEnabled": False}, {"accountEnabled": True}),
}
"""Who has the switch, off, and on again."""
WORDS: Final = {
    "deactivated": ("deactivated, for all tenants", "Deactivated applications"),
    "disabled here": ("its service principal is disabled in this tenant", "Properties"),
}
HARMFUL: Final = ("delete the secret", "opens the link", "links again", "Send them the link")


def switch(client: IndependentClient, app_id: str, which: str, *, on: bool) -> None:
    """Switch an application off, or on again, as whoever may would."""
    kind, off, back = SWITCHES[which]
    answer = client.call("PATCH", f"/{kind}(appId='{app_id}')", back if on else off)
    assert answer.status_code == 204


def told(outcome: Outcome) -> str:
    """All that an outcome says to a person: cards and rows."""
    cards = [handed_to for one in outcome.changes if (handed_to := one.hand_off) is not None]
    texts = [text for card in cards for text in (card.who, card.found, *card.actions)]
    return "\n".join([*texts, *(f"{one.actual} {one.advice}" for one in outcome.findings)])


@pytest.mark.parametrize("which", SWITCHES)
async def test_it_is_seen_handed_over_and_gone_on_with(
    which: str, make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """Registration and secret say so and who can, and write nothing; on again, all is well.

    contract G8.11 and G8.12
    """
    workspace, client = make_workspace(), make_client()
    await run_steps(workspace)
    app = client.application(only_account(workspace))
    switch(client, app["appId"], which, on=False)
    what, where = WORDS[which]
    registered, secret = await run_steps(workspace, REGISTER_APPLICATION, CLIENT_SECRET)
    for outcome in (registered, secret):
        assert outcome.state is State.NEEDS_PERSON
        card = handed(outcome)
        assert what in row(outcome, "Enabled").actual
        assert any(where in action for action in card.actions), card.actions
        assert "Administrator" in card.who
        assert ("Client ID", app["appId"]) in card.values
        assert not [words for words in HARMFUL if words in told(outcome)]
    assert (
        client.application(only_account(workspace))["passwordCredentials"]
        == (app["passwordCredentials"])
    )
    switch(client, app["appId"], which, on=True)
    again = await run_steps(workspace, REGISTER_APPLICATION, CLIENT_SECRET)
    assert states(again) == ["done", "done"]
    assert row(again[0], "Enabled").actual == "enabled"


async def test_what_microsoft_has_stopped(make_workspace: MakeWorkspace) -> None:
    """Only Microsoft starts it again: no secret is made for it, and nobody looks for one.

    contract G8.12
    """
    workspace = make_workspace(tenant=world.STOPPED)
    registered, secret = await run_steps(workspace, REGISTER_APPLICATION, CLIENT_SECRET)
    for outcome in (registered, secret):
        assert outcome.state is State.NEEDS_PERSON
        assert world.STOPPED_STATUS in row(outcome, "Enabled").actual
        assert "Microsoft" in handed(outcome).who
        assert any("support request" in action for action in handed(outcome).actions)


async def test_a_refusal_that_is_not_about_the_secret_leaves_it_alone(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """Whatever else Entra refuses it for: the card says that, and spares the secret.

    contract G8.13 and G9.8
    """
    workspace, client = make_workspace(), make_client()
    await run_steps(workspace)
    app = client.application(only_account(workspace))
    principal = client.call("GET", f"/servicePrincipals(appId='{app['appId']}')").json()["id"]
    assert client.call("DELETE", f"/servicePrincipals/{principal}").status_code == 204
    (secret,) = await run_steps(workspace, CLIENT_SECRET)
    assert secret.state is State.NEEDS_PERSON
    assert ("Refused with", "AADSTS7000229") in handed(secret).values
    assert "leave it where it is" in told(secret)
    assert "delete the secret" not in told(secret)


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud of this module's own: its instance of Codat is set up here."""
    with launch(tmp_path_factory.mktemp("off") / "cloud", skips=True, latency_ms=0) as launched:
        yield launched


@pytest.fixture(scope="module")
def workspace(own_cloud: RehearsalDescription) -> Workspace:
    """An account that is set up, with a customer who has linked, and one who has not."""

    async def make() -> Workspace:
        customers = [lab_customer("linked", "Normal"), lab_customer("new", "Renamed")]
        made = await set_up(Path(own_cloud.directory).parent, own_cloud, customers)
        async with open_context(made, made.account("trial")) as context:
            await run_link_customer(context, "linked")
            await link(context, own_cloud, "linked")
            outcome = await run_link_customer(context, "linked")
            assert outcome.state is State.DONE, outcome.summary
        return made

    return asyncio.run(make())


async def looked(workspace: Workspace) -> tuple[Outcome, Outcome, Outcome]:
    """The check, and a look at the customer who has linked and at the one who has not."""
    async with open_context(workspace, workspace.account("trial")) as context:
        check = await run_in_context(step_named(HEALTH_CHECK), context, Mode.APPLY)
        of_linked = await run_link_customer(context, "linked", Mode.PLAN)
        of_new = await run_link_customer(context, "new")
    return check, of_linked, of_new


def link_cards(outcome: Outcome) -> list[HandOff]:
    """The cards by which somebody is asked to link."""
    cards = [one.hand_off for one in outcome.changes if one.hand_off is not None]
    return [one for one in cards if one.has_customer_link]


async def test_looking_at_the_switches_costs_one_call_where_somebody_links(
    workspace: Workspace, own_cloud: RehearsalDescription
) -> None:
    """And none where all is well."""
    async with open_context(workspace, workspace.account("trial")) as context:
        await context.sign_in.graph()
        for customer, calls in (("linked", 0), ("new", 1)):
            before = len(requests_of(own_cloud))
            await run_link_customer(context, customer, Mode.PLAN)
            assert len(requests_of(own_cloud)) - before == calls, customer


async def test_nobody_links_while_it_is_deactivated(
    workspace: Workspace, own_cloud: RehearsalDescription
) -> None:
    """Neither who has linked nor who is about to; the check says who can switch it on again.

    contract G8.11
    """
    client = IndependentClient(own_cloud)
    app = client.application("trial")
    switch(client, app["appId"], "deactivated", on=False)
    what, _ = WORDS["deactivated"]
    for outcome in await looked(workspace):
        assert what in told(outcome) + "".join(one.title for one in outcome.changes)
        assert not [words for words in HARMFUL if words in told(outcome)], told(outcome)
        assert link_cards(outcome) == []
    switch(client, app["appId"], "deactivated", on=True)
    check, of_linked, of_new = await looked(workspace)
    assert what not in told(check) + told(of_linked) + told(of_new)
    assert len(link_cards(of_new)) == 1
    client.http.close()


async def test_a_principal_that_is_disabled_at_home_stops_no_customer(
    workspace: Workspace, own_cloud: RehearsalDescription
) -> None:
    """It is one tenant's own switch: the check tells of it, and customers elsewhere go on.

    contract G8.12
    """
    client = IndependentClient(own_cloud)
    app = client.application("trial")
    switch(client, app["appId"], "disabled here", on=False)
    check, of_linked, of_new = await looked(workspace)
    switch(client, app["appId"], "disabled here", on=True)
    what, _ = WORDS["disabled here"]
    assert what in row(check, "Application").actual
    assert what in row(check, "Client secret").actual
    assert what not in told(of_linked) + told(of_new)
    assert len(link_cards(of_new)) == 1
    client.http.close()
