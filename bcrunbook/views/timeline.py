"""A watch after it is over: what was seen when, in words and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from markupsafe import Markup

from bcrunbook.core.step import Sighting
from bcrunbook.views.band import band_svg

_EXPECTED: Final = (600.0, 1200.0)
"""After how many seconds an installation is usually over (contract C11.7). A stored outcome does
not tell; a film does."""


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
    """The looks on a band of minutes, with what its marks mean.

    It has no script, and no style sheet beyond the notebook's classes.
    """
    last = sightings[-1]
    looks = "1 look" if len(sightings) == 1 else f"{len(sightings)} looks"
    caption = f"{looks} in {last.clock} min; last: {last.label}."
    return Markup('<p class="soft">{}</p>{}{}').format(
        f"{caption[0].upper()}{caption[1:]}",
        band_svg(sightings, _EXPECTED, timeline_text(sightings)),
        legend(sightings),
    )


def legend(sightings: Sequence[Sighting], *, has_next: bool = False) -> Markup:
    """What the marks of these looks mean, as far as they are not all plain dots.

    Args:
        sightings: the looks.
        has_next: whether the next look is drawn as well.
    """
    known = ["Each dot is a look."]
    if any(one.hiccups for one in sightings):
        known.append("A hollow one met an error that passes by itself, as expected.")
    if any(one.tone == "good" for one in sightings):
        known.append("A large one has seen what is waited for.")
    if any(one.tone == "trouble" for one in sightings):
        known.append("A square one has seen something wrong.")
    if has_next:
        known.append("The dashed one is the next.")
    return Markup('<p class="soft">{}</p>').format(" ".join(known))
