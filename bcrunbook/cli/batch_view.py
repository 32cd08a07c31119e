"""What a batch shows while it goes on: a live table, plain lines, or events as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bcrunbook.cli import output
from bcrunbook.cli.asked import Asked
from bcrunbook.cli.ending import print_address
from bcrunbook.cli.tables import print_table
from bcrunbook.core.step import State
from bcrunbook.run.batch.coordinator import BatchEvent
from bcrunbook.run.batch.progress import BatchProgress, standing_of
from bcrunbook.run.batch.report import attention
from bcrunbook.steps import EVERY_STEP
from bcrunbook.views.cells import STATE_WORDS
from bcrunbook.views.span import span

# More rows than this do not fit a terminal: of the others there are counts.
_ROWS: Final = 12
_LISTED: Final = 20
_DRAWN_SECONDS: Final = 0.25


class BatchView(Protocol):
    """Shows a person or a script how a batch goes."""

    def show(self, event: BatchEvent) -> None:
        """Show that something has happened; the batch's progress has it already."""

    def say(self, text: str) -> None:
        """Say a sentence to the person."""

    def end(self, report: Path) -> None:
        """Say what it came to."""


@contextmanager
def view_of(progress: BatchProgress, asked: Asked) -> Iterator[BatchView]:
    """The view that suits: events for a script, a table in a terminal, else plain lines.

    Args:
        progress: how far the batch is.
        asked: what the batch was asked for.
    """
    if asked.as_json:
        yield _Events(progress, asked)
    elif not sys.stderr.isatty():
        yield _Lines(progress, asked)
    else:
        with _table(progress, asked) as table:
            yield table


def _counted(progress: BatchProgress) -> str:
    """How many accounts and customers stand how: `3 done, 1 needs a person`."""
    standings = progress.standings
    words = [f"{standings[state]} {STATE_WORDS[state]}" for state in State if standings[state]]
    return ", ".join(words)


def _pace(progress: BatchProgress) -> str:
    left = progress.seconds_left()
    text = f"{progress.ended} of {len(progress.items)} ended, {progress.per_minute():.0f} a minute"
    if progress.parked:
        text += f", {len(progress.parked)} parked"
    if throttled := progress.throttled:
        text += f", {throttled} throttled"
    return text if left is None else f"{text}, about {_minutes(left)} left"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class _Plain:
    """What all views say at the end."""

    def __init__(self, progress: BatchProgress, asked: Asked) -> None:
        self._progress = progress
        self._asked = asked

    def say(self, text: str) -> None:
        """See `BatchView`."""
        output.say(text)

    def end(self, report: Path) -> None:
        """See `BatchView`."""
        progress, states = self._progress, self._progress.states
        # Only the states that there are: all of them would not fit a terminal.
        columns = [column for column in State if any(state == column for _, state in states)]
        print_table(
            ["step", *(STATE_WORDS[state] for state in columns)],
            [
                [
                    f"{number} {step.id}",
                    *(str(states[step.id, state.value] or "") for state in columns),
                ]
                for number, step in enumerate(EVERY_STEP)
                if any(states[step.id, state.value] for state in columns)
            ],
        )
        open_ = attention(progress)
        for line in open_[:_LISTED]:
            output.say(f"\n{line.who}, {line.step}: {line.summary}\n  next: {line.next}")
            if line.card:
                output.say(f"  to pass on: {report.parent / line.card}")
        if len(open_) > _LISTED:
            output.say(f"\n{len(open_) - _LISTED} more: see the report.")
        took = timedelta(seconds=time.monotonic() - progress.began)
        output.say(
            f"\n{progress.ended} of {len(progress.items)} accounts and customers ended, after"
            f" {span(took)}: {_counted(progress)}."
        )
        output.say(_what_now(progress, self._asked))
        print_address(report)


