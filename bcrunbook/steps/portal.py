"""Handing a change to a person: by hand in the Azure portal, or by what the refusal asks for."""

from __future__ import annotations

from typing import Final

from bcrunbook.core.step import Change, HandOff
from bcrunbook.errors import RunbookError
from bcrunbook.hosts import AZURE_PORTAL

APPLICATIONS: Final = f"{AZURE_PORTAL}/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade"


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
        action=change.action,
        subject=change.subject,
        hand_off=HandOff(who=error.who, actions=actions, link=link, values=values),
    )
