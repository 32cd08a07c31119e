"""`bcrunbook status`: what the ledger knows, accounts by steps."""

from __future__ import annotations

import typer

from bcrunbook.cli import options, output


def status(workspace: options.Workspace = None, as_json: options.Json = False) -> None:
    """Show how each step of each account ended last, and what comes next. Asks no service."""
    from bcrunbook.accounts import find_workspace, load
    from bcrunbook.ledger import open_ledger
    from bcrunbook.steps import STEPS
    from bcrunbook.steps.step import EXIT_CODES, State

    loaded = load(find_workspace(workspace))
    with open_ledger(loaded.ledger_url, loaded.root) as ledger:
        rows = [row for row in ledger.outcomes() if row.account in loaded.accounts]
    if as_json:
        output.print_json(
            [
                {
                    "account": row.account,
                    "step": row.step,
                    "state": row.state,
                    "since": row.at.isoformat(),
                    "summary": row.data.get("summary", ""),
                }
                for row in rows
            ]
        )
        raise typer.Exit(0)
    by = {(row.account, row.step): row for row in rows}
    output.print_table(
        ["account", *(step.id for step in STEPS)],
        [
            [
                account,
                *(
                    f"{by[account, step.id].state}\n{by[account, step.id].at:%Y-%m-%d %H:%M}"
                    if (account, step.id) in by
                    else ""
                    for step in STEPS
                ),
            ]
            for account in loaded.accounts
        ],
    )
    for row in rows:
        if EXIT_CODES[State(row.state)]:
            output.say(f"{row.account}, {row.step}: {row.data.get('summary', '')}")
