"""`bcrunbook handover`: what another engineer or an auditor needs, on one page."""

from __future__ import annotations

from typing import Annotated

import typer

from bcrunbook.accounts import find_workspace, load
from bcrunbook.cli import options, output
from bcrunbook.ledger.store import open_ledger
from bcrunbook.run.handover.page import as_data, handover_of, write_handover
from bcrunbook.skipped import dates


def handover(
    accounts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ACCOUNT]...", help="Names of accounts. Default: all of them."),
    ] = None,
    workspace: options.Workspace = None,
    as_json: options.Json = False,
) -> None:
    """Write what another engineer or an auditor needs. From the ledger alone: no service is asked.

    What there is, who consented and wrote what, where each secret is, what people said, what ends
    and what is open: a page, and the same facts as JSON beside it, in the workspace's folder
    handover. No secret is in either.
    """
    loaded = load(find_workspace(workspace))
    chosen = [loaded.account(name) for name in dict.fromkeys(accounts or loaded.accounts)]
    with open_ledger(loaded.ledger_url, loaded.root) as ledger:
        found = handover_of(ledger, chosen, loaded.root)
    folder = loaded.root / "handover" / f"{dates.now():%Y%m%d-%H%M%S}"
    page, data = write_handover(folder, found)
    if as_json:
        output.print_json(as_data(found))
    else:
        for one in found.accounts:
            print(f"{one.story}\n")
        print(data)
        print(page.as_uri())
