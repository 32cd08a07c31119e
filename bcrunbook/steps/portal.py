"""Handing a change to a person: by hand in the Azure portal, or by what the refusal asks for."""

from __future__ import annotations

from dataclasses import replace

from bcrunbook.errors import AskAdministrator, RunbookError
from bcrunbook.steps.step import Change, HandOff

APPLICATIONS = "https://portal.azure.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade"


def hand_off_to_portal(
    change: Change,
    error: RunbookError,
    *,
    actions: tuple[str, ...],
    values: tuple[tuple[str, str], ...] = (),
    link: str = APPLICATIONS,
) -> Change:
    """The same change, to be done by somebody with more rights."""
    return Change(
        change.key,
        change.title,
        change.rows,
        by="person",
        subject=change.subject,
        hand_off=HandOff(who=error.who, actions=actions, link=link, values=values),
    )


def refused(change: Change, error: RunbookError) -> Change:
    """The same change, which nobody can do by hand: what is in the way has to go first.

    A quota, a policy or the secret store's refusal meets whoever repeats the change by hand as
    well, or leaves them with half of it.
    """
    return Change(
        change.key,
        f"let the program {change.title}",
        change.rows,
        by="person",
        subject=change.subject,
        hand_off=HandOff(
            who=error.who,
            actions=(_sentence(error.next or "remove what is in the way"), "Run this step again."),
        ),
    )


def saying(change: Change, error: AskAdministrator) -> Change:
    """A handed-off change that says what the refusal says, and what the service's support needs."""
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
