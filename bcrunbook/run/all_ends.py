"""All that ends, as one file for calendars: the client secrets of a workspace's accounts."""

from __future__ import annotations

from typing import Final

from bcrunbook.accounts import Workspace
from bcrunbook.ledger.store import Ledger
from bcrunbook.steps.client_secret.calendar import calendar
from bcrunbook.steps.client_secret.life import known_life

_HEAD: Final = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bcrunbook//all that ends//EN\r\n"
_END: Final = "END:VCALENDAR\r\n"
_EVENT: Final = "BEGIN:VEVENT"


def all_ends(ledger: Ledger, workspace: Workspace) -> tuple[str, list[str]]:
    """The file's text, and the accounts of whose secret the ledger knows nothing.

    The events are those of each account's own file, with the same ids: who imports both has each
    once. Without any event there is no text, as a calendar has to hold something (RFC 5545, 3.4).

    Args:
        ledger: the workspace's ledger.
        workspace: the workspace.
    """
    events, unknown = [], []
    for account in workspace.accounts.values():
        life = known_life(ledger, account.identity)
        if life is None:
            unknown.append(account.name)
            continue
        text = calendar(life, account)
        events.append(text[text.index(_EVENT) : text.rindex(_END)])
    return (_HEAD + "".join(events) + _END if events else ""), unknown
