"""Running steps as plain coroutines."""

from __future__ import annotations

from collections.abc import Sequence

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import Operator, run_in_context
from bcrunbook.core.step import Mode, Outcome
from bcrunbook.order import CODAT_KEYS, ORDER
from bcrunbook.signin import Person
from bcrunbook.steps import step_named
from bcrunbook.steps.opening import open_context
from tests.conftest import only_account

ALONE = ORDER[: ORDER.index(CODAT_KEYS)]
"""The steps that the program does without a person."""
UP_TO_KEYS = (*ALONE, CODAT_KEYS)
"""The same, and the first that needs one."""


async def run_steps(
    workspace: Workspace,
    *steps: str,
    mode: Mode = Mode.APPLY,
    person: Person | None = None,
    operator: Operator | None = None,
) -> list[Outcome]:
    """The outcomes of some steps for the workspace's one account; unnamed, those in `ALONE`."""
    account = workspace.account(only_account(workspace))
    outcomes = []
    for step in steps or ALONE:
        async with open_context(workspace, account, person=person) as context:
            outcomes.append(
                await run_in_context(step_named(step), context, mode, operator=operator)
            )
    return outcomes


def states(outcomes: Sequence[Outcome]) -> list[str]:
    """Their states."""
    return [outcome.state.value for outcome in outcomes]
