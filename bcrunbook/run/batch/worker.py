"""One account or customer of a batch, in a process that was made for it and ends with it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from bcrunbook import throttled
from bcrunbook.accounts import Workspace, keep_secrets_from_others
from bcrunbook.cloud import cloud_of
from bcrunbook.core.runner import failed_outcome
from bcrunbook.core.step import AnyStep
from bcrunbook.errors import ReportBug, RunbookError
from bcrunbook.job_options import JobOptions, doing_job
from bcrunbook.run.account import StepRun, run_account, run_customers
from bcrunbook.run.batch.selection import WorkItem
from bcrunbook.run.engine.cells import alone, end_with
from bcrunbook.run.papermill import EngineName
from bcrunbook.secrets import install_log_redaction
from bcrunbook.steps import step_named


@dataclass(frozen=True)
class Job:
    """What a process is to do.

    Args:
        workspace: the workspace, with no more in it than the item needs.
        item: the account or the customer.
        mode: `auto`, `plan` or `apply`.
        folder: where its notebooks go.
        engine: what runs their cells.
        notebooks: the folder that the notebooks are read from; None for that of the workspace.
    """

    workspace: Workspace
    item: WorkItem
    mode: str
    folder: Path
    engine: EngineName = "bcrunbook"
    notebooks: Path | None = None


@dataclass(frozen=True)
class WorkerMessage:
    """What a process reports while it is at work.

    Args:
        kind: a step began, a service's limit holds it up, a step ended, the work has ended, or it
            is begun again elsewhere, as whoever did it is gone.
        step: the step that began.
        seconds: for how long it is held up.
        run: the step that ended.
    """

    kind: Literal["began", "throttled", "ended", "over", "again"]
    step: str = ""
    seconds: float = 0.0
    run: StepRun | None = None


def job_of(
    workspace: Workspace,
    item: WorkItem,
    mode: str,
    folder: Path,
    engine: EngineName,
    gone: frozenset[tuple[str, str]] = frozenset(),
) -> Job:
    """The job for an item.

    Args:
        workspace: the whole workspace.
        item: one of its accounts or customers.
        mode: `auto`, `plan` or `apply`.
        folder: the batch's folder.
        engine: what runs the cells.
        gone: accounts and customers that the ledger knows and the workspace does not.
    """
    account = workspace.account(item.account)
    if item.customer:
        # Of thousands of customers only this one is sent.
        only = {item.customer: account.customers[item.customer]}
        account = account.model_copy(update={"customers": only})
    accounts = {account.name: account}
    if account.requires:
        accounts = {account.requires: workspace.account(account.requires), **accounts}
    part = workspace.model_copy(update={"accounts": accounts, "gone": gone})
    return Job(part, item, mode, folder / item.account, engine)


def work(wire: Connection, job: Job, *, waits_for_lost_holders: bool = False) -> None:
    """Do a job, reporting how it goes; ends at once when nobody listens any more.

    Args:
        wire: to whoever made the process.
        job: what to do.
        waits_for_lost_holders: see `JobOptions`.
    """
    alone()
    end_with(wire)
    _without_a_terminal()
    # It ends soon, and gives everything back by that.
    gc.disable()
    install_log_redaction()
    keep_secrets_from_others(job.workspace)
    options = JobOptions(
        workspace=job.workspace,
        notebooks=job.notebooks,
        runs_cells_here=True,
        is_followed_elsewhere=True,
        waits_for_lost_holders=waits_for_lost_holders,
        kept={},
    )
    one_at_a_time = threading.Lock()

    def send(message: WorkerMessage) -> None:
        with one_at_a_time:  # cells run in a thread of their own
            wire.send(message)

    def on_throttled(seconds: float) -> None:
        send(WorkerMessage("throttled", seconds=seconds))

    with (
        contextlib.suppress(OSError),  # nobody listens
        doing_job(options),
        throttled.reporting_to(on_throttled),
    ):
        for message in asyncio.run(_run(job, send)):
            send(message)
        send(WorkerMessage("over"))


def _without_a_terminal() -> None:
    """What libraries print belongs to nobody; what cells print is theirs."""
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


async def _run(job: Job, send: Callable[[WorkerMessage], None]) -> list[WorkerMessage]:
    """Run the item's notebooks.

    Returns:
        What is left to be sent: that it could not be run.
    """

    def began(_: str, step: AnyStep) -> None:
        send(WorkerMessage("began", step=step.id))

    def ended(run: StepRun) -> None:
        send(WorkerMessage("ended", run=run))

    item, steps = job.item, [step_named(one) for one in job.item.steps]
    how: dict[str, Any] = {"began": began, "ended": ended, "engine": job.engine}
    where = job.workspace, item.account
    try:
        if item.customer:
            await run_customers(*where, [item.customer], steps, job.mode, job.folder, **how)
        else:
            await run_account(*where, steps, job.mode, job.folder, wish=item.secret, **how)
    except OSError:
        raise
    except RunbookError as error:
        return [WorkerMessage("ended", run=could_not(job, error))]
    except Exception as error:
        logging.getLogger(__name__).exception("%s", item.who)
        broke = ReportBug(
            f"The run broke down: {type(error).__name__}.",
            where=item.who,
            next="run it alone with --debug, and report what that shows",
        )
        return [WorkerMessage("ended", run=could_not(job, broke))]
    return []


def could_not(job: Job, error: RunbookError) -> StepRun:
    """What it comes to when an item cannot be run at all.

    Args:
        job: what was to be done.
        error: why it could not.
    """
    item = job.item
    cloud = cloud_of(job.workspace, job.workspace.account(item.account)).kind
    outcome = failed_outcome(item.steps[0], item.account, job.mode, cloud, error, item.customer)
    return StepRun(item.account, item.steps[0], outcome, None, 0, customer=item.customer)
