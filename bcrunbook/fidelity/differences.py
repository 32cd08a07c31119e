"""Where an answer of a journal is another than the rehearsal's, and where it just says more.

What depends on the data is no difference: a text may look like a number, a list may be empty, and
where the rehearsal never shows anything but null nothing is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from bcrunbook.fidelity.answers import Key, KnownAnswer
from bcrunbook.fidelity.checks import TEXTS
from bcrunbook.journal.body import ABSENT

What = Literal[
    "status",
    "code",
    "missing field",
    "extra field",
    "kind of field",
    "null",
    "order",
    "form of date",
    "header",
]

_NONE: Final = frozenset({"null", "empty array", "empty object", ABSENT})
_NUMBERED: Final = frozenset({"integer", "number", "fraction"})
# What is a matter of one answer alone: how long, how much, who asked.
_VARY: Final = frozenset({"retry-after", "x-ms-resource-unit"})


@dataclass(frozen=True)
class AnswerDifference:
    """One difference between an answer of a journal and the rehearsal's.

    Args:
        what: what kind of difference it is.
        where: the field's place, the header's name, or empty for the answer as a whole.
        rehearsal: what the rehearsal shows.
        journal: what the journal shows.
    """

    what: What
    where: str
    rehearsal: str
    journal: str


def differences(seen: KnownAnswer, known: Mapping[Key, KnownAnswer]) -> list[AnswerDifference]:
    """How an answer of a journal differs; empty where it does not, or nothing is known of it.

    Args:
        seen: the answer.
        known: the rehearsal's answers.
    """
    same = known.get(seen.key)
    if same is None:
        return list(_status(seen, known))
    looks = (_fields, _headers, _codes, _order)
    return [one for look in looks for one in look(seen, same)]


def _status(seen: KnownAnswer, known: Mapping[Key, KnownAnswer]) -> Iterator[AnswerDifference]:
    """Another status where the same went well, or where the same code was told."""
    others = [
        one
        for one in known.values()
        if (one.route, one.form, one.is_part) == (seen.route, seen.form, seen.is_part)
    ]
    if 200 <= seen.status < 300:
        alike = [one for one in others if 200 <= one.status < 300]
    else:
        alike = [one for one in others if set(one.codes) & set(seen.codes)]
    if alike:
        statuses = sorted({one.status for one in alike})
        yield AnswerDifference("status", "", " or ".join(map(str, statuses)), str(seen.status))


def _codes(seen: KnownAnswer, same: KnownAnswer) -> Iterator[AnswerDifference]:
    if (seen.codes or same.codes) and not set(seen.codes) & set(same.codes):
        yield AnswerDifference("code", "", _listed(same.codes), _listed(seen.codes))


def _order(seen: KnownAnswer, same: KnownAnswer) -> Iterator[AnswerDifference]:
    for place in seen.order.keys() & same.order.keys():
        if not set(seen.order[place]) <= set(same.order[place]):
            shown = _listed(same.order[place]), _listed(seen.order[place])
            yield AnswerDifference("order", place, *shown)


def _fields(seen: KnownAnswer, same: KnownAnswer) -> Iterator[AnswerDifference]:
    for place in sorted(seen.fields.keys() | same.fields.keys()):
        now, before = seen.fields.get(place, ()), same.fields.get(place, ())
        parent, _, name = place.rpartition("/")
        shown = place, _listed(before), _listed(now)
        if not now:
            is_due = name != "[]" and "object" in seen.fields.get(parent, ())
            if is_due and ABSENT not in before:
                yield AnswerDifference("missing field", *shown)
        elif not before:
            # Of something that is new as a whole, only the whole is told.
            if name != "[]" and "object" in same.fields.get(parent, ()):
                yield AnswerDifference("extra field", *shown)
        elif what := _other_kind(before, now):
            yield AnswerDifference(what, *shown)


def _other_kind(before: Collection[str], now: Collection[str]) -> What | None:
    if ABSENT in now and ABSENT not in before:
        return "missing field"
    values = set(before) - _NONE
    if "null" in now and "null" not in before:
        return "null"
    if not values:
        # An array that was always empty is one all the same.
        shapes = {"empty array": "array", "empty object": "object"}
        known = {shapes[one] for one in before if one in shapes}
        return "kind of field" if known and set(now) - _NONE - known else None
    for kind in set(now) - _NONE:
        if _fits(kind, values):
            continue
        return "form of date" if kind.startswith("date") and _has_date(values) else "kind of field"
    return None


def _fits(kind: str, known: set[str]) -> bool:
    if kind in known:
        return True
    if kind.startswith("date "):
        return any(_is_same_date(kind, one) for one in known)
    if kind in TEXTS:
        exact = known & {"guid", "address", "path"}
        return bool(known & (TEXTS - exact)) or (kind in ("empty", "blank") and bool(exact))
    return kind == "integer" and "number" in known


def _is_same_date(kind: str, known: str) -> bool:
    """The same zone; a fraction may be shorter, or missing, but does not come from nowhere."""
    if not known.startswith("date ") or "year" in kind + known:
        return False
    _, digits, zone = kind.split()
    _, known_digits, known_zone = known.split()
    return zone == known_zone and (digits == "0" or known_digits != "0")


def _has_date(kinds: Collection[str]) -> bool:
    return any(kind.startswith("date ") for kind in kinds)


def _headers(seen: KnownAnswer, same: KnownAnswer) -> Iterator[AnswerDifference]:
    for name, before in same.headers.items():
        now = seen.headers.get(name, (ABSENT,))
        is_missing = ABSENT in now and ABSENT not in before
        varies = name in _VARY or all(_is_same_form(one, before) for one in now)
        if is_missing or not varies:
            yield AnswerDifference("header", name, _listed(before), _listed(now))


def _is_same_form(form: str, known: Collection[str]) -> bool:
    return form in known or form == ABSENT or (form in _NUMBERED and bool(_NUMBERED & set(known)))


def _listed(kinds: Collection[str]) -> str:
    return ", ".join(kinds) or "none"
