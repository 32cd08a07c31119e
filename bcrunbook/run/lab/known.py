"""What the bar tells of a workspace, from `accounts.toml` and the ledger.

Reading this module takes most of a second, so Jupyter's server does it beside its other work.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from markupsafe import Markup

from bcrunbook.accounts import Account, Workspace, load
from bcrunbook.core.step import PASSED, Outcome, State
from bcrunbook.core.stored import latest_outcomes
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.store import open_ledger
from bcrunbook.notebook_files.choices import account_label
from bcrunbook.run.lab.glance import Glimpse, SeenAccount
from bcrunbook.secrets import scrub
from bcrunbook.steps import STEPS, notebook_of
from bcrunbook.steps.whereabouts import whereabouts
from bcrunbook.views.cells import STATE_WORDS, in_line

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
        accounts = {one.name: _account(one) for one in workspace.accounts.values()}
        account = workspace.accounts.get(name)
        if account is None:
            return Glimpse(accounts)
        try:
            known = _outcomes(workspace, account)
        except RunbookError as error:
            return Glimpse(accounts, in_line(error))
        outcomes = {one.step: one for one in known if one.customer in ("", customer)}
        where = whereabouts(outcomes.get(STEPS[0].id), account.tenant)
        accounts[name] = replace(accounts[name], tenant=_shown(where.tenant))
        line, html = _way(known, outcomes, account, customer)
        return Glimpse(accounts, "", _shown(where.signed_in), line, html)


def _account(account: Account) -> SeenAccount:
    return SeenAccount(
        account_label(account.name, account.kind),
        is_production=account.is_production,
        is_rehearsal=account.cloud == "rehearsal",
        tenant=_shown(account.tenant),
        customers={name: _shown(one.display_name) for name, one in account.customers.items()},
    )


def _ledger_file(workspace: Workspace) -> Path | None:
    url = workspace.ledger_url
    return workspace.root / url.removeprefix(_SQLITE) if url.startswith(_SQLITE) else None


def _outcomes(workspace: Workspace, account: Account) -> list[Outcome]:
    file = _ledger_file(workspace)
    if file is not None and not file.exists():
        return []  # nothing has been run yet, and looking must not make one
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        return [one.outcome for one in latest_outcomes(ledger, account.identity)]


def _way(
    known: list[Outcome], outcomes: dict[str, Outcome], account: Account, customer: str
) -> tuple[str, str]:
    """How far an account is: in words, and as a list of links to the notebooks."""
    rows, passed = [], 0
    for step in STEPS:
        outcome = outcomes.get(step.id)
        state = outcome.state if outcome is not None else ""
        label = STATE_WORDS[State(state)] if state else "not done yet"
        if step.is_per_customer and not customer:
            done = {one.customer for one in known if one.step == step.id and one.state in PASSED}
            linked, total = len(done & account.customers.keys()), len(account.customers)
            state = State.DONE if linked == total > 0 else ""
            label = f"{linked} of {total} customers" if total else "no customers yet"
        passed += state in PASSED
        rows.append(
            Markup('<li><a href="{}">{}</a> <span class="tag {}">{}</span></li>').format(
                notebook_of(step), step.title, state or "unknown", label
            )
        )
    html = Markup('<ol class="rail" start="0">{}</ol>').format(Markup("").join(rows))
    return f"{passed} of {len(STEPS)} steps done", str(html)


def _shown(text: str) -> str:
    return scrub(text, _WHERE)
