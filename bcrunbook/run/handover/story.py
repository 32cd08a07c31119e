"""The short story of an account: how it stands, who did what, what ends, in a few sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bcrunbook.core.confirmations import as_confirmed
from bcrunbook.core.step import PASSED
from bcrunbook.ledger.scope import FactKind
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    REGISTER_APPLICATION,
    RESTORE_ACCOUNT,
    RETIRE_ACCOUNT,
    ROTATE_SECRET,
)
from bcrunbook.run.handover.model import CustomerNote, OpenNote, SecretNote, WriteNote
from bcrunbook.run.handover.records import Records
from bcrunbook.steps import SETUP_STEPS
from bcrunbook.steps.client_secret.life import day
from bcrunbook.steps.codat_keys import SAVE_KEYS

_OF_MICROSOFT: Final = frozenset(
    {
        REGISTER_APPLICATION,
        CLIENT_SECRET,
        API_PERMISSIONS,
        ROTATE_SECRET,
        RETIRE_ACCOUNT,
        RESTORE_ACCOUNT,
    }
)
"""The steps that write as whoever signs in; what others write goes out with Codat's key."""


def story(
    records: Records,
    secrets: Sequence[SecretNote],
    customers: Sequence[CustomerNote],
    writes: Sequence[WriteNote],
    opened: Sequence[OpenNote],
) -> str:
    """The sentences.

    Args:
        records: what the ledger has of the account.
        secrets: its client secrets, the newest first.
        customers: its customers.
        writes: what the program wrote.
        opened: what is open.
    """
    parts = [
        _stands(records, customers, opened),
        _written(records, writes),
        _keys(records, secrets),
    ]
    return " ".join(part for part in parts if part)


def _stands(records: Records, customers: Sequence[CustomerNote], opened: Sequence[OpenNote]) -> str:
    account = records.account
    if records.over is not None:
        return f"The {account.kind} account {account.name} {records.over.verb}."
    setup = {step.id for step in SETUP_STEPS}
    missing = sum(one.step in setup and one.customer is None for one in opened)
    standing = "is set up"
    if missing:
        standing = f"is not set up: {missing} of {len(setup)} steps have not passed"
    named = [one for one in customers if one.in_file and one.retired is None]
    linked = sum(one.state in PASSED for one in named if one.state is not None)
    verb = "is" if len(named) == 1 else "are"
    whose = f"; {linked} of {_counted(len(named), 'customer')} {verb} linked" if named else ""
    return f"The {account.kind} account {account.name} {standing}{whose}."


def _written(records: Records, writes: Sequence[WriteNote]) -> str:
    applied = [one for one in records.written if one.kind == FactKind.APPLIED]
    if not applied:
        return "The program has written nothing that the ledger knows of."
    # Which application and which key, the tables tell.
    people = {
        one.identity if "@" in one.identity else "an application"
        for one in writes
        if one.identity and one.step in _OF_MICROSOFT
    }
    whom = f" as {' and '.join(sorted(people))}" if people else " (as whom is not noted)"
    first, last = day(applied[0].at), day(applied[-1].at)
    when = f"on {first}" if first == last else f"from {first} to {last}"
    return f"The program made {_counted(len(applied), 'change')} {when}{whom}."


def _keys(records: Records, secrets: Sequence[SecretNote]) -> str:
    there = [one for one in secrets if one.removed_at is None]
    if not there:
        return "The ledger knows of no client secret."
    secret = there[0]
    ends = f"ends on {day(secret.ends)}" if secret.ends else "has no end that is noted"
    sentence = f"Its client secret {ends}"
    said = [one for one in records.said if one.kind == SAVE_KEYS and one.subject == secret.marker]
    if not said:
        return f"{sentence}; nobody has said that it is saved in the Codat Portal."
    return f"{sentence}; {as_confirmed('it is saved in the Codat Portal', said[-1])}."


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
