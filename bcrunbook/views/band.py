"""Looks on a band of minutes: the one drawing of a watch, while it goes on and afterwards.

SVG without a script. Places across are told in per cent and everything else in pixels, so that it
fills whatever room there is while its letters keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from bcrunbook.core.step import Sighting, clock

_HEIGHT: Final = 84
_LINE: Final = 48
_MARKS: Final = 35
_MARGIN: Final = 2.0
"""Per cent of the width that stay free at either end."""
_TICK: Final = 5
"""Minutes from one tick to the next."""
_TONES: Final = {"good": "ok", "moving": "note", "trouble": "differs"}


def band_svg(
    sightings: Sequence[Sighting],
    expected: tuple[float, float],
    label: str,
    next_look: float | None = None,
) -> Markup:
    """A mark for each look on a line of minutes, with the time shaded at which it is usually over.

    A small dot is a look, a hollow one a look that met an error which passes by itself, a large one
    has seen what is waited for, and a square something wrong.

    Args:
        sightings: the looks, oldest first; at least one.
        expected: after how many seconds it is usually over, from and to.
        label: what it shows, for who does not see it.
        next_look: when it is looked at again, in seconds since it began; None for never.
    """
    latest = max(expected[1], next_look or 0.0, *(one.seconds for one in sightings)) / 60
    longest = math.ceil(latest / _TICK) * _TICK

    def x(seconds: float) -> str:
        return f"{_MARGIN + (100 - 2 * _MARGIN) * seconds / 60 / longest:.2f}%"

    from_, to = expected
    width = (100 - 2 * _MARGIN) * (to - from_) / 60 / longest
    parts = [
        Markup(
            '<svg class="timeline" role="img" aria-label="{}" width="100%" height="{}"'
            ' xmlns="http://www.w3.org/2000/svg">'
        ).format(label, _HEIGHT),
        Markup('<rect class="expected" x="{}" y="1" width="{:.2f}%" height="{}"/>').format(
            x(from_), width, _LINE - 1
        ),
        Markup('<text x="{}" y="16" text-anchor="middle">usually over here</text>').format(
            x((from_ + to) / 2)
        ),
        Markup('<line class="axis" x1="{0}" y1="{2}" x2="{1}" y2="{2}"/>').format(
            x(0), x(longest * 60), _LINE
        ),
        *(_tick(minute, longest, x(minute * 60)) for minute in range(0, longest + 1, _TICK)),
        *(_mark(one, x(one.seconds)) for one in sightings),
    ]
    if next_look is not None:
        parts.append(
            Markup(
                '<circle class="next" cx="{}" cy="{}" r="4"><title>the next look, {}</title>'
                "</circle>"
            ).format(x(next_look), _MARKS, clock(next_look))
        )
    return Markup("").join([*parts, Markup("</svg>")])


def _tick(minute: int, longest: int, x: str) -> Markup:
    anchor = "start" if not minute else "end" if minute == longest else "middle"
    return Markup(
        '<line class="axis" x1="{0}" y1="{1}" x2="{0}" y2="{2}"/>'
        '<text x="{0}" y="{3}" text-anchor="{4}">{5} min</text>'
    ).format(x, _LINE, _LINE + 6, _LINE + 22, anchor, minute)


def _mark(one: Sighting, x: str) -> Markup:
    told = f"{one.clock} {one.label}"
    if one.hiccups:
        errors = "1 error that passes" if one.hiccups == 1 else f"{one.hiccups} errors that pass"
        told += f"; {errors}, expected while installing"
    tone = f"{_TONES[one.tone]}{' passing' if one.hiccups else ''}"
    if one.tone == "trouble":
        return Markup(
            '<rect class="{}" x="{}" y="{}" width="9" height="9" transform="translate(-4.5 0)">'
            "<title>{}</title></rect>"
        ).format(tone, x, _MARKS - 4.5, told)
    return Markup('<circle class="{}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
        tone, x, _MARKS, 6 if one.tone == "good" else 4, told
    )
