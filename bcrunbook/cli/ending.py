"""How a run ends on the screen: tables, what people have to do, and three lines.

The three say what was done and in how long, what is to be seen or done now, and where the report
is. The last is the report's address, alone on stdout, for a click or a script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from bcrunbook.accounts import Workspace
from bcrunbook.cli import output
from bcrunbook.cli.asked import Asked
from bcrunbook.cli.tables import print_table
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.store import open_ledger
from bcrunbook.run.account import StepRun, exit_code
from bcrunbook.run.closing_lines import closing_lines
from bcrunbook.run.copies import Copies
from bcrunbook.run.report import write_report
from bcrunbook.run.secret_lives import secret_lives
from bcrunbook.steps import EVERY_STEP
from bcrunbook.views.cells import STATE_WORDS, View
from bcrunbook.views.span import span


def finish(
    runs: Sequence[StepRun],
    folder: Path,
    asked: Asked,
    *,
    workspace: Workspace,
    cloud: str,
    seconds: float,
    copies: Copies | None = None,
) -> int:
    """Write the report of a run into its folder, print what it came to, return the exit code.

    Args:
        runs: every run of a step, in order.
        folder: the run's folder.
        asked: what was asked for.
        workspace: the workspace.
        cloud: `live` or `rehearsal`.
        seconds: how long all of it took.
        copies: where a copy of the folder is kept, if anywhere.
    """
    report = folder / "report.html"
    secrets, closings = _known(workspace, runs)
    write_report(report, runs, cloud=cloud, title=asked.title, secrets=secrets)
    if copies is not None:
        copies.keep(folder)
    code = code_of(runs)
    if asked.as_json:
        _print_json(runs, report, code)
    else:
        _print_tables(runs)
        if asked.verbose:
            for run in runs:
                if run.notebook is not None:
                    print(run.notebook, flush=True)
        for run in _last_runs(runs):
            if run.exit_code and was_run(run):
                _say_what_to_do(run)
    if copies is not None and copies.url:
        output.say(f"Copied to {copies.url}")
    if not asked.as_json:
        if closings:
            output.say("\n".join(["", *closings]))
        output.say(
            f"\n{asked.title}: ended after {span(timedelta(seconds=seconds))}; {_counts(runs)}."
        )
        output.say(_what_now(runs, code, asked))
        print_address(report)
    return code


def print_address(report: Path) -> None:
    """Print where a report is, so that a terminal opens it at a click."""
    print(report.resolve().as_uri(), flush=True)


def _known(workspace: Workspace, runs: Sequence[StepRun]) -> tuple[dict[str, View], list[str]]:
    """What the ledger has to say of the accounts: their secrets, and which are set up."""
    # Where it cannot be read, the run has said so.
    with suppress(RunbookError), open_ledger(workspace.ledger_url, workspace.root) as ledger:
        accounts = dict.fromkeys(run.account for run in runs)
        return secret_lives(ledger, workspace, accounts), closing_lines(ledger, workspace, runs)
    return {}, []


def code_of(runs: Sequence[StepRun]) -> int:
    """The exit code of all: a step that ran again ended as its last run says."""
    return exit_code(_last_runs(runs))


def label_of(run: StepRun) -> str:
    """How a step ended, in a column of a table."""
    return run.state.value if was_run(run) else "not run"


def was_run(run: StepRun) -> bool:
    """Whether the step was run, well or badly; not that it only follows one that failed."""
    return run.notebook is not None or run.outcome.error is not None


def _last_runs(runs: Sequence[StepRun]) -> list[StepRun]:
    return list({run.key: run for run in runs}.values())


def _counts(runs: Sequence[StepRun]) -> str:
    """How many steps ended how: `6 steps, 4 changed, 1 needs a person, 1 not run`."""
    last = _last_runs(runs)
    ran = Counter(run.state for run in last if was_run(run))
    words = [f"{ran[state]} {word}" for state, word in STATE_WORDS.items() if ran[state]]
    if left_out := sum(not was_run(run) for run in last):
        words.append(f"{left_out} not run")
    return ", ".join([output.counted(len(last), "step"), *words])


def _what_now(runs: Sequence[StepRun], code: int, asked: Asked) -> str:
    """What is to be seen or done, in one line."""
    open_ = [run for run in _last_runs(runs) if run.exit_code == code and was_run(run)]
    where = ", ".join(dict.fromkeys(f"{run.who}, {run.step}" for run in open_))
    match code:
        case 0:
            return asked.to_see
        case 3:
            return f"Now a person has to act, as said above ({where}). Then: {asked.again}"
        case 4:
            return f"Time has to pass ({where}). In a few minutes: {asked.again}"
        case 5:
            return f"Nothing was written. To make these changes: {asked.applying}"
        case _:
            return f"What failed, and what mends it, is said above ({where}). Then: {asked.again}"


def _print_json(runs: Sequence[StepRun], report: Path, code: int) -> None:
    """Print what a run came to for programs."""
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


def _print_tables(runs: Sequence[StepRun]) -> None:
    """Print accounts by steps, and customers."""
    accounts = list(dict.fromkeys(run.account for run in runs if not run.customer))
    labels = {(run.account, run.step): label_of(run) for run in runs if not run.customer}
    if accounts:
        print_table(
            ["step", *accounts],
            [
                [f"{number} {step.id}", *(labels.get((one, step.id), "") for one in accounts)]
                for number, step in enumerate(EVERY_STEP)
                if any(asked == step.id for _, asked in labels)
            ],
        )
    customers = [run for run in _last_runs(runs) if run.customer]
    if customers:
        print_table(
            ["customer", "step", "ended"],
            [[run.who, run.step, label_of(run)] for run in customers],
        )


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
