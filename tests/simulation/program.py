"""The program's commands in this process: what `bcrunbook run` and `bcrunbook batch` do.

A notebook is replaced by the coroutines that its cells call; a process of the batch by one that
can be killed here.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import AnyStep, Mode, Outcome
from bcrunbook.job_options import JobOptions, doing_job, job_options
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import (
    NUMBERED,
    RESTORE_ACCOUNT,
    RETIRE_ACCOUNT,
    RETIRE_CUSTOMER,
    ROTATE_SECRET,
    notebook_name,
)
from bcrunbook.run.account import run_account, run_customers
from bcrunbook.run.batch import record, worker
from bcrunbook.run.batch.coordinator import LEASE, BatchOptions, Coordinator, progress_of
from bcrunbook.run.batch.executor import OnMessage, WorkerDied
from bcrunbook.run.batch.selection import OF_ACCOUNTS, OF_CUSTOMERS, Selection, chosen
from bcrunbook.run.batch.worker import Job, WorkerMessage
from bcrunbook.run.check import check_accounts
from bcrunbook.run.copies import Copies
from bcrunbook.run.folders import run_folder
from bcrunbook.run.step import run_step
from bcrunbook.steps import step_named
from bcrunbook.steps.client_secret.replacement import Replacement
from bcrunbook.steps.opening import open_context
from tests.simulation.processes import Died, Machine, current

APPLY: Final = "apply"
Work = Coroutine[Any, Any, None]
_STEPS: Final = {notebook_name(one): one for one in NUMBERED}
_SELDOM: Final = 600.0
"""How often, in seconds, a batch's report is written while it goes on: that costs time only."""


async def _run_notebook(
    source: Path, target: Path, values: dict[str, Any], engine: str = "bcrunbook"
) -> Outcome:
    """What the cells of a notebook do, without the notebook."""
    workspace, step = job_options().load(Path(values["workspace"])), _STEPS[source.stem]
    if wish := values.get("replace", ""):
        account = workspace.account(values["account"])
        async with open_context(workspace, account, replace=Replacement.parse(wish)) as context:
            outcome = await run_in_context(step_named(step), context, Mode(values["mode"]))
    else:
        outcome = await run_step(
            workspace,
            values["account"],
            step,
            Mode(values["mode"]),
            customer=values.get("customer", ""),
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(outcome.as_dict()), "utf-8")
    return outcome


@contextmanager
def without_notebooks() -> Iterator[None]:
    """Meanwhile steps are run as coroutines."""
    with ExitStack() as stack:
        for name, instead in (
            ("bcrunbook.run.account.run_notebook", _run_notebook),
            ("bcrunbook.run.account.check_sources", lambda steps, workspace: None),
            ("bcrunbook.run.batch.coordinator._REPORT_SECONDS", _SELDOM),
            ("bcrunbook.cli.output.say", _quiet),
        ):
            stack.enter_context(mock.patch(name, instead))
        yield


def _quiet(*_: Any) -> None:
    """Nobody looks on."""


async def run(workspace: Workspace, account: str, steps: Sequence[str]) -> None:
    """`bcrunbook run ACCOUNT`, then its customers, in one process.

    Args:
        workspace: the workspace.
        account: the account's name.
        steps: which steps, by their ids; all where none is named.
    """
    own = [one for one in OF_ACCOUNTS if not steps or one in steps]
    theirs = [one for one in OF_CUSTOMERS if not steps or one in steps]
    commanded = _Command(workspace, account)
    with doing_job(JobOptions(workspace=workspace)):
        await commanded.of_account(*own)
        await commanded.of_customers(*theirs)


async def rotate(workspace: Workspace, account: str, secret: str) -> None:
    """`bcrunbook rotate ACCOUNT --secret MARKER`.

    Args:
        workspace: the workspace.
        account: the account's name.
        secret: the marker of the secret that is to be replaced.
    """
    with doing_job(JobOptions(workspace=workspace)):
        await _Command(workspace, account, secret).of_account(ROTATE_SECRET)


async def retire(workspace: Workspace, account: str) -> None:
    """`bcrunbook retire ACCOUNT --with-customers`.

    Args:
        workspace: the workspace.
        account: the account's name.
    """
    commanded = _Command(workspace, account)
    with doing_job(JobOptions(workspace=workspace)):
        await commanded.of_customers(RETIRE_CUSTOMER)
        await commanded.of_account(RETIRE_ACCOUNT)


async def restore(workspace: Workspace, account: str) -> None:
    """`bcrunbook restore ACCOUNT`.

    Args:
        workspace: the workspace.
        account: the account's name.
    """
    with doing_job(JobOptions(workspace=workspace)):
        await _Command(workspace, account).of_account(RESTORE_ACCOUNT)


class _Command:
    """One command about an account, whose notebooks go into one folder.

    Args:
        workspace: the workspace.
        account: the account's name.
        wish: what is asked for besides.
    """

    def __init__(self, workspace: Workspace, account: str, wish: str = "") -> None:
        self._whom = workspace, account
        self._customers = list(workspace.account(account).customers)
        self._folder = run_folder(workspace.root) / account
        self._how: dict[str, Any] = {"began": _quiet, "ended": _quiet, "wish": wish}

    async def of_account(self, *steps: str) -> None:
        """Run steps of the account, if there are any."""
        if steps:
            await run_account(*self._whom, _named(steps), APPLY, self._folder, **self._how)

    async def of_customers(self, *steps: str) -> None:
        """Run steps for all of its customers, if there are any of both."""
        if steps and self._customers:
            whom, named = (*self._whom, self._customers), _named(steps)
            await run_customers(*whom, named, APPLY, self._folder, **self._how)


def _named(steps: Sequence[str]) -> list[AnyStep]:
    return [step_named(one) for one in steps]


async def batch(workspace: Workspace, executor: InProcess) -> None:
    """`bcrunbook batch`: begun, or taken up again."""
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        items = chosen(workspace, Selection(), {})
        async with ledger.lease(LEASE, what=f"a batch of {len(items)}"):
            begun = record.begin(ledger, run_folder(workspace.root), items, APPLY, anew=False)
            coordinator = Coordinator(
                workspace,
                ledger,
                begun,
                progress_of(begun, items),
                BatchOptions(APPLY),
                executor,
                Copies(None, begun.folder),
                _quiet,
            )
            await coordinator.run()
            await coordinator.write_report()


async def check(workspace: Workspace) -> list[Outcome]:
    """`bcrunbook check --all`.

    Args:
        workspace: the workspace.
    """
    return await check_accounts(workspace, list(workspace.accounts), began=_quiet)


@dataclass
class InProcess:
    """Does each job of a batch in a process that can be killed.

    Args:
        machine: where they run.
        deaths: when the processes die, one after the other; those after them live.
    """

    machine: Machine
    deaths: list[int]
    slots: int = 2

    async def do(self, job: Job, on_message: OnMessage) -> None:
        """See `Executor`."""
        dies_at = self.deaths.pop(0) if self.deaths else None
        mine = self.machine.start(f"worker {job.item.who}", dies_at=dies_at, parent=current())

        def send(message: WorkerMessage) -> None:
            mine.door()
            on_message(message)

        options = JobOptions(
            workspace=job.workspace, runs_cells_here=True, is_followed_elsewhere=True
        )

        async def work() -> None:
            with doing_job(options):
                for message in await worker._run(job, send):
                    send(message)

        try:
            await mine.run(work())
        except Died:
            raise WorkerDied from None
