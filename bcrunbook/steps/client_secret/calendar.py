"""When to renew a client secret and when it ends, as a file for calendars (iCalendar, RFC 5545).

The file is the same whenever it is made. Its events have the ids of the application's, so importing
it again, or that of the next secret, moves what stands in the calendar. It holds no secret and no
key.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bcrunbook.accounts import Account
from bcrunbook.atomic_write import atomic_write
from bcrunbook.printable import printable
from bcrunbook.secrets import scrub
from bcrunbook.steps.client_secret.life import SecretLife, how_to_renew

_OCTETS: Final = 75
_IDS: Final = uuid.UUID("6d4f2a0e-8d55-4b0b-9c0a-3f6c8b1f7a52")
_FOLDER: Final = "calendar"


def calendar(life: SecretLife, account: Account) -> str:
    """The file's text: an event when the next secret is due, and one when this one ends.

    Args:
        life: the secret's life.
        account: whose it is.
    """
    whose = f"{account.application}, account {account.name}"
    renew = f"Renew: {how_to_renew(account)}"
    ends = "Codat stops reading data when the client secret ends, until a new one is saved there."
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//bcrunbook//client secret//EN",
        *_event(life, life.renew, "renew", f"Renew the client secret of {whose}", renew, ("PT0S",)),
        *_event(
            life,
            life.ends,
            "ends",
            f"The client secret of {whose} ends",
            f"{ends}\n{renew}",
            ("-P7D", "-P1D"),
        ),
        "END:VCALENDAR",
    ]
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _event(
    life: SecretLife, at: datetime, what: str, title: str, told: str, alarms: tuple[str, ...]
) -> Iterator[str]:
    made = life.made.astimezone(UTC)
    yield "BEGIN:VEVENT"
    yield f"UID:{uuid.uuid5(_IDS, f'{life.client_id.lower()}/{what}')}"
    # When the facts were last revised, so the same secret gives the same file (RFC 5545, 3.8.7.2).
    yield f"DTSTAMP:{made:%Y%m%dT%H%M%SZ}"
    yield f"SEQUENCE:{max(0, int(made.timestamp()) // 60)}"
    yield f"DTSTART:{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield "DURATION:PT15M"
    yield f"SUMMARY:{_escaped(title)}"
    yield f"DESCRIPTION:{_escaped(told)}"
    yield "TRANSP:TRANSPARENT"
    for trigger in alarms:
        yield "BEGIN:VALARM"
        yield "ACTION:DISPLAY"
        yield f"TRIGGER:{trigger}"
        yield f"DESCRIPTION:{_escaped(title)}"
        yield "END:VALARM"
    yield "END:VEVENT"


def _escaped(text: str) -> str:
    """A text as a value (RFC 5545, 3.3.11), without what steers or is not seen."""
    clean = printable(scrub(text.replace("\r", ""), where="a calendar file"))
    for sign in ("\\", ";", ","):
        clean = clean.replace(sign, f"\\{sign}")
    return clean.replace("\n", "\\n").replace("\t", " ")


def _folded(line: str) -> Iterator[str]:
    """A line in parts of at most 75 octets, none of which ends within a character."""
    part = ""
    for sign in line:
        if len((part + sign).encode("utf-8")) > _OCTETS:
            yield part
            part = " "
        part += sign
    yield part


def calendar_file(root: Path, account: str) -> Path:
    """Where an account's file is kept.

    Args:
        root: the workspace's folder.
        account: the account's name.
    """
    return root / _FOLDER / f"{account}.ics"


def keep_calendar(root: Path, account: Account, life: SecretLife) -> str:
    """Write an account's file into the workspace, unless it has just that already.

    Args:
        root: the workspace's folder.
        account: the account.
        life: its secret's life.

    Returns:
        Where it is, from the workspace on; empty where the workspace cannot be written to.
    """
    file, content = calendar_file(root, account.name), calendar(life, account).encode("utf-8")
    # A reminder is a kindness: no run fails for it.
    with contextlib.suppress(OSError):
        if not file.is_file() or file.read_bytes() != content:
            file.parent.mkdir(exist_ok=True)
            atomic_write(file, content)
        return file.relative_to(root).as_posix()
    return ""
