"""Finding the account's application again: what the ledger remembers, and what to read.

Shared by the step that registers it and the steps after it.
"""

from __future__ import annotations

from typing import Any

from bcrunbook.accounts import Account
from bcrunbook.errors import AskAdministrator, FixInput
from bcrunbook.services.graph_models import Application
from bcrunbook.services.graph_reads import Read, application_named, application_with_client_id
from bcrunbook.services.wire import Seen
from bcrunbook.steps.context import Context

_STEP = "register_application"


def remembered_client_id(context: Context) -> str:
    """The client id that this ledger saw the account's application get; empty when it did not."""
    fact = context.ledger.latest(context.account.name, step=_STEP, kind="application")
    return fact.subject if fact else ""


def application_read(context: Context) -> tuple[str, Read[Application]]:
    """How the steps after this one find the application.

    Returns:
        The client id, empty when this ledger never saw it, and the read that finds the application.
    """
    known = context.account.client_id or remembered_client_id(context)
    if known:
        return known, application_with_client_id(known)
    return "", application_named(context.account.unique_name)


def remembered_principal(context: Context) -> str:
    """The object id of the account's own service principal, as last seen; empty when never."""
    fact = context.ledger.latest(context.account.name, step=_STEP, kind="service_principal")
    return fact.subject if fact else ""


def remember(context: Context, kind: str, subject: str, data: dict[str, Any]) -> None:
    """Note an id that Microsoft Graph gave to something of this account."""
    context.ledger.record(context.account.name, _STEP, kind, subject, "observed", data)


def require_application(seen: Seen[Application], account: Account) -> Application:
    """The account's application, for the steps after this one.

    Raises:
        FixInput: it is not there yet.
        AskAdministrator: it may not be looked at.
    """
    if seen.value is not None:
        return seen.value
    if seen.unknown:
        raise AskAdministrator(
            "The application may not be looked at.",
            where=f'account "{account.name}"',
            why=seen.unknown,
            next="grant Application.Read.All, or run this step as somebody who may",
            who="an administrator of the tenant",
        )
    raise FixInput(
        "The application is not registered yet.",
        where=f'account "{account.name}"',
        next="run step 1 (register_application) first",
        section="01_register_application",
    )
