"""What is followed, as a picture: its words, what is said aloud, and that letters stay large."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING

import pytest

from bcrunbook.core.step import Film
from bcrunbook.views.film import film_view
from bcrunbook.views.timeline import timeline_svg
from tests.support.browser import chromium, tab
from tests.views.film_samples import INSTALLING, SEEN, UNCONFIRMED, UNREADABLE
from tests.views.test_in_a_browser import page_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["chromium", "tab"]


def read(film: Film) -> str:
    """The HTML as text, each run of blanks as one."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", film_view(film).html)).split())


@pytest.mark.parametrize("at", ["text", "html"])
def test_it_tells_how_far_how_long_and_when_it_is_looked_at_again(at: str) -> None:
    """The same in plain text and in HTML, with the errors told as expected."""
    said = read(INSTALLING) if at == "html" else film_view(INSTALLING).text
    first, last = (f"{INSTALLING.moment(end).astimezone():%H:%M}" for end in (600.0, 1200.0))
    assert "App Link for Millrace Software: installing" in said
    assert "6:55 so far." in said
    assert f"Usually over after 10 to 20 min: probably between {first} and {last}" in said
    assert "deployment reads InProgress" in said
    assert re.search(r"Next look in 33\s+s\.", said)
    assert "belong to an installation" in said and "BadRequest_NotFound (2 times)" in said


def test_the_probable_end_follows_the_time_that_has_passed() -> None:
    """Between two moments, then by the later one, then until nobody follows it any more."""
    later = replace(INSTALLING, elapsed=700.0)
    assert "Usually over after 10 to 20 min: by " in film_view(later).text
    assert "longer than the usual 10 to 20 min" in film_view(SEEN).text
    assert "followed up to 45 min" in film_view(SEEN).text
    over = film_view(UNCONFIRMED)
    assert "Next look" not in over.text + over.html and "usual" not in over.text.lower()


def test_a_rehearsal_tells_its_own_seconds() -> None:
    """Its minutes pass in a second, so no time of day is told."""
    said = film_view(UNREADABLE).text
    assert "in this rehearsal in 3 to 13 s." in said and "between" not in said
    assert "cannot be looked at here: Confirmed" in said
    assert "--bcr-from:33;--bcr-here:0.55s" in film_view(UNREADABLE).html


def test_where_time_is_skipped_nobody_is_told_to_wait() -> None:
    """Neither seconds nor a time of day: it is over as soon as everybody waits."""
    skipped = replace(INSTALLING, skips=True)
    for film in (skipped, replace(skipped, elapsed=700.0), replace(SEEN, skips=True)):
        said = film_view(film).text
        assert "in this rehearsal at once" in said and "between" not in said
    assert "--bcr-here:0.00s" in film_view(skipped).html


def test_only_news_is_said_aloud() -> None:
    """A look that changes nothing is drawn, and no screen reader speaks of it."""
    assert "role=" not in film_view(INSTALLING).html.replace('role="img"', "")
    news = film_view(SEEN).html
    assert news.count('role="status"') == 1 and "Reached: Linked, Installing, Seen once" in news


def test_a_line_for_the_tab_and_the_bar() -> None:
    """How things stand, with whole minutes."""
    assert INSTALLING.minutes == 6
    assert INSTALLING.words == (
        "App Link for Millrace Software: installing, 6 min so far, usually 10 to 20"
    )


def test_each_look_has_a_mark_in_the_picture_during_and_after() -> None:
    """The film and the stored timeline draw the same looks the same way."""
    marks = re.compile(r'<circle class="(?!next)[^>]*>.*?</circle>|<rect class="differs[^>]*>')
    for film in (INSTALLING, UNCONFIRMED):
        drawn = marks.findall(film_view(film).html)
        assert len(drawn) == len(film.sightings)
        assert sum("passing" in one and "expected while installing" in one for one in drawn) == 2
    during = marks.findall(film_view(UNCONFIRMED).html)
    assert during == marks.findall(timeline_svg(UNCONFIRMED.sightings))


SMALLEST = """Math.min(...[...document.querySelectorAll('.film *, .timeline text')]
    .filter(one => one.textContent.trim() && !one.matches('.count'))
    .map(one => parseFloat(getComputedStyle(one).fontSize)
        * (one.closest('svg') ? one.closest('svg').getScreenCTM().a : 1)))"""
OUTSIDE = """[...document.querySelectorAll('.timeline')].flatMap(svg =>
    [...svg.querySelectorAll('text, circle')].filter(one => {
        const room = svg.getBoundingClientRect(), box = one.getBoundingClientRect();
        return box.left < room.left - 1 || box.right > room.right + 1;
    })).length"""


@pytest.mark.parametrize("width", [560, 900, 1280])
def test_letters_stay_large_and_nothing_is_cut_off(tab: Page, width: int) -> None:
    """At least 12 px at every width, and all of the picture is within its frame."""
    tab.set_viewport_size({"width": width, "height": 900})
    films = (INSTALLING, SEEN, UNREADABLE, UNCONFIRMED)
    tab.set_content(page_of([film_view(film) for film in films], is_dark=False))
    assert tab.evaluate(SMALLEST) >= 12
    assert tab.evaluate(OUTSIDE) == 0


def test_the_next_look_is_counted_down_without_a_script(tab: Page) -> None:
    """The number that the page shows falls from the seconds that are left to none."""
    tab.set_content(page_of([film_view(INSTALLING)], is_dark=False))
    shown = (
        "ms => { const one = document.querySelector('.count');"
        " const run = one.getAnimations({subtree: true})[0]; run.pause(); run.currentTime = ms;"
        " return getComputedStyle(one, '::after').getPropertyValue('--bcr-left').trim(); }"
    )
    assert [tab.evaluate(shown, ms) for ms in (0, 16_500, 33_000)] == ["33", "17", "0"]
