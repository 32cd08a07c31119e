"""What is a difference between two shapes, and what only depends on the data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bcrunbook.fidelity.answers import KnownAnswer
from bcrunbook.fidelity.differences import differences
from bcrunbook.journal.entry import Fields

PLACE = "$/field"
ANSWER = KnownAnswer("GET api.codat.io/profile", "", 200, False, {}, {}, (), {})


def found(before: str, now: str) -> list[str]:
    """The differences between a field of these kinds and one of those; empty for no field."""

    def answer(kinds: str) -> KnownAnswer:
        fields: Fields = {"$": ("object",)}
        if kinds:
            fields[PLACE] = tuple(kinds.split(", "))
        return replace(ANSWER, fields=fields)

    known = answer(before)
    return [one.what for one in differences(answer(now), {known.key: known})]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("text", "", "missing field"),
        ("text", "absent, text", "missing field"),
        ("null", "", "missing field"),
        ("", "text", "extra field"),
        ("text", "null", "null"),
        ("text", "integer", "kind of field"),
        ("guid", "text", "kind of field"),
        ("address", "path", "kind of field"),
        ("integer", "number", "kind of field"),
        ("empty array", "object", "kind of field"),
        ("array", "text", "kind of field"),
        ("text", "date 0 Z", "kind of field"),
        ("date 0 Z", "text", "kind of field"),
        ("date 0 Z", "date 3 Z", "form of date"),
        ("date 7 Z", "date 7 offset", "form of date"),
        ("date 7 Z", "date 7 none", "form of date"),
        ("date 0 Z", "day", "kind of field"),
    ],
)
def test_a_difference(before: str, now: str, expected: str) -> None:
    """Of its kind, and no other."""
    assert found(before, now) == [expected]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("text", "guid"),
        ("text", "digits"),
        ("text", "empty"),
        ("guid", "empty"),
        ("number", "integer"),
        ("null", "text"),
        ("null", "date 7 Z"),
        ("null, text", "text"),
        ("absent, text", ""),
        ("array", "empty array"),
        ("empty array", "array"),
        ("empty object", "object"),
        ("date 7 Z", "date 3 Z"),
        ("date 7 Z", "date 0 Z"),
    ],
)
def test_what_depends_on_the_data(before: str, now: str) -> None:
    """No difference."""
    assert found(before, now) == []
