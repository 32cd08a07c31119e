"""The HTML report of a batch: what is to be done, and accounts and customers by steps."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bcrunbook.core.step import PASSED, State
from bcrunbook.run.batch.progress import BatchProgress, StepSummary
from bcrunbook.run.batch.selection import OF_ACCOUNTS, OF_CUSTOMERS
from bcrunbook.run.report import since, write_page
from bcrunbook.steps import EVERY_STEP
from bcrunbook.views.cells import STATE_WORDS


def write_batch_report(path: Path, progress: BatchProgress, *, cloud: str, title: str) -> None:
    """Write the report of a batch as it stands, whole or not at all.

    Args:
        path: the HTML file, in the batch's folder.
        progress: how far everything is.
        cloud: `live` or `rehearsal`.
        title: the report's heading.

    Raises:
        Unreachable: it cannot be written.
    """
    standings = progress.standings
    write_page(
        path,
        "batch.html",
        title=title,
        cloud=cloud,
        ended=progress.ended,
        total=len(progress.items),
        counts=[
            (state.value, label, standings[state])
            for state, label in STATE_WORDS.items()
            if standings[state]
        ],
        open=attention(progress),
        titles={step.id: f"{number}. {step.title}" for number, step in enumerate(EVERY_STEP)},
        since=_since,
        matrices=_matrices(progress),
    )


def _since(at: str) -> tuple[str, str]:
    return since(datetime.fromisoformat(at) if at else None)


def _matrices(
    progress: BatchProgress,
) -> list[tuple[str, list[tuple[int, str, str]], list[tuple[str, dict[str, StepSummary]]]]]:
    """Accounts by their steps, and customers by theirs: heading, columns, rows."""
    matrices = []
    for heading, of_customers, steps in (
        ("Accounts", False, OF_ACCOUNTS),
        ("Customers", True, OF_CUSTOMERS),
    ):
        rows = [
            (item.who, progress.summaries.get(item.who, {}))
            for item in progress.items
            if bool(item.customer) is of_customers
        ]
        columns = [
            (number, step.id, step.title)
            for number, step in enumerate(EVERY_STEP)
            if step.id in steps
        ]
        if rows:
            matrices.append((heading, columns, rows))
    return matrices


def attention(progress: BatchProgress) -> list[StepSummary]:
    """What somebody has to look at: what failed first, then what needs a person, then the rest."""
    order = (State.FAILED, State.NEEDS_PERSON, State.WAITING, State.PENDING)
    in_order = (
        summary
        for item in progress.items
        for summary in progress.summaries.get(item.who, {}).values()
    )
    return sorted(
        (one for one in in_order if one.state not in PASSED and one.next),
        key=lambda one: order.index(State(one.state)),
    )
