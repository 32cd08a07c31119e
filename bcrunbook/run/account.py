"""One account, headlessly: its notebooks in order, then its customers', each through papermill.

A step that needs an earlier one which did not succeed is not run: it is reported as following from
it. Two coordinators on one account exclude each other by a lease in the ledger.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bcrunbook.accounts import Workspace
from bcrunbook.cloud import cloud_of
from bcrunbook.core.follow import lease_name
from bcrunbook.core.runner import chosen_mode, failed_outcome, not_run_outcome
from bcrunbook.core.step import PASSED, AnyStep, Change, Outcome, State, worst_code
from bcrunbook.errors import ReportBug, RunbookError
from bcrunbook.ledger.store import open_ledger
from bcrunbook.notebook_files import parameters
from bcrunbook.notebook_files.shipped import notebook_path
from bcrunbook.notebook_files.source import check_sources
from bcrunbook.run.cards import write_card
from bcrunbook.run.papermill import EngineName, run_notebook, unwritable
from bcrunbook.steps import notebook_of


@dataclass(frozen=True)
class StepRun:
    """One step of one account, or of one of its customers, in one run.

    Args:
        account: the account's name.
        step: the step's id.
        outcome: how it ended.
        notebook: the output notebook; None when the step was not run.
        seconds: how long it took.
        card: the page for the person who has to act; None when nobody has to.
        customer: the customer's name; empty for a step of the account itself.
    """

    account: str
    step: str
    outcome: Outcome
    notebook: Path | None
    seconds: float
    card: Path | None = None
    customer: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What was run: the same in every run of it."""
        return self.account, self.customer, self.step

    @property
    def who(self) -> str:
        """Whom it is about."""
        return f"{self.account}/{self.customer}" if self.customer else self.account

    @property
    def hand_offs(self) -> tuple[Change, ...]:
        """What a person has to do, each with its hand-off."""
        return tuple(one for one in self.outcome.hand_offs if one.hand_off is not None)

    @property
    def state(self) -> State:
        """How it ended."""
        return self.outcome.state

    @property
    def exit_code(self) -> int:
        """The exit code of this step alone."""
        return self.outcome.exit_code


# Each holds a kernel while it waits; many more customers are a batch's work.
_MAX_CUSTOMERS: Final = 4

Began = Callable[[str, AnyStep], None]
Ended = Callable[[StepRun], None]


def exit_code(runs: Sequence[StepRun]) -> int:
    """The exit code of several steps: that of the worst."""
    return worst_code(run.exit_code for run in runs)


def folder_of(account: Path, customer: str) -> Path:
    """Where a customer's notebooks go; those of the account itself without one.

    Args:
        account: the account's folder in a run's.
        customer: the customer's name, or empty.
    """
    return account / "customers" / customer if customer else account


async def run_account(
    workspace: Workspace,
    account: str,
    steps: Sequence[AnyStep],
    mode: str,
    folder: Path,
    *,
    began: Began,
    ended: Ended,
    engine: EngineName = "bcrunbook",
    wish: str = "",
) -> list[StepRun]:
    """Run the notebooks of `steps` for one account.

    Args:
        workspace: the loaded workspace.
        account: the account's name.
        steps: which steps, in order.
        mode: `auto`, `plan` or `apply`.
        folder: where the output notebooks go.
        began: called when a step begins.
        ended: called when it has ended.
        engine: what runs the cells.
        wish: what a step is asked for besides, as its notebook's parameter says it.

    Raises:
        RunbookError: nothing could be run (no such account, a notebook that would not do what is
            asked, ledger unusable, another run is at it).
    """
    kind = cloud_of(workspace, workspace.account(account)).kind
    check_sources(steps, workspace)
    runs: list[StepRun] = []
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        name = f"run/{lease_name(ledger, workspace.account(account).identity)}"
        async with ledger.lease(name, what=f"run of account {account}"):
            for step in steps:
                began(account, step)
                run = await _run_step(
                    workspace, account, step, mode, folder, kind, runs, engine, wish=wish
                )
                runs.append(run)
                ended(run)
    return runs


