"""The life of a client secret: a bar from the day it was made to its end, with today's mark.

SVG without a script. Places across are told in per cent and everything else in pixels, so that it
fills whatever room there is while its letters keep their size. Colours repeat what words say.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from bcrunbook.steps.client_secret.life import Level, SecretLife, day
from bcrunbook.views.cells import Tone, View

_HEIGHT: Final = 62
_TOP: Final = 22
_THICK: Final = 12
_MARGIN: Final = 1.0
"""Per cent of the width that stay free at either end."""
_GONE: Final = 0.3
"""How opaque what has passed is."""
_COLOURS: Final = {Level.FINE: "ok", Level.WARN: "waiting", Level.URGENT: "differs"}
_LETTERS: Final = 24
_SIGNS: Final = {Level.FINE: "=", Level.WARN: "~", Level.URGENT: "!", Level.OVER: "!"}
_TONES: Final[dict[Level, Tone]] = {
    Level.FINE: "good",
    Level.WARN: "amber",
    Level.URGENT: "bad",
    Level.OVER: "bad",
}
_ADVICE: Final = {
    Level.FINE: "",
    Level.WARN: "Plan the next one.",
    Level.URGENT: "Make the next one now.",
    Level.OVER: "Codat reads nothing until a new one is made and saved in its portal.",
}


def secret_line(life: SecretLife, now: datetime) -> str:
    """The secret's life in a line of a terminal: a bar with today's mark, and what is left.

    Args:
        life: the secret's life.
        now: the time now.
    """
    words = f"{life.words(now)}. {_ADVICE[life.level(now)]}".removesuffix(". ")
    return f"{_bar(life, now)} {words}"


def secret_life_view(life: SecretLife, now: datetime, calendar: str = "", kept: str = "") -> View:
    """The secret's life as a picture, in words, and to be put into a calendar.

    Args:
        life: the secret's life.
        now: the time now.
        calendar: the text of a file for calendars; empty where none is offered.
        kept: where in the workspace that file is; empty where it is not.
    """
    level, words = life.level(now), life.words(now)
    advice = _ADVICE[level]
    lines = [f"Client secret: {secret_line(life, now)}"]
    parts = [
        Markup("<p><b>Client secret: {}</b>{}</p>").format(
            f"{words}.", f" {advice}" if advice else ""
        ),
        secret_bar(life, now),
    ]
    if level is not Level.OVER:
        lines.append(f"  {_zones(life)}")
        parts.append(Markup('<p class="soft">{}</p>').format(_zones(life)))
    if calendar and level is not Level.OVER:
        if kept:
            lines.append(f"  To be reminded: put {kept} in the workspace into your calendar.")
        parts.append(_reminder(calendar, kept))
    html = Markup('<div class="bcr"><div class="box {}">{}</div></div>').format(
        _TONES[level], Markup("\n").join(parts)
    )
    return View("\n".join(lines), html)


def secret_bar(life: SecretLife, now: datetime) -> Markup:
    """The bar alone.

    Args:
        life: the secret's life.
        now: the time now.
    """
    told = f"Client secret: {life.words(now)}. Made {day(life.made)}. {_zones(life)}"
    parts = [
        Markup(
            '<svg class="timeline life" role="img" aria-label="{}" width="100%" height="{}"'
            ' xmlns="http://www.w3.org/2000/svg">'
        ).format(told, _HEIGHT)
    ]
    today = life.passed(now)
    levels = (Level.FINE, Level.WARN, Level.URGENT)
    borders = [*(life.passed(life.begins(level)) for level in levels), 1.0]
    for level, (begins, ends) in zip(levels, pairwise(borders), strict=True):
        parts += _zone(level, begins, min(ends, today), _GONE)
        parts += _zone(level, max(begins, today), ends, 1.0)
    anchor = "start" if today < 0.15 else "end" if today > 0.85 else "middle"
    parts += [
        Markup(
            '<line class="today" x1="{0}" y1="{1}" x2="{0}" y2="{2}" stroke="currentColor"'
            ' stroke-width="2"/>'
        ).format(_x(today), _TOP - 4, _TOP + _THICK + 4),
        Markup(
            '<text class="now" x="{}" y="13" text-anchor="{}"'
            ' style="fill:currentColor;font-weight:600">today, {}</text>'
        ).format(_x(today), anchor, _short(now)),
        _date(_x(0), "start", f"made {_short(life.made)}"),
        _date(_x(1), "end", f"ends {_short(life.ends)}, {life.ends.astimezone(UTC):%H:%M} UTC"),
    ]
    return Markup("").join([*parts, Markup("</svg>")])


def _zone(level: Level, begins: float, ends: float, opacity: float) -> Iterator[Markup]:
    """A part of the bar, if it has any length."""
    if ends > begins:
        yield Markup(
            '<rect class="{}" x="{}" y="{}" width="{:.2f}%" height="{}" fill-opacity="{}"/>'
        ).format(
            _COLOURS[level],
            _x(begins),
            _TOP,
            (100 - 2 * _MARGIN) * (ends - begins),
            _THICK,
            opacity,
        )


def _x(part: float) -> str:
    return f"{_MARGIN + (100 - 2 * _MARGIN) * part:.2f}%"


def _date(x: str, anchor: str, text: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        x, _TOP + _THICK + 20, anchor, text
    )


def _short(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y}"


def _zones(life: SecretLife) -> str:
    """What the colours mean, with the days."""
    warn, urgent = (day(life.begins(level)) for level in (Level.WARN, Level.URGENT))
    return (
        f"From {warn} on the check asks for the next one, from {urgent} on urgently. When it ends,"
        " Codat stops reading data."
    )


def _bar(life: SecretLife, now: datetime) -> str:
    """The bar in letters: `=` while all is well, `~` and `!` where it is not, `|` for today."""
    # A letter has the colour of the last moment that it stands for.
    ends = (life.made + life.whole * (place / _LETTERS) for place in range(1, _LETTERS + 1))
    drawn = [_SIGNS[life.level(end)] for end in ends]
    drawn.insert(round(life.passed(now) * _LETTERS), "|")
    return f"[{''.join(drawn)}]"


def _reminder(calendar: str, kept: str) -> Markup:
    data = base64.b64encode(calendar.encode("utf-8")).decode("ascii")
    also = Markup(' It is also in the workspace: <code class="chip">{}</code>').format(kept)
    return Markup(
        '<p><a download="client-secret.ics" href="data:text/calendar;charset=utf-8;base64,{}">Add'
        " both days to your calendar</a> (a file, which holds no secret).{}</p>"
    ).format(data, also if kept else "")
