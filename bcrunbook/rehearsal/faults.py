"""Faults as data: rules that say which request goes wrong, and how.

A rules file is a JSON list. Each rule has matchers and exactly one action:

    host, method   compared without regard to case; absent means any
    path           a regular expression, searched in the decoded path (without the query)
    nth            which of the matching requests, counted from 1 over the server's life: a number,
                   a list of numbers, or absent for each

    status [headers, body]   answered instead of the effect
    delay                    seconds of real time before the effect
    drop                     "before" or "after" the effect: the connection is cut without an answer
    hold                     "before" or "after" the effect: no answer until the client goes away

The first rule that fires wins; a request counts for every rule it matches. For a batch the outer
request is matched. When the file changes while the server runs, the new rules take the place of the
old ones and counting begins anew; a file that cannot be used leaves the old rules in force.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MATCHERS = ("host", "method", "path", "nth")
ACTIONS = ("status", "delay", "drop", "hold")
COMPANIONS = ("headers", "body")
MOMENTS = ("before", "after")


class InvalidFaults(Exception):
    """The rules file cannot be used; the text says why and where."""


@dataclass(frozen=True)
class Rule:
    """One fault."""

    host: str | None = None
    method: str | None = None
    path: re.Pattern[str] | None = None
    nth: frozenset[int] | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    drop: str | None = None
    hold: str | None = None

    def matches(self, host: str, method: str, path: str) -> bool:
        """Whether a request is one that this rule counts."""
        return (
            (self.host is None or self.host == host.lower())
            and (self.method is None or self.method == method.upper())
            and (self.path is None or self.path.search(path) is not None)
        )


class Faults:
    """The rules of a file and how often each has matched; without a file there are none."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._seen = _state_of(file)
        self._take(load(file) if file else [])

    def _take(self, rules: list[Rule]) -> None:
        self._rules = rules
        self._counts = [0] * len(rules)

    def _look_again(self) -> None:
        state = _state_of(self._file)
        if self._file is None or state == self._seen:
            return
        self._seen = state
        try:
            self._take(load(self._file))
        except InvalidFaults as problem:
            print(f"the old fault rules stay in force: {problem}", file=sys.stderr, flush=True)

    def fire(self, host: str, method: str, path: str) -> tuple[int, Rule] | None:
        """Count a request and answer the rule that fires for it, with its index."""
        self._look_again()
        fired: tuple[int, Rule] | None = None
        for index, rule in enumerate(self._rules):
            if not rule.matches(host, method, path):
                continue
            self._counts[index] += 1
            if fired is None and (rule.nth is None or self._counts[index] in rule.nth):
                fired = index, rule
        return fired


def _state_of(file: Path | None) -> tuple[int, int, int] | None:
    """What changes when a file is written or replaced; None without one."""
    try:
        found = file.stat() if file else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None


def load(path: Path) -> list[Rule]:
    """The rules in a file; InvalidFaults names the rule and the key that is wrong."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise InvalidFaults(f"cannot read the faults file {path}: {problem.strerror}") from problem
    except ValueError as problem:
        raise InvalidFaults(f"the faults file {path} is not JSON: {problem}") from problem
    if not isinstance(data, list):
        raise InvalidFaults(f"the faults file {path} must hold a list of rules")
    return [_rule(item, f"rule {index} of {path}") for index, item in enumerate(data)]


def _rule(item: Any, where: str) -> Rule:
    if not isinstance(item, dict):
        raise InvalidFaults(f"{where} must be an object")
    known = (*MATCHERS, *ACTIONS, *COMPANIONS)
    for name in item:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
            raise InvalidFaults(f"{where}: unknown key {name!r}{hint}")
    actions = [name for name in ACTIONS if name in item]
    if len(actions) != 1:
        raise InvalidFaults(f"{where} needs exactly one of {', '.join(ACTIONS)}")
    if "status" not in item and any(name in item for name in COMPANIONS):
        raise InvalidFaults(f"{where}: headers and body go with status only")
    return Rule(
        host=_text(item, "host", where, str.lower),
        method=_text(item, "method", where, str.upper),
        path=_pattern(item, where),
        nth=_nth(item, where),
        status=_status(item, where),
        headers=_headers(item, where),
        body=_body(item),
        delay=_delay(item, where),
        drop=_moment(item, "drop", where),
        hold=_moment(item, "hold", where),
    )


def _text(item: dict[str, Any], name: str, where: str, case: Any) -> str | None:
    value = item.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise InvalidFaults(f"{where}: {name} must be a text")
    return str(case(value))


def _pattern(item: dict[str, Any], where: str) -> re.Pattern[str] | None:
    value = _text(item, "path", where, str)
    try:
        return re.compile(value) if value is not None else None
    except re.error as problem:
        raise InvalidFaults(f"{where}: path is no regular expression: {problem}") from problem


def _nth(item: dict[str, Any], where: str) -> frozenset[int] | None:
    value = item.get("nth")
    if value is None:
        return None
    numbers = value if isinstance(value, list) else [value]
    if not numbers or not all(type(number) is int and number > 0 for number in numbers):
        raise InvalidFaults(f"{where}: nth must be a number from 1, or a list of such")
    return frozenset(numbers)


def _status(item: dict[str, Any], where: str) -> int | None:
    value = item.get("status")
    if "status" in item and (type(value) is not int or not 200 <= value <= 599):
        raise InvalidFaults(f"{where}: status must be a number from 200 to 599")
    return value


def _headers(item: dict[str, Any], where: str) -> dict[str, str]:
    value = item.get("headers", {})
    if not isinstance(value, dict) or not all(
        isinstance(entry, str | int | float) for entry in value.values()
    ):
        raise InvalidFaults(f"{where}: headers must be an object of texts")
    return {name: str(entry) for name, entry in value.items()}


def _body(item: dict[str, Any]) -> bytes:
    value = item.get("body", "")
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def _delay(item: dict[str, Any], where: str) -> float:
    value = item.get("delay", 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise InvalidFaults(f"{where}: delay must be a number of seconds")
    return float(value)


def _moment(item: dict[str, Any], name: str, where: str) -> str | None:
    value = item.get(name)
    if name in item and value not in MOMENTS:
        raise InvalidFaults(f'{where}: {name} must be "before" or "after"')
    return value
