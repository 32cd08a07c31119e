"""What a batch shows while it goes on: a live table, plain lines, or events as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bcrunbook.cli import output
from bcrunbook.core.step import State
from bcrunbook.run.batch.coordinator import BatchEvent
from bcrunbook.run.batch.progress import BatchProgress, StepSummary
from bcrunbook.run.batch.report import attention
from bcrunbook.steps import STEPS
from bcrunbook.views.cells import STATE_WORDS

if TYPE_CHECKING:
    from rich.console import Group

# More rows than this do not fit a terminal: of the others there are counts.
_ROWS = 12
_LISTED = 20
_DRAWN_SECONDS = 0.25


class BatchView(Protocol):
    """Who is told how a batch goes."""

    def tell(self, event: BatchEvent) -> None:
        """Something has happened, which the board shows."""

    def say(self, text: str) -> None:
        """Say a sentence to the person."""

    def end(self, report: Path) -> None:
        """Say what it came to."""


@contextmanager
def view_of(board: BatchProgress, *, as_json: bool) -> Iterator[BatchView]:
    """The view that suits: events for a script, a table in a terminal, else plain lines."""
    if as_json:
        yield _Events(board)
    elif not sys.stderr.isatty():
        yield _Lines(board)
    else:
        with _table(board) as table:
            yield table


def _counted(board: BatchProgress) -> str:
    """How many accounts and customers stand how: `3 done, 1 needs a person`."""
    open_ = board.running.keys() | board.parked
    states = [_worst(one) for who, one in board.summaries.items() if who not in open_]
    words = [f"{states.count(state)} {STATE_WORDS[state]}" for state in State if state in states]
    return ", ".join(words)


def _worst(lines: dict[str, StepSummary]) -> State:
    """How an account or customer stands: as its last step does, unless one failed."""
    states = [State(line.state) for line in lines.values()]
    return State.FAILED if State.FAILED in states else states[-1]


def _pace(board: BatchProgress) -> str:
    left = board.seconds_left()
    told = f"{board.ended} of {len(board.items)} ended, {board.per_minute():.0f} a minute"
    if board.parked:
        told += f", {len(board.parked)} parked"
    if throttled := board.throttled:
        told += f", {throttled} throttled"
    return told if left is None else f"{told}, about {_minutes(left)} left"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class _Plain:
    """What all views say at the end."""

    def __init__(self, board: BatchProgress) -> None:
        self._board = board

    def say(self, text: str) -> None:
        """See `BatchView`."""
        output.say(text)

    def end(self, report: Path) -> None:
        """See `BatchView`."""
        board, states = self._board, self._board.states
        # Only the states that there are: all of them would not fit a terminal.
        columns = [one for one in State if any(state == one for _, state in states)]
        output.print_table(
            ["step", *(STATE_WORDS[state] for state in columns)],
            [
                [
                    f"{number} {step.id}",
                    *(str(states[step.id, state.value] or "") for state in columns),
                ]
                for number, step in enumerate(STEPS)
                if any(states[step.id, state.value] for state in columns)
            ],
        )
        open_ = attention(board)
        for line in open_[:_LISTED]:
            output.say(f"\n{line.who}, {line.step}: {line.summary}\n  next: {line.next}")
            if line.card:
                output.say(f"  to pass on: {report.parent / line.card}")
        if len(open_) > _LISTED:
            output.say(f"\n{len(open_) - _LISTED} more: see the report.")
        output.say(f"\n{board.ended} of {len(board.items)} ended: {_counted(board)}.")
        print(report)


class _Lines(_Plain):
    """A line for each account or customer that has ended."""

    def tell(self, event: BatchEvent) -> None:
        """See `BatchView`."""
        if event.kind == "tried_again":
            output.say(f"{event.who:<24} its process ended; it is tried again")
        if event.kind == "parked":
            output.say(f"{event.who:<24} parked: it is followed, and holds no process meanwhile")
        if event.kind == "item_ended":
            lines = self._board.summaries[event.who]
            seconds = sum(line.seconds for line in lines.values())
            word = STATE_WORDS[_worst(lines)]
            output.say(f"{event.who:<24} {word:<16} {seconds:6.1f} s   {_pace(self._board)}")


class _Events(_Plain):
    """One JSON object in a line for each thing that happens."""

    def tell(self, event: BatchEvent) -> None:
        """See `BatchView`."""
        told: dict[str, Any] = {"event": event.kind, "who": event.who}
        if event.step:
            told["step"] = event.step
        if event.seconds:
            told["seconds"] = round(event.seconds, 1)
        if event.summary is not None:
            told |= event.summary.as_dict()
        print(json.dumps(told), flush=True)

    def end(self, report: Path) -> None:
        """See `BatchView`."""
        board = self._board
        told = {
            "event": "batch_ended" if board.ended == len(board.items) else "batch_stopped",
            "ended": board.ended,
            "of": len(board.items),
            "exit_code": board.exit_code,
            "report": str(report),
        }
        print(json.dumps(told), flush=True)


class _Table(_Plain):
    """A table that changes in its place, drawn now and then, however much happens."""

    def __init__(self, board: BatchProgress, live: Any) -> None:
        super().__init__(board)
        self._live = live
        self._loop = asyncio.get_running_loop()
        self._draw()

    def tell(self, event: BatchEvent) -> None:
        """See `BatchView`."""

    def stop(self) -> None:
        """Draw no more."""
        self._next.cancel()

    def _draw(self) -> None:
        self._live.update(_picture(self._board), refresh=True)
        self._next = self._loop.call_later(_DRAWN_SECONDS, self._draw)

    def say(self, text: str) -> None:
        """See `BatchView`."""
        self._live.console.print(text, markup=False, highlight=False)


@contextmanager
def _table(board: BatchProgress) -> Iterator[_Table]:
    from rich.live import Live

    console = output.console(stderr=True)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        table = _Table(board, live)
        try:
            yield table
        finally:
            table.stop()


def _picture(board: BatchProgress) -> Group:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    steps = [step for step in STEPS if any(step.id in item.steps for item in board.items)]
    for step in steps:
        table.add_column(str(STEPS.index(step)), no_wrap=True)
    table.add_column("now")
    for who in _shown(board):
        lines = board.summaries.get(who, {})
        cells = [
            Text(line.word, output.STYLES.get(line.state, "") if line.was_run else "dim")
            if (line := lines.get(step.id))
            else Text("")
            for step in steps
        ]
        now = "parked" if who in board.parked else board.running.get(who, "")
        table.add_row(Text(who), *cells, Text(now))
    return Group(table, Text(f"{_pace(board)}. {_counted(board)}"))


def _shown(board: BatchProgress) -> list[str]:
    """Everybody if they fit; else who is at work, and who ended last."""
    everybody = [item.who for item in board.items]
    if len(everybody) <= _ROWS:
        return everybody
    at_work = list(board.running)[:_ROWS]
    ended = [who for who in board.summaries if who not in board.running]
    return [*ended[len(ended) - max(0, _ROWS - len(at_work)) :], *at_work]
