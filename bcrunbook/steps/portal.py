"""Handing a change to a person: by hand in the Azure portal, or by what the refusal asks for."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from bcrunbook.accounts import Account
from bcrunbook.core.step import Change, HandOff, HandOffButton
from bcrunbook.errors import RunbookError
from bcrunbook.hosts import AZURE_PORTAL

APPLICATIONS: Final = f"{AZURE_PORTAL}/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade"


_NOT_REHEARSED: Final = (
    "The rehearsal cloud has no such portal: rehearse as somebody who may do it, and let the"
    " program do it. In a live cloud it goes like this."
)


def hand_off_to_portal(
    change: Change,
    error: RunbookError,
    account: Account,
    *,
    actions: tuple[str, ...],
    values: tuple[tuple[str, str], ...] = (),
    link: str = APPLICATIONS,
) -> Change:
    """The same change, to be done by somebody with more rights.

    Args:
        change: what the program may not do.
        error: the refusal, or why it is for a person.
        account: whose it is. A rehearsal has no such portal, and its card no link to the real one.
        actions: what to do there, in order.
        values: labelled values to copy.
        link: where to click first.
    """
    buttons: tuple[HandOffButton, ...] = ()
    if account.cloud == "live":
        buttons = (HandOffButton(0, "open", f"Open {urlsplit(link).hostname}", link),)
    else:
        link, actions = "", (_NOT_REHEARSED, *actions)
    return Change(
        change.key,
        change.title,
        change.rows,
        by="person",
        action=change.action,
        subject=change.subject,
        hand_off=HandOff(who=error.who, actions=actions, link=link, values=values, buttons=buttons),
    )
