"""A film of an installation at its usual moments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Literal

from bcrunbook.core.step import Film, FilmStage, PassingError, Sighting

_NAMES: Final = ("Linked", "Installing", "Seen once", "Confirmed", "Data readable")
_State = Literal["reached", "now", "ahead", "unseen"]


def stages(*states: _State) -> tuple[FilmStage, ...]:
    """The parts of an installation, each in its state."""
    return tuple(FilmStage(name, state) for name, state in zip(_NAMES, states, strict=True))


_LOOKS: Final = tuple(
    Sighting(number * 34.5, "installing", "moving", hiccups=int(number in (4, 5)))
    for number in range(13)
)
INSTALLING: Final = Film(
    what="App Link for Millrace Software",
    sightings=_LOOKS,
    stages=stages("reached", "now", "ahead", "ahead", "ahead"),
    is_news=False,
    because="deployment reads InProgress",
    passing=(PassingError("extension: BadRequest_NotFound", 2),),
    elapsed=415.0,
    expected=(600.0, 1200.0),
    longest=2700.0,
    next_look=33.0,
    speed=1.0,
    at=datetime(2026, 11, 24, 16, 42, tzinfo=UTC),
)
"""6:55 after its beginning."""
SEEN: Final = replace(
    INSTALLING,
    sightings=(*_LOOKS, Sighting(1240.0, "seen installed, to be confirmed", "good")),
    stages=stages("reached", "reached", "now", "ahead", "reached"),
    is_news=True,
    because="1.4.27.0 is there, seen once",
    elapsed=1240.0,
)
"""Later than usual."""
UNREADABLE: Final = replace(
    INSTALLING, stages=stages("reached", "now", "unseen", "unseen", "ahead"), passing=(), speed=60.0
)
"""In a rehearsal, where the extension's rows may not be read."""
UNCONFIRMED: Final = replace(
    INSTALLING,
    sightings=(*_LOOKS, Sighting(2712.0, "unconfirmed", "trouble")),
    elapsed=2712.0,
    next_look=None,
)
"""The time is over."""
