"""What an account that another one requires has to wait for before anything of it is written.

A pass counts where it was made as things are now: in the cloud that is about to be written to, in
the tenant and the Codat instance that accounts.toml names for the required account, and with this
version of the runbook. What comes after setting up, for a customer or in the years after, asks for
all steps that set the required account up: it may have no customer, and nothing to keep up yet.

A required account that is retired cannot pass anything any more: what it had passed by then counts
with whichever version that was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bcrunbook import __version__
from bcrunbook.accounts import Account, Workspace
from bcrunbook.core.step import PASSED
from bcrunbook.ledger.store import Ledger
from bcrunbook.steps.retired import retired_account
from bcrunbook.steps.without_trial import is_allowed


@dataclass(frozen=True)
class NotYet:
    """Why an account may not be written to yet.

    Args:
        what: what it waits for, naming both accounts.
        where: where the one requires the other.
        why: what was found instead.
        next: the command with which to go on.
    """

    what: str
    where: str
    why: str
    next: str


def not_yet(
    ledger: Ledger, workspace: Workspace, account: Account, steps: Sequence[str]
) -> NotYet | None:
    """Why an account may not be written to yet; None when nothing is in the way.

    Args:
        ledger: the ledger.
        workspace: the workspace.
        account: the account that is about to be written to.
        steps: ids of the steps that the account it requires has to have passed.
    """
    if account.requires is None or is_allowed(ledger, account.identity):
        return None
    required = workspace.account(account.requires)
    meant = replace(required.identity, cloud=account.cloud)
    found = {one.step: one for one in ledger.standings(meant) if one.customer is None}
    over = retired_account(ledger, meant)
    open_ = [
        step
        for step in steps
        if step not in found
        or found[step].state not in PASSED
        or (found[step].version != __version__ and over is None)
    ]
    if not open_:
        return None
    where = f'account "{account.name}", requires = "{required.name}"'
    if over is not None:
        return NotYet(
            what=f'"{account.name}" requires "{required.name}", which is {over.word} and had not'
            f" passed {', '.join(open_)} by then. Nothing was written.",
            where=where,
            why="a trial that is retired passes nothing any more",
            next=f"bcrunbook restore {required.name} takes it up again",
        )
    first = found.get(open_[0])
    why = f"it has to have passed as {meant}"
    if first is not None and first.state in PASSED:
        why += f", and has passed with version {first.version}"
    elif first is None and any(other != meant for other in ledger.strangers(meant)):
        why += "; what the ledger has of it is of elsewhere, or of before that was noted"
    alone = len(steps) == 1
    return NotYet(
        what=f'"{account.name}" waits for "{required.name}", which has not passed '
        + ("this step" if alone else ", ".join(open_))
        + f" yet with this version of the runbook ({__version__}). Nothing was written.",
        where=where,
        why=why,
        next=f"bcrunbook run {required.name}" + (f" {open_[0]}" if alone else "") + " --mode apply",
    )
