"""What a stand-in host sees of a request and what it says to it.

Handlers are plain functions from `Call` to `Answer`: no sockets and no awaiting, so that one
request is one uninterrupted effect on the state and a batch can run its parts through the very
same handlers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

JSON_TYPE: Final = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Call:
    """One request. `path` and `query` are raw (still percent-encoded), header names lower case."""

    method: str
    host: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    has_certificate: bool = False
    """Whether the caller has shown a certificate of this folder's authority."""

    def header(self, name: str) -> str:
        """A header's value, or an empty string."""
        return self.headers.get(name.lower(), "")

    @property
    def params(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """The fields of an urlencoded body; of a repeated one the last counts."""
        text = self.body.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """One response, complete."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, extra: Mapping[str, str]) -> Answer:
        """The same answer with further headers; those it already has win."""
        return Answer(self.status, self.body, {**extra, **self.headers})


Handler = Callable[[Call], Answer]
Keeper = Callable[[Call, Answer], None]
"""What a host does about an answer that a fault rule gave in its place."""


def read_json(text: bytes) -> Any:
    """What a JSON text says (RFC 8259: UTF-8, no NaN); ValueError for anything else.

    Half a surrogate pair can be written in JSON and in no UTF-8, and nesting has no limit of its
    own: both are refused like any other broken text.
    """
    try:
        data = json.loads(text.decode("utf-8-sig"), parse_constant=_no_number)
        json.dumps(data, ensure_ascii=False).encode()
    except RecursionError as problem:
        raise ValueError("nested too deeply") from problem
    return data


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def json_answer(status: int, data: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that carries JSON."""
    body = json.dumps(data, ensure_ascii=False).encode()
    return Answer(status, body, {"Content-Type": JSON_TYPE, **(headers or {})})


def html_answer(status: int, text: str) -> Answer:
    """An answer that carries a page; pages hold personal input, so nobody may keep them."""
    headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
    return Answer(status, text.encode(), headers)


def redirect(url: str) -> Answer:
    """Send the browser elsewhere."""
    return Answer(302, b"", {"Location": url, "Cache-Control": "no-store"})


def with_query(url: str, values: Mapping[str, str], *, fragment: bool = False) -> str:
    """The address with parameters added to its query or put into its fragment."""
    encoded = urlencode(values)
    if fragment:
        return f"{url}#{encoded}"
    return f"{url}{'&' if '?' in url else '?'}{encoded}"
