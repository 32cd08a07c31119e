"""Step 7 against the rehearsal cloud: what wears out is found, with its next action."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.steps import step_named
from bcrunbook.steps.context import Context, open_context
from bcrunbook.steps.step import Mode, Outcome, State
from bcrunbook.steps.walk import walk_through
from bcrunbook.steps.wanted import REDIRECT_URI
from tests.linking import lab_customer, link, set_up, step_6
from tests.portal import at_portal, row
from tests.strangers import Stranger


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud of this module's own: it takes the account apart."""
    with launch(tmp_path_factory.mktemp("health") / "cloud", speed=120) as running:
        yield running


@pytest.fixture(scope="module")
def workspace(told: RehearsalDescription) -> Workspace:
    """An account that is set up, with a customer who is linked and one who has not begun."""

    async def make() -> Workspace:
        customers = [lab_customer("gone", "LaterUninstalled"), lab_customer("later", "Normal")]
        made = await set_up(Path(told.directory).parent, told, customers)
        async with open_context(made, made.account("trial")) as context:
            await step_6(context, "gone")
            await link(context, told, "gone")
            assert (await step_6(context, "gone")).state is State.DONE
            await walk_through(step_named("enable_integration"), context, Mode.APPLY)
        return made

    return asyncio.run(make())


async def check(context: Context) -> Outcome:
    """Walk through step 7."""
    return await walk_through(step_named("health_check"), context, Mode.APPLY)


async def test_a_healthy_account_has_nothing_to_do(workspace: Workspace) -> None:
    """Every part is in order or only noted."""
    async with open_context(workspace, workspace.account("trial")) as context:
        outcome = await check(context)
    verdicts = {one.name: one.verdict.value for one in outcome.findings}
    assert verdicts["Application"] == "ok", outcome.findings
    assert verdicts["Client secret"] == "ok"
    assert verdicts["End of the client secret"] == "ok"
    assert verdicts["Permissions and consent"] == "ok"
    assert verdicts["Integration in Codat"] == "ok"
    assert row(outcome, "Customer Lab later").actual == "not begun"


async def test_a_removed_extension_is_found_with_its_next_action(
    told: RehearsalDescription, workspace: Workspace
) -> None:
    """Uninstalled, not "never there"; the customer links again, and it is well again."""
    async with open_context(workspace, workspace.account("trial")) as context:
        while (outcome := await check(context)).state is State.DONE:
            await context.cloud.pace.sleep(60)
        assert outcome.state is State.NEEDS_PERSON
        (change,) = outcome.hand_offs
        assert "Lab gone: uninstalled" in change.title
        assert change.hand_off is not None
        assert "bcrunbook link trial gone" in change.hand_off.actions[0]
        await link(context, told, "gone")
        assert (await step_6(context, "gone")).state is State.DONE
        assert (await check(context)).state is State.DONE


async def test_a_switched_off_integration_is_found(
    told: RehearsalDescription, workspace: Workspace
) -> None:
    """The toggle, with the step that puts it right."""
    person = await asyncio.to_thread(at_portal, told)
    await asyncio.to_thread(person.toggle, False)
    async with open_context(workspace, workspace.account("trial")) as context:
        found = row(await check(context), "Integration in Codat")
    await asyncio.to_thread(person.toggle, True)
    assert found.verdict.value == "differs"
    assert "enable_integration" in found.advice


async def test_a_changed_application_is_found_with_what_differs(
    told: RehearsalDescription, workspace: Workspace
) -> None:
    """Somebody took the redirect URI away: what it is, what it should be, which step."""
    stranger = Stranger(told, told.accounts["trial"]["tenant"])
    try:
        application = stranger.application("trial")
        stranger.call(
            "PATCH",
            f"/applications/{application['id']}",
            {"web": {"redirectUris": ["https://elsewhere.example/callback"]}},
        )
    finally:
        stranger.http.close()
    async with open_context(workspace, workspace.account("trial")) as context:
        await context.cloud.pace.sleep(30)
        found = row(await check(context), "Application")
        await walk_through(step_named("register_application"), context, Mode.APPLY)
    assert found.verdict.value == "differs"
    assert REDIRECT_URI in found.actual
    assert "register_application" in found.advice
