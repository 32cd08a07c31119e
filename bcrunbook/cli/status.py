"""`bcrunbook status`: what the ledger knows, and what comes next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bcrunbook.accounts import Account, Workspace, find_workspace, load
from bcrunbook.cli import options, output
from bcrunbook.cli.ages import when
from bcrunbook.cli.status_crowd import LISTED, by_next, by_state
from bcrunbook.cli.status_secret import secret_lines
from bcrunbook.cli.tables import print_table
from bcrunbook.cli.told import make_room, write_file
from bcrunbook.core.step import PASSED, AnyStep
from bcrunbook.core.stored import StoredOutcome
from bcrunbook.ledger.store import open_ledger
from bcrunbook.run.all_ends import all_ends
from bcrunbook.run.checked import of_customers
from bcrunbook.skipped import dates
from bcrunbook.steps import SETUP_STEPS, STEPS
from bcrunbook.steps.health_check import HealthCheck
from bcrunbook.steps.journey import known_journey, outcomes_now
from bcrunbook.steps.next_action import command, next_action
from bcrunbook.views.journey import journey_line

_Rows = dict[tuple[str, str, str], StoredOutcome]
"""The last outcomes, by account, customer (empty for the account itself) and step."""

_PASSED: Final = "every step has passed."


def status(
    calendar: Annotated[
        Path | None,
        typer.Option(
            "--calendar",
            metavar="FILE",
            help="Also write a file for calendars: when each account's client secret has to be"
            " renewed and when it ends, and when certificates end.",
        ),
    ] = None,
    workspace: options.Workspace = None,
    as_json: options.Json = False,
) -> None:
    """Show how each step ended last, and what comes next, for each account and customer.

    Where an account has many customers, they are counted; --json lists each. Asks no service.
    """
    if calendar is not None:
        make_room(calendar, "--calendar")
    loaded = load(find_workspace(workspace))
    with open_ledger(loaded.ledger_url, loaded.root) as ledger:
        known = {
            name: outcomes_now(ledger, account.identity)
            for name, account in loaded.accounts.items()
        }
        secrets = secret_lines(loaded, ledger, dates.now())
        if calendar is not None:
            _keep(calendar, *all_ends(ledger, loaded))
    rows = {
        (name, row.outcome.customer, row.outcome.step): row
        for name, of_account in known.items()
        for row in of_account
    }
    for account in loaded.accounts.values():
        rows |= _checked(account, rows)
    if as_json:
        output.print_json(_as_data(loaded, rows))
        return
    ways = {
        name: journey_line(known_journey(account, known.__getitem__))
        for name, account in loaded.accounts.items()
    }
    output.print_block("The way", ways)
    lines, of_customers = [], []
    for account in loaded.accounts.values():
        for number, step in enumerate(SETUP_STEPS):
            row = rows.get((account.name, "", step.id))
            lines.append(["" if number else account.name, *_line(step, row)])
        if _is_crowd(account):
            continue
        for customer in account.customers:
            for number, later in enumerate(_customer_steps()):
                row = rows.get((account.name, customer, later.id))
                name = "" if number else f"{account.name}/{customer}"
                of_customers.append([name, *_line(later, row)])
    columns = ["step", "ended last", "when (UTC)"]
    print_table(["account", *columns], lines)
    if of_customers:
        print_table(["customer", *columns], of_customers)
    if of_crowds := [
        line for account in loaded.accounts.values() for line in _crowd(account, rows)
    ]:
        print_table(["customers of", *columns[:2], "how many"], of_crowds)
    for line in secrets:
        output.say(line)
    for account in loaded.accounts.values():
        output.say(f"{account.name}: {_next(account, loaded, rows)}")
        actions = _next_of_customers(account, loaded, rows)
        if _is_crowd(account):
            for line in by_next(account.name, actions):
                output.say(line)
        else:
            for customer, action in actions.items():
                output.say(f"{account.name}/{customer}: {action}")


def _keep(file: Path, ends: str, unknown: list[str]) -> None:
    """Write the file for calendars, and say of whom nothing is in it."""
    if ends:
        write_file(file, ends.encode("utf-8"))
    else:
        output.say("No calendar is written: the ledger knows of no client secret yet.")
    if ends and unknown:
        output.say(f"Not in it, as no client secret is known of them: {', '.join(unknown)}")


def _is_crowd(account: Account) -> bool:
    return len(account.customers) > LISTED


def _crowd(account: Account, rows: _Rows) -> list[list[str]]:
    """The lines of an account whose customers are not listed one by one."""
    if not _is_crowd(account):
        return []
    steps = {one.id: _label(one) for one in _customer_steps()}
    lines = by_state(
        (label, _state(rows.get((account.name, customer, step))))
        for customer in account.customers
        for step, label in steps.items()
    )
    return [["" if number else account.name, *line] for number, line in enumerate(lines)]


def _line(step: AnyStep, row: StoredOutcome | None) -> list[str]:
    """A step, how it ended, and when."""
    return [_label(step), _state(row), when(row.at, dates.now()) if row else ""]


def _label(step: AnyStep) -> str:
    return f"{STEPS.index(step)} {step.id}"


def _state(row: StoredOutcome | None) -> str:
    return row.outcome.state.value if row else "not run yet"


def _customer_steps() -> tuple[AnyStep, ...]:
    """The steps that tell how a customer stands: linking, and the check of everything."""
    return tuple(step for step in STEPS if step.is_per_customer or isinstance(step, HealthCheck))


def _checked(account: Account, rows: _Rows) -> _Rows:
    """What the account's last check says about each of its customers, as outcomes of theirs."""
    check = rows.get((account.name, "", HealthCheck.id))
    if check is None:
        return {}
    return {
        (account.name, customer, HealthCheck.id): replace(check, outcome=outcome)
        for customer, outcome in of_customers(account, check.outcome).items()
    }


