"""What stands below the outcome of a step that has looked at the secret: when it ends."""

from __future__ import annotations

from typing import Any

from bcrunbook.core.runner import StepRunner
from bcrunbook.core.step import Mode
from bcrunbook.steps.client_secret.calendar import calendar, keep_calendar
from bcrunbook.steps.client_secret.life import seen_life
from bcrunbook.views.cells import View, joined
from bcrunbook.views.secret_life import secret_life_view


def with_secret_end(outcome: View, runner: StepRunner[Any, Any]) -> View:
    """An outcome's view, with the life of the secret below it where the step has seen one.

    Where more than a plan is allowed, the file for calendars is kept in the workspace as well: a
    notebook that is not trusted shows no link to a file that it holds itself.

    Args:
        outcome: the outcome's view.
        runner: the run; what it works with is still open.
    """
    life = seen_life(runner.findings)
    if life is None:
        return outcome
    context = runner.context
    root, account = context.workspace.root, context.account
    kept = "" if runner.mode is Mode.PLAN else keep_calendar(root, account, life)
    # By the service's clock: it is the one that ends the secret.
    now = context.graph.now
    return joined([outcome, secret_life_view(life, now, calendar(life, account), kept)])
