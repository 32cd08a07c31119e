"""`$filter`: a small parser and evaluator for what the directory supports.

Source: Graph docs, "Use the $filter query parameter" and "Advanced query capabilities". Supported
are eq, ne, ge, le, gt, lt, in, and, or, not, parentheses, startswith, endswith and the `any`
operator on collections. ne, not, gt, lt and endswith belong to the advanced query capabilities.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from bcrunbook.rehearsal.graph.errors import GraphError, malformed, unsupported_query
from bcrunbook.rehearsal.state import Document

TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')"
    r"|(?P<date>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<number>-?\d+)"
    r"|(?P<name>[A-Za-z_$@][\w$@.]*(?:/[A-Za-z_$][\w$]*)*)"
    r"|(?P<mark>[(),:]))"
)
COMPARISONS: Final = ("eq", "ne", "ge", "le", "gt", "lt", "in")
ADVANCED: Final = ("ne", "gt", "lt")
FUNCTIONS: Final = ("startswith", "endswith")
NOT_FILTERABLE: Final = ("passwordcredentials", "requiredresourceaccess", "web", "info", "notes")
Test = Callable[[Document], bool]


@dataclass(frozen=True)
class Filter:
    """A parsed filter."""

    test: Test
    properties: tuple[str, ...]
    advanced: bool


@dataclass
class _Parser:
    """Recursive descent: or, and, not, one comparison."""

    text: str
    tokens: list[tuple[str, str]]
    position: int = 0
    advanced: bool = False
    properties: list[str] = field(default_factory=list)

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.position] if self.position < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.position += 1
        return token

    def keyword(self, *keywords: str) -> bool:
        kind, value = self.peek()
        if kind == "name" and value.lower() in keywords:
            self.position += 1
            return True
        return False

    def mark(self, mark: str) -> None:
        if self.take() != ("mark", mark):
            raise self.wrong()

    def wrong(self) -> GraphError:
        return malformed(f"Invalid filter clause: Syntax error in '{self.text}'.")

    def disjunction(self, variable: str | None = None) -> Test:
        left = self.conjunction(variable)
        while self.keyword("or"):
            left = _either(left, self.conjunction(variable))
        return left

    def conjunction(self, variable: str | None) -> Test:
        left = self.negation(variable)
        while self.keyword("and"):
            left = _both(left, self.negation(variable))
        return left

    def negation(self, variable: str | None) -> Test:
        if self.keyword("not"):
            self.advanced = True
            inner = self.negation(variable)
            return lambda document: not inner(document)
        return self.primary(variable)

    def primary(self, variable: str | None) -> Test:
        kind, value = self.take()
        if (kind, value) == ("mark", "("):
            inner = self.disjunction(variable)
            self.mark(")")
            return inner
        if kind != "name":
            raise self.wrong()
        if value.lower() in FUNCTIONS:
            return self.function(value.lower(), variable)
        if value.lower().endswith("/any"):
            return self.any_of(value[:-4])
        return self.comparison(value, variable)

    def function(self, name: str, variable: str | None) -> Test:
        self.mark("(")
        kind, path = self.take()
        if kind != "name":
            raise self.wrong()
        read = self.reader(path, variable)
        self.mark(",")
        wanted = str(self.value()).lower()
        self.mark(")")
        if self.keyword("eq") and not self.keyword("true"):
            raise self.wrong()
        if name == "endswith":
            self.advanced = True
            return lambda document: str(read(document) or "").lower().endswith(wanted)
        return lambda document: str(read(document) or "").lower().startswith(wanted)

    def any_of(self, path: str) -> Test:
        read = self.reader(path, None)
        self.mark("(")
        kind, variable = self.take()
        if kind != "name":
            raise self.wrong()
        self.mark(":")
        inner = self.disjunction(variable)
        self.mark(")")

        def test(document: Document) -> bool:
            values = read(document)
            if not isinstance(values, list):
                raise unsupported_query(f"Property '{path}' is not a collection.")
            return any(
                inner(value if isinstance(value, dict) else {variable: value}) for value in values
            )

        return test

    def comparison(self, path: str, variable: str | None) -> Test:
        read = self.reader(path, variable)
        kind, operator = self.take()
        if kind != "name" or operator.lower() not in COMPARISONS:
            raise self.wrong()
        operator = operator.lower()
        if operator in ADVANCED:
            self.advanced = True
        if operator == "in":
            self.mark("(")
            wanted = [self.value()]
            while self.peek() == ("mark", ","):
                self.take()
                wanted.append(self.value())
            self.mark(")")
            return lambda document: any(_compare("eq", read(document), value) for value in wanted)
        value = self.value()
        return lambda document: _compare(operator, read(document), value)

    def value(self) -> Any:
        kind, text = self.take()
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind in ("guid", "date"):
            return text
        if kind == "number":
            return int(text)
        if kind == "name" and text in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text]
        raise self.wrong()

    def reader(self, path: str, variable: str | None) -> Callable[[Document], Any]:
        parts = path.split("/")
        if variable is not None:
            if parts[0] != variable:
                raise self.wrong()
            parts = parts[1:] or [variable]
        else:
            if parts[0].lower() in NOT_FILTERABLE:
                raise unsupported_query(
                    f"Unsupported or invalid query filter clause specified for property "
                    f"'{parts[0]}' of resource."
                )
            self.properties.append(path)
        return lambda document: _read(document, parts)


def parse_filter(text: str) -> Filter:
    """The filter of that text; a syntax error is a refusal."""
    tokens: list[tuple[str, str]] = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        found = TOKEN.match(stripped, position)
        if found is None or found.lastgroup is None:
            raise malformed(f"Invalid filter clause: Syntax error at position {position}.")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        position = found.end()
    parser = _Parser(text, tokens)
    test = parser.disjunction()
    if parser.position != len(tokens):
        raise parser.wrong()
    return Filter(test, tuple(parser.properties), parser.advanced)


def _read(document: Any, parts: list[str]) -> Any:
    for part in parts:
        if not isinstance(document, dict):
            return None
        lowered = part.lower()
        document = next(
            (value for name, value in document.items() if name.lower() == lowered), None
        )
    return document


def _compare(operator: str, found: Any, wanted: Any) -> bool:
    if isinstance(found, list | dict):
        raise unsupported_query("Unsupported or invalid query filter clause: not a primitive.")
    if isinstance(found, str) and isinstance(wanted, str):
        found, wanted = found.lower(), wanted.lower()
    if operator == "eq":
        return bool(found == wanted)
    if operator == "ne":
        return bool(found != wanted)
    if found is None or wanted is None or type(found) is not type(wanted):
        return False
    results = {
        "ge": found >= wanted,
        "le": found <= wanted,
        "gt": found > wanted,
        "lt": found < wanted,
    }
    return bool(results[operator])


def _either(left: Test, right: Test) -> Test:
    return lambda document: left(document) or right(document)


def _both(left: Test, right: Test) -> Test:
    return lambda document: left(document) and right(document)
