"""Which headers a message has: of some the value, as it is nobody's own, of the others the form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from bcrunbook.journal.address import address_of
from bcrunbook.journal.body import form_of
from bcrunbook.journal.words import HEADERS

_HTTP_DATE: Final = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
_MEDIA: Final = frozenset(
    {
        "application/json",
        "application/octet-stream",
        "application/problem+json",
        "application/x-www-form-urlencoded",
        "text/html",
        "text/plain",
    }
)
_PREFERENCES: Final = frozenset({"create-if-missing", "return=minimal", "return=representation"})
_CHALLENGE: Final = frozenset(
    {"authorization", "authorization_uri", "claims", "client_id", "error", "realm", "resource"}
)


def headers_of(headers: Mapping[str, str], sent: Mapping[str, str] | None = None) -> dict[str, str]:
    """The headers that are noted, in small letters, each with what is told of it.

    Args:
        headers: those of a message.
        sent: those of the request, where the message is its answer.
    """
    given = {name.lower(): value for name, value in headers.items()}
    asked = {name.lower(): value for name, value in (sent or {}).items()}
    return {
        name: "as sent" if name in _IDS and value == asked.get(name) else _told(name, value)
        for name, value in sorted(given.items())
        if name in HEADERS
    }


_IDS: Final = frozenset({"client-request-id", "x-ms-client-request-id"})


def _told(name: str, value: str) -> str:
    return _RULES.get(name, _form)(value.strip())


def _form(value: str) -> str:
    if re.fullmatch(r"\d+", value):
        return "integer"
    if re.fullmatch(r"\d*\.\d+", value):
        return "fraction"
    return "http date" if _HTTP_DATE.fullmatch(value) else form_of(value)


def _media(value: str) -> str:
    kind, _, rest = value.lower().partition(";")
    charset = "; charset" if "charset=" in rest else ""
    return (kind.strip() if kind.strip() in _MEDIA else "other") + charset


def _seconds(value: str) -> str:
    """A number of seconds as it is: it is the service's, and the same for everybody."""
    return f"{int(value)} seconds" if re.fullmatch(r"\d{1,5}", value) else _form(value)


def _number(value: str) -> str:
    return value if re.fullmatch(r"\d{1,3}(?:\.\d{1,3})?", value) else _form(value)


def _scheme(value: str) -> str:
    scheme = value.partition(" ")[0]
    return scheme if scheme in ("Bearer", "Basic") else "other"


def _challenge(value: str) -> str:
    names = {name for name in re.findall(r"([a-z_]+)=", value) if name in _CHALLENGE}
    return " ".join((_scheme(value), *sorted(names)))


def _preference(value: str) -> str:
    return value if value in _PREFERENCES else "other"


def _word(*known: str) -> Callable[[str], str]:
    """A rule that tells a value which is one of these."""
    return lambda value: value if value in known else "other"


_RULES: Final[dict[str, Callable[[str], str]]] = {
    "accept": _media,
    "accept-encoding": _word("gzip"),
    "accept-language": _word("en-US"),
    "authorization": _scheme,
    "consistencylevel": _word("eventual"),
    "content-type": _media,
    "if-match": _word("*"),
    "location": address_of,
    "odata-version": _number,
    "prefer": _preference,
    "preference-applied": _preference,
    "retry-after": _seconds,
    "www-authenticate": _challenge,
    "x-ms-resource-unit": _number,
}
