"""Which headers a message has: of some the value, as it is nobody's own, of the others the form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from bcrunbook.journal.address import address_of
from bcrunbook.journal.body import form_of
from bcrunbook.journal.words import HEADERS

_SECONDS: Final = re.compile(r"\d{1,5}")
_NUMBER: Final = re.compile(r"\d{1,3}(?:\.\d{1,3})?")
_PARAMETER: Final = re.compile(r"([a-z_]+)=")
_FRACTION: Final = re.compile(r"\d*\.\d+")
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
    given = sorted((name.lower(), value) for name, value in headers.items())
    return {
        name: "as sent" if name in _IDS and value == _sent(name, sent) else _told(name, value)
        for name, value in given
        if name in HEADERS
    }


def _sent(name: str, headers: Mapping[str, str] | None) -> str | None:
    named = (value for sent, value in (headers or {}).items() if sent.lower() == name)
    return next(named, None)


_IDS: Final = frozenset({"client-request-id", "x-ms-client-request-id"})


def _told(name: str, value: str) -> str:
    return _RULES.get(name, _form)(value.strip())


def _form(value: str) -> str:
    if value.isdecimal():
        return "integer"
    if _FRACTION.fullmatch(value):
        return "fraction"
    return "http date" if _HTTP_DATE.fullmatch(value) else form_of(value)


def _media(value: str) -> str:
    kind, _, rest = value.lower().partition(";")
    charset = "; charset" if "charset=" in rest else ""
    return (kind.strip() if kind.strip() in _MEDIA else "other") + charset


def _seconds(value: str) -> str:
    """A number of seconds as it is: it is the service's, and the same for everybody."""
    return f"{int(value)} seconds" if _SECONDS.fullmatch(value) else _form(value)


def _number(value: str) -> str:
    return value if _NUMBER.fullmatch(value) else _form(value)


def _scheme(value: str) -> str:
    scheme = value.partition(" ")[0]
    return scheme if scheme in ("Bearer", "Basic") else "other"


def _challenge(value: str) -> str:
    names = {name for name in _PARAMETER.findall(value) if name in _CHALLENGE}
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
