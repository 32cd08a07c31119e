"""The second half of a rehearsal: customers link, App Link is installed, one removes it again.

make companies and connections      the runbook; it stops where the customers are needed
the customers link                  somebody scripted for each, on Link's own pages
follow the installations            the runbook
check                               one customer's extension has been removed by then
that customer links again, follow, check again
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bcrunbook.accounts import Account, Customer, Workspace
from bcrunbook.cloud import rehearsal_cloud
from bcrunbook.errors import ReportBug
from bcrunbook.order import HEALTH_CHECK, LINK_CUSTOMER
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.rehearsal.people import CustomerPerson, UnexpectedPage
from bcrunbook.run.account import Began, Ended, StepRun, exit_code, run_account, run_customers
from bcrunbook.steps import step_named
from bcrunbook.steps.link_customer.codat_customer import fetch_link
from bcrunbook.steps.link_customer.installation.verdict import EXPECTED
from bcrunbook.steps.opening import open_context

BEFORE: Final = "3-before-linking"
LINKED: Final = "4-after-linking"
CHECKED: Final = "5-check"
LINKED_AGAIN: Final = "6-linked-again"
CHECKED_AGAIN: Final = "7-check-again"
_NEEDS_PERSON: Final = 3
# The rehearsal's one removal comes ten minutes after the installation; a little longer is safe.
# Where the environment may not be read, the first sign is the connection, some minutes later.
_UNTIL_LINKED: Final = 330.0
_UNTIL_REMOVED: Final = EXPECTED / 2 + 60.0


async def play_customers(
    workspace: Workspace,
    cloud: RehearsalDescription,
    accounts: Sequence[str],
    folder: Path,
    *,
    began: Began,
    ended: Ended,
    acted: Callable[[str], None],
) -> list[StepRun]:
    """Rehearse the customers of accounts that have been set up.

    Args:
        workspace: laid out by `rehearsal.prepare`.
        cloud: the running rehearsal cloud.
        accounts: names of accounts.
        folder: where output notebooks and cards go, a subfolder for each pass and account.
        began: called when a step begins.
        ended: called when it has ended.
        acted: called with a sentence when a scripted customer has done something.

    Returns:
        Every run, in order.
    """
    runs: list[StepRun] = []

    async def link_step(name: str, wanted: dict[str, list[str]]) -> list[StepRun]:
        found = await asyncio.gather(
            *(
                run_customers(
                    workspace,
                    account,
                    customers,
                    [step_named(LINK_CUSTOMER)],
                    "apply",
                    folder / name / account,
                    began=began,
                    ended=ended,
                )
                for account, customers in wanted.items()
            )
        )
        runs.extend(made := [one for several in found for one in several])
        return made

    async def check(name: str) -> list[StepRun]:
        made: list[StepRun] = []
        for account in accounts:
            made += await run_account(
                workspace,
                account,
                [step_named(HEALTH_CHECK)],
                "apply",
                folder / name / account,
                began=began,
                ended=ended,
            )
        runs.extend(made)
        return made

    async def link(wanted: dict[str, list[str]]) -> None:
        for account, customers in wanted.items():
            for customer in customers:
                acted(await link_customer(workspace, cloud, account, customer))

    async def wait(seconds: float) -> None:
        await rehearsal_cloud(Path(cloud.directory)).pace.sleep(seconds)

    # One account after the other: production may have to wait until trial has passed.
    for account in accounts:
        everybody = {account: list(workspace.account(account).customers)}
        if exit_code(await link_step(BEFORE, everybody)) not in (0, _NEEDS_PERSON):
            return runs
        await link(everybody)
        await wait(_UNTIL_LINKED)
        if exit_code(await link_step(LINKED, everybody)) != 0:
            return runs
    await wait(_UNTIL_REMOVED)
    checked = await check(CHECKED)
    again = {
        one.account: [
            name
            for name, customer in workspace.account(one.account).customers.items()
            if any(customer.display_name in change.title for change in one.hand_offs)
        ]
        for one in checked
    }
    again = {account: names for account, names in again.items() if names}
    if again:
        for account, names in again.items():
            for name in names:
                acted(_story(workspace.customer(account, name)))
        await link(again)
        await wait(_UNTIL_LINKED)
        await link_step(LINKED_AGAIN, again)
        await check(CHECKED_AGAIN)
    return runs


def linked_again(runs: Sequence[StepRun]) -> list[tuple[str, str]]:
    """The customers, by account and key, whom the check sent to link a second time.

    Args:
        runs: what a rehearsal came to.
    """
    return [
        (run.account, run.customer)
        for run in runs
        if run.notebook is not None and LINKED_AGAIN in run.notebook.parts
    ]


def _story(customer: Customer) -> str:
    """What the check has met, for whoever wonders why a person is needed now."""
    return (
        f"Meanwhile somebody has uninstalled App Link at {customer.display_name}: that belongs to"
        " the rehearsal. The check has noticed, and the customer links again."
    )


async def link_customer(
    workspace: Workspace, cloud: RehearsalDescription, account: str, name: str
) -> str:
    """What a customer does with the link they were sent.

    Args:
        workspace: the rehearsal's.
        cloud: the running rehearsal cloud.
        account: the account's name.
        name: the customer's.

    Returns:
        What they did, and what they saw, in a sentence.

    Raises:
        ReportBug: a page was not as expected.
    """
    chosen: Account = workspace.account(account)
    customer: Customer = workspace.customer(account, name)
    async with open_context(workspace, chosen, customer=customer) as context:
        address = await fetch_link(context)
    try:
        person = CustomerPerson(cloud, customer.contact)
        seen = await asyncio.to_thread(
            person.link,
            address,
            environment=customer.environment or "",
            company=customer.company,
        )
    except UnexpectedPage as problem:
        raise ReportBug(
            f"The scripted customer got lost on the rehearsal's pages: {problem}.",
            where=f'account "{account}", customer "{name}"',
            next="report this with the folder of the rehearsal",
        ) from None
    return f"{customer.contact} opened the link of {customer.display_name}. {seen}"
