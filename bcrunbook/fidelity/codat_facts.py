"""Checks of facts about Codat (docs/contracts/codat.md)."""

from __future__ import annotations

from typing import Final

from bcrunbook.fidelity.checks import (
    CODAT_API,
    DATES,
    TEXTS,
    FactCheck,
    answers_with,
    has_fields,
    has_header,
    has_kinds,
    is_ordered,
)
from bcrunbook.journal.entry import JournalEntry

_COMPANIES: Final = f"{CODAT_API}/companies"
_COMPANY: Final = f"{_COMPANIES}/{{}}"
_CONNECTIONS: Final = f"{_COMPANY}/connections"
_REFUSALS: Final = (400, 401, 402, 403, 404, 409, 429)
_UTC: Final = frozenset({*DATES, *(f"date {digits} none" for digits in range(13))})


def _was_let_in(entry: JournalEntry) -> bool:
    return entry.status not in (401, 429)


def _has_key(entry: JournalEntry) -> bool:
    return "idempotency-key" in entry.sent_headers


CODAT_FACTS: Final[tuple[FactCheck, ...]] = (
    has_fields("C1.9", f"GET {CODAT_API}/profile", "$/name", kinds=TEXTS),
    answers_with("C2.2", f"POST {_COMPANIES}", 200, body=True),
    answers_with("C2.2", f"POST {_CONNECTIONS}", 200, body=True),
    *(
        has_kinds("C2.3", f"* {CODAT_API}/*", "$/error", "text", status=status)
        for status in _REFUSALS
    ),
    *(
        has_kinds("C2.4", f"* {CODAT_API}/*", "$/correlationId", "text", "guid", status=status)
        for status in _REFUSALS
    ),
    *(
        has_kinds("C2.6", f"* {CODAT_API}/*", "$/canBeRetried", "text", status=status)
        for status in _REFUSALS
    ),
    has_kinds("C2.16", f"GET {_COMPANY}", "$/created", *_UTC),
    has_kinds("C2.16", f"GET {_COMPANIES}", "$/results/[]/created", *_UTC),
    *(
        has_kinds("C2.19", f"* {CODAT_API}/*", "$/service", "text", status=status)
        for status in _REFUSALS
    ),
    *(
        has_header("C3.5", f"* {CODAT_API}/*", f"x-rate-limit-{name}", which=_was_let_in)
        for name in ("limit", "remaining", "reset")
    ),
    has_header(
        "C3.6",
        f"* {CODAT_API}/*",
        "x-rate-limit-reset",
        "http date",
        *_UTC,
        which=_was_let_in,
    ),
    has_header("C3.7", f"* {CODAT_API}/*", "retry-after", status=429),
    *(
        has_header("C3.13", f"* {CODAT_API}/*", f"x-rate-limit-{name}", "absent", status=401)
        for name in ("limit", "remaining", "reset")
    ),
    *(
        has_fields(
            "C4.3",
            route,
            "$/results",
            "$/_links",
            "$/totalResults",
            "$/pageSize",
            "$/pageNumber",
        )
        for route in (f"GET {_COMPANIES}", f"GET {_CONNECTIONS}", f"GET {CODAT_API}/integrations")
    ),
    has_fields(
        "C4.4",
        f"GET {_COMPANIES}",
        "$/_links/self/href",
        "$/_links/current/href",
        kinds={"path"},
    ),
    has_kinds("C4.4", f"GET {_COMPANIES}", "$/_links/next/href", "path"),
    is_ordered("C4.13", f"GET {_COMPANIES}", "$/results", "oldest first created"),
    has_fields(
        "C5.4",
        f"GET {CODAT_API}/integrations/trji",
        "$/key",
        "$/logoUrl",
        "$/name",
        "$/enabled",
    ),
    has_kinds("C5.5", f"GET {CODAT_API}/integrations/trji", "$/enabled", "boolean"),
    has_fields("C5.7", f"GET {CODAT_API}/integrations/trji", "$/datatypeFeatures/[]/datatype"),
    answers_with("C7.1", f"POST {_COMPANIES}", 200, body=True),
    *(
        has_fields("C7.2", route, "$/id", "$/name", "$/redirect")
        for route in (f"POST {_COMPANIES}", f"GET {_COMPANY}")
    ),
    has_fields("C7.3", f"GET {_COMPANIES}", "$/results/[]/dataConnections"),
    answers_with("C8.1", f"POST {_CONNECTIONS}", 200, body=True),
    *(
        has_fields(
            "C8.2",
            route,
            "$/id",
            "$/status",
            "$/created",
            "$/linkUrl",
            "$/platformName",
            "$/sourceType",
            "$/sourceId",
            "$/integrationId",
        )
        for route in (f"POST {_CONNECTIONS}", f"GET {_CONNECTIONS}/{{}}")
    ),
    has_kinds("C8.3", f"* {_CONNECTIONS}*", "$/integrationKey", "text"),
    has_fields(
        "C8.13",
        f"GET {_CONNECTIONS}/{{}}",
        "$/dataConnectionErrors/[]/statusCode",
        "$/dataConnectionErrors/[]/statusText",
        "$/dataConnectionErrors/[]/errorMessage",
        "$/dataConnectionErrors/[]/erroredOnUtc",
    ),
    has_kinds(
        "C8.14", f"GET {_CONNECTIONS}/{{}}", "$/dataConnectionErrors/[]/status", "text", "null"
    ),
    has_kinds("C8.16", f"* {_COMPANIES}*", "$/redirect", "address"),
    has_kinds("C8.17", f"* {_CONNECTIONS}*", "$/linkUrl", "address"),
    answers_with("C9.2", f"POST {_COMPANY}/data/all", 204, body=False),
    answers_with("C9.3", f"POST {_COMPANY}/data/queue/*", 200, body=True),
    has_kinds("C9.7", f"GET {_COMPANY}/dataStatus", "$/company", "object", "null"),
    has_kinds("C9.9", f"GET {_COMPANY}/dataStatus", "$/company/currentStatus", "text"),
    has_fields(
        "C9.14",
        f"POST {_COMPANY}/data/queue/*",
        "$/id",
        "$/status",
        "$/progress",
        "$/isCompleted",
        "$/isErrored",
        "$/requested",
    ),
    has_kinds("C9.15", f"* {_COMPANY}/data/*", "$/errorMessage", "text", "null"),
)
"""In the order of the page."""
