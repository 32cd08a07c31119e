"""An account that is set up, with customers who can link: where tests of links and checks begin."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bcrunbook.accounts import FILE_NAME, Workspace, load
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode, Outcome
from bcrunbook.order import CODAT_KEYS, LINK_CUSTOMER
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.rehearsal.people import CustomerPerson, act_as_developer
from bcrunbook.run.rehearse.workspace import STANDARD, RehearsedCustomer, prepare
from bcrunbook.secrets import SecretReference, read
from bcrunbook.steps import step_named
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.codat_customer import fetch_link
from bcrunbook.steps.opening import open_context
from tests.support.portal import confirm, handed
from tests.support.running import ALONE

TRIAL = STANDARD[0]
ADMIN = "vera.stone@saltmarsh-lab.example"
"""Who may do everything in the tenant that has an environment for each script."""
SCRIPTS = {
    "normal": "Normal",
    "slow": "Slow",
    "fetch-errors": "FetchErrors",
    "licence-missing": "LicenceMissing",
    "never-finishes": "NeverFinishes",
    "deployment-failed": "DeploymentFailed",
    "later-uninstalled": "LaterUninstalled",
    "later-unpublished": "LaterUnpublished",
    "upgrading": "Upgrading",
    "renamed": "Renamed",
}
"""A customer's name and the environment whose script it lives through."""


def lab_customer(name: str, environment: str, display_name: str = "") -> RehearsedCustomer:
    """A customer in the tenant that has an environment for each script."""
    company = "CRONUS UK Ltd."
    return RehearsedCustomer(name, display_name or f"Lab {name}", ADMIN, environment, company)


async def set_up(
    directory: Path,
    cloud: RehearsalDescription,
    customers: Sequence[RehearsedCustomer],
    *,
    secret: str = "",
    ledger_url: str = "",
    journal: bool = False,
) -> Workspace:
    """An account that is set up, and customers.

    Args:
        directory: the rehearsal's folder.
        cloud: its running cloud.
        customers: the account's customers.
        secret: what is saved in the portal instead of the secret that was made.
        ledger_url: the ledger, if it is no file of the workspace.
        journal: whether a journal of shapes is kept.
    """
    workspace = await prepare(
        directory, cloud, [replace(TRIAL, customers=tuple(customers))], anew=True
    )
    if ledger_url:
        workspace = on_ledger(workspace, ledger_url)
    if journal:
        workspace = with_journal(workspace)
    account = workspace.account("trial")
    async with open_context(workspace, account) as context:
        for step in ALONE:
            outcome = await run_in_context(step_named(step), context, Mode.APPLY)
            assert outcome.state in ("done", "changed"), outcome.summary
        keys = await run_in_context(step_named(CODAT_KEYS), context, Mode.APPLY)
    card = handed(keys)
    stored = await read(SecretReference.parse(card.secret, "a hand-off"), workspace.root)
    values = dict(card.values)
    await asyncio.to_thread(
        act_as_developer,
        cloud,
        account.codat_instance or "",
        values["Client ID"],
        secret or stored.reveal(),
    )
    confirm(workspace, keys)
    return workspace


def on_ledger(workspace: Workspace, url: str) -> Workspace:
    """The same workspace with its ledger elsewhere."""
    with (workspace.root / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(f'\n[ledger]\nurl = "{url}"\n')
    return load(workspace.root)


def with_journal(workspace: Workspace) -> Workspace:
    """The same workspace, which keeps a journal of shapes."""
    with (workspace.root / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write('\n[runs]\njournal = "always"\n')
    return load(workspace.root)


async def run_link_customer(context: Context, customer: str, mode: Mode = Mode.APPLY) -> Outcome:
    """Run the step that links a customer."""
    chosen = context.account.customers[customer]
    return await run_in_context(step_named(LINK_CUSTOMER), replace(context, customer=chosen), mode)


async def link(context: Context, cloud: RehearsalDescription, customer: str) -> str:
    """Do the customer's part; returns what the page says that it ended on."""
    chosen = context.account.customers[customer]
    address = await fetch_link(replace(context, customer=chosen))
    person = CustomerPerson(cloud, chosen.contact)
    return await asyncio.to_thread(
        person.link, address, environment=chosen.environment or "", company=chosen.company
    )


async def link_of(workspace: Workspace, account: str, customer: str) -> str:
    """The customer's link, as it is sent to them."""
    chosen = workspace.customer(account, customer)
    async with open_context(workspace, workspace.account(account), customer=chosen) as context:
        return await fetch_link(context)
