"""Routes as data: what a service answers, how that is known, and one way to find it.

A service keeps its routes in a table and finds the one that is meant with a `Router`. How the
service cuts an address into parts (letter case, percent signs, slashes at the end) and what it says
when nothing fits is its own affair. The page docs/reference/rehearsal-routes.md is made from these
tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Generic, TypeVar

H = TypeVar("H")
H_co = TypeVar("H_co", covariant=True)
"""What serves a route; each service has a signature of its own."""

_WITH_KEY: Final = re.compile(r"(?P<name>[^({]+)\(\{(?P<key>\w+)\}\)")
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


class Known(Enum):
    """How it is known that the real service has an address; the value is the mark on the page."""

    DOCUMENTED = "documented"
    """Its maker's documentation or API description has it."""
    RECORDED = "recorded"
    """It was seen in a recording, in a public report, or in what its maker's clients ask for."""
    INFERRED = "inferred"
    """It follows from other addresses, or is the rehearsal's own where none is known."""


@dataclass(frozen=True)
class Key:
    """A key in brackets in an address, as in `applications(appId='...')`.

    Args:
        name: the property that the key is about; empty where the address names none.
        value: the key, without quotes.
    """

    name: str
    value: str


Part = str | Key
"""A part of an address."""


@dataclass(frozen=True)
class Route(Generic[H_co]):
    """One thing that a service answers.

    Args:
        method: the HTTP method.
        path: the address below the router's base, without a slash at either end. `{id}` stands for
            one part, `companies({id})` for a name with a key in brackets.
        known: how it is known.
        handler: what serves it.
    """

    method: str
    path: str
    known: Known
    handler: H_co


def at(path: str, known: Known, **handlers: H) -> tuple[Route[H], ...]:
    """The routes of one path, each method with its handler."""
    return tuple(Route(method, path, known, handler) for method, handler in handlers.items())


@dataclass(frozen=True)
class Match(Generic[H]):
    """The routes at one address.

    Args:
        path: as it stands in the table.
        params: what stands in the address for each `{name}`, in the order of the path.
        handlers: what serves each method.
    """

    path: str
    params: Mapping[str, Any]
    handlers: Mapping[str, H]

    def handler(self, method: str) -> H | None:
        """What serves a method; None where the address does not have it."""
        return self.handlers.get(method)


@dataclass(frozen=True)
class _Segment:
    """A segment of a path: a fixed text, or a parameter, which may have to be in brackets."""

    text: str = ""
    parameter: str = ""
    in_brackets: bool = False


class Router(Generic[H]):
    """Finds what is meant by an address, fixed words before parameters.

    Args:
        base: the address that the paths continue, for whoever reads the table.
        routes: the table.
        folds_case: whether fixed words compare without regard to letter case.
        accepts: for the names of parameters, what may stand there; anything where none is given.
        note: what else to know about the addresses, in Markdown, for whoever reads the table.

    Raises:
        ValueError: a method and path are there twice.
    """

    def __init__(
        self,
        base: str,
        routes: Iterable[Route[H]],
        *,
        folds_case: bool = False,
        accepts: Mapping[str, Callable[[str], bool]] | None = None,
        note: str = "",
    ) -> None:
        self.base = base
        self.note = note
        self.routes = tuple(routes)
        self._folds_case = folds_case
        self._accepts = accepts or {}
        handlers: dict[str, dict[str, H]] = {}
        for route in self.routes:
            at_path = handlers.setdefault(route.path, {})
            if route.method in at_path:
                raise ValueError(f"{route.method} {route.path} is there twice")
            at_path[route.method] = route.handler
        self._table = sorted(
            ((_segments(path), path, at_path) for path, at_path in handlers.items()),
            key=lambda entry: sum(1 for segment in entry[0] if segment.parameter),
        )

    def find(self, parts: Sequence[Part]) -> Match[H] | None:
        """The routes at an address; None where there are none."""
        for segments, path, handlers in self._table:
            if self._fits(segments, parts):
                names = zip(segments, parts, strict=True)
                params = {segment.parameter: part for segment, part in names if segment.parameter}
                return Match(path, params, handlers)
        return None

    def first_unknown(self, parts: Sequence[Part]) -> Part:
        """The first part of an address with which no route goes on; the last one if all do."""
        for length in range(1, len(parts) + 1):
            if not any(
                self._fits(segments[:length], parts[:length]) for segments, *_ in self._table
            ):
                return parts[length - 1]
        return parts[-1]

    def _fits(self, segments: Sequence[_Segment], parts: Sequence[Part]) -> bool:
        return len(segments) == len(parts) and all(
            self._fits_one(segment, part) for segment, part in zip(segments, parts, strict=True)
        )

    def _fits_one(self, segment: _Segment, part: Part) -> bool:
        if segment.in_brackets:
            return isinstance(part, Key)
        if segment.parameter:
            accepts = self._accepts.get(segment.parameter)
            return accepts is None or isinstance(part, Key) or accepts(part)
        if isinstance(part, Key):
            return False
        if self._folds_case:
            return part.lower() == segment.text.lower()
        return part == segment.text


def _segments(path: str) -> tuple[_Segment, ...]:
    segments: list[_Segment] = []
    for text in path.split("/") if path else ():
        if with_key := _WITH_KEY.fullmatch(text):
            segments.append(_Segment(with_key["name"]))
            segments.append(_Segment(parameter=with_key["key"], in_brackets=True))
        elif parameter := _PARAMETER.fullmatch(text):
            segments.append(_Segment(parameter=parameter[1]))
        else:
            segments.append(_Segment(text))
    return tuple(segments)
