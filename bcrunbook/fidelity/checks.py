"""What a journal can say of a fact: small checks, each of one entry alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from bcrunbook.hosts import (
    AZURE_MANAGEMENT,
    BUSINESS_CENTRAL_API,
    LOGIN_HOST,
)
from bcrunbook.hosts import (
    GRAPH as GRAPH_ADDRESS,
)
from bcrunbook.journal.address import CODAT, VAULT
from bcrunbook.journal.body import ABSENT
from bcrunbook.journal.entry import JournalEntry


def _host(address: str) -> str:
    return address.removeprefix("https://")


GRAPH: Final = f"{_host(GRAPH_ADDRESS)}/v1.0"
LOGIN: Final = LOGIN_HOST
AZURE: Final = _host(AZURE_MANAGEMENT)
BUSINESS_CENTRAL: Final = _host(BUSINESS_CENTRAL_API)
DATA: Final = f"{BUSINESS_CENTRAL}/v2.0/*/api"
ADMIN: Final = f"{BUSINESS_CENTRAL}/admin"
KEY_VAULT: Final = VAULT
CODAT_API: Final = CODAT

TEXTS: Final = frozenset({"text", "guid", "address", "path", "digits", "empty", "blank"})
DATES: Final = frozenset({"date year 1", "day", *(f"date {n} Z" for n in range(13))})


@dataclass(frozen=True)
class Judged:
    """What one entry says of a fact.

    Args:
        agrees: whether it is as the fact says.
        shape: what it shows.
    """

    agrees: bool
    shape: str


@dataclass(frozen=True)
class FactCheck:
    """A check of a fact against entries of a journal.

    Args:
        fact: the fact's id.
        holds: the shape that the fact, and the rehearsal cloud, say.
        judge: what an entry says of it; None where it says nothing.
    """

    fact: str
    holds: str
    judge: Callable[[JournalEntry], Judged | None]


Which = Callable[[JournalEntry], bool]


def _always(_: JournalEntry) -> bool:
    return True


def is_route(entry: JournalEntry, pattern: str) -> bool:
    """Whether an entry's method and address are those of a pattern.

    Args:
        entry: an entry.
        pattern: method, host and path; `*` stands for anything.
    """
    parts = "".join(".*" if one == "*" else re.escape(one) for one in pattern)
    return re.fullmatch(parts, entry.route) is not None


def _names(kinds: Collection[str]) -> str:
    """Kinds in words; of dates, only their zones, and of all that a text may look like, that."""
    any_text = {"any text"} if set(kinds) >= TEXTS else set()
    others = set(kinds) - TEXTS if any_text else set(kinds)
    zones = {re.sub(r"^date \d+", "date", kind) for kind in others}
    return " or ".join(sorted(any_text | zones))


def _is_success(entry: JournalEntry) -> bool:
    return 200 <= entry.status < 300


def answers_with(
    fact: str, route: str, *statuses: int, body: bool | None = None, which: Which = _always
) -> FactCheck:
    """What goes well is answered with one of these statuses.

    Args:
        fact: the fact's id.
        route: which requests, as `is_route` takes it.
        statuses: what a success is answered with.
        body: whether there is a body; None where that is not part of the fact.
        which: of these requests, which.
    """
    with_body = "" if body is None else " with a body" if body else " without a body"

    def judge(entry: JournalEntry) -> Judged | None:
        if not (is_route(entry, route) and _is_success(entry) and which(entry)):
            return None
        has_body = bool(entry.got)
        agrees = entry.status in statuses and body in (None, has_body)
        shown = "" if body is None else " with a body" if has_body else " without a body"
        return Judged(agrees, f"{entry.status}{shown}")

    names = " or ".join(map(str, statuses))
    return FactCheck(fact, f"{route}: {names}{with_body}", judge)


def has_fields(
    fact: str,
    route: str,
    *places: str,
    kinds: Collection[str] = (),
    status: int | None = None,
    which: Which = _always,
) -> FactCheck:
    """An answer has fields, wherever what they are fields of is there.

    Args:
        fact: the fact's id.
        route: which requests.
        places: where the fields stand.
        kinds: of which kinds they may be; empty for any but absent.
        status: the answer's status; None for any success.
        which: of these requests, which.
    """

    def wrong(entry: JournalEntry, place: str) -> str:
        parent = place.rpartition("/")[0]
        if "object" not in entry.got.get(parent, ()):
            return ""
        seen = set(entry.got.get(place, (ABSENT,)))
        fits = seen <= set(kinds) if kinds else ABSENT not in seen
        return "" if fits else f"{place} {', '.join(sorted(seen))}"

    def judge(entry: JournalEntry) -> Judged | None:
        fits = entry.status == status if status else _is_success(entry)
        if not (fits and is_route(entry, route) and which(entry)):
            return None
        parents = {place.rpartition("/")[0] for place in places}
        if not any("object" in entry.got.get(parent, ()) for parent in parents):
            return None
        found = [one for place in places if (one := wrong(entry, place))]
        return Judged(not found, "; ".join(found) or "as it says")

    shown = f" ({_names(kinds)})" if kinds else ""
    return FactCheck(fact, f"{route}: has {', '.join(places)}{shown}", judge)


def has_kinds(fact: str, route: str, place: str, *kinds: str, status: int = 0) -> FactCheck:
    """A field that may be absent is of certain kinds where it is there.

    Args:
        fact: the fact's id.
        route: which requests.
        place: where the field stands.
        kinds: of which kinds it may be.
        status: the answer's status; 0 for any success.
    """

    def judge(entry: JournalEntry) -> Judged | None:
        fits = entry.status == status if status else _is_success(entry)
        if not (fits and is_route(entry, route) and place in entry.got):
            return None
        seen = set(entry.got[place]) - {ABSENT}
        return Judged(seen <= set(kinds), f"{place} {', '.join(sorted(seen))}")

    return FactCheck(fact, f"{route}: {place} is {_names(kinds)}", judge)


def code_comes_with(fact: str, code: str, *statuses: int, host: str = "") -> FactCheck:
    """A code comes with one of these statuses.

    Args:
        fact: the fact's id.
        code: the code, at whatever depth; in any case of letters (contract B11.5).
        statuses: what it comes with.
        host: the host that tells it; empty for any.
    """

    def judge(entry: JournalEntry) -> Judged | None:
        codes = {one.lower() for one in entry.codes}
        if code.lower() not in codes or (host and entry.host != host):
            return None
        return Judged(entry.status in statuses, f"{code} with {entry.status}")

    names = " or ".join(map(str, statuses))
    return FactCheck(fact, f"{code} comes with {names}", judge)


def refused_with(fact: str, route: str, status: int, *codes: str) -> FactCheck:
    """A refusal with this status tells one of these codes.

    Args:
        fact: the fact's id.
        route: which requests.
        status: the refusal's status.
        codes: the codes; one that ends in `_` stands for all that begin so.
    """

    def judge(entry: JournalEntry) -> Judged | None:
        if entry.status != status or not is_route(entry, route):
            return None
        agrees = any(
            seen.startswith(code) if code.endswith("_") else seen == code
            for seen in entry.codes
            for code in codes
        )
        return Judged(agrees, f"{status} {', '.join(entry.codes) or 'without a code'}")

    return FactCheck(fact, f"{route}: {status} {' or '.join(codes)}", judge)


def has_header(
    fact: str, route: str, name: str, *forms: str, status: int = 0, which: Which = _always
) -> FactCheck:
    """An answer has a header.

    Args:
        fact: the fact's id.
        route: which requests.
        name: the header's, in small letters.
        forms: what is told of it; empty for anything.
        status: the answer's status; 0 for any that came.
        which: of these requests, which.
    """

    def judge(entry: JournalEntry) -> Judged | None:
        fits = entry.status == status if status else entry.status > 0
        if not (fits and is_route(entry, route) and which(entry)):
            return None
        seen = entry.headers.get(name, ABSENT)
        agrees = seen in forms if forms else seen != ABSENT
        return Judged(agrees, f"{name} {seen}")

    shown = f" {_names(forms)}" if forms else ""
    return FactCheck(fact, f"{route}: {name}{shown}", judge)


def is_ordered(
    fact: str, route: str, place: str, *orders: str, status: int | None = None
) -> FactCheck:
    """A list comes in a certain order, where the journal can tell which.

    Args:
        fact: the fact's id.
        route: which requests.
        place: where the list stands.
        orders: as a journal tells them.
        status: the answer's status; None for any success.
    """

    def judge(entry: JournalEntry) -> Judged | None:
        fits = entry.status == status if status else _is_success(entry)
        if not (fits and is_route(entry, route) and place in entry.order):
            return None
        seen = entry.order[place]
        return Judged(seen in orders, f"{place} {seen}")

    return FactCheck(fact, f"{route}: {place} {' or '.join(orders)}", judge)


def lacks_field(fact: str, route: str, place: str) -> FactCheck:
    """An answer does not have a field.

    Args:
        fact: the fact's id.
        route: which requests.
        place: where the field would stand.
    """

    def judge(entry: JournalEntry) -> Judged | None:
        parent = place.rpartition("/")[0]
        if not (is_route(entry, route) and _is_success(entry) and parent in entry.got):
            return None
        return Judged(
            place not in entry.got, f"{place} {', '.join(entry.got.get(place, (ABSENT,)))}"
        )

    return FactCheck(fact, f"{route}: no {place}", judge)
