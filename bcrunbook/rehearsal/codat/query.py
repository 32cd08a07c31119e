"""Codat's query language: `query`, `tags` and `orderBy`.

Source: Codat docs, "Query", "Ordering results", "Managing companies" and the OpenAPI description
(Malformed-Query). Operators = != ~ > < >= <=, joined by && and ||, grouped by { }; dots reach into
objects; the whole is shorter than 2,048 characters.

Undocumented, and plain here: && binds tighter than ||; names and texts compare with regard to case;
`~` is for texts only; a property without a value is equal to nothing. The docs rule arrays out and
use `dataConnections.status` all the same: any element may match.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_plus

from bcrunbook.rehearsal.clock import parse_timestamp
from bcrunbook.rehearsal.codat.errors import CodatError, bad_request
from bcrunbook.rehearsal.codat.limits import MAX_QUERY_DEPTH, MAX_QUERY_LENGTH
from bcrunbook.rehearsal.messages import Call

TEXT: Final = "text"
FLAG: Final = "flag"
NUMBER: Final = "number"
DATE: Final = "date"


TOKEN: Final = re.compile(r"\s*(&&|\|\||!=|>=|<=|[{}=~<>]|(?:(?!&&|\|\||!=|>=|<=)[^{}=~<>])+)")
COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
OPERATORS: Final = (*COMPARISONS, "!=", "~")

Item = dict[str, Any]
Predicate = Callable[[Item], bool]


@dataclass(frozen=True)
class Kind:
    """What is listed: its name in refusals, the service that refuses, what may be asked for."""

    name: str
    service: str
    properties: Mapping[str, str] = field(default_factory=dict)


def predicate(call: Call, kind: Kind) -> Predicate | None:
    """The condition that a request's `query` states; None without one."""
    text = call.params.get("query", "")
    if not text:
        return None
    if len(_raw(call, "query")) >= MAX_QUERY_LENGTH:
        raise bad_request(
            "Error parsing query - the query must be under 2,048 characters.", service=kind.service
        )
    return _Parser(text, kind).parsed()


def tag_predicate(call: Call, service: str) -> Predicate | None:
    """The condition that a request's `tags` states: = != ~ joined by &&, nothing else."""
    text = call.params.get("tags", "")
    if not text:
        return None
    return _TagParser(text, Kind("Company", service)).parsed()


def sort_key(call: Call, kind: Kind) -> tuple[Callable[[Item], Any], bool] | None:
    """The order that a request's `orderBy` states, and whether it descends; None without one."""
    text = call.params.get("orderBy", "").strip()
    if not text:
        return None
    name = text.removeprefix("-").strip()
    if name not in kind.properties:
        raise _unresolved(name, kind)

    def key(item: Item) -> Any:
        found = _values(item, name)
        return (bool(found), found[0]) if found else (False,)

    return key, text.startswith("-")


def _raw(call: Call, name: str) -> str:
    """A query option as it was sent, still encoded: the docs give the limit for the encoded one."""
    pairs = [pair.partition("=") for pair in call.query.split("&")]
    # Of a repeated option the last counts, however its name is spelt.
    found = [value for option, _, value in pairs if unquote_plus(option) == name]
    return found[-1] if found else ""


def _malformed(kind: Kind) -> CodatError:
    return bad_request("Error parsing query - Malformed query.", service=kind.service)


def _unresolved(name: str, kind: Kind) -> CodatError:
    return bad_request(
        f"Error parsing query - Could not resolve property {name} on {kind.name}",
        service=kind.service,
    )


def _values(item: Any, path: str) -> list[Any]:
    """What lies at a dotted path; several values below a list, none where there is null."""
    found = [item]
    for part in path.split("."):
        below = []
        for value in found:
            inner = value.get(part) if isinstance(value, dict) else None
            below += inner if isinstance(inner, list) else [] if inner is None else [inner]
        found = below
    return found


class _Parser:
    """Recursive descent over the tokens of one query."""

    def __init__(self, text: str, kind: Kind) -> None:
        self._kind = kind
        self._tokens = [token.strip() for token in TOKEN.findall(text)]
        self._tokens = [token for token in self._tokens if token]
        self._at = 0
        self._depth = 0

    def parsed(self) -> Predicate:
        """The whole query."""
        found = self._any()
        if self._at < len(self._tokens):
            raise _malformed(self._kind)
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _any(self) -> Predicate:
        parts = [self._all()]
        while self._peek() == "||":
            self._next()
            parts.append(self._all())
        return lambda item: any(part(item) for part in parts)

    def _all(self) -> Predicate:
        parts = [self._one()]
        while self._peek() == "&&":
            self._next()
            parts.append(self._one())
        return lambda item: all(part(item) for part in parts)

    def _one(self) -> Predicate:
        if self._peek() == "{":
            self._next()
            self._depth += 1
            if self._depth > MAX_QUERY_DEPTH:
                raise _malformed(self._kind)
            inner = self._any()
            self._depth -= 1
            if self._next() != "}":
                raise _malformed(self._kind)
            return inner
        return self._comparison()

    def _comparison(self) -> Predicate:
        name, sign, text = self._next(), self._next(), self._next()
        for part in (name, text):
            if not part or part in ("&&", "||", "{", "}", *OPERATORS):
                raise _malformed(self._kind)
        if sign not in OPERATORS:
            raise _malformed(self._kind)
        return self._condition(name, sign, text)

    def _condition(self, name: str, sign: str, text: str) -> Predicate:
        known = self._kind.properties.get(name)
        if known is None:
            raise _unresolved(name, self._kind)
        if sign == "~":
            if known != TEXT:
                raise _malformed(self._kind)
            return lambda item: any(text in value for value in _values(item, name))
        if known == FLAG and sign not in ("=", "!="):
            raise _malformed(self._kind)
        wanted = self._typed(known, text)
        convert = moment if known == DATE else _same
        if sign == "!=":
            return lambda item: all(convert(value) != wanted for value in _values(item, name))
        compare = COMPARISONS[sign]
        return lambda item: any(compare(convert(value), wanted) for value in _values(item, name))

    def _typed(self, known: str, text: str) -> Any:
        try:
            if known == FLAG:
                return {"true": True, "false": False}[text]
            if known == NUMBER:
                return float(text)
            return moment(text) if known == DATE else text
        except (ValueError, KeyError) as problem:
            raise _malformed(self._kind) from problem


class _TagParser(_Parser):
    """The smaller language of `tags`, whose names are whatever tags have as keys."""

    def parsed(self) -> Predicate:
        """The whole filter."""
        found = self._all()
        if self._at < len(self._tokens):
            raise _malformed(self._kind)
        return found

    def _one(self) -> Predicate:
        return self._comparison()

    def _condition(self, name: str, sign: str, text: str) -> Predicate:
        if sign == "=":
            return lambda tags: tags.get(name) == text
        if sign == "!=":
            return lambda tags: tags.get(name) != text
        if sign == "~":
            return lambda tags: text in tags.get(name, "")
        raise _malformed(self._kind)


def _same(value: Any) -> Any:
    return value


def moment(text: str) -> float:
    """Seconds of a date; one without a zone is UTC (Codat docs, DateTime)."""
    try:
        return parse_timestamp(text)
    except ValueError:
        return parse_timestamp(f"{text}Z" if "T" in text else f"{text}T00:00:00Z")
