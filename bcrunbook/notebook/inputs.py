"""What a person can fill in at each step: values of accounts.toml, checked as they are typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bcrunbook.accounts import Account, problem, with_value
from bcrunbook.notebook.form import Field
from bcrunbook.steps.client_secret.findings import SecretFindings

_LIFETIME = "secret_lifetime"


def inputs(step: str, account: Account, findings: Any) -> tuple[Field, ...]:
    """The fields of a step, filled in with what accounts.toml says.

    Args:
        step: the step's id.
        account: the account.
        findings: what the step has found; None before.
    """
    fields = {
        "start_here": (("tenant", "Tenant", account.tenant),),
        "register_application": (("application", "Application's name", account.application),),
        "client_secret": (
            (_LIFETIME, "Lifetime", _days(account.secret_lifetime_days)),
            ("secret_description", "Description", account.secret_description or "Codat"),
        ),
    }.get(step, ())
    return tuple(
        Field(
            key,
            label,
            value,
            lambda text, key=key: problem(account, key, text),  # type: ignore[misc]
            (lambda text: _expiry(account, text, findings)) if key == _LIFETIME else _nothing,
        )
        for key, label, value in fields
    )


def brought_back(step: str, account: Account) -> tuple[Field, ...]:
    """What the portal showed to somebody who did the step by hand, to be noted here."""
    if step != "register_application":
        return ()
    return (
        Field(
            "client_id",
            "Application (client) ID",
            account.client_id or "",
            lambda text: problem(account, "client_id", text),
        ),
    )


def _nothing(_: str) -> str:
    return ""


def _days(days: int) -> str:
    return f"{days} day{'s' if days != 1 else ''}"


def _expiry(account: Account, text: str, findings: Any) -> str:
    """On which date a secret of that lifetime ends, as far as the tenant's policy lets it."""
    lifetime = with_value(account, _LIFETIME, text).secret_lifetime_days
    longest = findings.longest_days if isinstance(findings, SecretFindings) else None
    days = min(lifetime, longest or lifetime)
    ends = datetime.now(UTC) + timedelta(days=days)
    told = f"A secret made today ends on {ends:%d %B %Y}."
    if days < lifetime:
        told += f" The tenant's policy allows {_days(days)} at most."
    return told
