"""A watch as a plain picture: one mark for each look, on a line of minutes. SVG and text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from markupsafe import Markup, escape

from bcrunbook.core.step import Sighting

_WIDTH: Final = 720.0
_LEFT: Final = 16.0
_RIGHT: Final = 16.0
_LINE: Final = 40.0
_TONES: Final = {"good": "ok", "moving": "note", "trouble": "differs"}


def timeline_text(sightings: Sequence[Sighting]) -> str:
    """The looks in words: one line for each stretch of the same state."""
    lines = ["Timeline (minutes since the watch began):"]
    for label, run in groupby(sightings, key=lambda one: one.label):
        stretch = list(run)
        looks = "1 look" if len(stretch) == 1 else f"{len(stretch)} looks"
        hiccups = sum(one.hiccups for one in stretch)
        passing = f", {hiccups} passing errors" if hiccups else ""
        lines.append(f"  {stretch[0].clock} to {stretch[-1].clock}  {label} ({looks}{passing})")
    return "\n".join(lines)


def timeline_svg(sightings: Sequence[Sighting]) -> Markup:
    """The looks as marks on a line, with a tick for every five minutes.

    It has no script, and no style sheet beyond the notebook's classes.
    """
    longest = max(20.0, *(one.seconds / 60 for one in sightings))
    scale = (_WIDTH - _LEFT - _RIGHT) / longest

    def x(minutes: float) -> float:
        return round(_LEFT + minutes * scale, 1)

    parts = [
        Markup(
            '<svg class="timeline" role="img" viewBox="0 0 {} 74" width="100%"'
            ' style="max-width:{}px" xmlns="http://www.w3.org/2000/svg"><title>{}</title>'
        ).format(int(_WIDTH), int(_WIDTH), timeline_text(sightings)),
        Markup('<rect class="expected" x="{}" y="24" width="{}" height="32"/>').format(
            x(10), round(10 * scale, 1)
        ),
        Markup('<line class="axis" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
            x(0), _LINE, x(longest), _LINE
        ),
    ]
    for minute in range(0, int(longest) + 1, 5):
        parts.append(
            Markup('<text x="{}" y="70" text-anchor="middle">{}</text>').format(x(minute), minute)
        )
    for one in sightings:
        tone = _TONES[one.tone]
        size = 5 if not one.hiccups else 3.5
        parts.append(
            Markup('<circle class="{}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
                tone, x(one.seconds / 60), _LINE, size, f"{one.clock} {one.label}"
            )
        )
    parts.append(Markup('<text x="{}" y="16">{}</text>').format(x(0), escape(_caption(sightings))))
    parts.append(Markup("</svg>"))
    return Markup("").join(parts)


def _caption(sightings: Sequence[Sighting]) -> str:
    last = sightings[-1]
    return f"{len(sightings)} looks in {last.clock}; last: {last.label}. Shaded: as expected."
