"""`bcrunbook check`: does everything still stand?"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bcrunbook.accounts import Workspace, find_workspace, load
from bcrunbook.cli import options, output
from bcrunbook.cli.asked import typed
from bcrunbook.cli.tables import print_table
from bcrunbook.cli.told import JunitFile, MarkdownFile, ToldFiles
from bcrunbook.cli.told_files import write_told
from bcrunbook.core.step import Outcome, worst_code
from bcrunbook.errors import FixInput
from bcrunbook.run.check import check_accounts
from bcrunbook.run.ended import of_check
from bcrunbook.run.notify import notify


def check(
    account: Annotated[
        str | None, typer.Argument(help="An account's name. Default: the only one there is.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every account of the workspace.")] = False,
    junit: JunitFile = None,
    markdown: MarkdownFile = None,
    workspace: options.Workspace = None,
    as_json: options.Json = False,
) -> None:
    """Check an account and its customers. Changes nothing; ends with 3 if somebody has to act."""
    told = ToldFiles(junit, markdown)
    loaded = load(find_workspace(workspace))
    outcomes = asyncio.run(check_accounts(loaded, _names(loaded, account, every), began=_say_which))
    code = worst_code(one.exit_code for one in outcomes)
    if as_json:
        output.print_json(
            {"exit_code": code, "accounts": [outcome.as_dict() for outcome in outcomes]}
        )
    else:
        for outcome in outcomes:
            _print(outcome)
    ended = of_check(loaded, outcomes)
    write_told(told, ended, "Check")
    again = typed("check", account, "--all" if every else None, workspace=workspace)
    if said := asyncio.run(notify(loaded, ended, "Check", again)):
        output.say(said)
    raise typer.Exit(code)


def _say_which(name: str) -> None:
    output.say(f"Looking at {name}.")


def _names(workspace: Workspace, account: str | None, every: bool) -> list[str]:
    names = list(workspace.accounts)
    if account is not None and every:
        raise FixInput(
            "Both an account and --all were given.", where="the command", next="leave one out"
        )
    if account is not None:
        return [workspace.account(account).name]
    if every or len(names) == 1:
        return names
    raise FixInput(
        "It is not clear which account is meant.",
        where="the command",
        next=f"name one of: {', '.join(names)}; or give --all",
    )


def _print(outcome: Outcome) -> None:
    print_table(
        [outcome.account, "how it stands", ""],
        [[row.name, row.actual, row.verdict.value] for row in outcome.findings],
    )
    for row in outcome.findings:
        if row.advice and row.verdict.value in ("differs", "unknown"):
            output.say(f"{row.name}: {row.advice}")
    if outcome.error is not None:
        output.say(f"{outcome.account}: {outcome.summary} {outcome.error['next']}".strip())
