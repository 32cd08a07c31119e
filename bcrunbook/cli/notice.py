"""`bcrunbook notice`: the notice to a customer before linking, as a draft."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.accounts import find_workspace, load
from bcrunbook.cli import options, output
from bcrunbook.cli.link import fetch
from bcrunbook.notice import folder_of, render, write_notice


def notice(
    account: options.Account,
    customer: Annotated[str, typer.Argument(help="The customer's name in accounts.toml.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder. Default: notices/ACCOUNT in the workspace."),
    ] = None,
    with_link: Annotated[
        bool,
        typer.Option(
            "--with-link",
            help="Put the customer's link into it. It may work only once and for a day.",
        ),
    ] = False,
    workspace: options.Workspace = None,
    as_json: options.Json = False,
) -> None:
    """Write the notice to a customer before linking: what to have ready. Nothing is sent.

    CUSTOMER.eml opens as a draft in a mail program, CUSTOMER.html in a browser. A notice.txt or
    notice.html in the workspace's folder templates takes the place of what is written by default.
    """
    loaded = load(find_workspace(workspace))
    chosen, whom = loaded.account(account), loaded.customer(account, customer)
    rendered = render(
        whom,
        chosen,
        application=chosen.application,
        link=asyncio.run(fetch(workspace, account, customer)) if with_link else "",
        templates=loaded.root / "templates",
    )
    folder = out or folder_of(loaded.root, chosen.name)
    draft, page = write_notice(rendered, folder, whom.name)
    if as_json:
        output.print_json(
            {
                "account": chosen.name,
                "customer": whom.name,
                "to": whom.contact,
                "subject": rendered.subject,
                "draft": str(draft),
                "page": str(page),
            }
        )
        return
    print(draft)
    print(page)
    if with_link:
        output.say("The link in it may work only once, and for a day: send it today.")
    output.say(f"Next: open the draft, read it, and send it to {whom.contact}.")
