"""The command line: one module for each noun, this one for the program as a whole.

`commands` knows the commands by name and reads a module when its command is called, so that
`--help` and `--version` do not wait for what they do not need. Here errors turn into words and exit
codes.
"""

from __future__ import annotations

import gc
import sys
from typing import Final

import typer

from bcrunbook import __version__
from bcrunbook.cli import output
from bcrunbook.cli.commands import LazyGroup, add_commands
from bcrunbook.given_as import Place, speak_to
from bcrunbook.secrets import install_log_redaction, leave_no_core_dump

app = typer.Typer(
    name="bcrunbook",
    cls=LazyGroup,
    help="Sets up Dynamics 365 Business Central for Codat: a runbook in Jupyter notebooks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
add_commands(app)

# What a shell reports of a program that Ctrl-C ended.
_INTERRUPTED: Final = 130

_ALLOCATIONS: Final = 100_000
"""After so many of them garbage is looked for. What is read of thousands of customers is needed to
the end, and looking through it again and again takes as long as the rest."""


def _print_version(asked: bool) -> None:
    if asked:
        print(f"bcrunbook {__version__}")
        raise typer.Exit


@app.callback()
def common_options(
    debug: bool = typer.Option(False, "--debug", help="Show the log and, on errors, tracebacks."),
    version: bool = typer.Option(
        False,
        "--version",
        callback=_print_version,
        is_eager=True,
        help="Show the version and exit.",
    ),
) -> None:
    """Options of every command."""
    if debug:
        output.debug_logging()


def main() -> None:
    """The program `bcrunbook`."""
    gc.set_threshold(_ALLOCATIONS)
    leave_no_core_dump()
    install_log_redaction()
    speak_to(Place.COMMAND)
    given = sys.argv[1:]
    debug = "--debug" in given
    # People add --debug at the end of the command that failed.
    ordered = [*(["--debug"] if debug else []), *(word for word in given if word != "--debug")]
    try:
        app(ordered)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            output.say("Interrupted. Run again: what was done is found, and nothing is done twice.")
        raise
    except Exception as error:
        sys.exit(output.report_error(error, debug=debug))
