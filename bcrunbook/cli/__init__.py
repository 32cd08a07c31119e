"""The command line: one file per noun; this one puts them together and turns errors into words."""

from __future__ import annotations

import sys

import typer

from bcrunbook.cli import accounts, doctor, explain, init, output, rehearsal, rehearse, run, status

app = typer.Typer(
    name="bcrunbook",
    help="Sets up Dynamics 365 Business Central for Codat: a runbook in Jupyter notebooks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init")(init.init)
app.command("plan")(run.plan)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("doctor")(doctor.doctor)
app.command("explain")(explain.explain)
app.command("rehearse")(rehearse.rehearse)
app.add_typer(accounts.app, name="accounts")
app.add_typer(rehearsal.app, name="rehearsal")


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the log and, on errors, tracebacks."),
) -> None:
    """Options of every command."""
    if debug:
        output.debug_logging()


def main() -> None:
    """The program `bcrunbook`."""
    from bcrunbook.secrets import install_log_redaction

    install_log_redaction()
    debug = "--debug" in sys.argv[1:]
    try:
        app()
    except KeyboardInterrupt:
        output.say("Interrupted. Run again: what was done is found and nothing is done twice.")
        sys.exit(130)
    except Exception as error:
        sys.exit(output.report_error(error, debug=debug))