def _as_data(workspace: Workspace, rows: _Rows) -> list[dict[str, Any]]:
    """A row for each step of each account and customer; `state` is null where none was run."""
    data = []
    for account in workspace.accounts.values():
        whose = [("", SETUP_STEPS), *((name, _customer_steps()) for name in account.customers)]
        for customer, steps in whose:
            for step in steps:
                row = rows.get((account.name, customer, step.id))
                data.append(
                    {
                        "account": account.name,
                        "customer": customer or None,
                        "step": step.id,
                        "state": row.outcome.state.value if row else None,
                        "since": (row.outcome.since or row.at).isoformat() if row else None,
                        "summary": row.outcome.summary if row else "",
                        "next": _next_of(account, step, row, customer),
                    }
                )
    return data


def _next(account: Account, workspace: Workspace, rows: _Rows) -> str:
    """What to do next for an account: about the first step that has not passed."""
    first = account.requires
    if first and _first_open(workspace.account(first), rows):
        return f"{first} comes first."
    return _first_open(account, rows) or _PASSED


def _next_of_customers(account: Account, workspace: Workspace, rows: _Rows) -> dict[str, str]:
    """The same for each of its customers."""
    first = account.requires
    if first and _first_open(workspace.account(first), rows):
        return dict.fromkeys(account.customers, f"{first} comes first.")
    if _first_open(account, rows):
        return dict.fromkeys(account.customers, f"{account.name} comes first.")
    return {one: _first_open(account, rows, one) or _PASSED for one in account.customers}


def _first_open(account: Account, rows: _Rows, customer: str = "") -> str:
    for step in _customer_steps() if customer else SETUP_STEPS:
        row = rows.get((account.name, customer, step.id))
        action = _next_of(account, step, row, customer)
        if action:
            return f"{step.id}: {action}" if row else action
    return ""


def _next_of(account: Account, step: AnyStep, row: StoredOutcome | None, customer: str) -> str:
    """What to do about one step; empty when it has passed."""
    if row and row.outcome.state in PASSED:
        return ""
    again = command(account.name, account.cloud, step, customer, is_first=row is None)
    return next_action(row.outcome, again, row.said_by) if row else again
