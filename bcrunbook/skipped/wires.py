"""The words that the keeper of a rehearsal's clock and those who wait at it exchange.

Each is a JSON object on a line of its own. The keeper asks everybody before it skips, as what one
has told may be no longer so: who is at rest is woken by what others send.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Rest:
    """A process says how it stands, by itself or because it was asked.

    Args:
        busy: whether something in it computes.
        until: what the rehearsal's clock will read when something in it goes on; None where
            nothing there waits for the clock.
        asked: how many requests of it have no answer yet.
        answers: the number of the question that this answers; None where nobody asked.
    """

    busy: bool
    until: float | None = None
    asked: int = 0
    answers: int | None = None


@dataclass(frozen=True)
class Signal:
    """The keeper says something.

    Args:
        question: the number of a question, to be answered by a `Rest`.
        skipped: whether the clock was moved on.
    """

    question: int | None = None
    skipped: bool = False


def packed(word: Rest | Signal) -> bytes:
    """A word as it goes over the wire."""
    return json.dumps(asdict(word)).encode() + b"\n"


def rest_of(line: bytes) -> Rest:
    """What a process said.

    Raises:
        ValueError: it is no such word.
    """
    match _fields(line):
        case {
            "busy": bool(busy),
            "until": float() | int() | None as until,
            "asked": int(asked),
            "answers": int() | None as answers,
        }:
            return Rest(busy, until, asked, answers)
    raise ValueError("no word of who waits")


def signal_of(line: bytes) -> Signal:
    """What the keeper said.

    Raises:
        ValueError: it is no such word.
    """
    match _fields(line):
        case {"question": int() | None as question, "skipped": bool(skipped)}:
            return Signal(question, skipped)
    raise ValueError("no word of the keeper")


def _fields(line: bytes) -> dict[str, Any]:
    fields = json.loads(line)
    return fields if isinstance(fields, dict) else {}
