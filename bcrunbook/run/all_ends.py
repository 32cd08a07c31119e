"""All that ends, as one file for calendars: client secrets and certificates of the accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bcrunbook.accounts import Account, Workspace
from bcrunbook.ledger.store import Ledger
from bcrunbook.signin.certificate_ends import certificate_life
from bcrunbook.steps.client_secret.calendar import CalendarEvent, as_file, secret_events
from bcrunbook.steps.client_secret.life import known_life

_NAME: Final = "all that ends"
_ALARMS: Final = ("-P30D", "-P7D", "-P1D")


def all_ends(ledger: Ledger, workspace: Workspace) -> tuple[str, list[str]]:
    """The file's text, and the accounts of whose secret the ledger knows nothing.

    The events of secrets are those of each account's own file, with the same ids: who imports both
    has each once. Without any event there is no text, as a calendar has to hold something
    (RFC 5545, 3.4).

    Args:
        ledger: the workspace's ledger.
        workspace: the workspace.
    """
    events: list[CalendarEvent] = []
    unknown = []
    for account in workspace.accounts.values():
        life = known_life(ledger, account.identity)
        if life is None:
            unknown.append(account.name)
        else:
            events += secret_events(life, account)
        events += _certificate_events(workspace.root, account)
    return (as_file(events, _NAME) if events else ""), unknown


def _certificate_events(root: Path, account: Account) -> list[CalendarEvent]:
    """When the certificates end that an account shows to Entra and Codat, if their files tell."""
    shown = []
    if account.sign_in.certificate is not None:
        shown.append(
            (
                account.sign_in.certificate,
                f"The certificate with which account {account.name} signs in ends",
                "After that nothing can be run for the account. Before it, add the next certificate"
                f" to the application {account.sign_in.client_id} in Entra, and put it there:",
            )
        )
    if account.codat_mtls is not None:
        shown.append(
            (
                account.codat_mtls.certificate,
                f"The certificate that account {account.name} shows to Codat ends",
                "After that Codat answers nothing. Before it, ask Codat for the next one, and put"
                " it there:",
            )
        )
    events = []
    for file, title, told in shown:
        life = certificate_life(root / file)
        if life is not None:
            about = f"{account.identity}/{title}".lower()
            told = f"{told} {file.name}"
            events.append(CalendarEvent(about, life.begins, life.ends, title, told, _ALARMS))
    return events
