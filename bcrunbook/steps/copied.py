"""Handing the client secret to a person's clipboard, and remembering which one it was."""

from __future__ import annotations

from bcrunbook.ledger import Fact, Ledger
from bcrunbook.secrets import Secret, clipboard
from bcrunbook.steps.client_secret import ClientSecret
from bcrunbook.steps.context import Context
from bcrunbook.steps.stored_secret import stored_secret

_COPIED = "secret_copied"


async def copy_secret(context: Context) -> Secret:
    """Put the account's client secret on this machine's clipboard.

    Returns:
        The secret, for clearing the clipboard later.

    Raises:
        FixInput: none is stored, or there is no clipboard here.
    """
    kept = await stored_secret(context)
    await clipboard.copy(kept.value)
    context.ledger.record(
        context.account.name,
        ClientSecret.id,
        _COPIED,
        kept.marker,
        "done",
        {"client_id": kept.client_id, "to": "clipboard"},
    )
    return kept.value


def last_copied(ledger: Ledger, account: str) -> Fact | None:
    """Which secret went to a clipboard last, and when; None when none has."""
    return ledger.latest(account, ClientSecret.id, _COPIED)
