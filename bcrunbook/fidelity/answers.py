"""What answers to one request look like, made of all entries of it, and what the rehearsal gives.

The rehearsal's own are shipped as a file (`known_answers.json`), made of journals of rehearsals by
`python -m tests.tools.known_answers`: a live journal is then judged without a rehearsal being
played, and the same journal in the same way on every machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Final

from pydantic import TypeAdapter

from bcrunbook.journal.body import ABSENT
from bcrunbook.journal.entry import Fields, JournalEntry

_FILE: Final = "known_answers.json"
_UNREADABLE: Final = ("no JSON",)

Key = tuple[str, str, int, bool]


@dataclass(frozen=True)
class KnownAnswer:
    """How a request is answered with one status.

    Args:
        route: method, host and path.
        form: the names of the fields of a form that was sent, which tell kinds of sign-in apart.
        status: the answer's status.
        is_part: whether as a part of a batch.
        fields: the kinds in each place; `absent` where it is not always there.
        headers: the forms of each header; `absent` likewise.
        codes: the codes of a refusal.
        order: how each list is ordered.
    """

    route: str
    form: str
    status: int
    is_part: bool
    fields: Fields
    headers: Fields
    codes: tuple[str, ...]
    order: Fields

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.route, self.form, self.status, self.is_part

    @property
    def shown(self) -> str:
        """The request and the status, as people read it."""
        form = f" ({self.form})" if self.form else ""
        return f"{self.route}{form} -> {self.status}{' in a batch' if self.is_part else ''}"


def is_of_service(entry: JournalEntry) -> bool:
    """Whether an answer came, and is the service's own: a page in HTML is that of a gateway."""
    is_elsewhere = 300 <= entry.status < 400 or entry.status == 511
    return entry.status > 0 and not is_elsewhere and entry.got.get("$") != _UNREADABLE


def answers_of(entries: Iterable[JournalEntry]) -> list[KnownAnswer]:
    """The answers that entries show, each request and status together.

    Args:
        entries: of one journal or of several.
    """
    groups: dict[Key, list[JournalEntry]] = {}
    for entry in entries:
        key = entry.route, _form(entry), entry.status, entry.is_part
        groups.setdefault(key, []).append(entry)
    return [_together(key, group) for key, group in sorted(groups.items())]


def _form(entry: JournalEntry) -> str:
    if entry.sent.get("$") != ("form",):
        return ""
    return ", ".join(sorted(place.removeprefix("$/") for place in entry.sent if place != "$"))


def _together(key: Key, entries: list[JournalEntry]) -> KnownAnswer:
    fields: dict[str, set[str]] = {}
    headers: dict[str, set[str]] = {}
    order: dict[str, set[str]] = {}
    for entry in entries:
        for place, kinds in entry.got.items():
            fields.setdefault(place, set()).update(kinds)
        for name, form in entry.headers.items():
            headers.setdefault(name, set()).add(form)
        for place, one in entry.order.items():
            order.setdefault(place, set()).add(one)
    for entry in entries:
        for place in fields:
            parent, _, name = place.rpartition("/")
            if name != "[]" and place not in entry.got and "object" in entry.got.get(parent, ()):
                fields[place].add(ABSENT)
        for name in headers.keys() - entry.headers.keys():
            headers[name].add(ABSENT)
    codes = {code for entry in entries for code in entry.codes}
    return KnownAnswer(
        *key, _sorted(fields), _sorted(headers), tuple(sorted(codes)), _sorted(order)
    )


def _sorted(found: dict[str, set[str]]) -> Fields:
    return {name: tuple(sorted(kinds)) for name, kinds in sorted(found.items())}


def text_of(answers: Iterable[KnownAnswer]) -> str:
    """The file that keeps answers: a line for each."""
    lines = (json.dumps(asdict(one), separators=(", ", ": ")) for one in answers)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def known_answers() -> dict[Key, KnownAnswer]:
    """The rehearsal's answers, as they are shipped."""
    text = files("bcrunbook.fidelity").joinpath(_FILE).read_text("utf-8")
    found = TypeAdapter(list[KnownAnswer]).validate_json(text)
    return {one.key: one for one in found}
