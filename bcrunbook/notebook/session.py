"""One step in one notebook: what its cells call, in order.

    step = await open_step("client_secret", account=account, mode=mode, workspace=workspace)
    await step.examine()
    step.plan()
    await step.apply()
    step.check()
    await step.outcome()

A person steps through these cells, papermill runs them, nbval compares them: what is examined, done
and recorded is the same. Only how a cell waits differs. Where nobody is, each cell does its part
and ends (`headless`); where somebody is, no cell waits for them (`interactive`).
"""

from __future__ import annotations

from typing import Any, Protocol

from bcrunbook.given_as import Place, speak_to
from bcrunbook.notebook.headless import HeadlessStep
from bcrunbook.notebook.opening import Opening
from bcrunbook.notebook.tracebacks import scrub_tracebacks
from bcrunbook.notebook_files import parameters
from bcrunbook.secrets import install_log_redaction, leave_no_core_dump


class NotebookStep(Protocol):
    """What the cells of a notebook ask of its step. Get it from `open_step`."""

    async def examine(self) -> Any:
        """Read what is there, and show it against what is wanted."""

    def plan(self) -> Any:
        """Show what would be done."""

    async def apply(self) -> Any:
        """Do what the mode allows; in `ask` mode, after the click."""

    def check(self) -> Any:
        """Show what was found after the changes."""

    async def outcome(self) -> None:
        """Display the outcome."""


async def open_step(
    step: str,
    *,
    account: str,
    mode: str,
    workspace: str = "",
    customer: str = "",
    replace: str = "",
    also: str = "",
) -> NotebookStep:
    """Open a step for the cells that follow.

    Args:
        step: the step's id.
        account: a name from accounts.toml.
        mode: `auto`, `plan`, `apply` or `ask`.
        workspace: the folder with accounts.toml; empty searches from the current folder upwards.
        customer: for a step about a customer, one of the account's.
        replace: for the step that replaces a secret, which one; see `Replacement`.
        also: for the steps that retire, what is asked for besides; see `RetireRequest`.
    """
    leave_no_core_dump()
    scrub_tracebacks()
    install_log_redaction()
    speak_to(Place.NOTEBOOK)
    opening = Opening(step, account, mode, workspace, customer, replace, also)
    if parameters.somebody_answers():
        # Widgets are read only where somebody is to see them.
        from bcrunbook.notebook.interactive import interactive_step

        return await interactive_step(opening)
    opened = HeadlessStep(opening)
    await opened.open()
    return opened
