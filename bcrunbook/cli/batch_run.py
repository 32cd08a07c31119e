"""A batch from the command line: what it is about, where it is run, what is shown, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from bcrunbook.accounts import Workspace, find_workspace, load
from bcrunbook.cli import output
from bcrunbook.cli.asked import Asked
from bcrunbook.cli.batch_view import view_of
from bcrunbook.cli.told import ToldFiles
from bcrunbook.cli.told_files import write_told
from bcrunbook.ledger.store import Ledger, open_ledger
from bcrunbook.notebook_files.source import check_sources
from bcrunbook.person import user_name
from bcrunbook.run.batch import record
from bcrunbook.run.batch.coordinator import LEASE, BatchOptions, Coordinator, progress_of
from bcrunbook.run.batch.dask.executor import open_cluster
from bcrunbook.run.batch.executor import Executor
from bcrunbook.run.batch.processes import Processes
from bcrunbook.run.batch.progress import BatchProgress
from bcrunbook.run.batch.record import Batch
from bcrunbook.run.batch.selection import Selection, WorkItem, chosen, rotating
from bcrunbook.run.copies import Copies
from bcrunbook.run.ended import of_batch
from bcrunbook.run.folders import run_folder
from bcrunbook.run.notify import notify
from bcrunbook.skipped import dates
from bcrunbook.steps import step_named
from bcrunbook.steps.client_secret.stored import to_be_replaced
from bcrunbook.steps.retired import all_retired
from bcrunbook.steps.without_trial import allow

_INTERRUPTED: Final = 130


def run_batch(
    folder: Path | None,
    selection: Selection,
    options: BatchOptions,
    *,
    address: str,
    without_trial: str,
    anew: bool,
    asked: Asked,
    told: ToldFiles,
    rotate_before: int | None = None,
) -> int:
    """Carry a batch out, or take up the one that was broken off.

    Args:
        folder: the workspace as it was named; None to search for it.
        selection: which accounts and customers.
        options: how it is carried out.
        address: a Dask cluster's scheduler; empty for processes of this machine.
        without_trial: why production accounts may begin before their trial has passed; empty if
            they may not.
        anew: whether to leave a batch that was broken off.
        asked: the same, as its end says it again.
        told: where other programs are told how it ended.
        rotate_before: do nothing but replace the client secrets that end within so many days; None
            for a batch of everything.

    Returns:
        The exit code.
    """
    return asyncio.run(
        _batch(
            load(find_workspace(folder)),
            selection,
            options,
            address=address,
            without_trial=without_trial,
            anew=anew,
            asked=asked,
            told=told,
            rotate_before=rotate_before,
        )
    )


async def _batch(
    workspace: Workspace,
    selection: Selection,
    options: BatchOptions,
    *,
    address: str,
    without_trial: str,
    anew: bool,
    asked: Asked,
    told: ToldFiles,
    rotate_before: int | None,
) -> int:
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        standings = {
            (standing.account, standing.customer or "", standing.step): standing
            for account in workspace.accounts.values()
            if selection.failed or selection.needs_person
            for standing in ledger.standings(account.identity)
        }
        items = _in_use(ledger, workspace, chosen(workspace, selection, standings))
        if not items:
            output.say("Nothing is left to be done: all that was chosen is retired.")
            return 0
        if rotate_before is not None:
            items = _rotating(ledger, workspace, items, rotate_before)
            if not items:
                output.say(f"No client secret ends within {rotate_before} days.")
                return 0
        # Once for all of them, where the notebooks are: nothing has begun yet.
        needed = dict.fromkeys(step for item in items for step in item.steps)
        check_sources(map(step_named, needed), workspace)
        async with (
            ledger.lease(LEASE, what=f"a batch of {len(items)}"),
            _executor(address, workspace, items) as executor,
        ):
            if without_trial:
                _allow(ledger, workspace, items, without_trial)
            begun = record.begin(ledger, run_folder(workspace.root), items, options.mode, anew=anew)
            copies = Copies(workspace.runs_url, begun.folder)
            if begun.ended:
                begun = _taken_up(begun, copies, len(items))
            else:
                output.say(f"Starting {_of_what(items)}.")
            progress = progress_of(begun, items)
            try:
                code = await _carry_out(
                    workspace, ledger, begun, progress, options, executor, copies, asked
                )
            finally:
                ended = of_batch(progress, begun.folder, workspace.root)
                write_told(told, ended, asked.title)
    if code != _INTERRUPTED and (said := await notify(workspace, ended, asked.title, asked.again)):
        output.say(said)
    return code


def _in_use(ledger: Ledger, workspace: Workspace, items: list[WorkItem]) -> list[WorkItem]:
    """Of a selection what is not retired; says of each retired account and customer that it is."""
    over = {
        name: all_retired(ledger, workspace.account(name).identity)
        for name in dict.fromkeys(item.account for item in items)
    }
    kept = []
    for item in items:
        account_over = over[item.account].get("")
        why = account_over or over[item.account].get(item.customer)
        if why is None:
            kept.append(item)
        elif not (account_over and item.customer):
            output.say(f"Left out: {why.sentence} {why.next[0].upper()}{why.next[1:]}.")
    return kept


def _rotating(
    ledger: Ledger, workspace: Workspace, items: list[WorkItem], days: int
) -> list[WorkItem]:
    """Of a selection the accounts whose secret ends within so many days."""
    before = dates.now() + timedelta(days=days)
    found = {
        name: to_be_replaced(ledger, workspace.account(name).identity, before)
        for name in dict.fromkeys(item.account for item in items)
    }
    return rotating(items, {name: secret for name, secret in found.items() if secret})


def _taken_up(begun: Batch, copies: Copies, number: int) -> Batch:
    """A batch that was broken off, here or on another machine, with what of it is here now."""
    if not begun.folder.is_dir():
        copies.bring_back()
    kept = record.with_notebooks(begun)
    output.say(f"Taking up the batch {begun.id} again: {len(begun.ended)} of {number} have ended.")
    if missing := len(begun.ended) - len(kept.ended):
        output.say(
            f"The notebooks of {missing} of them are not on this machine, so these are run again:"
            " what is done stays as it is."
        )
    return kept


def _of_what(items: list[WorkItem]) -> str:
    """What a batch is about, in words."""
    customers = sum(bool(item.customer) for item in items)
    numbers = {"account": len(items) - customers, "customer": customers}
    whose = [output.counted(number, noun) for noun, number in numbers.items() if number]
    notebooks = output.counted(sum(len(item.steps) for item in items), "notebook")
    return f"{notebooks} of {' and '.join(whose)}"


@contextlib.asynccontextmanager
async def _executor(
    address: str, workspace: Workspace, items: list[WorkItem]
) -> AsyncIterator[Executor]:
    if not address:
        yield Processes()
        return
    async with open_cluster(address, workspace, items) as cluster:
        if not cluster.has_workers:
            output.say("The Dask cluster has no worker yet: nothing begins before one comes.")
        yield cluster


def _allow(ledger: Ledger, workspace: Workspace, items: list[WorkItem], reason: str) -> None:
    for name in dict.fromkeys(item.account for item in items):
        if workspace.account(name).requires:
            allow(ledger, workspace.account(name).identity, reason, user_name())


async def _carry_out(
    workspace: Workspace,
    ledger: Ledger,
    begun: Batch,
    progress: BatchProgress,
    options: BatchOptions,
    executor: Executor,
    copies: Copies,
    asked: Asked,
) -> int:
    with view_of(progress, asked) as view:
        coordinator = Coordinator(
            workspace, ledger, begun, progress, options, executor, copies, view.show
        )
        interrupted = await _until_the_end(coordinator, view.say)
    await coordinator.write_report()
    if copies.url:
        output.say(f"Copied to {copies.url}")
    view.end(coordinator.report)
    return _INTERRUPTED if interrupted else progress.exit_code


async def _until_the_end(coordinator: Coordinator, say: Callable[[str], None]) -> bool:
    """Carry the batch out; Ctrl-C once lets what has begun come to its end, twice ends it now.

    Returns:
        Whether it was interrupted.
    """
    asked = 0
    work = asyncio.create_task(coordinator.run())

    def interrupt() -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            coordinator.stop()
            say("Stopping: what has begun is finished first. Ctrl-C again ends it now.")
        else:
            work.cancel()

    with _at_interrupt(interrupt):
        try:
            await work
        except asyncio.CancelledError:
            if not asked:
                raise
    if asked:
        say("The same command takes it up where it was.")
    return asked > 0


@contextlib.contextmanager
def _at_interrupt(act: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(act))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
