"""The closing card and the secret's bar: what they say, and that nothing of it is cut off."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest

from bcrunbook.steps.closing import Helper
from bcrunbook.views.cells import View
from bcrunbook.views.closing import NextThing, closing_line, closing_view
from bcrunbook.views.secret_life import secret_life_view, secret_line
from bcrunbook.views.span import span
from tests.support.browser import chromium, tab
from tests.views.closing_samples import (
    DAY,
    EMPTY,
    FOLLOWING,
    FULL,
    LINE,
    LIVES,
    NOW,
    account,
    secrets_and_closings,
)
from tests.views.test_in_a_browser import page_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["chromium", "tab"]

HOSTILE = '<img src=x onerror="alert(1)">{{ 7*7 }} & \x1b[31m\u202e'


def read(view: View) -> str:
    """The HTML as text, each run of blanks as one."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", view.shown_html)).split())


@pytest.mark.parametrize("at", ["text", "html"])
def test_the_card_tells_all_that_is_known(at: str) -> None:
    """What was made, who helped, how long, since when, and lines to copy."""
    view = closing_view(FULL, "Millrace Software (trial)", FOLLOWING)
    said = read(view) if at == "html" else view.text
    for part in (
        "Millrace Software (trial) is set up, and everything stands.",
        "7 changes in 2 services: 5 in Microsoft Entra, 2 in Codat",
        FULL.client_id,
        "7: Northwind, Brackenfield Bakery, Joinery & Sons, Four, Five and 2 more",
        'lee.osei@millrace.example, "I have saved these keys in the Codat Portal"',
        "1 day 2 h from the first look on: 9 min 12 s with a step open, 1 day 1 h of waiting",
        "since 29 November 2026, 14:05 UTC",
        "bcrunbook plan production --workspace /srv/books",
        LINE,
    ):
        assert part in said


def test_the_same_in_a_line() -> None:
    """For the end of a run; what is not known is left out."""
    assert closing_line(FULL) == (
        "trial is set up: 7 changes in 2 services: 5 in Microsoft Entra, 2 in Codat;"
        " lee.osei@millrace.example and Ada Lovelace helped; 1 day 2 h from the first look on."
    )
    assert closing_line(EMPTY) == "trial is set up."


def test_what_is_not_known_is_left_out() -> None:
    """A ledger that knows of nothing gives a card without times and names."""
    said = read(closing_view(EMPTY, "Contoso (trial)", ()))
    assert "Customers linked none yet" in said
    for word in ("How long", "Who helped", "Made", "Client ID", "Data in Codat", "None"):
        assert word not in said


def test_a_rehearsal_is_told_as_one() -> None:
    """Nobody takes it for the real thing."""
    rehearsed = replace(EMPTY, account=account(cloud="rehearsal"))
    assert "in this rehearsal" in closing_view(rehearsed, "Contoso (trial)", ()).text
    assert "rehearsal" not in closing_view(EMPTY, "Contoso (trial)", ()).text


def test_hostile_names_stay_text() -> None:
    """Whatever people and services call things, it is no markup and steers no terminal."""
    named = replace(
        FULL, customers=(HOSTILE,), helpers=(Helper(HOSTILE, HOSTILE, NOW),), client_id=HOSTILE
    )
    following = (NextThing(HOSTILE, HOSTILE, (HOSTILE, f"../{HOSTILE}")),)
    view = closing_view(named, HOSTILE, following)
    assert "<img" not in view.shown_html and view.shown_html.count("&lt;img") == 9
    kept = secret_life_view(LIVES[0], NOW, "BEGIN", HOSTILE)
    assert "<img" not in kept.shown_html
    for one in (view, kept):
        shown = one._repr_mimebundle_()
        assert not re.search("[\x1b\u202e]", f"{shown['text/plain']}{shown['text/html']}{one}")


@pytest.mark.parametrize(
    ("passed", "says"),
    [
        (timedelta(), "0 s"),
        (timedelta(seconds=59.6), "1 min"),
        (timedelta(minutes=4, seconds=3), "4 min 3 s"),
        (timedelta(hours=1, seconds=3), "1 h"),
        (timedelta(days=2, hours=3, minutes=9), "2 days 3 h"),
    ],
)
def test_a_span_has_its_two_largest_units(passed: timedelta, says: str) -> None:
    """As one says it."""
    assert span(passed) == says


@pytest.mark.parametrize(
    ("index", "line"),
    [
        (0, "[|===============~~~~~~!!!] 90 of 90 days left, ends 27 February 2027"),
        (2, "[============|===~~~~~~!!!] 45 of 90 days left, ends 13 January 2027"),
        (3, "[===============~|~~~~~!!!] 30 of 90 days left, ends 29 December 2026. Plan the next"),
        (4, "[===============~~~~~~!|!!] 7 of 90 days left, ends 6 December 2026. Make the next"),
        (5, "[===============~~~~~~!!!|] ended on 29 November 2026, today. Codat reads nothing"),
    ],
)
def test_the_bar_in_letters(index: int, line: str) -> None:
    """Today's mark in the part of its level, and what is left in words."""
    assert secret_line(LIVES[index], NOW).startswith(line)


def test_the_picture_says_its_words_to_who_does_not_see_it() -> None:
    """With a role and a label; an end that is past offers no calendar."""
    view = secret_life_view(LIVES[1], NOW, "BEGIN:VCALENDAR", "calendar/trial.ics")
    assert 'role="img" aria-label="Client secret: 89 of 90 days left, ends 26 Feb' in view.html
    assert "calendar/trial.ics" in view.text and "data:text/calendar" in view.html
    assert "data:" not in secret_life_view(LIVES[5], NOW, "BEGIN:VCALENDAR").html


def test_todays_mark_is_between_the_ends() -> None:
    """Also where a clock is far off."""
    for now in (NOW - 400 * DAY, NOW, NOW + 400 * DAY):
        for life in LIVES:
            (x,) = re.findall(r'class="today" x1="([\d.]+)%"', secret_life_view(life, now).html)
            assert 1.0 <= float(x) <= 99.0


OUTSIDE = """[...document.querySelectorAll('.life')].flatMap(svg =>
    [...svg.querySelectorAll('text, rect, line')].filter(one => {
        const room = svg.getBoundingClientRect(), box = one.getBoundingClientRect();
        return box.left < room.left - 1 || box.right > room.right + 1 || box.bottom > room.bottom;
    })).length"""
OVERLAPS = """[...document.querySelectorAll('.life')].filter(svg => {
    const [made, ends] = [...svg.querySelectorAll('text:not(.now)')]
        .map(one => one.getBoundingClientRect());
    return made.right > ends.left;
}).length"""


@pytest.mark.parametrize("width", [420, 900, 1280])
def test_nothing_is_cut_off(tab: Page, width: int) -> None:
    """All letters are within the picture, none over another, and the page is not wider."""
    tab.set_viewport_size({"width": width, "height": 900})
    tab.set_content(page_of(secrets_and_closings(), is_dark=False))
    assert tab.evaluate(OUTSIDE) == 0
    assert tab.evaluate(OVERLAPS) == 0
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
