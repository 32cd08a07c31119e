"""Progress of a headless run: a live bar in a terminal, plain lines elsewhere; on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bar

from bcrunbook.cli import output
from bcrunbook.cli.ending import label_of
from bcrunbook.core.step import AnyStep
from bcrunbook.run.account import StepRun


@dataclass(frozen=True)
class ProgressLines:
    """The two calls that a run makes while it goes on."""

    began: Any
    ended: Any


@contextmanager
def showing(total: int, what: str) -> Iterator[ProgressLines]:
    """Show the progress of a run.

    Args:
        total: how many steps it has.
        what: what is begun, a sentence. It is said at once: the first notebook takes some seconds.
    """
    output.say(what)
    if not sys.stderr.isatty():
        yield ProgressLines(
            lambda who, step: output.say(f"{who:<20} {step.id:<22} begins"),
            lambda run: output.say(_line(run)),
        )
        return

    with Bar(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=output.console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("starting", total=total)

        def began(account: str, step: AnyStep) -> None:
            bar.update(task, description=f"{account}: {step.title}")

        def ended(run: StepRun) -> None:
            style = output.STYLES.get(run.state.value, "")
            bar.console.print(_line(run), style=style, markup=False, highlight=False)
            bar.advance(task)

        yield ProgressLines(began, ended)


def _line(run: StepRun) -> str:
    return f"{run.who:<20} {run.step:<22} {label_of(run):<13} {run.seconds:5.1f} s"
