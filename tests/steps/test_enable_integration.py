"""Enabling, against the rehearsal cloud: the toggle as seen, waited for, and said."""

from __future__ import annotations

import asyncio
import json
import secrets as random
from collections.abc import Callable
from pathlib import Path

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import Operator
from bcrunbook.core.step import Change, Comparison, Mode, Outcome
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.rehearsal.people import UnexpectedPage
from tests.conftest import MakeWorkspace
from tests.support.clock import pace_of
from tests.support.portal import at_portal, calls, confirm, facts, handed, row, set_enabled
from tests.support.running import run_steps

STEP = "enable_integration"
TOGGLE = "Dynamics 365 Business Central enabled"


async def step(workspace: Workspace, operator: Operator | None = None) -> Outcome:
    """The outcome of enabling the integration."""
    mode = Mode.ASK if operator else Mode.APPLY
    (outcome,) = await run_steps(workspace, STEP, mode=mode, operator=operator)
    return outcome


class Somebody:
    """A person in front of the notebook, who acts after some waits.

    Args:
        cloud: the rehearsal cloud, whose time passes.
        after: the number of waits before the act; 0 never.
        act: what they do then.
        keeps: how often they keep waiting when the time is over.
    """

    def __init__(
        self,
        cloud: RehearsalDescription,
        after: int = 0,
        act: Callable[[], object] = list,
        *,
        keeps: int = 0,
    ) -> None:
        self._keeps = keeps
        self._cloud = cloud
        self._after = after
        self._act = act
        self.waits = 0

    async def confirm(self, change: Change) -> str:
        """They say nothing."""
        return ""

    async def wait(self, change: Change, seconds: float) -> bool:
        """Time passes, and perhaps they act."""
        self.waits += 1
        await pace_of(self._cloud).sleep(seconds)
        if self.waits == self._after:
            await asyncio.to_thread(self._act)
        return True

    async def ended(self, change: Change) -> bool:
        """The time is over; perhaps they keep waiting."""
        self._keeps -= 1
        return self._keeps >= 0

    def leave(self) -> None:
        """Nothing is left behind."""


