"""Handing a change that was refused to a person: what the refusal asks for, and what it says."""

from __future__ import annotations

from dataclasses import replace

from bcrunbook.core.step import Change, HandOff
from bcrunbook.errors import AskAdministrator, RunbookError


def refused(change: Change, error: RunbookError) -> Change:
    """The same change, which nobody can do by hand: what is in the way has to go first.

    A quota, a policy or the secret store's refusal meets whoever repeats the change by hand as
    well, or leaves them with half of it.

    Args:
        change: what the program tried.
        error: why it could not.
    """
    return Change(
        change.key,
        f"let the program {change.title}",
        change.rows,
        by="person",
        action=change.action,
        subject=change.subject,
        hand_off=HandOff(
            who=error.who,
            actions=(_sentence(error.next or "remove what is in the way"), "Run this step again."),
        ),
    )


def saying(change: Change, error: AskAdministrator) -> Change:
    """A handed-off change that says what the refusal says, and what the service's support needs.

    Args:
        change: what was handed off.
        error: the refusal that led to it.
    """
    handed = change.hand_off
    if handed is None:
        return change
    why = f"Why: {error.why}" if error.why else ""
    other = _sentence(f"or let the program do it: {error.next}") if error.by_hand else ""
    quoted = (("Refused with", error.code), ("Request id", error.request_id))
    card = replace(
        handed,
        found=" ".join(_sentence(text) for text in (error.what, why) if text),
        actions=(*handed.actions, *([other] if other and error.next else [])),
        values=(*handed.values, *((label, text) for label, text in quoted if text)),
    )
    return replace(change, hand_off=card)


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
