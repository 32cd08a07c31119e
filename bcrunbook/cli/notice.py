"""`bcrunbook notice`: the notice to a customer before linking, as a draft."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.accounts import find_workspace, load
from bcrunbook.atomic_write import atomic_write
from bcrunbook.cli import options, output
from bcrunbook.cli.link import fetch
from bcrunbook.errors import FixInput
from bcrunbook.notice import render


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
    folder = out or loaded.root / "notices" / chosen.name
    draft, page = folder / f"{whom.name}.eml", folder / f"{whom.name}.html"
    _write(draft, rendered.eml())
    _write(page, rendered.html.encode())
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


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, content)
    except OSError as error:
        raise FixInput(
            f"The notice cannot be written ({error.strerror or type(error).__name__}).",
            where=str(path),
            next="choose a folder that can be written to: --out DIR",
        ) from None
