"""The line from our time to a rehearsal's: what was skipped, and how old that makes things."""

from __future__ import annotations

import time
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcrunbook.rehearsal.clock import Clock
from bcrunbook.skipped.timeline import NAME, KeptTimeline, Timeline

HOUR = 3600.0


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What time it is; it stands still unless a test moves it."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def test_what_was_skipped_makes_older_what_was_there_before_it(
    tmp_path: Path, began: list[float]
) -> None:
    """And not what came after; everybody who can read the file says the same."""
    kept = KeptTimeline(tmp_path)
    before = began[0]
    began[0] += 1
    kept.skip(HOUR)
    began[0] += 1
    after = began[0]
    began[0] += 1
    for read in (kept, Timeline(tmp_path), KeptTimeline(tmp_path)):
        assert read.total == HOUR
        assert read.age(before) == HOUR + 3
        assert read.age(after) == 1
        assert read.age(before, now=after) == HOUR + 2


def test_a_reader_learns_of_what_is_skipped_later(tmp_path: Path, began: list[float]) -> None:
    """Also when the file was not there yet when it began to read."""
    reader, kept = Timeline(tmp_path), KeptTimeline(tmp_path)
    assert reader.total == 0.0
    for seconds in (10.0, 20.0):
        before = reader.reading()
        kept.skip(seconds)
        assert reader.reading() == before + seconds


def test_half_a_line_is_no_skip(tmp_path: Path, began: list[float]) -> None:
    """Whoever writes may be killed at any instant, or be at it."""
    KeptTimeline(tmp_path).skip(HOUR)
    with (tmp_path / NAME).open("ab") as file:
        file.write(b"\0\0\0")
    assert Timeline(tmp_path).total == KeptTimeline(tmp_path).total == HOUR


@pytest.mark.parametrize("speed", [1.0, 60.0])
@given(
    pauses=st.lists(st.floats(0.01, 1000), min_size=1, max_size=12),
    skips=st.lists(st.floats(0.0, 1e5), max_size=12),
    since=st.floats(0, 5000),
    seconds=st.floats(0, 2e5),
)
def test_what_is_due_is_so_from_then_on_and_not_before(
    tmp_path_factory: pytest.TempPathFactory,
    speed: float,
    pauses: list[float],
    skips: list[float],
    since: float,
    seconds: float,
) -> None:
    """The moment at which something is so old: at it, it is; just before it, it is not yet.

    A moment's date is thus never in the future where the thing has come about (contract B8.9).
    """
    with pytest.MonkeyPatch.context() as patch:
        began = 1_800_000_000.0
        now = [began]
        patch.setattr(time, "time", lambda: now[0])
        kept = KeptTimeline(tmp_path_factory.mktemp("line"), speed)
        for moment, skip in zip(accumulate(pauses), skips, strict=False):
            now[0] = began + moment
            kept.skip(skip)
        clock = Clock(speed, timeline=kept)
        at = clock.after(began + since, seconds)
        assert at >= began + since - 1e-3
        assert clock.age(began + since, now=at + 2e-3) >= seconds - 1e-2 * speed
        if at - 2e-3 > began + since:
            assert clock.age(began + since, now=at - 2e-3) <= seconds + 1e-2 * speed


def test_without_a_line_a_clock_goes_by_its_speed() -> None:
    """As for whoever serves a rehearsal cloud to strangers."""
    clock = Clock(speed=60.0)
    assert clock.after(1000.0, 120.0) == 1002.0
    assert clock.age(1000.0, now=1001.0) == 60.0
