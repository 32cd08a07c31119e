"""What a watch shows of itself: how far an installation is, and that film and timeline agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bcrunbook.core.pace import Pace
from bcrunbook.core.step import Film
from bcrunbook.steps.link_customer.installation.film import WatchFilm, timeline
from bcrunbook.steps.link_customer.installation.poll import Poll
from tests.steps.test_verdict import APP, FAILING, HIDDEN, RUNNING, THERE, poll

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
GOES_ON: dict[str, Any] = {"deployments": (RUNNING,)}
SYNC_FAILS: dict[str, Any] = {"connection": "Linked", "data": "FetchError"}


def film_of(polls: list[Poll], *, before: int = 0) -> Film:
    """The film after these polls, of which the first were seen before it was broken off."""
    film = WatchFilm("App Link", polls[:before], None, Pace())
    for one in polls[before:]:
        film.add(one)
    return film.now(NOW, polls[-1].elapsed, 2700.0, 30.0)


# One letter a part: reached, now, ahead, unseen.
@pytest.mark.parametrize(
    ("polls", "states"),
    [
        ([poll(0, **GOES_ON)], "anaaa"),
        ([poll(0, **GOES_ON, connection="Linked")], "rnaaa"),
        ([poll(0, **SYNC_FAILS, **HIDDEN)], "rnuua"),
        ([poll(0, **SYNC_FAILS, **FAILING)], "rnaaa"),
        ([poll(0, **GOES_ON), poll(30, **FAILING)], "anaaa"),
        ([poll(0, **FAILING)], "aaaaa"),
        ([poll(0, **GOES_ON), poll(30, **THERE)], "rrnar"),
        ([poll(0, **THERE), poll(20, **THERE)], "rrnar"),
        ([poll(0, **{**THERE, "probe": ""}), poll(30, **{**THERE, "probe": ""})], "rrrna"),
        ([poll(0, **THERE), poll(30, **THERE)], "rrrrr"),
        ([poll(0, connection="Linked", data="Complete", **HIDDEN)], "rruur"),
        ([poll(0, **GOES_ON), poll(2700, **GOES_ON)], "araaa"),
        ([poll(0, packages=(replace(APP, is_installed=False),), **GOES_ON)], "anaaa"),
    ],
)
def test_how_far_it_is(polls: list[Poll], states: str) -> None:
    """Each part for itself; one goes on as long as the installation does."""
    stages = film_of(polls).stages
    assert [one.name for one in stages] == [
        "Linked",
        "Installing",
        "Seen once",
        "Confirmed",
        "Data readable",
    ]
    assert "".join(one.state[0] for one in stages) == states


STORY = [
    poll(0, **GOES_ON),
    poll(31, **FAILING),
    poll(64, **{**FAILING, "hiccups": ("companies: 503", "environment: 503")}),
    poll(97, **GOES_ON, **SYNC_FAILS),
    poll(700, **THERE),
    poll(731, **THERE),
]


def test_film_and_stored_timeline_agree() -> None:
    """Look for look, also where the watch was broken off and goes on."""
    for before in range(len(STORY)):
        assert film_of(STORY, before=before).sightings == timeline(STORY, None)


def test_errors_that_pass_are_told_once_with_how_often_they_were_met() -> None:
    """Those of Business Central, the sync's own, and looks that could not be had at all."""
    film = WatchFilm("App Link", STORY, None, Pace())
    film.miss("Codat: 503")
    passing = film.now(NOW, 740.0, 2700.0, 30.0).passing
    assert {one.text: one.looks for one in passing} == {
        "companies: 503": 2,
        "environment: 503": 1,
        "Codat's sync of the company: FetchError": 1,
        "Codat: 503": 1,
    }


def test_only_a_part_that_was_reached_is_news() -> None:
    """The first look is, and so is each that reaches more; neither an error nor a look alike."""
    film = WatchFilm("App Link", (), None, Pace())
    news = []
    for one in STORY:
        film.add(one)
        news.append(film.now(NOW, one.elapsed, 2700.0, 30.0).is_news)
    assert news == [True, False, False, True, True, True]
    film.miss("Codat: 503")
    assert not film.now(NOW, 740.0, 2700.0, 30.0).is_news
