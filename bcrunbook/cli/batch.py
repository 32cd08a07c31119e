"""`bcrunbook batch`: many accounts and customers."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from bcrunbook.cli import options
from bcrunbook.cli.asked import Asked, typed
from bcrunbook.cli.told import JunitFile, MarkdownFile, ToldFiles
from bcrunbook.run.batch.dask import SCHEME
from bcrunbook.run.engine.processes import prepare

_HERE: Final = "processes"


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
    mode: options.Mode = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="The same as --mode plan.")] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=256,
            help="How many at a time. Default: eight for each core, at most 32; with Dask, one for"
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
    rotate_before: Annotated[
        int | None,
        typer.Option(
            metavar="DAYS",
            min=0,
            help="Do nothing but replace client secrets: those that end within so many days.",
        ),
    ] = None,
    junit: JunitFile = None,
    markdown: MarkdownFile = None,
    workspace: options.Workspace = None,
    as_json: options.Json = False,
) -> None:
    """Run many accounts and customers: their notebooks, several at a time.

    What is done stays done. A batch that was broken off is taken up again by the same command.
    """
    mode = "plan" if dry_run else mode
    options.check_word("mode", mode, options.MODES)
    options.check_word("engine", engine, ("bcrunbook", "kernel"))
    if kind:
        options.check_word("kind", kind, ("trial", "production"))
    told = ToldFiles(junit, markdown)
    if executor == SCHEME or not executor.startswith(SCHEME):
        options.check_word("executor", executor, (_HERE, f"{SCHEME}HOST:PORT"))
        prepare()

    def _typed(applied: str) -> str:
        """The same command in a mode, as it is typed."""
        flags = {"--failed": failed, "--needs-person": needs_person}
        return typed(
            "batch",
            *(names or ()),
            *(flag for flag, is_given in flags.items() if is_given),
            kind=kind,
            tag=tag,
            mode=applied,
            jobs=str(jobs or ""),
            engine="" if engine == "bcrunbook" else engine,
            executor="" if executor == _HERE else executor,
            **({} if rotate_before is None else {"rotate-before": str(rotate_before)}),
            junit=str(junit or ""),
            markdown=str(markdown or ""),
            workspace=workspace,
        )

    # Read only now, while the processes that `prepare` has begun read what they need.
    from bcrunbook.cli.batch_run import run_batch
    from bcrunbook.run.batch.coordinator import BatchOptions
    from bcrunbook.run.batch.selection import Selection

    code = run_batch(
        workspace,
        Selection(tuple(names or ()), kind, tuple(tag or ()), failed, needs_person),
        BatchOptions(mode, jobs, engine),  # type: ignore[arg-type]
        address="" if executor == _HERE else executor,
        without_trial=without_trial,
        anew=anew,
        asked=Asked.in_mode(
            "Batch",
            _typed,
            mode,
            to_see="Nothing is left to do: everything that was asked for has passed.",
            as_json=as_json,
            verbose=False,
        ),
        told=told,
        rotate_before=rotate_before,
    )
    raise typer.Exit(code)