def _what_now(progress: BatchProgress, asked: Asked) -> str:
    """What is to be done, in one line."""
    if progress.ended < len(progress.items):
        return f"The rest is still to come: {asked.again}"
    match progress.exit_code:
        case 0:
            return asked.to_see
        case 5:
            return f"Nothing was written. To make these changes: {asked.applying}"
        case _:
            return f"What is open is said above, and in the report. Then: {asked.again}"


class _Lines(_Plain):
    """A line for each account or customer that has ended."""

    def show(self, event: BatchEvent) -> None:
        """See `BatchView`."""
        if event.kind == "tried_again":
            output.say(f"{event.who:<24} its process ended; it is tried again")
        if event.kind == "parked":
            output.say(f"{event.who:<24} parked: it is followed, and holds no process meanwhile")
        if event.kind == "item_ended":
            lines = self._progress.summaries[event.who]
            seconds = sum(line.seconds for line in lines.values())
            label = STATE_WORDS[standing_of(lines)]
            output.say(f"{event.who:<24} {label:<16} {seconds:6.1f} s   {_pace(self._progress)}")


class _Events(_Plain):
    """One JSON object in a line for each thing that happens."""

    def show(self, event: BatchEvent) -> None:
        """See `BatchView`."""
        payload: dict[str, Any] = {"event": event.kind, "who": event.who}
        if event.step:
            payload["step"] = event.step
        if event.seconds:
            payload["seconds"] = round(event.seconds, 1)
        if event.summary is not None:
            payload |= event.summary.as_dict()
        print(json.dumps(payload), flush=True)

    def end(self, report: Path) -> None:
        """See `BatchView`."""
        progress = self._progress
        payload = {
            "event": "batch_ended" if progress.ended == len(progress.items) else "batch_stopped",
            "ended": progress.ended,
            "of": len(progress.items),
            "exit_code": progress.exit_code,
            "report": str(report),
        }
        print(json.dumps(payload), flush=True)


class _Table(_Plain):
    """A table that changes in its place, drawn now and then, however much happens."""

    def __init__(self, progress: BatchProgress, asked: Asked, live: Any) -> None:
        super().__init__(progress, asked)
        self._live = live
        self._loop = asyncio.get_running_loop()
        self._draw()

    def show(self, event: BatchEvent) -> None:
        """See `BatchView`."""

    def stop(self) -> None:
        """Draw no more."""
        self._next.cancel()

    def _draw(self) -> None:
        self._live.update(_picture(self._progress), refresh=True)
        self._next = self._loop.call_later(_DRAWN_SECONDS, self._draw)

    def say(self, text: str) -> None:
        """See `BatchView`."""
        self._live.console.print(text, markup=False, highlight=False)


@contextmanager
def _table(progress: BatchProgress, asked: Asked) -> Iterator[_Table]:
    console = output.console(stderr=True)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        table = _Table(progress, asked, live)
        try:
            yield table
        finally:
            table.stop()


def _picture(progress: BatchProgress) -> Group:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    steps = [step for step in EVERY_STEP if any(step.id in item.steps for item in progress.items)]
    for step in steps:
        table.add_column(str(EVERY_STEP.index(step)), no_wrap=True)
    table.add_column("now")
    for who in _shown(progress):
        lines = progress.summaries.get(who, {})
        cells = [
            Text(line.label, output.STYLES.get(line.state, "") if line.was_run else "dim")
            if (line := lines.get(step.id))
            else Text("")
            for step in steps
        ]
        now = "parked" if who in progress.parked else progress.running.get(who, "")
        table.add_row(Text(who), *cells, Text(now))
    return Group(table, Text(f"{_pace(progress)}. {_counted(progress)}"))


def _shown(progress: BatchProgress) -> list[str]:
    """Everybody if they fit; else who is at work, and who ended last."""
    everybody = [item.who for item in progress.items]
    if len(everybody) <= _ROWS:
        return everybody
    at_work = list(progress.running)[:_ROWS]
    ended = [who for who in progress.summaries if who not in progress.running]
    return [*ended[len(ended) - max(0, _ROWS - len(at_work)) :], *at_work]
