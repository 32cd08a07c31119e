"""Handing a change to a person: the same thing, done by hand in the Azure portal."""

from __future__ import annotations

from bcrunbook.errors import RunbookError
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
