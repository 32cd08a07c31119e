"""What to do next about a step, from how it ended last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bcrunbook.core.step import PASSED, AnyStep


def next_action(state: str, outcome: Mapping[str, Any], again: str) -> str:
    """What to do about a step that was run; empty when it has passed.

    Args:
        state: how it ended.
        outcome: its outcome as plain data; `said_by` in it names who said since that it is done.
        again: the command that runs it again.
    """
    if state in PASSED:
        return ""
    if state == "pending":
        return again
    if state == "waiting" and not outcome.get("error"):
        return f"wait some minutes, then {again}"
    if "said_by" in outcome:
        return f"{outcome['said_by']} says that it is done: {again}"
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
    if customer and not step.is_per_customer:
        return f"bcrunbook check {account}"
    whom = f"{account} --customer {customer}" if customer else account
    if cloud != "live":
        return f"bcrunbook run {whom}"
    return f"bcrunbook plan {whom}" if is_first else f"bcrunbook run {whom} --mode apply"


def _of_outcome(outcome: Mapping[str, Any]) -> str:
    """Who can do what, as the outcome of a step says it."""
    for change in outcome.get("changes", ()):
        if handed := change.get("hand_off"):
            link = f" {handed['link']}" if handed["link"] else ""
            return _by(handed["who"], f"{handed['actions'][0]}{link}")
    error = outcome.get("error") or {}
    return _by(error.get("who", "you"), str(error.get("next", "")))


def _by(who: str, action: str) -> str:
    return action if who == "you" or not action else f"{who}: {action}"
