"""`bcrunbook batch`: many accounts and customers."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bcrunbook.cli import options, output

if TYPE_CHECKING:
    from bcrunbook.accounts import Workspace
    from bcrunbook.ledger.store import Ledger
    from bcrunbook.run.batch.coordinator import BatchOptions, Coordinator
    from bcrunbook.run.batch.executor import Executor
    from bcrunbook.run.batch.selection import Selection, WorkItem

_INTERRUPTED = 130
_HERE = "processes"


def batch(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Patterns: 'trial*' for accounts, 'trial/mill*' for customers."),
    ] = None,
    kind: Annotated[str, typer.Option(help="Only accounts of this kind.")] = "",
    tag: Annotated[
        list[str] | None, typer.Option(help="Only accounts with this tag. May be repeated.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed last.")] = False,
    needs_person: Annotated[
        bool, typer.Option("--needs-person", help="Only what needed a person last.")
    ] = False,
    mode: Annotated[
        str,
        typer.Option(
            help="auto, plan or apply. auto applies in the rehearsal cloud, and plans live."
        ),
    ] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="The same as --mode plan.")] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=256,
            help="How many at a time. Default: four for each core, at most 32; with Dask, one for"
            " each of the workers' threads.",
        ),
    ] = None,
    without_trial: Annotated[
        str,
        typer.Option(
            metavar="REASON",
            help="Let production accounts begin before their trial has passed. Is recorded.",
        ),
    ] = "",
    anew: Annotated[
        bool, typer.Option("--anew", help="Do not take up the batch that was broken off.")
    ] = False,
    engine: Annotated[
        str, typer.Option(help="bcrunbook or kernel: what runs the notebooks' cells.")
    ] = "bcrunbook",
    executor: Annotated[
        str,
        typer.Option(
            metavar="WHERE",
            help="processes (of this machine), or dask://HOST:PORT: where the notebooks are run.",
        ),
    ] = _HERE,
    workspace: options.Workspace = None,
    as_json: options.Json = False,
) -> None:
    """Run the notebooks of many accounts and customers, several at a time.

    What is done stays done. A batch that was broken off is taken up again by the same command.
    """
    from bcrunbook.run.batch.dask import SCHEME
    from bcrunbook.run.engine.processes import prepare

    mode = "plan" if dry_run else mode
    options.check_word("mode", mode, options.MODES)
    options.check_word("engine", engine, ("bcrunbook", "kernel"))
    if kind:
        options.check_word("kind", kind, ("trial", "production"))
    if executor == SCHEME or not executor.startswith(SCHEME):
        options.check_word("executor", executor, (_HERE, f"{SCHEME}HOST:PORT"))
        prepare()

    from bcrunbook.accounts import find_workspace, load
    from bcrunbook.run.batch.coordinator import BatchOptions
    from bcrunbook.run.batch.selection import Selection

    code = asyncio.run(
        _batch(
            load(find_workspace(workspace)),
            Selection(tuple(names or ()), kind, tuple(tag or ()), failed, needs_person),
            BatchOptions(mode, jobs, engine),  # type: ignore[arg-type]
            place=executor,
            without_trial=without_trial,
            anew=anew,
            as_json=as_json,
        )
    )
    raise typer.Exit(code)


async def _batch(
    workspace: Workspace,
    selection: Selection,
    options: BatchOptions,
    *,
    place: str,
    without_trial: str,
    anew: bool,
    as_json: bool,
) -> int:
    from bcrunbook.ledger.store import open_ledger
    from bcrunbook.notebook_files.source import check_sources
    from bcrunbook.run.batch import record
    from bcrunbook.run.batch.coordinator import LEASE
    from bcrunbook.run.batch.selection import chosen
    from bcrunbook.run.folders import run_folder
    from bcrunbook.steps import step_named

    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        standings = {
            (one.account, one.customer or "", one.step): one
            for account in workspace.accounts.values()
            if selection.failed or selection.needs_person
            for one in ledger.standings(account.identity)
        }
        items = chosen(workspace, selection, standings)
        # Once for all of them, where the notebooks are: nothing has begun yet.
        needed = dict.fromkeys(step for item in items for step in item.steps)
        check_sources(map(step_named, needed), workspace)
        async with (
            ledger.lease(LEASE, what=f"a batch of {len(items)}"),
            _executor(place, workspace, items) as executor,
        ):
            if without_trial:
                _allow(ledger, workspace, items, without_trial)
            begun = record.begin(ledger, run_folder(workspace.root), items, options.mode, anew=anew)
            if begun.ended:
                output.say(
                    f"Taking up the batch {begun.id} again: {len(begun.ended)} of {len(items)}"
                    " have ended."
                )
            return await _carry_out(
                workspace, ledger, begun, items, options, executor, as_json=as_json
            )


@contextlib.asynccontextmanager
async def _executor(
    place: str, workspace: Workspace, items: list[WorkItem]
) -> AsyncIterator[Executor]:
    if place == _HERE:
        from bcrunbook.run.batch.processes import Processes

        yield Processes()
        return
    from bcrunbook.run.batch.dask.executor import open_cluster

    async with open_cluster(place, workspace, items) as cluster:
        if not cluster.has_workers:
            output.say("The Dask cluster has no worker yet: nothing begins before one comes.")
        yield cluster


def _allow(ledger: Ledger, workspace: Workspace, items: list[WorkItem], reason: str) -> None:
    from bcrunbook.person import user_name
    from bcrunbook.steps.without_trial import allow

    for name in dict.fromkeys(item.account for item in items):
        if workspace.account(name).requires:
            allow(ledger, workspace.account(name).identity, reason, user_name())


async def _carry_out(
    workspace: Workspace,
    ledger: Ledger,
    begun: Any,
    items: list[WorkItem],
    options: BatchOptions,
    executor: Executor,
    *,
    as_json: bool,
) -> int:
    from bcrunbook.cli.batch_view import view_of
    from bcrunbook.run.batch.coordinator import Coordinator, progress_of
    from bcrunbook.run.copies import Copies

    board = progress_of(begun, items)
    copies = Copies(workspace.runs_url, begun.folder)
    with view_of(board, as_json=as_json) as view:
        coordinator = Coordinator(
            workspace, ledger, begun, board, options, executor, copies, view.tell
        )
        interrupted = await _until_the_end(coordinator, view.say)
    await coordinator.write_report()
    view.end(coordinator.report)
    if copies.url:
        output.say(f"Copied to {copies.url}")
    return _INTERRUPTED if interrupted else board.exit_code


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
