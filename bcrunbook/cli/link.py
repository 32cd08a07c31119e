"""`bcrunbook link`: the address with which a customer links, fetched when it is needed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.accounts import find_workspace, load
from bcrunbook.cli import options, output
from bcrunbook.steps.link_customer.codat_customer import fetch_link
from bcrunbook.steps.opening import open_context

CustomerName = Annotated[str, typer.Argument(help="One of the account's customers.")]


def link(
    account: options.Account,
    customer: CustomerName,
    workspace: options.Workspace = None,
    as_json: options.Json = False,
) -> None:
    """Print the link for a customer. It may work only once and for a day, and is not kept."""
    address = asyncio.run(fetch(workspace, account, customer))
    if as_json:
        output.print_json({"account": account, "customer": customer, "link": address})
        return
    print(address)
    output.say("It may work only once, and for a day: pass it on now. It is kept nowhere.")


async def fetch(workspace: Path | None, account: str, customer: str) -> str:
    """The customer's link, as Codat has it now."""
    loaded = load(find_workspace(workspace))
    chosen = loaded.customer(account, customer)
    async with open_context(loaded, loaded.account(account), customer=chosen) as context:
        return context.cloud.page(await fetch_link(context))
