"""What the bar tells of a workspace, from `accounts.toml` and the ledger.

Reading this module takes most of a second, so Jupyter's server does it beside its other work.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from bcrunbook.accounts import Account, Workspace, load
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.store import Ledger, open_ledger
from bcrunbook.notebook_files.choices import account_label
from bcrunbook.notebook_files.source import asks_first
from bcrunbook.printable import printable
from bcrunbook.run.lab.glance import Glimpse, SeenAccount
from bcrunbook.secrets import scrub
from bcrunbook.steps import EVERY_STEP, STEPS, notebook_of
from bcrunbook.steps.journey import Journey, account_journey, journey_of
from bcrunbook.steps.retired import Retired, all_retired
from bcrunbook.steps.whereabouts import whereabouts
from bcrunbook.views.cells import in_line
from bcrunbook.views.journey import journey_html, journey_line

# Customers' own files, and a ledger elsewhere, are looked at again after so long.
_AGAIN_SECONDS: Final = 10.0
_SQLITE: Final = "sqlite:///"
_WHERE: Final = "the bar"

_Stamp = tuple[object, ...]


class Known:
    """What is known of one workspace, read again when it may have changed. For one thread.

    Args:
        root: the workspace.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._workspace: Workspace | None = None
        self._seen: dict[tuple[str, str], tuple[_Stamp, Glimpse]] = {}

    def look(self, account: str, customer: str) -> Glimpse:
        """What is known now.

        Args:
            account: the account that is asked about; its way is told.
            customer: the customer that is asked about; empty for none.
        """
        stamp = self._stamp()
        before = self._seen.get((account, customer))
        if before is None or before[0] != stamp:
            before = stamp, self._look(account, customer)
            self._seen[account, customer] = self._stamp(), before[1]
        return before[1]

    def asks_first(self, notebook: str) -> bool:
        """Whether a notebook of the workspace asks before it writes, as its file is now.

        Args:
            notebook: from the workspace, with slashes.
        """
        root = self._root.resolve()
        file = (root / notebook).resolve()
        step = next((one for one in EVERY_STEP if notebook_of(one) == file.name), None)
        return step is not None and file.is_relative_to(root) and asks_first(step, file)

    def _stamp(self) -> _Stamp:
        files = [self._root / "accounts.toml"]
        if self._workspace and (ledger := _ledger_file(self._workspace)):
            files += [ledger, ledger.with_name(f"{ledger.name}-wal")]
        stamps: list[object] = [int(time.monotonic() / _AGAIN_SECONDS)]
        for file in files:
            try:
                status = file.stat()
                stamps.append((status.st_mtime_ns, status.st_size))
            except OSError:
                stamps.append(None)
        return tuple(stamps)

    def _look(self, name: str, customer: str) -> Glimpse:
        try:
            workspace = self._workspace = load(self._root)
        except RunbookError as error:
            return Glimpse({}, in_line(error))
        account = workspace.accounts.get(name)
        gone: dict[str, dict[str, Retired]] = {}
        known, problem = None, ""
        try:
            with _ledger(workspace) as ledger:
                if ledger is not None:
                    gone = {
                        one.name: all_retired(ledger, one.identity)
                        for one in workspace.accounts.values()
                    }
                if account is not None:
                    known = _journey(ledger, workspace, account, customer)
        except RunbookError as error:
            problem = in_line(error)
        accounts = {
            one.name: _account(one, gone.get(one.name, {})) for one in workspace.accounts.values()
        }
        if account is None or known is None:
            return Glimpse(accounts, problem)
        where = whereabouts(known.first, account.tenant)
        accounts[name] = replace(accounts[name], tenant=_shown(where.tenant))
        html = journey_html(known, links={one.id: notebook_of(one) for one in STEPS})
        return Glimpse(
            accounts,
            "",
            _shown(where.signed_in),
            printable(_shown(journey_line(known))),
            printable(_shown(str(html))),
        )


def _account(account: Account, gone: Mapping[str, Retired]) -> SeenAccount:
    """An account as the bar shows it.

    Args:
        account: the account.
        gone: what of it is retired, by customer; the account itself has no name there.
    """
    label = account_label(account.name, account.kind)
    return SeenAccount(
        f"{label}, {gone[''].word}" if "" in gone else label,
        is_production=account.is_production,
        is_rehearsal=account.cloud == "rehearsal",
        tenant=_shown(account.tenant),
        customers={
            name: f"{_shown(one.display_name)}, {gone[name].word}"
            if name in gone
            else _shown(one.display_name)
            for name, one in account.customers.items()
        },
    )


def _ledger_file(workspace: Workspace) -> Path | None:
    url = workspace.ledger_url
    return workspace.root / url.removeprefix(_SQLITE) if url.startswith(_SQLITE) else None


@contextmanager
def _ledger(workspace: Workspace) -> Iterator[Ledger | None]:
    """The workspace's ledger; None where there is none yet."""
    file = _ledger_file(workspace)
    if file is not None and not file.exists():
        # Nothing has been run yet, and looking must not make one.
        yield None
        return
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        yield ledger


def _journey(
    ledger: Ledger | None, workspace: Workspace, account: Account, customer: str
) -> Journey:
    if ledger is not None:
        return account_journey(ledger, workspace, account, customer=customer, place="notebook")
    return journey_of(
        account.name,
        account.cloud,
        account.customers,
        (),
        customer=customer,
        comes_first=account.requires or "",
        place="notebook",
    )


def _shown(text: str) -> str:
    return scrub(text, _WHERE)
