"""In which order lists come: against the order in which they were sent, or by a date in them."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bcrunbook.journal.body import name_in

_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?")
_KEPT: Final = 8
_DATES: Final = (
    "createdDateTime",
    "startDateTime",
    "created",
    "createdOn",
    "startedOn",
    "requested",
)
_MOST_ELEMENTS: Final = 100
_DEEPEST: Final = 8


class SentLists:
    """Remembers the lists that were sent last, for as long as the process lives; writes nothing."""

    def __init__(self) -> None:
        self._sent: dict[str, deque[_Sent]] = {}

    def note(self, value: Any) -> None:
        """Remember the lists of a body that was sent."""
        for place, found in _lists("$", value, 0):
            before = [_plain(one) for one in found]
            if len(set(before)) > 1:
                kept = self._sent.setdefault(_last(place), deque(maxlen=_KEPT))
                kept.appendleft(_Sent(found[0], before))

    def orders_of(self, value: Any) -> dict[str, str]:
        """How the lists of an answer are ordered, by their places, where that can be told.

        Returns:
            `as sent`, `reversed` or `other`, against the list of the same name that held the same;
            else `oldest first` or `newest first` with the date's name.
        """
        found: dict[str, set[str]] = {}
        for place, elements in _lists("$", value, 0):
            order = self._against_sent(_last(place), elements) or _by_date(elements)
            if order:
                found.setdefault(place, set()).add(order)
        return {place: ", ".join(sorted(orders)) for place, orders in found.items()}

    def _against_sent(self, name: str, elements: list[Any]) -> str:
        for sent in self._sent.get(name, ()):
            if len(elements) != len(sent.elements):
                continue
            before, now = sent.elements, [_plain(_like(one, sent.first)) for one in elements]
            if sorted(before) == sorted(now):
                return (
                    "as sent" if now == before else "reversed" if now == before[::-1] else "other"
                )
        return ""


@dataclass(frozen=True)
class _Sent:
    """A list that was sent: its first element, and each as JSON."""

    first: Any = field(repr=False)
    elements: list[str] = field(repr=False)


def _lists(place: str, value: Any, depth: int) -> Iterator[tuple[str, list[Any]]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for name, one in value.items():
            if isinstance(one, (dict, list)):
                yield from _lists(f"{place}/{name_in(name, place)}", one, depth + 1)
    elif isinstance(value, list):
        if 1 < len(value) <= _MOST_ELEMENTS:
            yield place, value
        for one in value[:_MOST_ELEMENTS]:
            if isinstance(one, (dict, list)):
                yield from _lists(f"{place}/[]", one, depth + 1)


def _last(place: str) -> str:
    return place.rpartition("/")[2]


def _like(one: Any, sent: Any) -> Any:
    """An element with just the fields that the sent ones have: services add some."""
    if isinstance(one, dict) and isinstance(sent, dict):
        return {name: one.get(name) for name in sent}
    return one


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _by_date(elements: list[Any]) -> str:
    if not all(isinstance(one, dict) for one in elements):
        return ""
    for name in _DATES:
        if name not in elements[0]:
            continue
        dates = [_sortable(one.get(name)) for one in elements]
        if all(dates) and len(set(dates)) > 1:
            if dates == sorted(dates):
                return f"oldest first {name}"
            return f"newest first {name}" if dates == sorted(dates, reverse=True) else ""
    return ""


def _sortable(value: Any) -> str:
    """A date whose fraction has as many digits as any; empty for anything else."""
    found = _DATE.match(str(value))
    return f"{found[1]}.{(found[2] or '').ljust(9, '0')}" if found else ""