async def test_not_enabled_needs_a_person_and_names_the_causes(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Later chosen, role, instance, plan: each with what to do; a headless run does not wait.

    contract C6.4, C6.10, C12.1 and C12.2
    """
    set_enabled(cloud, False)
    before = calls(cloud)
    outcome = await step(make_workspace())
    assert (outcome.state, outcome.exit_code) == ("needs_person", 3)
    assert calls(cloud) - before == 2
    slips = handed(outcome).slips
    for cause in ("Later", "role", "instance", "plan"):
        assert [slip for slip in slips if cause in slip], cause


async def test_what_is_seen_is_kept_apart_from_what_is_said(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """The toggle is an observation, noted when it changes; nobody's word is mixed in.

    contract C5.5
    """
    workspace = make_workspace()
    set_enabled(cloud, False)
    await step(workspace)
    set_enabled(cloud, True)
    outcomes = [await step(workspace), await step(workspace)]
    assert [one.state for one in outcomes] == ["done", "done"]
    assert row(outcomes[0], TOGGLE).source.startswith("Codat API")
    assert row(outcomes[0], "Keys in the Codat Portal").actual == "not said"
    noted = facts(workspace, STEP, "integration")
    assert [(one.basis, one.data["enabled"]) for one in noted] == [
        ("observed", False),
        ("observed", True),
    ]
    assert {one.data["instance"] for one in noted} == {cloud.codat["instance"]}


async def test_later_was_chosen(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    """Saving with "later" leaves it off; the toggle in the list ends it.

    contract C6.4 and C12.2
    """
    with launch(tmp_path / "cloud", skips=True, lags="worst") as own_cloud:
        workspace = make_workspace(on=own_cloud)
        person = at_portal(own_cloud)
        person.save_keys("5b0f3a86-2d1c-4e7b-9a64-c0d8f17e3b52", "some-secret-text", enable="later")
        outcome = await step(workspace)
        assert outcome.state == "needs_person"
        assert "Later" in handed(outcome).slips[0]
        person.toggle(True)
        assert (await step(workspace)).state == "done"


async def test_an_analyst_cannot_and_the_card_says_who_can(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """The portal lets a lesser role do nothing; the step goes on asking, and names the role.

    contract C6.7
    """
    set_enabled(cloud, False)
    workspace = make_workspace()
    analyst = at_portal(cloud, "ana")
    with pytest.raises(UnexpectedPage):
        analyst.toggle(True)
    outcome = await step(workspace)
    assert outcome.state == "needs_person"
    assert "Developer or Administrator" in handed(outcome).who
    assert [slip for slip in handed(outcome).slips if "Administrator" in slip]


async def test_a_person_who_is_there_is_waited_for(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """The toggle is clicked while the step waits, and the step goes on by itself."""
    set_enabled(cloud, False)
    person = Somebody(cloud, after=2, act=lambda: at_portal(cloud).toggle(True))
    outcome = await step(make_workspace(), person)
    assert outcome.state == "done"
    assert person.waits == 2


async def test_who_keeps_waiting_is_seen_later(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """The time is over, somebody keeps waiting, and the toggle that comes then still counts."""
    set_enabled(cloud, False)
    person = Somebody(cloud, after=23, act=lambda: at_portal(cloud).toggle(True), keeps=1)
    outcome = await step(make_workspace(), person)
    assert outcome.state == "done"
    assert person.waits == 23


async def test_ten_minutes_of_waiting_cost_at_most_30_calls(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Counted in the cloud's own log, the first looks included."""
    set_enabled(cloud, False)
    before = calls(cloud)
    outcome = await step(make_workspace(), Somebody(cloud))
    assert outcome.state == "needs_person"
    assert 10 < calls(cloud) - before <= 30


async def test_a_wait_ends_before_the_days_calls_do(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    """With few calls left the step says when there are new ones, and makes none more.

    contract C3.1
    """
    headers = {
        "X-Rate-Limit-Limit": "1000",
        "X-Rate-Limit-Remaining": "99",
        "X-Rate-Limit-Reset": "2030-01-01T00:00:00Z",
    }
    integration = {"key": "trji", "name": "Business Central", "enabled": False, "logoUrl": "x"}
    rule = {"path": "integrations/trji", "status": 200, "headers": headers, "body": integration}
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([rule]), "utf-8")
    with launch(tmp_path / "cloud", skips=True, faults=faults, lags="worst") as own_cloud:
        before = calls(own_cloud)
        outcome = await step(make_workspace(on=own_cloud), Somebody(own_cloud))
        assert calls(own_cloud) - before == 2
    assert (outcome.state, outcome.exit_code) == ("waiting", 4)
    assert "99 of 1000" in outcome.summary and "2030-01-01" in outcome.summary


async def test_without_an_api_key_somebodys_word_ends_it(make_workspace: MakeWorkspace) -> None:
    """The toggle cannot be seen: whoever clicked it says so, and it stays their word."""
    workspace = make_workspace(codat_api_key=None, codat_instance=None)
    outcome = await step(workspace)
    assert outcome.state == "needs_person"
    assert row(outcome, TOGGLE).verdict is Comparison.UNKNOWN
    confirm(workspace, outcome, by="Grace")
    outcome = await step(workspace)
    assert outcome.state == "done"
    assert row(outcome, TOGGLE).verdict is Comparison.NOTE
    assert "Grace" in row(outcome, TOGGLE).actual
    assert facts(workspace, STEP, "integration") == []


async def test_a_word_about_another_instance_does_not_count(make_workspace: MakeWorkspace) -> None:
    """The account was pointed at another instance since: somebody has to look there."""
    name = f"t{random.token_hex(4)}"
    workspace = make_workspace(name=name, codat_api_key=None, codat_instance="The test one")
    confirm(workspace, await step(workspace), by="Grace")
    assert (await step(workspace)).state == "done"
    same = make_workspace(name=name, codat_api_key=None, codat_instance=" the TEST one ")
    assert (await step(same)).state == "done"
    other = make_workspace(name=name, codat_api_key=None, codat_instance="The live one")
    outcome = await step(other)
    assert outcome.state == "needs_person"
    assert 'in the instance "The test one"' in row(outcome, TOGGLE).actual
