"""`bcrunbook status`: what the ledger knows, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bcrunbook.cli import options, output

if TYPE_CHECKING:
    from bcrunbook.accounts import Account, Workspace
    from bcrunbook.ledger import Ledger, OutcomeRow

_Rows = dict[tuple[str, str], "OutcomeRow"]


def status(workspace: options.Workspace = None, as_json: options.Json = False) -> None:
    """Show how each step of each account ended last, and what comes next. Asks no service."""
    from bcrunbook.accounts import find_workspace, load
    from bcrunbook.ledger import open_ledger
    from bcrunbook.steps import SETUP_STEPS

    loaded = load(find_workspace(workspace))
    with open_ledger(loaded.ledger_url, loaded.root) as ledger:
        rows = {(row.account, row.step): _with_word(ledger, row) for row in ledger.outcomes()}
    if as_json:
        output.print_json(_as_data(loaded, rows))
        return
    lines = []
    for account in loaded.accounts:
        for number, step in enumerate(SETUP_STEPS):
            row = rows.get((account, step.id))
            ended = [row.state, f"{row.at:%Y-%m-%d %H:%M}"] if row else ["not run yet", ""]
            lines.append(["" if number else account, f"{number} {step.id}", *ended])
    output.print_table(["account", "step", "ended last", "when (UTC)"], lines)
    for one in loaded.accounts.values():
        output.say(f"{one.name}: {_next(one, loaded, rows)}")


def _with_word(ledger: Ledger, row: OutcomeRow) -> OutcomeRow:
    """The outcome, with what was said or done since: a hand-off done, or the keys out of date."""
    from dataclasses import replace

    from bcrunbook.steps.codat_keys import SAVE_KEYS, CodatKeys
    from bcrunbook.steps.said import said

    if row.step == CodatKeys.id and row.state == "done":
        word = said(ledger, row.account, row.step, SAVE_KEYS)
        stored = ledger.latest(row.account, "client_secret", "secret_stored")
        if word and stored and stored.at > word.at and stored.subject != word.subject:
            why = "The secret has been replaced since somebody saved the keys."
            return replace(row, state="needs_person", data={"summary": why})
    for change in row.data.get("changes", ()):
        word = said(ledger, row.account, row.step, change.get("key", ""))
        if change.get("hand_off") and word is not None and word.at > row.at:
            return replace(row, data={**row.data, "said_by": word.said_by})
    return row


def _as_data(workspace: Workspace, rows: _Rows) -> list[dict[str, Any]]:
    """A row for each step of each account; `state` is null for a step that was never run."""
    from bcrunbook.steps import SETUP_STEPS

    return [
        {
            "account": account.name,
            "step": step.id,
            "state": row.state if row else None,
            "since": row.at.isoformat() if row else None,
            "summary": row.data.get("summary", "") if row else "",
            "next": _next_of(account, row),
        }
        for account in workspace.accounts.values()
        for step in SETUP_STEPS
        for row in [rows.get((account.name, step.id))]
    ]


def _next(account: Account, workspace: Workspace, rows: _Rows) -> str:
    """What to do next for an account: about its first step that has not passed."""
    first = account.requires
    if first and _first_open(workspace.account(first), rows):
        return f"{first} comes first."
    return _first_open(account, rows) or "every step has passed."


def _first_open(account: Account, rows: _Rows) -> str:
    from bcrunbook.steps import SETUP_STEPS

    for step in SETUP_STEPS:
        row = rows.get((account.name, step.id))
        action = _next_of(account, row)
        if action:
            return f"{step.id}: {action}" if row else action
    return ""


def _next_of(account: Account, row: OutcomeRow | None) -> str:
    """What to do about one step; empty when it has passed."""
    live = account.cloud == "live"
    if row is None:
        return f"bcrunbook {'plan' if live else 'run'} {account.name}"
    if row.state in ("done", "changed"):
        return ""
    again = f"bcrunbook run {account.name}{' --mode apply' if live else ''}"
    if row.state == "pending":
        return again
    if row.state == "waiting":
        return f"wait some minutes, then {again}"
    if "said_by" in row.data:
        return f"{row.data['said_by']} says that it is done: {again}"
    return _of_outcome(row.data) or again


def _of_outcome(outcome: dict[str, Any]) -> str:
    """Who can do what, as the outcome of a step says it."""
    for change in outcome.get("changes", ()):
        if handed := change.get("hand_off"):
            link = f" {handed['link']}" if handed["link"] else ""
            return f"{handed['who']}: {handed['actions'][0]}{link}"
    error = outcome.get("error") or {}
    who = error.get("who", "you")
    action = str(error.get("next", ""))
    return action if who == "you" or not action else f"{who}: {action}"
