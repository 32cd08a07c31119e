"""Handing the client secret to a person's clipboard, and remembering which one it was."""

from __future__ import annotations

from bcrunbook.core.confirmations import note_handover
from bcrunbook.errors import FixInput
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
