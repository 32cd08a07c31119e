"""The parts that are pure: filters, dates, lags, the state and its transactions."""

from __future__ import annotations

from pathlib import Path

import pytest

from bcrunbook.rehearsal.clock import Clock, parse_timestamp, reprinted, timestamp
from bcrunbook.rehearsal.graph.errors import GraphError
from bcrunbook.rehearsal.graph.filters import parse_filter
from bcrunbook.rehearsal.lags import SHARE, USUAL, WORST, Ids, is_slow
from bcrunbook.rehearsal.log import loggable
from bcrunbook.rehearsal.state import Store

DOCUMENT = {
    "displayName": "Codat's books",
    "tags": ["one", "two"],
    "count": 3,
    "enabled": True,
    "nothing": None,
    "verifiedPublisher": {"displayName": "Acme"},
}

FILTERS = [
    ("displayName eq 'Codat''s books'", True),
    ("displayName eq 'codat''s books'", True),
    ("startswith(displayName,'Codat')", True),
    ("startsWith(displayName, 'x')", False),
    ("endswith(displayName,'books')", True),
    ("tags/any(t:t eq 'two')", True),
    ("tags/any(t: t eq 'three' or t eq 'one')", True),
    ("tags/any(t:startswith(t,'x'))", False),
    ("count ge 3 and count le 3", True),
    ("count gt 3 or not (enabled eq false)", True),
    ("enabled eq true and nothing eq null", True),
    ("displayName in ('a','Codat''s books')", True),
    ("verifiedPublisher/displayName eq 'Acme'", True),
    ("displayName ne 'x'", True),
]


@pytest.mark.parametrize(("text", "result"), FILTERS)
def test_filters(text: str, result: bool) -> None:
    """A filter decides as OData says."""
    assert parse_filter(text).test(DOCUMENT) is result


@pytest.mark.parametrize(
    "text", ["", "displayName", "displayName eq", "eq 'x'", "(a eq 'b'", "a eq 'b' c", "a ~ 'b'"]
)
def test_broken_filters(text: str) -> None:
    """A filter that cannot be parsed is a refusal, not a guess."""
    with pytest.raises(GraphError):
        parse_filter(text)


def test_dates() -> None:
    """Dates are printed in UTC and read with any offset, and never without one."""
    assert timestamp(0, fraction=False) == "1970-01-01T00:00:00Z"
    assert parse_timestamp("1970-01-01T01:00:00.1234567+01:00") == pytest.approx(0.1234567)
    assert parse_timestamp(timestamp(1_700_000_000.5)) == 1_700_000_000.5
    with pytest.raises(ValueError, match="offset"):
        parse_timestamp("2026-01-01T00:00:00")


DATES = [
    ("2026-12-31T23:59:59Z", "2026-12-31T23:59:59Z"),
    ("2026-12-31T23:59:59.0000000Z", "2026-12-31T23:59:59Z"),
    ("2026-12-31T23:59:59.018157Z", "2026-12-31T23:59:59.018157Z"),
    ("2026-12-31T23:59:59.1234567Z", "2026-12-31T23:59:59.1234567Z"),
    ("2026-12-31T23:59:59.5000+02:00", "2026-12-31T21:59:59.5Z"),
]


@pytest.mark.parametrize(("given", "printed"), DATES)
def test_dates_have_no_zeros_at_their_end(given: str, printed: str) -> None:
    """A date comes back without zeros at the end of its fraction (contract G5.12)."""
    assert reprinted(given) == printed


def test_moments_are_printed_to_the_tenth_of_a_microsecond() -> None:
    """Moments of the service have up to seven digits, and none where they would be zero."""
    assert timestamp(1_700_000_000) == "2023-11-14T22:13:20Z"
    assert timestamp(1_700_000_000.25) == "2023-11-14T22:13:20.25Z"
    assert len(timestamp(1_700_000_000.123457)) == len("2023-11-14T22:13:20.1234577Z")


def test_lags_depend_on_the_object_alone() -> None:
    """The jitter of a lag is the same in each run and stays within a fifth.

    contract G25.3 and G25.4
    """
    assert WORST.of("secret_usable", "a") == WORST.of("secret_usable", "a")
    values = {WORST.of("secret_usable", str(n)) for n in range(50)}
    assert len(values) > 1 and min(values) >= 4.8 and max(values) < 7.21


def test_few_objects_are_slow_and_always_the_same() -> None:
    """Of the ids of new objects each nineteenth is slow: one lags, the others do not at all.

    contract G25.2 and G25.7
    """
    ids = Ids()
    drawn = [ids.draw() for _ in range(4 * SHARE)]
    assert [n for n, one in enumerate(drawn, 1) if is_slow(one)] == [
        SHARE * n for n in (1, 2, 3, 4)
    ]
    *quick, slow = drawn[:SHARE]
    for kind in ("application_created", "application_referable", "patched", "credential"):
        assert {USUAL.of(kind, one) for one in quick} == {0.0}
        assert USUAL.of(kind, slow) == WORST.of(kind, slow) > 0


def test_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    """What a failing request wrote is gone from memory and from disk."""
    store = Store(tmp_path / "state.sqlite3", Clock())
    with store.transaction():
        store.put("kind", "tenant", "kept", {"n": 1})

    def break_off() -> None:
        with store.transaction():
            store.put("kind", "tenant", "kept", {"n": 2})
            store.put("kind", "tenant", "new", {"n": 3})
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        break_off()
    assert dict(store.all_latest("kind", "tenant")) == {"kept": {"n": 1}}
    store.close()
    again = Store(tmp_path / "state.sqlite3", Clock())
    assert dict(again.all_latest("kind", "tenant")) == {"kept": {"n": 1}}
    again.close()


def test_reads_see_older_versions(tmp_path: Path) -> None:
    """A read sees the newest version that has replicated, the index an older one still."""
    now = [1000.0]

    class Stopped(Clock):
        def now(self) -> float:
            return now[0]

    store = Store(tmp_path / "state.sqlite3", Stopped(profile=WORST))
    with store.transaction():
        store.put("application", "t", "a", {"n": 1}, "application_created")
    assert store.visible("application", "t", "a") is None
    now[0] += 2
    assert store.visible("application", "t", "a") == {"n": 1}
    assert store.visible("application", "t", "a", index=True) is None
    with store.transaction():
        store.put("application", "t", "a", {"n": 2}, "patched")
    assert store.visible("application", "t", "a") == {"n": 1}
    assert store.latest("application", "t", "a") == {"n": 2}
    now[0] += 9
    assert store.visible("application", "t", "a") == {"n": 2}
    assert store.visible("application", "t", "a", index=True) == {"n": 1}
    store.close()


def test_loggable_paths() -> None:
    """Only query options that cannot hold a secret reach the log."""
    assert loggable("/a", "$select=id&code=x&api-version=1") == "/a?$select=id&api-version=1"
    assert loggable("/a", "state=x") == "/a"
