"""Walking through steps as plain coroutines."""

from __future__ import annotations

from collections.abc import Sequence

from bcrunbook.accounts import Workspace
from bcrunbook.signin import Person
from bcrunbook.steps import STEPS, step_named
from bcrunbook.steps.context import open_context
from bcrunbook.steps.step import Mode, Outcome
from bcrunbook.steps.walk import walk_through
from tests.conftest import only_account

ALL = tuple(step.id for step in STEPS)


async def walk(
    workspace: Workspace,
    *steps: str,
    mode: Mode = Mode.APPLY,
    person: Person | None = None,
) -> list[Outcome]:
    """The outcomes of some steps (all when none is named) for the workspace's one account."""
    account = workspace.account(only_account(workspace))
    outcomes = []
    for step in steps or ALL:
        async with open_context(workspace, account, person=person) as context:
            outcomes.append(await walk_through(step_named(step), context, mode))
    return outcomes


def states(outcomes: Sequence[Outcome]) -> list[str]:
    """Their states."""
    return [outcome.state.value for outcome in outcomes]
