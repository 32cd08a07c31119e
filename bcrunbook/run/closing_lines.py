"""What setting an account up came to, for the end of a run that has done all of it."""

from __future__ import annotations

from collections.abc import Sequence

from bcrunbook.accounts import Workspace
from bcrunbook.core.step import PASSED
from bcrunbook.ledger.store import Ledger
from bcrunbook.run.account import StepRun
from bcrunbook.steps import SETUP_STEPS
from bcrunbook.steps.closing import closing, read_history
from bcrunbook.views.closing import closing_line


def closing_lines(ledger: Ledger, workspace: Workspace, runs: Sequence[StepRun]) -> list[str]:
    """A line for each account of which this run has gone through every step, and well.

    Args:
        ledger: the workspace's ledger.
        workspace: the workspace.
        runs: what was run, in order.
    """
    last = {run.key: run.state for run in runs}
    setup = [step.id for step in SETUP_STEPS]
    names = dict.fromkeys(run.account for run in runs)
    done = [one for one in names if all(last.get((one, "", step)) in PASSED for step in setup)]
    return [
        closing_line(closing(account, read_history(ledger, account.identity), setup, None))
        for account in map(workspace.account, done)
    ]
