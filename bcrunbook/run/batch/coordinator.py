"""Puts a batch together: who comes next, what ends, what is noted, what is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from bcrunbook.accounts import Workspace
from bcrunbook.core.step import PASSED
from bcrunbook.errors import ReportBug, RunbookError, WaitAndRetry
from bcrunbook.job_options import doing_job, job_options
from bcrunbook.ledger.store import Ledger
from bcrunbook.run.account import StepRun, folder_of
from bcrunbook.run.batch import record
from bcrunbook.run.batch.executor import Executor, WorkerDied
from bcrunbook.run.batch.parking import Parking
from bcrunbook.run.batch.progress import BatchProgress, StepSummary
from bcrunbook.run.batch.queue import Queue
from bcrunbook.run.batch.record import Batch
from bcrunbook.run.batch.report import write_batch_report
from bcrunbook.run.batch.selection import OF_ACCOUNTS, WorkItem
from bcrunbook.run.batch.worker import Job, WorkerMessage, could_not, job_of
from bcrunbook.run.copies import Copies
from bcrunbook.run.papermill import EngineName
from bcrunbook.steps.gone import gone
from bcrunbook.steps.required import not_yet

LEASE: Final = "batch"
TRIES: Final = 3
"""How often an item is tried whose process has ended under it."""
_REPORT_SECONDS: Final = 5.0


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is carried out.

    Args:
        mode: `auto`, `plan` or `apply`.
        jobs: how many items at a time; None for as many as suit the executor.
        engine: what runs the notebooks' cells.
    """

    mode: str
    jobs: int | None = None
    engine: EngineName = "bcrunbook"


@dataclass(frozen=True)
class BatchEvent:
    """Something that happens in a batch.

    Args:
        kind: a step began, was held up by a service's limit, or ended; an item ended, waits, has
            waited, or was tried again.
        who: whom it is about.
        step: the step, where it is about one.
        seconds: for how long it is held up.
        summary: how the step ended.
    """

    kind: Literal[
        "step_began",
        "throttled",
        "step_ended",
        "item_ended",
        "parked",
        "settled",
        "tried_again",
    ]
    who: str
    step: str = ""
    seconds: float = 0.0
    summary: StepSummary | None = None


def progress_of(batch: Batch, items: Sequence[WorkItem]) -> BatchProgress:
    """How far a batch is as it stands.

    Args:
        batch: the batch, begun or taken up again.
        items: what it is about, in the order of the file.
    """
    progress = BatchProgress(items)
    for item in items:
        if item.who in batch.ended:
            progress.take_over(item.who, [StepSummary(**one) for one in batch.ended[item.who]])
    return progress


