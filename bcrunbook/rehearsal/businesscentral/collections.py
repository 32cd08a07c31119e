"""OData collections: filter by equality, select, top, and pages.

Source: contract B3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from bcrunbook.rehearsal.businesscentral.errors import BusinessCentralError, no_entity
from bcrunbook.rehearsal.businesscentral.limits import MAX_ROWS
from bcrunbook.rehearsal.messages import Answer, Call, json_answer

_TERM: Final = re.compile(
    r"\s*(\w+)\s+eq\s+(?:'((?:[^']|'')*)'|([0-9a-fA-F-]{36}|true|false|-?\d+))\s*(and\s|$)"
)
_PAGE: Final = re.compile(r"odata\.maxpagesize\s*=\s*(\d+)", re.IGNORECASE)
_OPTIONS: Final = frozenset({"$filter", "$select", "$top", "$skip"})
_COMPUTED: Final = frozenset({"isInstalled"})
"""Properties that are worked out row by row, which no filter reaches."""

Row = dict[str, Any]


@dataclass(frozen=True)
class EntitySet:
    """What an API holds under one name, as one request sees it.

    Args:
        call: the request.
        base: the address of the API.
        name: the set's name.
        rows: all its rows.
        key_name: the property that rows are found by.
        properties: what a row has, for a set that may have none.
    """

    call: Call
    base: str
    name: str
    rows: list[Row]
    key_name: str = "id"
    properties: frozenset[str] = frozenset()

    def row(self, key: str) -> Row:
        """The row with a key; 404 where there is none."""
        for row in self.rows:
            if row[self.key_name] == key:
                return row
        raise no_entity(f"{self.name}({key})")


def service_document(*names: str) -> Callable[[str], Answer]:
    """What lists the entity sets of an API, given the API's address."""

    def serve(base: str) -> Answer:
        found = [{"name": name, "kind": "EntitySet", "url": name} for name in names]
        return json_answer(200, {"@odata.context": f"{base}/$metadata", "value": found})

    return serve


def list_rows(entities: EntitySet) -> Answer:
    """The rows that a query asks for."""
    call, rows = entities.call, entities.rows
    params = _checked(call)
    properties = entities.properties or frozenset(rows[0])
    for name, value in _terms(params.get("$filter", ""), properties):
        rows = [row for row in rows if _as_text(row[name]) == value]
    skipped = _number(params, "$skip", 0)
    top = _number(params, "$top", len(rows))
    page = _PAGE.search(call.header("prefer"))
    size = int(page[1]) if page and int(page[1]) else MAX_ROWS
    if size > MAX_ROWS:
        raise BusinessCentralError(413, "BadRequest_InvalidPageSize", "The page is too large.")
    wanted_rows = rows[skipped : skipped + top]
    select = _selection(params, properties)
    body: Row = {
        "@odata.context": f"{entities.base}/$metadata#{entities.name}",
        "value": [_selected(row, select) for row in wanted_rows[:size]],
    }
    if len(wanted_rows) > size:
        query = {**params, "$skip": str(skipped + size)}
        if "$top" in params:
            query["$top"] = str(len(wanted_rows) - size)
        url = f"https://{call.host}{call.path}?{urlencode(query, quote_via=quote, safe='$')}"
        body["@odata.nextLink"] = url
    return json_answer(200, body)


def read_row(entities: EntitySet, key: str) -> Answer:
    """One row by itself."""
    row = entities.row(key)
    select = _selection(_checked(entities.call), frozenset(row))
    context = f"{entities.base}/$metadata#{entities.name}/$entity"
    return json_answer(200, {"@odata.context": context, **_selected(row, select)})


def bad_request(text: str) -> BusinessCentralError:
    """A query that cannot be carried out."""
    return BusinessCentralError(400, "BadRequest", text)


def _checked(call: Call) -> dict[str, str]:
    for name in call.params:
        if name.startswith("$") and name not in _OPTIONS:
            raise bad_request(f"The query option '{name}' is not supported here.")
    return call.params


def _terms(expression: str, properties: frozenset[str]) -> list[tuple[str, str]]:
    """The equations of a filter, all of which must hold."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(expression):
        match = _TERM.match(expression, at)
        if match is None or (match[4] and match.end() == len(expression)):
            raise bad_request(f"The filter '{expression}' is not supported here.")
        name = match[1]
        if name in _COMPUTED or name not in properties:
            raise bad_request(f"Could not find a property named '{name}' that can be filtered by.")
        found.append((name, match[3].lower() if match[2] is None else match[2].replace("''", "'")))
        at = match.end()
    return found


def _as_text(value: object) -> str:
    """A value as a filter writes it, keys in small letters."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _selection(params: dict[str, str], properties: frozenset[str]) -> list[str]:
    if not params.get("$select"):
        return []
    names = [name.strip() for name in params["$select"].split(",")]
    for name in names:
        if name not in properties:
            raise bad_request(f"Could not find a property named '{name}'.")
    return names


def _selected(row: Row, names: list[str]) -> Row:
    kept = {name: row[name] for name in names} if names else row
    return {"@odata.etag": row["@odata.etag"], **kept} if "@odata.etag" in row else kept


def _number(params: dict[str, str], name: str, default: int) -> int:
    value = params.get(name)
    if value is None:
        return default
    # Thirty digits are a number too, and not one that a slice takes.
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise bad_request(f"Invalid value '{value}' for {name}.")
    return int(value)
