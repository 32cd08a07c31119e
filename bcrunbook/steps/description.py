"""What a step says of itself beside what it does: to notebooks, the health check and a rehearsal.

Plain data. Who draws a form, or plays a person, reads it here and knows no step by name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Literal, Protocol

from bcrunbook.accounts import Account
from bcrunbook.core.step import Step
from bcrunbook.secrets import Secret
from bcrunbook.steps.context import Context


@dataclass(frozen=True)
class FieldChoice:
    """A value that is there to be taken with one click.

    Args:
        value: the value.
        name: what it is the value of; may be empty.
        domain: the domain that belongs to it.
        is_current: whether it is what the account means already.
    """

    value: str
    name: str
    domain: str
    is_current: bool


def _no_note(account: Account, text: str, findings: Any) -> str:
    return ""


def _no_choices(findings: Any) -> tuple[FieldChoice, ...]:
    return ()


@dataclass(frozen=True)
class AccountField:
    """A value of accounts.toml that a person can fill in at a step.

    Args:
        key: the value's key in the account's table.
        label: what a person calls it.
        value: a function of the account: what is in the field at first.
        note: a function of the account, a text that fits, and what the step has found: what the
            text comes to; empty where there is nothing to say.
        choices: a function of what the step has found: values to choose from.
    """

    key: str
    label: str
    value: Callable[[Account], str]
    note: Callable[[Account, str, Any], str] = _no_note
    choices: Callable[[Any], tuple[FieldChoice, ...]] = _no_choices


@dataclass(frozen=True)
class SecretInput:
    """A secret that came of doing the step by hand, to be adopted.

    Args:
        label: what is asked for.
        action: what the button says.
        adopt: a function of the context and the secret, which keeps it and returns where.
    """

    label: str
    action: str
    adopt: Callable[[Context, Secret], Awaitable[str]]


@dataclass(frozen=True)
class RehearsedPart:
    """What the scripted person of a rehearsal does about a change, on the portal's pages.

    Args:
        change: the key of the change.
        action: what is done there: `save_keys`, or `enable` by the toggle.
        report: the line that reports it, with places for `person`, `account` and `instance`.
    """

    change: str
    action: Literal["save_keys", "enable"]
    report: str


class Lane(StrEnum):
    """Who acts at a step, or when it is done: as it stands above the steps on a map of them."""

    PROGRAM = "The program"
    PORTAL = "A person in the Codat Portal"
    CUSTOMER = "The customer"
    WEEKLY = "Every week"


@dataclass(frozen=True)
class StepDescription:
    """What a step says of itself.

    Args:
        usual: how long it usually takes, of whoever acts, in a few words.
        lane: who acts, or when it is done.
        fields: what a person can fill in beside the plan.
        fields_by_hand: what the portal shows to somebody who did it by hand, to be noted here.
        secret_by_hand: the secret that came of it; None without one.
        checked_as: under what name the health check looks at it; empty where it does not.
        rehearsed: what the scripted person of a rehearsal does.
    """

    usual: str
    lane: Lane = Lane.PROGRAM
    fields: tuple[AccountField, ...] = ()
    fields_by_hand: tuple[AccountField, ...] = ()
    secret_by_hand: SecretInput | None = None
    checked_as: str = ""
    rehearsed: tuple[RehearsedPart, ...] = ()


class RunbookStep(Step[Any, Any], Protocol):
    """A step of the runbook: what the engine asks of a step, and what the step says of itself."""

    description: ClassVar[StepDescription]
