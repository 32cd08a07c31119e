"""OData as far as the directory speaks it: query options, selection, paging, advanced queries.

Source: Graph docs, "Use query parameters to customize responses" and "Advanced query capabilities
on Microsoft Entra ID objects". Some options work only with the header `ConsistencyLevel: eventual`,
all but `$search` together with `$count=true` as well (contract G5.7), and then read from an index
that trails the writes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from bcrunbook.rehearsal.graph.errors import GraphError, malformed, unsupported_query
from bcrunbook.rehearsal.graph.filters import Filter, parse_filter
from bcrunbook.rehearsal.graph.limits import MAX_PAGE_SIZE
from bcrunbook.rehearsal.graph.schema import TYPES
from bcrunbook.rehearsal.messages import Call
from bcrunbook.rehearsal.state import Document

DEFAULT_PAGE: Final = 100
OPTIONS: Final = (
    "$select",
    "$filter",
    "$top",
    "$skiptoken",
    "$count",
    "$search",
    "$orderby",
    "$expand",
    "$format",
)
SEARCH: Final = re.compile(r'\s*"(displayName|description):([^"]*)"\s*')


@dataclass(frozen=True)
class Query:
    """The query options of one request, parsed."""

    select: tuple[str, ...] | None = None
    filter: Filter | None = None
    top: int | None = None
    skip: int = 0
    count: bool = False
    search: str | None = None
    orderby: str | None = None
    expand: tuple[str, ...] = ()
    eventual: bool = False

    @property
    def advanced(self) -> bool:
        """Whether the advanced query capabilities were asked for as they must be."""
        return self.eventual and self.count

    @property
    def indexed(self) -> bool:
        """Whether the index answers."""
        return self.eventual and (self.count or self.search is not None)

    @property
    def cost_change(self) -> int:
        """What the options add to the price of a request (Graph docs, throttling limits)."""
        change = -1 if self.select else 0
        change -= 1 if self.top is not None and self.top < 20 else 0
        return change + (1 if self.expand else 0)


def parse_query(call: Call) -> Query:
    """The query options of a request; what is wrong or unknown is refused."""
    options: dict[str, str] = {}
    for name, value in parse_qsl(call.query, keep_blank_values=True):
        if not name.startswith("$"):
            continue
        lowered = name.lower()
        if lowered == "$skip":
            raise malformed("'$skip' is not supported by the service.")
        if lowered not in OPTIONS:
            raise malformed(f"The query parameter '{name}' is not supported.")
        if lowered in options:
            raise malformed(
                f"Query option '{name}' was specified more than once, but it must be specified "
                "at most once."
            )
        options[lowered] = value
    count = options.get("$count", "false").lower()
    if count not in ("true", "false"):
        raise malformed(f"Invalid value '{options['$count']}' for $count query option found.")
    eventual = call.header("consistencylevel").lower() == "eventual"
    query = Query(
        select=_names(options["$select"]) if options.get("$select") else None,
        filter=parse_filter(options["$filter"]) if options.get("$filter") else None,
        top=_top(options.get("$top")),
        skip=_skip(options.get("$skiptoken")),
        count=count == "true",
        search=options.get("$search"),
        orderby=options.get("$orderby"),
        expand=_names(options.get("$expand", "")),
        eventual=eventual,
    )
    _demand_header(query)
    return query


def _demand_header(query: Query) -> None:
    if query.search is not None and not query.eventual:
        raise unsupported_query(
            "Request with $search query parameter only works through MSGraph with a special "
            "request header: 'ConsistencyLevel: eventual'"
        )
    if query.orderby is not None and not query.advanced:
        raise unsupported_query(
            "Sorting not supported for current query."
            if query.filter is None
            else "Request with $orderby and $filter query parameters only works through MSGraph "
            "with a special request header: 'ConsistencyLevel: eventual'"
        )
    if query.count and not query.eventual:
        raise unsupported_query(
            "Request with $count query parameter only works through MSGraph with a special "
            "request header: 'ConsistencyLevel: eventual'"
        )
    if query.filter is not None and query.filter.advanced and not query.advanced:
        raise unsupported_query(
            "Operator or property requires the advanced query capabilities: the header "
            "'ConsistencyLevel: eventual' and $count=true."
        )


def page(
    query: Query,
    documents: Iterable[Document],
    *,
    type_name: str,
    base: str,
    context: str,
    call: Call,
) -> dict[str, Any]:
    """The body of a list answer. `documents` are public ones, in a stable order."""
    check_properties(query, type_name)
    found = [document for document in documents if matches(query, document)]
    if query.orderby is not None:
        found = _sorted(found, query.orderby, type_name)
    size = query.top or DEFAULT_PAGE
    part = found[query.skip : query.skip + size]
    body: dict[str, Any] = {"@odata.context": f"{base}/$metadata#{context}{_suffix(query)}"}
    if query.count:
        body["@odata.count"] = len(found)
    if query.skip + size < len(found):
        body["@odata.nextLink"] = _next_link(call, base, query.skip + size)
    body["value"] = [selected(query, document) for document in part]
    return body


def single(
    query: Query, document: Document, *, type_name: str, base: str, context: str
) -> dict[str, Any]:
    """The body of an answer with one object."""
    check_properties(query, type_name)
    return {
        "@odata.context": f"{base}/$metadata#{context}{_suffix(query)}/$entity",
        **selected(query, document),
    }


def matches(query: Query, document: Document) -> bool:
    """Whether an object passes $filter and $search."""
    if query.filter is not None and not query.filter.test(document):
        return False
    if query.search is None:
        return True
    found = SEARCH.fullmatch(query.search)
    if found is None:
        raise malformed("Syntax error in $search: a quoted 'property:value' is expected.")
    words = str(document.get(found[1]) or "").lower().split()
    return any(word.startswith(found[2].lower()) for word in words) or found[2].lower() in " ".join(
        words
    )


def selected(query: Query, document: Mapping[str, Any]) -> dict[str, Any]:
    """The chosen properties only; annotations and expanded ones stay."""
    if query.select is None:
        return dict(document)
    wanted = {name.lower() for name in (*query.select, *query.expand)}
    return {
        name: value
        for name, value in document.items()
        if name.lower() in wanted or name.startswith("@")
    }


def check_properties(query: Query, type_name: str) -> None:
    """Refuse names that the type does not have."""
    known = {name.lower() for name in TYPES[type_name]}
    names: Sequence[str] = [
        *(query.select or ()),
        *(query.filter.properties if query.filter else ()),
    ]
    for name in names:
        if name.split("/")[0].lower() not in known and name != "*":
            raise malformed(
                f"Could not find a property named '{name}' on type 'microsoft.graph.{type_name}'."
            )


def _sorted(found: list[Document], orderby: str, type_name: str) -> list[Document]:
    name, _, direction = orderby.strip().partition(" ")
    if name not in TYPES[type_name] or direction.strip().lower() not in ("", "asc", "desc"):
        raise malformed(f"Could not find a property named '{orderby}' on type '{type_name}'.")
    return sorted(
        found,
        key=lambda document: str(document.get(name) or "").lower(),
        reverse=direction.strip().lower() == "desc",
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"-?\d+", text):
        raise malformed(f"Invalid value '{text}' for $top query option found.")
    if not 1 <= int(text) <= MAX_PAGE_SIZE:
        raise GraphError(
            400,
            "Request_BadRequest",
            f"Invalid page size specified: '{text}'. Must be between 1 and {MAX_PAGE_SIZE} "
            "inclusive.",
        )
    return int(text)


def _skip(text: str | None) -> int:
    if text is None:
        return 0
    try:
        offset = json.loads(base64.urlsafe_b64decode(text.encode()))["offset"]
        return int(offset)
    except (ValueError, KeyError, TypeError) as problem:
        raise GraphError(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and "
            "can no longer be included in your request.",
        ) from problem


def _next_link(call: Call, base: str, offset: int) -> str:
    token = base64.urlsafe_b64encode(json.dumps({"offset": offset}).encode()).decode()
    kept = [
        (name, value)
        for name, value in parse_qsl(call.query, keep_blank_values=True)
        if name.lower() != "$skiptoken"
    ]
    query = "&".join(
        f"{name}={quote(value, safe='')}" for name, value in [*kept, ("$skiptoken", token)]
    )
    root = base.split("/v1.0")[0].split("/beta")[0]
    return f"{root}{call.path}?{query}"


def _suffix(query: Query) -> str:
    names = [*(query.select or ()), *(f"{name}()" for name in query.expand)]
    return f"({','.join(names)})" if names else ""
