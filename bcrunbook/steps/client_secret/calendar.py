"""When to renew a client secret and when it ends, as a file for calendars (iCalendar, RFC 5545).

The file is the same whenever it is made. Its events have the ids of the application's, so importing
it again, or that of the next secret, moves what stands in the calendar. It holds no secret and no
key.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bcrunbook.accounts import Account
from bcrunbook.atomic_write import atomic_write
from bcrunbook.printable import printable
from bcrunbook.secrets import scrub
from bcrunbook.steps.client_secret.life import SecretLife, how_to_renew

_HEAD: Final = ("BEGIN:VCALENDAR", "VERSION:2.0")
_END: Final = "END:VCALENDAR"
_OCTETS: Final = 75
_IDS: Final = uuid.UUID("6d4f2a0e-8d55-4b0b-9c0a-3f6c8b1f7a52")
_FOLDER: Final = "calendar"


@dataclass(frozen=True)
class CalendarEvent:
    """Something that is due at a moment.

    Args:
        about: what it is about; the same thing has the same event, whenever that is.
        revised: since when it is known to be then: the later revision counts.
        at: the moment.
        title: what it is.
        told: what to do.
        alarms: how long before it somebody is reminded, as RFC 5545 has it.
    """

    about: str
    revised: datetime
    at: datetime
    title: str
    told: str
    alarms: tuple[str, ...]


def calendar(life: SecretLife, account: Account) -> str:
    """The file's text: an event when the next secret is due, and one when this one ends.

    Args:
        life: the secret's life.
        account: whose it is.
    """
    return as_file(secret_events(life, account), "client secret")


def secret_events(life: SecretLife, account: Account) -> list[CalendarEvent]:
    """When the next secret is due, and when this one ends.

    Args:
        life: the secret's life.
        account: whose it is.
    """
    whose = f"{account.application}, account {account.name}"
    renew = f"Renew: {how_to_renew(account)}"
    ends = "Codat stops reading data when the client secret ends, until a new one is saved there."
    about = life.client_id.lower()
    return [
        CalendarEvent(
            f"{about}/renew",
            life.made,
            life.renew,
            f"Renew the client secret of {whose}",
            renew,
            ("PT0S",),
        ),
        CalendarEvent(
            f"{about}/ends",
            life.made,
            life.ends,
            f"The client secret of {whose} ends",
            f"{ends}\n{renew}",
            ("-P7D", "-P1D"),
        ),
    ]


def as_file(events: Iterable[CalendarEvent], name: str) -> str:
    """Events as a file.

    Args:
        events: the events; at least one, as a calendar has to hold something (RFC 5545, 3.4).
        name: what kind of file it is.
    """
    lines = [*_HEAD, f"PRODID:-//bcrunbook//{name}//EN"]
    lines += [line for event in events for line in _lines(event)]
    return "".join(f"{part}\r\n" for line in [*lines, _END] for part in _folded(line))


def _lines(event: CalendarEvent) -> Iterator[str]:
    revised = event.revised.astimezone(UTC)
    yield "BEGIN:VEVENT"
    yield f"UID:{uuid.uuid5(_IDS, event.about)}"
    # When the facts were last revised, so the same secret gives the same file (RFC 5545, 3.8.7.2).
    yield f"DTSTAMP:{revised:%Y%m%dT%H%M%SZ}"
    yield f"SEQUENCE:{max(0, int(revised.timestamp()) // 60)}"
    yield f"DTSTART:{event.at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield "DURATION:PT15M"
    yield f"SUMMARY:{_escaped(event.title)}"
    yield f"DESCRIPTION:{_escaped(event.told)}"
    yield "TRANSP:TRANSPARENT"
    for trigger in event.alarms:
        yield "BEGIN:VALARM"
        yield "ACTION:DISPLAY"
        yield f"TRIGGER:{trigger}"
        yield f"DESCRIPTION:{_escaped(event.title)}"
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