async def run_customers(
    workspace: Workspace,
    account: str,
    customers: Sequence[str],
    steps: Sequence[AnyStep],
    mode: str,
    folder: Path,
    *,
    began: Began,
    ended: Ended,
    engine: EngineName = "bcrunbook",
    wish: str = "",
) -> list[StepRun]:
    """Run the notebooks of `steps` for customers of one account, several customers at a time.

    Args:
        workspace: the loaded workspace.
        account: the account's name.
        customers: their names.
        steps: which steps, in order.
        mode: `auto`, `plan` or `apply`.
        folder: the account's folder; each customer has one of its own below it.
        began: called when a step begins.
        ended: called when it has ended.
        engine: what runs the cells.
        wish: what a step is asked for besides, as its notebook's parameter says it.

    Raises:
        RunbookError: nothing could be run (no such account or customer, a notebook that would not
            do what is asked).
    """
    kind = cloud_of(workspace, workspace.account(account)).kind
    for name in customers:
        workspace.customer(account, name)
    check_sources(steps, workspace)
    slots = asyncio.Semaphore(_MAX_CUSTOMERS)

    async def run(name: str) -> list[StepRun]:
        runs: list[StepRun] = []
        async with slots:
            for step in steps:
                began(f"{account}/{name}", step)
                target = folder_of(folder, name)
                runs.append(
                    await _run_step(
                        workspace, account, step, mode, target, kind, runs, engine, name, wish
                    )
                )
                ended(runs[-1])
        return runs

    by_customer = await asyncio.gather(*(run(name) for name in customers))
    return [run for runs in by_customer for run in runs]


async def _run_step(
    workspace: Workspace,
    account: str,
    step: AnyStep,
    mode: str,
    folder: Path,
    cloud: str,
    before: list[StepRun],
    engine: EngineName,
    customer: str = "",
    wish: str = "",
) -> StepRun:
    blocking = next((run for run in before if run.step in step.needs and _blocks(run)), None)
    if blocking is not None:
        outcome = not_run_outcome(step.id, account, mode, cloud, blocking.outcome, customer)
        return StepRun(account, step.id, outcome, None, 0, customer=customer)
    target = folder / notebook_of(step)
    values = {"account": account, "mode": mode, "workspace": str(workspace.root)}
    if customer:
        values["customer"] = customer
    if step.id in parameters.WISHES:
        values[parameters.WISHES[step.id]] = wish
    started = datetime.now(UTC)
    written: Path | None = target
    try:
        outcome = await run_notebook(notebook_path(step, workspace), target, values, engine)
        _refuse_another(outcome, step, {"customer": customer, **values}, cloud, target)
    except RunbookError as error:
        outcome = failed_outcome(step.id, account, mode, cloud, error, customer)
        written = target if target.is_file() else None
    seconds = (datetime.now(UTC) - started).total_seconds()
    run = StepRun(account, step.id, outcome, written, seconds, customer=customer)
    if written is None or not run.hand_offs:
        return run
    try:
        return dataclasses.replace(
            run, card=write_card(written, step, run.who, cloud, run.hand_offs)
        )
    except OSError as error:
        raise unwritable(error, written) from None


def _refuse_another(
    outcome: Outcome, step: AnyStep, values: dict[str, str], cloud: str, target: Path
) -> None:
    """Refuse an outcome of anything else than what was asked for.

    Raises:
        ReportBug: naming what was asked for, and what the notebook did.
    """
    asked = {
        "step": step.id,
        "account": values["account"],
        "customer": values["customer"],
        "mode": values["mode"],
        "cloud": cloud,
    }
    done = {name: str(getattr(outcome, name)) for name in asked}
    if asked["mode"] == "auto" and done["mode"] != "auto":
        asked["mode"] = chosen_mode("auto", live=cloud == "live", answered=False).value
    if outcome.error is not None and outcome.cloud == "unknown":
        del asked["cloud"]  # it did not get as far
    other = [one for one in asked if done[one] not in (asked[one], parameters.shown(asked[one]))]
    if not other:
        return
    did, wanted = (
        ", ".join(f'{one} "{parameters.shown(values[one])}"' for one in other)
        for values in (done, asked)
    )
    raise ReportBug(
        f"The notebook ran with {did}, and was asked for {wanted}.",
        where=str(target),
        why="the notebook was changed while it ran, or shows an outcome of its own",
        next="open the output notebook to see what it did, and look there before you run anything"
        " again; then replace the notebook that it was made of",
    )


def _blocks(run: StepRun) -> bool:
    return run.state not in PASSED
