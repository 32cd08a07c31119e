"""Makes entries of requests and answers, one after the other, for the file of a journal."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from bcrunbook.journal.address import host_of, path_of, query_of
from bcrunbook.journal.body import fields_of, fields_of_form, json_of
from bcrunbook.journal.codes import codes_of
from bcrunbook.journal.entry import Fields, JournalEntry
from bcrunbook.journal.file import JournalFile
from bcrunbook.journal.head import headers_of
from bcrunbook.journal.order import SentLists

log = logging.getLogger(__name__)

_FORM: Final = "application/x-www-form-urlencoded"
_BATCH: Final = "/$batch"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Exchange:
    """A request as it was sent, and its answer as it came. It may hold anything.

    Args:
        method: the HTTP method.
        address: the whole address.
        sent_headers: the request's headers.
        sent: the request's body.
        status: the answer's status; 0 where none came.
        headers: the answer's headers.
        got: the answer's body.
    """

    method: str
    address: str = field(repr=False)
    sent_headers: Mapping[str, str] = field(repr=False)
    sent: bytes = field(repr=False)
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    got: bytes = field(default=b"", repr=False)


class JournalRecorder:
    """Keeps the shapes of what one HTTP client sends and gets.

    A run never fails by it: what cannot be noted is left out, and the log says so.

    Args:
        file: where entries go.
        cloud: which cloud the client speaks to.
    """

    def __init__(self, file: JournalFile, cloud: Literal["live", "rehearsal"]) -> None:
        self._file = file
        self._cloud = cloud
        self._lists = SentLists()
        self._last: float | None = None

    def note(self, exchange: Exchange, *, began: float) -> None:
        """Note one try of a request.

        Args:
            exchange: what was sent and what came.
            began: when it was sent, by `time.monotonic()`.
        """
        try:
            after = began - (began if self._last is None else self._last)
            self._last = began
            times = _rounded(after), _rounded(time.monotonic() - began)
            lines = [entry.line() for entry in self._entries(exchange, *times)]
            self._file.add("".join(lines))
        except Exception as error:
            # By its kind alone: its text may hold what was sent.
            log.warning("a request is not in the journal (%s)", type(error).__name__)

    def close(self) -> None:
        """Have everything that was noted in the file."""
        self._file.write()

    def _entries(self, exchange: Exchange, after: float, took: float) -> Iterator[JournalEntry]:
        parts = urlsplit(exchange.address)
        is_batch = parts.path.endswith(_BATCH)
        sent, sent_fields = _body(exchange.sent, exchange.sent_headers, is_batch)
        got, got_fields = _body(exchange.got, exchange.headers, is_batch)
        entry = JournalEntry(
            cloud=self._cloud,
            after=after,
            took=took,
            method=exchange.method if exchange.method in _METHODS else "{}",
            host=host_of(parts.hostname or ""),
            path=path_of(parts.path),
            query=query_of(parts.query),
            sent_headers=headers_of(exchange.sent_headers),
            sent=sent_fields,
            status=exchange.status,
            headers=headers_of(exchange.headers, exchange.sent_headers),
            got=got_fields,
            # What went well may hold words that look like a code.
            codes=codes_of(exchange.got, got) if exchange.status >= 400 else (),
        )
        if is_batch:
            orders = _order_of_parts(sent, got)
            yield replace(entry, order={"$/responses": orders} if orders else {})
            yield from self._parts(entry, sent, got)
            return
        self._lists.note(sent)
        yield replace(entry, order=self._lists.orders_of(got))

    def _parts(self, whole: JournalEntry, sent: Any, got: Any) -> Iterator[JournalEntry]:
        """The parts of a batch as entries of their own (contract G11.2)."""
        answers = {one.get("id"): one for one in _objects(got, "responses")}
        for asked in _objects(sent, "requests"):
            answer = answers.get(asked.get("id"), {})
            address = urlsplit(str(asked.get("url", "")))
            method, status = str(asked.get("method", "")), answer.get("status")
            body = answer.get("body")
            self._lists.note(asked.get("body"))
            status = status if isinstance(status, int) else 0
            yield replace(
                whole,
                after=0.0,
                method=method if method in _METHODS else "{}",
                path=whole.path.removesuffix(_BATCH) + path_of(f"/{address.path.lstrip('/')}"),
                query=query_of(address.query),
                sent_headers=headers_of(_texts(asked.get("headers"))),
                sent=_fields(asked, "body"),
                status=status,
                headers=headers_of(_texts(answer.get("headers"))),
                got=_fields(answer, "body"),
                codes=codes_of(b"", body) if status >= 400 else (),
                order=self._lists.orders_of(body),
                is_part=True,
            )


def _body(content: bytes, headers: Mapping[str, str], is_batch: bool) -> tuple[Any, Fields]:
    """The JSON of a body, if it is any, and its fields."""
    if not content:
        return None, {}
    if headers.get("content-type", "").lower().startswith(_FORM):
        return None, fields_of_form(content)
    try:
        value = json_of(content)
    except ValueError:
        return None, {"$": ("no JSON",)}
    return value, fields_of(_without_parts(value) if is_batch else value)


def _fields(one: dict[str, Any], name: str) -> Fields:
    return fields_of(one[name]) if name in one else {}


def _without_parts(value: Any) -> Any:
    """A batch with nothing in its parts: that is told with each part."""
    if not isinstance(value, dict):
        return value
    return {
        name: [_emptied(part) for part in parts] if (parts := _objects(value, name)) else one
        for name, one in value.items()
    }


def _emptied(part: dict[str, Any]) -> dict[str, Any]:
    return {name: {} if name in ("headers", "body") else one for name, one in part.items()}


def _order_of_parts(sent: Any, got: Any) -> str:
    asked = [one.get("id") for one in _objects(sent, "requests")]
    answered = [one.get("id") for one in _objects(got, "responses")]
    if len(asked) < 2 or not answered:
        return ""
    return "as sent" if answered == asked else "reversed" if answered == asked[::-1] else "other"


def _objects(value: Any, name: str) -> list[dict[str, Any]]:
    found = value.get(name) if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _texts(value: Any) -> dict[str, str]:
    return {key: str(one) for key, one in value.items()} if isinstance(value, dict) else {}


def _rounded(seconds: float) -> float:
    """To a tenth of a second; beyond ten seconds to whole ones."""
    return round(seconds, 1) if seconds < 10 else float(round(seconds))
