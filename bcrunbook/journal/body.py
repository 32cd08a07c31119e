"""Which fields a body has, and of which kinds; never what stands in them."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qsl

from bcrunbook.journal.entry import PLACEHOLDER, Fields
from bcrunbook.journal.words import FIELDS, FREE, is_told

ABSENT: Final = "absent"
"""The kind of a field that some objects of a list have, and others do not."""

_MOST_PLACES: Final = 1000
_MOST_ELEMENTS: Final = 500
_DEEPEST: Final = 12
_LONGEST_FORM: Final = 64
_GUID_LENGTH: Final = 36

_KINDS: Final = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
}
_NAME: Final = re.compile(r"[@A-Za-z][A-Za-z0-9_@.-]*")
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE: Final = re.compile(
    r"(\d{4})-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?"
)


def json_of(content: bytes) -> Any:
    """The JSON that a body holds.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("too deep") from None


def fields_of(value: Any) -> Fields:
    """The kinds in each place of a value that was read from JSON."""
    found: Fields = {}
    _look("$", [value], found, 0)
    return found


def fields_of_form(content: bytes) -> Fields:
    """The fields of a form; their values are not looked at, since secrets are among them."""
    names = {name for name, _ in parse_qsl(content.decode("ascii", "replace"), True)}
    return {"$": ("form",), **{f"$/{name_in(name, '$')}": ("text",) for name in sorted(names)}}


def kind_of(value: Any) -> str:
    """The kind of a value; of a text its form, where it is one of those that matter."""
    if isinstance(value, str):
        return form_of(value)
    kind = _KINDS[type(value)]
    return kind if value or kind not in ("object", "array") else f"empty {kind}"


def form_of(text: str) -> str:
    """The form of a text.

    Dates tell how many digits their fraction has, and how they name the zone: `date 7 Z`,
    `date 0 offset`, `date 3 none`. A date of the year 1 stands for none (contract B3.10).
    """
    if not text or text.isspace():
        return "blank" if text else "empty"
    if text.startswith(("https://", "http://")):
        return "address"
    if text.startswith("/"):
        return "path"
    if len(text) > _LONGEST_FORM:
        return "text"
    if len(text) == _GUID_LENGTH and _GUID.fullmatch(text):
        return "guid"
    if text[0].isdigit() and (date := _DATE.fullmatch(text)):
        year, fraction, zone = date.groups()
        if "T" not in text:
            return "day"
        if year == "0001":
            return "date year 1"
        shown = "none" if zone is None else "Z" if zone == "Z" else "offset"
        return f"date {len(fraction or '')} {shown}"
    return "digits" if text.isdigit() else "text"


def _look(place: str, values: list[Any], found: Fields, depth: int) -> None:
    kinds = {kind_of(value) for value in values}
    found[place] = tuple(sorted(kinds))
    if depth > _DEEPEST or len(found) > _MOST_PLACES:
        return
    if "object" in kinds:
        objects = [value for value in values if isinstance(value, dict)]
        is_free = _is_free(place)
        below: dict[str, list[Any]] = {}
        for one in objects:
            for key, value in one.items():
                below.setdefault(PLACEHOLDER if is_free else _named(key), []).append(value)
        for name, inside in below.items():
            _look(f"{place}/{name}", inside, found, depth + 1)
            if len(inside) < len(objects) and name != PLACEHOLDER:
                found[f"{place}/{name}"] = tuple(sorted({*found[f"{place}/{name}"], ABSENT}))
    if "array" in kinds:
        lists = (one for value in values if isinstance(value, list) for one in value)
        _look(f"{place}/[]", list(islice(lists, _MOST_ELEMENTS)), found, depth + 1)


def name_in(name: str, place: str) -> str:
    """A field's name as it is told, in the place where it stands.

    Args:
        name: the field's.
        place: what it is a field of.
    """
    return PLACEHOLDER if _is_free(place) else _named(name)


def _is_free(place: str) -> bool:
    return place.rpartition("/")[2] in FREE


@lru_cache(maxsize=4096)
def _named(name: str) -> str:
    if name in FIELDS:
        return name
    known = _NAME.fullmatch(name) is not None and is_told(name)
    return name if known else PLACEHOLDER