class Coordinator:
    """Carries out a batch.

    Args:
        workspace: the loaded workspace.
        ledger: its ledger.
        batch: the batch, begun or taken up again.
        progress: how far it is, with what has ended in it before. See `progress_of`.
        options: how it is carried out.
        executor: where its items are done.
        copies: where its files are kept once more.
        on_event: called with what happens, when `progress` shows it.
    """

    def __init__(
        self,
        workspace: Workspace,
        ledger: Ledger,
        batch: Batch,
        progress: BatchProgress,
        options: BatchOptions,
        executor: Executor,
        copies: Copies,
        on_event: Callable[[BatchEvent], None],
    ) -> None:
        self._workspace = workspace
        self._ledger = ledger
        self._gone = gone(ledger, workspace)
        self._batch = batch
        self._options = options
        self._executor = executor
        self._copies = copies
        self._on_event = on_event
        self._settling: set[asyncio.Task[None]] = set()
        self._waited: set[str] = set()
        self._progress = progress
        self.report = batch.folder / "report.html"
        left = [item for item in progress.items if item.who not in batch.ended]
        self._queue = Queue(left, {item.who: self._first(item) for item in left})

    def stop(self) -> None:
        """Begin nothing new; what has begun goes on to its end."""
        self._queue.close()
        for one in self._settling:
            one.cancel()

    async def run(self) -> None:
        """Carry it out, to its end or until it is stopped.

        Raises:
            RunbookError: it cannot go on: nothing can be noted, or nobody is there to do it.
        """
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self._write_report_as_it_goes())
                await self._lanes()
                writing.cancel()
        except ExceptionGroup as several:
            raise _for_a_person(several) from None
        if self._queue.is_empty:
            record.end(self._ledger, self._batch, self._progress.exit_code)

    async def write_report(self) -> None:
        """Write the report as it stands, and its copy.

        Raises:
            Unreachable: it cannot be written.
        """
        named = {item.account for item in self._progress.items}
        clouds = {self._workspace.account(name).cloud for name in named}
        write_batch_report(
            self.report,
            self._progress,
            cloud="live" if "live" in clouds else "rehearsal",
            title=f"Batch {self._batch.id}",
        )
        # A copy may take long, and one is made at a time: the last to be begun is there last.
        await asyncio.to_thread(self._copies.keep, self.report)

    async def _write_report_as_it_goes(self) -> None:
        while True:
            await self.write_report()
            await asyncio.sleep(_REPORT_SECONDS)

    async def _lanes(self) -> None:
        # Whatever is asked here, while customers are followed, belongs to the batch.
        with doing_job(replace(job_options(), folder=self._batch.folder)):
            await self._lanes_of_job()

    async def _lanes_of_job(self) -> None:
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            parking = Parking(self._workspace, stack)

            async def lane() -> None:
                """One item after the other."""
                while (item := await self._queue.take()) is not None:
                    await self._item(item)
                    under_way = self._under_way(item)
                    if under_way and self._queue.is_closed:
                        continue  # it has not ended: whoever takes the batch up follows it
                    if under_way:
                        settling = group.create_task(self._settle(parking, item, under_way))
                        self._settling.add(settling)
                        settling.add_done_callback(self._settling.discard)
                    else:
                        await asyncio.to_thread(self._copies.keep, self._files(item))
                        self._end(item)

            for _ in range(self._options.jobs or self._executor.slots):
                group.create_task(lane())

    def _under_way(self, item: WorkItem) -> str:
        """The step that an item waits at for what takes its time; empty otherwise."""
        if item.who in self._waited or not item.customer:
            return ""
        summaries = self._progress.summaries[item.who].values()
        return next((one.step for one in summaries if one.is_under_way), "")

    async def _settle(self, parking: Parking, item: WorkItem, step: str) -> None:
        """Wait without a process; then the notebook is run once more, to make the record."""
        self._waited.add(item.who)
        self._queue.park(item)
        self._progress.park(item)
        self._on_event(BatchEvent("parked", item.who, step))
        await parking.wait(item, step)
        self._progress.unpark(item)
        self._on_event(BatchEvent("settled", item.who, step))
        self._queue.unpark(item)

    async def _item(self, item: WorkItem) -> None:
        job = job_of(
            self._workspace,
            item,
            self._options.mode,
            self._batch.folder,
            self._options.engine,
            self._gone,
        )
        blocking = self._blocking(item)
        if blocking is not None:
            self._end_step(item, blocking)
        elif error := self._refusal(item):
            self._end_step(item, self._summary(could_not(job, error)))
        else:
            await self._do(item, job)

    async def _do(self, item: WorkItem, job: Job) -> None:
        def on_message(message: WorkerMessage) -> None:
            if message.run is not None:
                self._end_step(item, self._summary(message.run))
            elif message.kind == "throttled":
                self._progress.throttle(item, message.seconds)
                self._on_event(BatchEvent("throttled", item.who, seconds=message.seconds))
            elif message.kind == "again":
                self._on_event(BatchEvent("tried_again", item.who))
            else:
                self._progress.begin_step(item, message.step)
                self._on_event(BatchEvent("step_began", item.who, message.step))

        tries = 0
        while tries < TRIES:
            try:
                await self._executor.do(job, on_message)
            except WorkerDied as died:
                tries += died.times
                self._on_event(BatchEvent("tried_again", item.who))
                continue
            return
        died_too_often = ReportBug(
            f"The process that did this has ended {tries} times before it was done.",
            where=item.who,
            why="somebody or the system killed it: is there enough memory?",
            next=f"{self._alone(item)} runs it alone",
        )
        self._end_step(item, self._summary(could_not(job, died_too_often)))

    def _alone(self, item: WorkItem) -> str:
        """The command that does the same without a batch."""
        whom = f"{item.account} --customer {item.customer}" if item.customer else item.account
        mode = "" if self._options.mode == "auto" else f" --mode {self._options.mode}"
        return f"bcrunbook run {whom}{mode}"

    def _first(self, item: WorkItem) -> tuple[str, ...]:
        """Whose end an item waits for, wherever they are in the batch."""
        if item.customer:
            return (item.account,)
        required = self._workspace.account(item.account).requires
        return (required,) if required else ()

    def _blocking(self, item: WorkItem) -> StepSummary | None:
        """What it comes to when an item's account has not passed in this batch."""
        if not item.customer:
            return None
        summaries = self._progress.summaries.get(item.account, {}).values()
        open_ = next((one for one in summaries if one.state not in PASSED), None)
        if open_ is None:
            return None
        return replace(
            open_,
            customer=item.customer,
            step=item.steps[0],
            summary=f"Not run: the account {item.account} comes first.",
            next="",
            notebook="",
            card="",
            seconds=0.0,
            was_run=False,
        )

    def _refusal(self, item: WorkItem) -> WaitAndRetry | None:
        """Why a production account may not be written to yet."""
        account = self._workspace.account(item.account)
        if self._options.mode == "plan" or item.customer:
            return None
        refused = not_yet(self._ledger, self._workspace, account, OF_ACCOUNTS)
        if refused is None:
            return None
        return WaitAndRetry(
            refused.what,
            where=refused.where,
            why=refused.why,
            next=f"bcrunbook run {account.requires} --mode apply; or give a reason: bcrunbook batch"
            f" {account.name} --mode apply --without-trial REASON",
        )

    def _files(self, item: WorkItem) -> Path:
        return folder_of(self._batch.folder / item.account, item.customer)

    def _summary(self, run: StepRun) -> StepSummary:
        return StepSummary.of(run, self._batch.folder)

    def _end_step(self, item: WorkItem, summary: StepSummary) -> None:
        self._progress.end_step(summary)
        self._on_event(BatchEvent("step_ended", item.who, summary.step, summary=summary))

    def _end(self, item: WorkItem) -> None:
        by_step = self._progress.summaries.get(item.who, {})
        summaries = [summary.as_dict() for summary in by_step.values()]
        record.note_item(self._ledger, self._batch, item, summaries)
        self._progress.end_item(item)
        self._on_event(BatchEvent("item_ended", item.who))
        self._queue.ended(item)


def _for_a_person(error: Exception) -> Exception:
    """The first error among several that speaks to a person; else what there is."""
    if not isinstance(error, ExceptionGroup):
        return error
    errors = [_for_a_person(one) for one in error.exceptions]
    return next((one for one in errors if isinstance(one, RunbookError)), error)
