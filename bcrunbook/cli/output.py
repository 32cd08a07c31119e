"""How commands talk: data on stdout, everything else on stderr, errors for people."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bcrunbook.errors import ReportBug, RunbookError
from bcrunbook.printable import printable
from bcrunbook.secrets import scrub, scrub_json

if TYPE_CHECKING:
    from rich.console import Console

STYLES: Final = {
    "done": "green",
    "changed": "green",
    "ok": "green",
    "needs_person": "cyan",
    "waiting": "yellow",
    "pending": "yellow",
    "failed": "red",
}


def console(*, stderr: bool) -> Console:
    """A rich console on stdout or stderr."""
    # Not for every command: --help and --version say nothing by it.
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def say(text: str) -> None:
    """Talk to the person, on stderr."""
    print(printable(scrub(text, where="stderr")), file=sys.stderr, flush=True)


def print_json(data: Any) -> None:
    """Print data for programs, on stdout."""
    clean = scrub_json(data, where="stdout")
    sys.stdout.write(json.dumps(clean, indent=2) + "\n")


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 account`, `2 accounts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def print_block(heading: str, rows: Mapping[str, str]) -> None:
    """Print labelled values under a heading, on stdout."""
    width = max(len(label) for label in rows)
    for line in [heading, *(f"  {label:<{width}}  {text}" for label, text in rows.items()), ""]:
        print(printable(scrub(line, where="stdout")))


def debug_logging() -> None:
    """Show the log (requests without bodies, waits) on stderr."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")


def report_error(error: BaseException, *, debug: bool) -> int:
    """Say what went wrong, on stderr.

    Args:
        error: what was raised.
        debug: whether to show the traceback as well.

    Returns:
        The exit code.
    """
    if debug:
        trace = "".join(traceback.format_exception(error))
        sys.stderr.write(scrub(trace, where="a traceback"))
    if not isinstance(error, RunbookError):
        error = ReportBug(
            f"Something unforeseen happened ({type(error).__name__}).",
            where=_line_of(error),
            next="run again with --debug and report what it prints",
        )
    say(str(error))
    return error.exit_code


def _line_of(error: BaseException) -> str:
    """Where in the program it was raised; empty if not there."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "bcrunbook" in frame.filename]
    return f"{ours[-1].name}, line {ours[-1].lineno}" if ours else ""
