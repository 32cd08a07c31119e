"""Since when a step has stood as it does, run for run."""

from __future__ import annotations

from bcrunbook.core.step import Mode
from tests.conftest import MakeWorkspace
from tests.support.running import run_steps

STEP = "register_application"


async def test_since_moves_when_the_state_does_and_only_then(make_workspace: MakeWorkspace) -> None:
    """What changed and what was found as wanted are both well; anything else begins anew."""
    workspace = make_workspace()

    async def once(mode: Mode) -> tuple[str, object, object]:
        (outcome,) = await run_steps(workspace, STEP, mode=mode)
        return outcome.state.value, outcome.since, outcome.ended

    pending = [await once(Mode.PLAN) for _ in range(2)]
    well = [await once(Mode.APPLY) for _ in range(3)]
    assert [state for state, *_ in pending + well] == 2 * ["pending"] + ["changed", "done", "done"]
    for several in (pending, well):
        ended = several[0][2]
        assert [since for _, since, _ in several] == len(several) * [ended]
    assert well[0][1] != pending[0][1]
