"""What one check of an account found about each of its customers."""

from __future__ import annotations

from dataclasses import replace

from bcrunbook.accounts import Account
from bcrunbook.core.step import Outcome, State
from bcrunbook.steps.health_check import customer_parts


def of_customers(account: Account, outcome: Outcome) -> dict[str, Outcome]:
    """Outcomes of the customers, as if each had been checked alone.

    One that was no customer yet when the check looked is left out. Where the check found nothing
    at all, as it failed, each customer's outcome is that of the account.

    Args:
        account: the account.
        outcome: how its check ended.
    """
    found = {one.name: one for one in outcome.findings}
    handed = {one.key: one for one in outcome.changes}
    made = {}
    for customer, part in customer_parts(account).items():
        if part in found:
            change = handed.get(part)
            made[customer] = replace(
                outcome,
                customer=customer,
                state=State.NEEDS_PERSON if change else State.DONE,
                summary=found[part].actual,
                changes=(change,) if change else (),
                error=None,
                since=None,
            )
        elif not found:
            made[customer] = replace(outcome, customer=customer)
    return made
