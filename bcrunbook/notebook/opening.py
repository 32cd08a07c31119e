"""What a notebook asks for, and the run of the step that comes of it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Any

from bcrunbook.accounts import find_workspace
from bcrunbook.core.runner import StepRunner, chosen_mode, failed_outcome
from bcrunbook.core.step import AnyStep, Outcome
from bcrunbook.errors import RunbookError
from bcrunbook.job_options import job_options
from bcrunbook.notebook_files import parameters
from bcrunbook.signin import Person
from bcrunbook.steps import step_named
from bcrunbook.steps.client_secret.replacement import Replacement
from bcrunbook.steps.opening import open_context
from bcrunbook.steps.retire_request import RetireRequest


@dataclass(frozen=True)
class Opening:
    """What a notebook asks for: its parameters, as they are meant."""

    step: str
    account: str
    mode: str
    workspace: str
    customer: str
    replace: str = ""
    also: str = ""

    @property
    def values(self) -> dict[str, str]:
        """The parameters, by name."""
        return {name: value for name, value in asdict(self).items() if name != "step"}

    @property
    def runbook_step(self) -> AnyStep:
        """The step."""
        return step_named(self.step)


async def open_runner(
    opening: Opening, stack: AsyncExitStack, *, person: Person | None
) -> StepRunner[Any, Any]:
    """Open what the step works with, and begin a run.

    Args:
        opening: what is asked for.
        stack: what is opened is closed with it.
        person: who is there to sign in and to click; None where nobody is.

    Raises:
        RunbookError: it cannot be opened.
    """
    step = opening.runbook_step
    loaded = job_options().load(find_workspace(opening.workspace or None))
    context = await stack.enter_async_context(
        open_context(
            loaded,
            loaded.account(opening.account),
            person=person,
            customer=loaded.customer(opening.account, opening.customer)
            if step.is_per_customer
            else None,
            replace=Replacement.parse(opening.replace),
            retire=RetireRequest.parse(opening.also),
        )
    )
    mode = chosen_mode(opening.mode, live=context.cloud.is_live, answered=person is not None)
    return StepRunner(step, context, mode)


def failed(opening: Opening, error: RunbookError) -> Outcome:
    """The outcome of a step that could not be opened.

    Args:
        opening: what was asked for.
        error: why it could not.
    """
    shown = parameters.shown
    return failed_outcome(
        opening.step,
        shown(opening.account),
        shown(opening.mode),
        "unknown",
        error,
        shown(opening.customer),
    )
