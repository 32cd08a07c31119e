"""Progress of a headless run: a live bar in a terminal, plain lines elsewhere; on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
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
from bcrunbook.cli.tables import print_table
from bcrunbook.core.step import AnyStep
from bcrunbook.run.account import StepRun, exit_code
from bcrunbook.run.report import write_report
from bcrunbook.steps import STEPS


@dataclass(frozen=True)
class ProgressLines:
    """The two calls that a run makes while it goes on."""

    began: Any
    ended: Any


@contextmanager
def showing(total: int) -> Iterator[ProgressLines]:
    """Show the progress of `total` steps."""
    if not sys.stderr.isatty():
        yield ProgressLines(lambda account, step: None, lambda run: output.say(_line(run)))
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
    return f"{run.who:<12} {run.step:<22} {_label(run):<13} {run.seconds:5.1f} s"


def _label(run: StepRun) -> str:
    return run.state.value if _was_run(run) else "not run"


def _was_run(run: StepRun) -> bool:
    """Whether the step was run, well or badly; not that it only follows one that failed."""
    return run.notebook is not None or run.outcome.error is not None


def finish(runs: Sequence[StepRun], folder: Path, *, cloud: str, title: str, as_json: bool) -> int:
    """Write the report of a run into its folder, print what it came to, return the exit code."""
    report = folder / "report.html"
    write_report(report, runs, cloud=cloud, title=title)
    code = code_of(runs)
    _print_runs(runs, report, as_json=as_json, code=code)
    return code


def code_of(runs: Sequence[StepRun]) -> int:
    """The exit code of all: a step that ran again ended as its last run says."""
    return exit_code(list({run.key: run for run in runs}.values()))


def _print_runs(runs: Sequence[StepRun], report: Path, *, as_json: bool, code: int) -> None:
    """Print what a run came to: accounts by steps, the notebooks and the report."""
    if as_json:
        output.print_json(
            {
                "exit_code": code,
                "report": str(report),
                "runs": [
                    {
                        "account": run.account,
                        "customer": run.customer,
                        "step": run.step,
                        "notebook": str(run.notebook) if run.notebook else None,
                        "card": str(run.card) if run.card else None,
                        "seconds": round(run.seconds, 2),
                        "outcome": run.outcome.as_dict(),
                    }
                    for run in runs
                ],
            }
        )
        return
    accounts = list(dict.fromkeys(run.account for run in runs if not run.customer))
    labels = {(run.account, run.step): _label(run) for run in runs if not run.customer}
    if accounts:
        print_table(
            ["step", *accounts],
            [
                [f"{number} {step.id}", *(labels.get((one, step.id), "") for one in accounts)]
                for number, step in enumerate(STEPS)
                if any(asked == step.id for _, asked in labels)
            ],
        )
    customers = {run.key: run for run in runs if run.customer}
    if customers:
        print_table(
            ["customer", "step", ""],
            [[run.who, run.step, _label(run)] for run in customers.values()],
        )
    for run in runs:
        if run.notebook is not None:
            print(run.notebook)
    print(report)
    for run in {run.key: run for run in runs}.values():
        if run.exit_code and _was_run(run):
            _say_what_to_do(run)


def _say_what_to_do(run: StepRun) -> None:
    output.say(f"\n{run.who}, {run.step}: {run.outcome.summary}")
    error = run.outcome.error or {}
    for label in ("why", "next", "who"):
        if error.get(label) and error[label] != "you":
            output.say(f"  {label}: {error[label]}")
    if error.get("request_id"):
        output.say(f"  quote: {error['code']}, request id {error['request_id']}")
    for change in run.hand_offs:
        assert change.hand_off is not None
        output.say(f"  who can: {change.hand_off.who}")
        for action in change.hand_off.actions:
            output.say(f"  - {action}")
        if change.hand_off.link:
            output.say(f"  link: {change.hand_off.link}")
        for label, value in change.hand_off.values:
            output.say(f"  {label}: {value}")
    if run.card is not None:
        output.say(f"  to pass on: {run.card}")
