"""`bcrunbook confirm`: a person confirms that they have done what no service can tell."""

from __future__ import annotations

from typing import Annotated

import typer

from bcrunbook.accounts import Identity, find_workspace, load
from bcrunbook.cli import options, output
from bcrunbook.core import confirmations
from bcrunbook.core.step import Change
from bcrunbook.core.stored import StoredOutcome, latest_outcome
from bcrunbook.errors import FixInput
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Ledger, open_ledger
from bcrunbook.steps import step_named
from bcrunbook.steps.next_action import command


def confirm(
    account: options.Account,
    step: Annotated[str, typer.Argument(help="The step's id, such as codat_keys.")],
    by: Annotated[str, typer.Option("--by", help="Who has done it: a name or an address.")],
    customer: Annotated[
        str | None, typer.Option(help="The customer, for a step that is about one.")
    ] = None,
    workspace: options.Workspace = None,
    as_json: options.Json = False,
) -> None:
    """Note who has done a person's part, such as saving the keys in the Codat Portal.

    Nothing is sent anywhere. The next run goes on from there.
    """
    loaded = load(find_workspace(workspace))
    chosen, which = step_named(step), loaded.account(account)
    if customer is not None:
        loaded.customer(account, customer)
    with open_ledger(loaded.ledger_url, loaded.root) as ledger:
        change = _handed_off(ledger, which.identity, chosen.id, customer)
        name = confirmations.confirm(ledger, Scope(which.identity, chosen.id, customer), change, by)
    assert change.hand_off is not None
    noted = {
        "account": which.name,
        "customer": customer,
        "step": chosen.id,
        "by": name,
        "said": change.hand_off.confirmation,
    }
    if as_json:
        output.print_json({**noted, "values": dict(change.hand_off.values)})
        return
    about = "".join(f"\n  {label}: {value}" for label, value in change.hand_off.values)
    whom = f"{which.name}/{customer}" if customer else which.name
    output.say(f'Noted for {whom}: {name} says "{noted["said"]}".{about}')
    output.say(f"Next: {command(which.name, which.cloud, chosen, customer or '')}")


def _option(customer: str | None) -> str:
    return f" --customer {customer}" if customer else ""


def _handed_off(ledger: Ledger, whose: Identity, step: str, customer: str | None) -> Change:
    """The hand-off that a confirmation is about: that of the step's last outcome."""
    account = whose.account
    last = latest_outcome(ledger, Scope(whose, step, customer))
    change = _to_confirm(last) if last is not None else None
    if last is None or change is None:
        raise FixInput(
            (
                f"The last run of step {step} failed before it came to a hand-off."
                if last.outcome.error
                else f"Step {step} of {account} needs no confirmation."
            )
            if last is not None
            else f"Step {step} of {account} has not run yet.",
            where=f'account "{account}", step {step}',
            why="a confirmation is about what the step's last run handed over: which keys, which"
            " instance",
            next="run it, and see what it asks for: bcrunbook run"
            f" {account} {step}{_option(customer)}",
        )
    return change


def _to_confirm(last: StoredOutcome) -> Change | None:
    changes = last.outcome.changes
    return next((one for one in changes if one.hand_off and one.hand_off.confirmation), None)
