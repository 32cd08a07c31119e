"""Handing the client secret to a person, and remembering which one it was.

What was handed over last is what a person has saved in the portal: a confirmation that is about
another secret is refused.
"""

from __future__ import annotations

from bcrunbook.accounts import Identity
from bcrunbook.errors import FixInput
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Ledger
from bcrunbook.order import CLIENT_SECRET
from bcrunbook.person import user_name
from bcrunbook.secrets import Secret, clipboard
from bcrunbook.steps.client_secret.stored import stored_secret
from bcrunbook.steps.context import Context


async def copy_secret(context: Context, *, wanted: str = "") -> Secret:
    """Put the account's client secret on this machine's clipboard.

    Args:
        context: what the steps work with.
        wanted: the marker of the secret that was handed over; empty takes the current one.

    Returns:
        The secret, for clearing the clipboard later.

    Raises:
        FixInput: none is stored or it does not work, it is another one than was handed over, or
            there is no clipboard here.
    """
    kept = await stored_secret(context)
    if wanted and kept.marker != wanted:
        raise FixInput(
            "The secret has been replaced since it was handed over. Nothing was copied.",
            where=f'account "{context.account.name}"',
            next="choose Not now and run the notebook again",
        )
    await clipboard.copy(kept.value)
    try:
        note_handover(context.ledger, context.identity, kept.marker, kept.client_id, "clipboard")
    except BaseException:
        await clipboard.clear(kept.value)
        raise
    return kept.value


def note_handover(ledger: Ledger, whose: Identity, marker: str, client_id: str, to: str) -> None:
    """Note which secret went into a person's hands.

    Args:
        ledger: where it is noted.
        whose: the account as it is meant now.
        marker: which secret.
        client_id: of which application.
        to: `clipboard` or `terminal`.
    """
    data = {"client_id": client_id, "to": to, "user": user_name()}
    ledger.record(Scope(whose, CLIENT_SECRET), FactKind.SECRET_HANDED_OVER, marker, "done", data)
