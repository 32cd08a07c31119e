"""What to do next about a step, from how it ended last."""

from __future__ import annotations

from typing import Final

from bcrunbook.core.step import PASSED, AnyStep, Outcome, State
from bcrunbook.order import (
    HEALTH_CHECK,
    RESTORE_ACCOUNT,
    RETIRE_ACCOUNT,
    RETIRE_CUSTOMER,
    ROTATE_SECRET,
)

_COMMANDS: Final = {
    ROTATE_SECRET: "rotate",
    RETIRE_CUSTOMER: "retire",
    RETIRE_ACCOUNT: "retire",
    RESTORE_ACCOUNT: "restore",
}
"""The commands of the steps that are not on the way to customers."""


def next_action(outcome: Outcome, again: str, said_by: str = "") -> str:
    """What to do about a step that was run; empty when it has passed.

    Args:
        outcome: how it ended.
        again: the command that runs it again.
        said_by: who has said since that a person's part is done; empty where nobody has.
    """
    if outcome.state in PASSED:
        return ""
    if outcome.state is State.PENDING:
        return again
    if outcome.state is State.WAITING and outcome.error is None:
        return f"wait some minutes, then {again}"
    if said_by:
        return f"{said_by} says that it is done: {again}"
    return _of_outcome(outcome) or again


def command(
    account: str, cloud: str, step: AnyStep, customer: str = "", *, is_first: bool = False
) -> str:
    """What carries a step out; in a live cloud nothing is written before a plan was looked at.

    Args:
        account: the account's name.
        cloud: `live` or `rehearsal`.
        step: the step.
        customer: the customer's name; empty for a step of the account itself.
        is_first: whether it has never been run.
    """
    if step.id == HEALTH_CHECK:
        return f"bcrunbook check {account}"
    whom = account + (f" --customer {customer}" if customer else "")
    if step.id in _COMMANDS:
        apply = " --mode apply" if cloud == "live" else ""
        return f"bcrunbook {_COMMANDS[step.id]} {whom}{apply}"
    if cloud != "live":
        return f"bcrunbook run {whom}"
    return f"bcrunbook plan {whom}" if is_first else f"bcrunbook run {whom} --mode apply"


def _of_outcome(outcome: Outcome) -> str:
    """Who can do what, as the outcome of a step says it."""
    for change in outcome.changes:
        if (handed := change.hand_off) is not None:
            first = handed.actions[0] if handed.actions else change.title
            return _by(handed.who, f"{first} {handed.link}".strip())
    if outcome.error is None:
        return ""
    return _by(outcome.error["who"], outcome.error["next"])


def _by(who: str, action: str) -> str:
    return action if who == "you" or not action else f"{who}: {action}"
