"""What a person can fill in at a step: values of accounts.toml, checked as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from bcrunbook.accounts import Account, problem
from bcrunbook.notebook.form import Field
from bcrunbook.steps.description import AccountField


def inputs(described: Sequence[AccountField], account: Account, findings: Any) -> tuple[Field, ...]:
    """Fields for a form, filled in with what accounts.toml says.

    Args:
        described: what a step says that a person can fill in.
        account: the account.
        findings: what the step has found; None before.
    """
    return tuple(
        Field(
            field.key,
            field.label,
            field.value(account),
            partial(problem, account, field.key),
            partial(_note, field, account, findings),
        )
        for field in described
    )


def _note(field: AccountField, account: Account, findings: Any, text: str) -> str:
    return field.note(account, text, findings)
