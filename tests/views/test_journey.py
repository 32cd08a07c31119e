"""The map of the journey: what it says, and that it is the same everywhere."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bcrunbook.order import CODAT_KEYS, LINK_CUSTOMER, ORDER
from bcrunbook.steps import STEPS, notebook_of
from bcrunbook.steps.description import Lane
from bcrunbook.steps.journey import Journey, journey_of
from bcrunbook.views.journey import (
    journey_html,
    journey_line,
    journey_lines,
    journey_picture,
    journey_svg,
)
from tests.tools import journey_picture as tool
from tests.views.journey_samples import (
    A_PERSONS_TURN,
    ALL_DONE,
    EVERY_JOURNEY,
    FRESH,
    PARTLY_LINKED,
    before,
    handed_to,
)

ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"
EVIL = "<script>alert(1)</script>\"'&</svg>"


def drawn(svg: str) -> tuple[str, list[str]]:
    """What a picture says to who does not see it, and the texts that stand in it."""
    root = ElementTree.fromstring(svg)
    about = root.find(f"{SVG}desc")
    assert root.get("role") == "img" and root.find(f"{SVG}title") is not None
    assert about is not None and about.text
    texts = [" ".join("".join(one.itertext()).split()) for one in root.iter(f"{SVG}text")]
    return about.text, texts


@pytest.mark.parametrize("where", EVERY_JOURNEY)
def test_map_and_words_say_the_same(where: Journey) -> None:
    """Each step with who acts, its usual minutes and how it stands."""
    about, texts = drawn(str(journey_svg(where)))
    lines = journey_lines(where)
    assert [one for one in texts if one in list(Lane)] == list(Lane)
    for number, (station, line) in enumerate(zip(where.stations, lines, strict=False)):
        name = f"{number}. {station.step.title}"
        assert name in texts and name in about and name in line
        assert station.step.description.usual in texts
        words = line.partition(": ")[2]
        assert words in texts and f": {words}" in about
    assert lines[-1] == f"Next: {where.action}"
    assert where.action in str(journey_html(where).unescape())


def test_what_each_station_says() -> None:
    """A person by the role, customers by their number, and what has passed as done."""
    about = drawn(str(journey_svg(A_PERSONS_TURN)))[0]
    assert "waiting for a Developer or Administrator, next" in about
    assert about.count(": done") == ORDER.index(CODAT_KEYS)
    assert "1 of 3 customers" in drawn(str(journey_svg(PARTLY_LINKED)))[1]
    assert "no customers yet" in drawn(str(journey_svg(FRESH)))[1]
    assert "you are here" in drawn(str(journey_svg(FRESH, here=LINK_CUSTOMER)))[0]


def test_one_line_says_how_far_it_is_and_what_is_next() -> None:
    """In plain text: for a terminal, a button and a screen reader."""
    total, keys = len(STEPS), ORDER.index(CODAT_KEYS)
    assert journey_line(FRESH) == f"0 of {total} steps done; next: 0. Start here (usually 1 min)"
    assert journey_line(A_PERSONS_TURN) == (
        f"{keys} of {total} steps done; next: {keys}. Put the keys into the Codat Portal"
        " (waiting for a Developer or Administrator, usually 5 min)"
    )
    assert journey_line(ALL_DONE) == f"{total} of {total} steps done"
    blocked = journey_of("live", "live", (), (), comes_first="trial")
    assert journey_line(blocked) == f"0 of {total} steps done; trial comes first"
    assert all("\n" not in journey_line(one) for one in EVERY_JOURNEY)


def test_hostile_names_are_text() -> None:
    """Whoever is waited for, and whoever says that it is done."""
    asked = handed_to(EVIL)
    for row in (asked, replace(asked, said_by=EVIL)):
        where = journey_of("trial", "live", (), [*before(CODAT_KEYS), row])
        html = str(journey_html(where, links={CODAT_KEYS: EVIL}))
        ElementTree.fromstring(html)
        assert "<script" not in html and html.count("</svg>") == 1
        # However long it is: it is broken, and all of it is there.
        texts = "".join(drawn(str(journey_svg(where)))[1]).replace(" ", "")
        assert EVIL.replace(" ", "") in texts


def test_only_what_has_a_link_is_one() -> None:
    """They lie beside the picture: within it a screen reader would find none."""
    html = str(journey_html(FRESH, here=CODAT_KEYS, links={CODAT_KEYS: "keys.ipynb"}))
    assert re.findall(r'<a href="([^"]+)"[^>]* (aria-current="page")', html) == [
        ("keys.ipynb", 'aria-current="page"')
    ]
    assert html.index("</svg>") < html.index("<a href") and html.count("<a ") == 1


def test_the_pictures_are_up_to_date() -> None:
    """The README's, and in each notebook one that marks its own step."""
    renew = "uv run python -m tests.tools.journey_picture"
    assert (ROOT / tool.PICTURE).read_text("utf-8") == f"{journey_picture()}\n", renew
    assert tool.PICTURE.as_posix() in (ROOT / "README.md").read_text("utf-8")
    for step in STEPS:
        notebook = (ROOT / "notebooks" / notebook_of(step)).read_text("utf-8")
        assert tool.with_picture(notebook, step.id) == notebook, renew
        head = "".join(json.loads(notebook)["cells"][0]["source"])
        (data,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', head)
        about, _ = drawn(base64.b64decode(data).decode())
        (mine,) = (one for one in about.rstrip(".").split("; ") if one.endswith("you are here"))
        assert mine.startswith(f"{ORDER.index(step.id)}. ")


def test_the_picture_tells_of_nobody() -> None:
    """It is of the way alone, with the colours of both themes, and loads nothing."""
    picture = journey_picture()
    about, texts = drawn(picture)
    assert "not started" not in picture and "you are here" not in about
    assert "prefers-color-scheme:dark" in picture
    assert re.findall(r"https?://[^\"]+", picture) == ["http://www.w3.org/2000/svg"]
    assert len(picture) < 8_000 and len(texts) == len(Lane) + 2 * len(STEPS)
