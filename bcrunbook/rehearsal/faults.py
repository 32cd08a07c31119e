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

What each key may hold is the table of `fault_keys`, from which the published JSON Schema is made.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bcrunbook.rehearsal.fault_keys import KEYS, Role, conforms, names

MATCHERS: Final = names(Role.MATCHER)
ACTIONS: Final = names(Role.ACTION)
COMPANIONS: Final = names(Role.COMPANION)


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
    # In this order, so that the first thing wrong is what is told.
    for name in known:
        if name in item and not conforms(item[name], KEYS[name].schema):
            raise InvalidFaults(f"{where}: {name} {KEYS[name].demand}")
    return Rule(
        host=_in_case(item.get("host"), str.lower),
        method=_in_case(item.get("method"), str.upper),
        path=_pattern(item.get("path"), where),
        nth=_nth(item.get("nth")),
        status=item.get("status"),
        headers={name: str(value) for name, value in item.get("headers", {}).items()},
        body=_body(item.get("body", "")),
        delay=float(item.get("delay", 0)),
        drop=item.get("drop"),
        hold=item.get("hold"),
    )


def _in_case(value: str | None, case: Callable[[str], str]) -> str | None:
    return None if value is None else case(value)


def _pattern(value: str | None, where: str) -> re.Pattern[str] | None:
    try:
        return None if value is None else re.compile(value)
    except re.error as problem:
        raise InvalidFaults(f"{where}: path is no regular expression: {problem}") from problem


def _nth(value: int | list[int] | None) -> frozenset[int] | None:
    if value is None:
        return None
    return frozenset(value if isinstance(value, list) else [value])


def _body(value: Any) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value)).encode()
