"""One request and its answer, as a journal holds them: shapes, and no value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from typing import Any, Final, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bcrunbook.journal.words import is_told

JOURNAL_SCHEMA: Final = 1
"""The version of a line: one more whenever a key goes away or means something else."""

PLACEHOLDER: Final = "{}"
"""Stands for whatever is not told."""

_ALWAYS: Final = frozenset({"after", "took", "status"})
"""Keys that are in a line even where they are 0."""

Fields = dict[str, tuple[str, ...]]
"""The kinds that were met in each place of a body. `$` is the whole of it, `/` leads to a field,
and `[]` to the elements of a list, all of them together."""


@dataclass(frozen=True)
class JournalEntry:
    """One try of a request, or one part of a batch, and what came back.

    Args:
        cloud: `live` or `rehearsal`.
        after: seconds since the request before it, rounded.
        took: seconds until the answer was whole, rounded.
        method: the HTTP method.
        host: the service's public name; of a vault, and of any other host, without its own.
        path: the address with `{}` in the place of ids, keys and names.
        query: the names of what was asked for behind it, in order of the alphabet.
        sent_headers: headers of the request that are noted, each with its form.
        sent: the fields of the request's body.
        status: the answer's HTTP status; 0 where none came.
        headers: headers of the answer that are noted, each with its form.
        got: the fields of the answer's body.
        codes: codes of errors, from the outermost to the innermost, and AADSTS numbers.
        order: how lists of the answer are ordered: as they were sent before, or by a date.
        is_part: whether it is a part of a batch of Microsoft Graph.
    """

    cloud: Literal["live", "rehearsal"]
    after: float
    took: float
    method: str
    host: str
    path: str
    query: tuple[str, ...] = ()
    sent_headers: dict[str, str] = field(default_factory=dict)
    sent: Fields = field(default_factory=dict)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    got: Fields = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    order: dict[str, str] = field(default_factory=dict)
    is_part: bool = False

    # A value that is not of its type is no shape; pydantic reads this where it reads a line.
    __pydantic_config__ = ConfigDict(extra="forbid")

    @property
    def route(self) -> str:
        """Method, host and path: what was asked for."""
        return f"{self.method} {self.host}{self.path}"

    def line(self) -> str:
        """The entry as a line of a journal. What may not be told is `{}` in it."""
        told = {name: getattr(self, name) for name in _NAMES}
        told = {name: value for name, value in told.items() if value or name in _ALWAYS}
        # Hardly ever is there anything in it that may not be told.
        if not _is_all_told(told):
            told = {name: _told(value) for name, value in told.items()}
        return _WRITER.encode({"schema": JOURNAL_SCHEMA, **told}) + "\n"


_NAMES: Final = tuple(one.name for one in fields(JournalEntry))
_WRITER: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)

_known: set[Any] = set()
"""Texts, and tuples of them, that may be told: most lines have nothing else. One that may not be
told is never kept here."""

_MOST_KNOWN: Final = 20_000


def _is_all_told(told: dict[str, Any]) -> bool:
    """Whether every text in an entry may be told."""
    met: set[Any] = set()
    for value in told.values():
        if isinstance(value, dict):
            met.update(value, value.values())
        elif not isinstance(value, (int, float)):
            met.add(value)
    new = met - _known
    if not all(is_told(text) for text in _texts(tuple(new))):
        return False
    if len(_known) > _MOST_KNOWN:
        _known.clear()
    _known.update(new)
    return True


def entry_of(line: str) -> JournalEntry:
    """The entry that a line holds. The file may have been in anybody's hands.

    Args:
        line: a line of a journal.

    Raises:
        ValueError: it is none, is of a later version, or holds what no journal tells.
    """
    try:
        found = json.loads(line)
        if not isinstance(found, dict) or found.pop("schema", None) != JOURNAL_SCHEMA:
            raise ValueError("no line of a journal that this version knows")
        entry = _reader().validate_python(found)
    except (ValidationError, RecursionError):
        raise ValueError("no line of a journal") from None
    if not is_told(" ".join(_texts(tuple(asdict(entry).values())))):
        raise ValueError("it holds what no journal tells")
    return entry


@cache
def _reader() -> TypeAdapter[JournalEntry]:
    return TypeAdapter(JournalEntry)


def _told(value: Any) -> Any:
    """The value with a placeholder for each text in it that may not be told."""
    match value:
        case str():
            return value if is_told(value) else PLACEHOLDER
        case dict():
            return {_told(key): _told(one) for key, one in value.items()}
        case tuple():
            return tuple(_told(one) for one in value)
        case _:
            return value


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    match value:
        case str():
            yield value
        case dict():
            for key, one in value.items():
                yield from (key, *_texts(one))
        case list() | tuple():
            for one in value:
                yield from _texts(one)
