"""The closing card below the last step's outcome, for the person who has just come to the end."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path
from typing import Any, Final

from bcrunbook.core.runner import StepRunner
from bcrunbook.core.step import PASSED, Outcome
from bcrunbook.notebook.copy_button import CopyButton
from bcrunbook.order import LINK_CUSTOMER, ORDER, notebook_name
from bcrunbook.steps.client_secret.life import SecretLife, day, seen_life
from bcrunbook.steps.closing import (
    begin_command,
    closing,
    next_production,
    read_history,
    weekly_check,
)
from bcrunbook.views.cells import View
from bcrunbook.views.closing import NextThing, closing_view

_PROGRAM: Final = "bcrunbook"


def closing_card(
    runner: StepRunner[Any, Any], outcome: Outcome, tenant: str
) -> tuple[View, list[CopyButton]] | None:
    """The card and its buttons; None where this is not the end, or not a good one.

    It tells of other runs than the one above it, so it is for a person and not for a record.

    Args:
        runner: the run; what it works with is still open.
        outcome: how it ended.
        tenant: the tenant's name.
    """
    if outcome.step != ORDER[-1] or outcome.state not in PASSED:
        return None
    context = runner.context
    root, account, setup = context.workspace.root, context.account, context.setup_steps
    ledger = context.ledger
    production = next_production(context.workspace, ledger, account, setup)
    told = closing(account, read_history(ledger, account.identity), setup, production)
    following: list[NextThing] = []
    if not told.customers:
        notebook = f"{notebook_name(LINK_CUSTOMER)}.ipynb"
        following.append(NextThing("Link the first customer:", link=(notebook, notebook)))
    if production is not None:
        following.append(
            NextThing(
                f"Do the same for {production.name}: choose it in the bar, or",
                begin_command(production, root),
            )
        )
    line = weekly_check(_program(), account.name, root)
    note = "" if context.cloud.is_live else " (for a live account: this cloud ends with JupyterLab)"
    following.append(NextThing(f"Have it checked each Monday: a line for crontab -e{note}", line))
    if (life := seen_life(runner.findings)) is not None:
        following.append(NextThing(_renewal(life)))
    if report := _newest_report(root):
        following.append(NextThing("See what the last run came to:", link=("the report", report)))
    buttons = [CopyButton("Copy the line for the weekly check", line)]
    if production is not None:
        label = f"Copy the command for {production.name}"
        buttons.insert(0, CopyButton(label, begin_command(production, root)))
    return closing_view(told, f"{tenant} ({account.name})", following), buttons


def _renewal(life: SecretLife) -> str:
    return (
        f"Renew the client secret from {day(life.renew)} on. Above is a file for your calendar with"
        " that day and its end."
    )


def _program() -> Path:
    """The file that is the command, as a scheduler without this shell's paths needs it."""
    found = shutil.which(_PROGRAM, path=sysconfig.get_path("scripts"))
    return Path(found or _PROGRAM)


def _newest_report(root: Path) -> str:
    """The address of the newest report, from a notebook on; empty where there is none."""
    reports = sorted(root.glob("runs/*/report.html"))
    return f"../{reports[-1].relative_to(root).as_posix()}" if reports else ""
