"""Pages of a list.

Source: Codat's OpenAPI description (PagingInfo) and docs, "Paging": `page` from 1, `pageSize` 100
unless given and at most 5,000 (the answer's own schema says 2,000, against it), links relative to
the host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from bcrunbook.rehearsal.codat.errors import bad_request
from bcrunbook.rehearsal.codat.limits import DEFAULT_PAGE_SIZE, MAX_PAGE, MAX_PAGE_SIZE
from bcrunbook.rehearsal.codat.query import Kind, predicate, sort_key
from bcrunbook.rehearsal.codat.request import Request
from bcrunbook.rehearsal.messages import Answer, Call, json_answer

One = TypeVar("One")


def page(
    request: Request, found: Sequence[One], show: Callable[[One], dict[str, Any]], kind: Kind
) -> Answer:
    """The page of a list that was asked for, filtered and ordered as was asked for."""
    call = request.call
    number = _number(call, "page", 1, MAX_PAGE, kind)
    size = _number(call, "pageSize", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, kind)
    wanted, order = predicate(call, kind), sort_key(call, kind)
    first = (number - 1) * size
    if wanted is None and order is None:
        # Only what is on the page is put together.
        total = len(found)
        results = [show(one) for one in found[first : first + size]]
    else:
        shown = [show(one) for one in found]
        if wanted is not None:
            shown = [item for item in shown if wanted(item)]
        if order is not None:
            key, descending = order
            shown.sort(key=key, reverse=descending)
        total = len(shown)
        results = shown[first : first + size]
    return json_answer(
        200,
        {
            "results": results,
            "pageNumber": number,
            "pageSize": size,
            "totalResults": total,
            "_links": _links(call, number, size, total),
        },
    )


def _number(call: Call, name: str, default: int, maximum: int, kind: Kind) -> int:
    text = call.params.get(name)
    if text is None:
        return default
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(maximum))
    if not is_number or not 1 <= int(text) <= maximum:
        raise bad_request(f"`{name}` must be between 1 and {maximum}.", service=kind.service)
    return int(text)


def _links(call: Call, number: int, size: int, total: int) -> dict[str, dict[str, str]]:
    """Relative links; that they keep the filter is undocumented, but else they led elsewhere."""
    given = call.params
    kept = [(name, given[name]) for name in ("query", "orderBy", "tags") if name in given]

    def link(to: int) -> dict[str, str]:
        return {"href": f"{call.path}?{urlencode([('page', to), ('pageSize', size), *kept])}"}

    links = {"current": link(number), "self": {"href": call.path}}
    if number * size < total:
        links["next"] = link(number + 1)
    if number > 1:
        links["previous"] = link(number - 1)
    return links
