"""The command line: one file per noun; this one puts them together and turns errors into words."""

from __future__ import annotations

import sys

import typer

from bcrunbook import __version__
from bcrunbook.cli import (
    accounts,
    batch,
    check,
    confirm,
    doctor,
    explain,
    init,
    lab,
    link,
    notice,
    output,
    rehearsal,
    rehearse,
    run,
    secret,
    status,
)

app = typer.Typer(
    name="bcrunbook",
    help="Sets up Dynamics 365 Business Central for Codat: a runbook in Jupyter notebooks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init", short_help="Lay out a workspace.")(init.init)
app.command("lab", short_help="Open the notebooks in JupyterLab.")(lab.lab)
app.command("plan", short_help="Show what would be done for an account.")(run.plan)
app.command("run", short_help="Run an account's notebooks headlessly.")(run.run)
app.command("batch", short_help="Run many accounts and customers.")(batch.batch)
app.command("confirm", short_help="Note who has done a person's part.")(confirm.confirm)
app.command("notice", short_help="Write the notice to a customer before linking.")(notice.notice)
app.command("link", short_help="Print the link for a customer.")(link.link)
app.command("check", short_help="Check an account and its customers.")(check.check)
app.command("status", short_help="Show how each step ended last, and what comes next.")(
    status.status
)
app.command("doctor", short_help="Check this machine and the workspace.")(doctor.doctor)
app.command("explain", short_help="Explain a code of Entra, Graph or Codat.")(explain.explain)
app.command("rehearse", short_help="Rehearse everything on this machine.")(rehearse.rehearse)
app.add_typer(accounts.app, name="accounts")
app.add_typer(secret.app, name="secret")
app.add_typer(rehearsal.app, name="rehearsal")

# What a shell reports of a program that Ctrl-C ended.
_INTERRUPTED = 130


def _tell_version(asked: bool) -> None:
    if asked:
        print(f"bcrunbook {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the log and, on errors, tracebacks."),
    version: bool = typer.Option(
        False, "--version", callback=_tell_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Options of every command."""
    if debug:
        output.debug_logging()


def main() -> None:
    """The program `bcrunbook`."""
    from bcrunbook.secrets import install_log_redaction, leave_no_core_dump

    leave_no_core_dump()
    install_log_redaction()
    given = sys.argv[1:]
    debug = "--debug" in given
    # People add --debug at the end of the command that failed.
    ordered = [*(["--debug"] if debug else []), *(one for one in given if one != "--debug")]
    try:
        app(ordered)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            output.say("Interrupted. Run again: what was done is found, and nothing is done twice.")
        raise
    except Exception as error:
        sys.exit(output.report_error(error, debug=debug))
