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
from bcrunbook.ledger.store import Ledger, open_ledger
from bcrunbook.run.all_ends import all_ends
from bcrunbook.run.checked import of_customers
from bcrunbook.skipped import dates
from bcrunbook.steps import SETUP_STEPS, STEPS
from bcrunbook.steps.health_check import HealthCheck
from bcrunbook.steps.journey import known_journey, outcomes_now
from bcrunbook.steps.next_action import command, next_action
from bcrunbook.steps.retired import Retired, all_retired
from bcrunbook.views.journey import journey_line

_Rows = dict[tuple[str, str, str], StoredOutcome]
"""The last outcomes, by account, customer (empty for the account itself) and step."""

_PASSED: Final = "every step has passed."

_Over = dict[tuple[str, str], Retired]
"""What is retired, or about to be, by account and customer (empty for the account itself)."""


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
        over = _over(ledger, loaded)
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
        output.print_json(_as_data(loaded, rows, over))
        return
    ways = {
        name: journey_line(known_journey(account, known.__getitem__, over=over.get((name, ""))))
        for name, account in loaded.accounts.items()
    }
    output.print_block("The way", ways)
    lines, of_customers = [], []
    for account in loaded.accounts.values():
        if (account.name, "") in over:
            lines.append([account.name, "", over[account.name, ""].word, ""])
            continue
        for number, step in enumerate(SETUP_STEPS):
            row = rows.get((account.name, "", step.id))
            lines.append(["" if number else account.name, *_line(step, row)])
        if _is_crowd(account):
            continue
        for customer in account.customers:
            if (account.name, customer) in over:
                word = over[account.name, customer].word
                of_customers.append([f"{account.name}/{customer}", "", word, ""])
                continue
            for number, later in enumerate(_customer_steps()):
                row = rows.get((account.name, customer, later.id))
                name = "" if number else f"{account.name}/{customer}"
                of_customers.append([name, *_line(later, row)])
    columns = ["step", "ended last", "when (UTC)"]
    print_table(["account", *columns], lines)
    if of_customers:
        print_table(["customer", *columns], of_customers)
    if of_crowds := [
        line for account in loaded.accounts.values() for line in _crowd(account, rows, over)
    ]:
        print_table(["customers of", *columns[:2], "how many"], of_crowds)
    for line in secrets:
        output.say(line)
    for account in loaded.accounts.values():
        output.say(f"{account.name}: {_next(account, loaded, rows, over)}")
        if (account.name, "") in over:
            continue
        actions = _next_of_customers(account, loaded, rows, over)
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


def _over(ledger: Ledger, workspace: Workspace) -> _Over:
    """What of a workspace is retired."""
    return {
        (name, customer): one
        for name, account in workspace.accounts.items()
        for customer, one in all_retired(ledger, account.identity).items()
    }


def _crowd(account: Account, rows: _Rows, over: _Over) -> list[list[str]]:
    """The lines of an account whose customers are not listed one by one."""
    if not _is_crowd(account) or (account.name, "") in over:
        return []
    steps = {one.id: _label(one) for one in _customer_steps()}
    gone = sum((account.name, customer) in over for customer in account.customers)
    lines = by_state(
        [("", "retired")] * gone
        + [
            (label, _state(rows.get((account.name, customer, step))))
            for customer in account.customers
            if (account.name, customer) not in over
            for step, label in steps.items()
        ]
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


def _as_data(workspace: Workspace, rows: _Rows, over: _Over) -> list[dict[str, Any]]:
    """A row for each step of each account and customer; `state` is null where none was run."""
    data = []
    for account in workspace.accounts.values():
        whose = [("", SETUP_STEPS), *((name, _customer_steps()) for name in account.customers)]
        for customer, steps in whose:
            gone = over.get((account.name, "")) or over.get((account.name, customer))
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
                        "next": gone.next
                        if gone is not None
                        else _next_of(account, step, row, customer),
                        "retired": gone.at.isoformat() if gone is not None else None,
                    }
                )
    return data


def _next(account: Account, workspace: Workspace, rows: _Rows, over: _Over) -> str:
    """What to do next for an account: about the first step that has not passed."""
    return _before(account, workspace, rows, over) or _first_open(account, rows) or _PASSED


def _before(account: Account, workspace: Workspace, rows: _Rows, over: _Over) -> str:
    """What comes before any step of an account or of its customers; empty where nothing does."""
    if (gone := over.get((account.name, ""))) is not None:
        return f"{gone.told}."
    first = account.requires
    if first and _first_open(workspace.account(first), rows):
        if (first, "") in over:
            return f"{first} comes first, which is {over[first, ''].told}."
        return f"{first} comes first."
    return ""


def _next_of_customers(
    account: Account, workspace: Workspace, rows: _Rows, over: _Over
) -> dict[str, str]:
    """The same for each of its customers."""
    before = _before(account, workspace, rows, over)
    if not before and _first_open(account, rows):
        before = f"{account.name} comes first."

    def of(customer: str) -> str:
        if (gone := over.get((account.name, customer))) is not None:
            return f"{gone.told}."
        return before or _first_open(account, rows, customer) or _PASSED

    return {one: of(one) for one in account.customers}


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
