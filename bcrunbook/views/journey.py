"""The journey as a map: the steps as stations in lanes by who acts, and the same in one line.

The map is SVG without a script. Its letters are real text of a known size, so it says itself how
wide it has to be, and breaks what is long instead of cutting it off.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from types import MappingProxyType
from typing import Final

from markupsafe import Markup

from bcrunbook.core.step import State
from bcrunbook.steps.journey import Journey, Mark, Station, journey_of
from bcrunbook.views.cells import NOT_STARTED, STATE_WORDS, state_words
from bcrunbook.views.style_files import MAP_ALONE, one_line

WIDTH: Final = 660
"""How wide the map is, in pixels, with letters of 12: what follows is told in the same."""

_NAME: Final = "The way from nothing to customers whose books Codat can read"
_YOU: Final = "you are here"
_LINE: Final = 15
_GAP: Final = 6
_PADDING: Final = 6
_LINES: Final = (3, 1, 3)
"""In how many lines a station says its name, its usual time and how it stands, if it can."""
_MORE_LINES: Final = 4
_FINELY: Final = 2
_WIDEST: Final = 108.0
_HEAD: Final = 19
_CENTRE: Final = 45
_RADIUS: Final = 10
_BELOW: Final = 30
_SIZE: Final = 12
# The widths of letters in a wide sans-serif face, for a size of one; a narrower one has more room.
_WIDTHS: Final = {
    **dict.fromkeys("ijl.,:;'|! ", 0.34),
    **dict.fromkeys("frt()[]-/", 0.44),
    **dict.fromkeys("mwMW@%", 0.98),
}
_CAPITAL: Final = 0.72
_OTHER: Final = 0.61
_BOLD: Final = 1.14
_SIGNS: Final = {
    Mark.PASSED: Markup('<path d="m-4.5 .3 3 3.2 6-6.7"/>'),
    Mark.WAITING: Markup('<path d="M-4-5.5h8M-4 5.5h8M-3-5.5c0 4 6 7 6 11M3-5.5c0 4-6 7-6 11"/>'),
    Mark.FAILED: Markup('<path d="M-3.5-3.5l7 7M3.5-3.5l-7 7"/>'),
}


def station_words(station: Station, unseen: str = NOT_STARTED) -> str:
    """How a station stands, in a few words.

    Args:
        station: the station.
        unseen: what is said of a step of which nothing is known.
    """
    if station.customers is not None:
        if not station.customers:
            return "no customers yet"
        return f"{station.linked} of {station.customers} customers"
    outcome = station.outcome
    if outcome is None:
        return unseen
    if station.mark is Mark.PASSED:
        return STATE_WORDS[State.DONE]
    if station.said_by:
        return f"done, says {station.said_by}: to be looked at"
    if outcome.state is State.NEEDS_PERSON:
        return state_words(outcome)
    return STATE_WORDS[outcome.state]


def journey_line(where: Journey) -> str:
    """Where an account stands, in one line.

    Args:
        where: where it stands.
    """
    if where.retired is not None:
        return where.retired.word
    done = f"{where.passed} of {len(where.stations)} steps done"
    following = where.next
    if where.comes_first or following is None:
        return f"{done}; {where.comes_first} comes first" if where.comes_first else done
    begun = following.outcome is not None or following.customers is not None
    how = f"{station_words(following)}, " if begun else ""
    usual = following.step.description.usual
    return f"{done}; next: {following.number}. {following.step.title} ({how}usually {usual})"


def journey_lines(where: Journey, here: str = "") -> list[str]:
    """The map in lines of text, for who does not see it.

    Args:
        where: where an account stands.
        here: the id of the step at which the reader is; empty for the next one.
    """
    at = _here(where, here)
    lines = [
        f"{'>' if one.step.id == at else ' '} {_named(one)}: {station_words(one)}"
        for one in where.stations
    ]
    return [*lines, f"Next: {where.action}"]


def journey_html(
    where: Journey,
    *,
    here: str = "",
    links: Mapping[str, str] = MappingProxyType({}),
    unseen: str = NOT_STARTED,
    has_next: bool = True,
) -> Markup:
    """The map with what is next below it, for a page that has its style.

    Each station leads where the links say. They lie above the picture, as an SVG that is one
    picture for a screen reader has no links in it.

    Args:
        where: where an account stands.
        here: the id of the step at which the reader is; empty for the next one.
        links: by the steps' ids, where a click on one leads.
        unseen: what is said of a step of which nothing is known.
        has_next: whether what is next is told.
    """
    columns = _columns(
        [_texts(one, unseen) for one in where.stations], where.stations, _here(where, here)
    )
    stops = Markup("").join(
        Markup('<a href="{}" style="left:{:.2f}%;width:{:.2f}%"{}>{}</a>').format(
            links[one.step.id],
            100 * column.left / WIDTH,
            100 * column.width / WIDTH,
            Markup(' aria-current="page"') if one.step.id == here else "",
            Markup("<span>{}: {}</span>").format(_named(one), station_words(one, unseen)),
        )
        for one, column in zip(where.stations, columns, strict=True)
        if one.step.id in links
    )
    following = Markup()
    if has_next:
        name = f"{_named(where.next)}: " if where.next and not where.comes_first else ""
        following = Markup('<p class="after"><b>Next:</b> {}{}</p>').format(name, where.action)
    return Markup(
        '<div class="journey"><div class="roll"><div class="map">{}{}</div></div>{}</div>'
    ).format(journey_svg(where, here=here, unseen=unseen), stops, following)


def journey_picture(here: str = "") -> str:
    """The way itself, without anybody on it: an SVG file of its own, legible on any ground.

    Args:
        here: the id of the step that is marked as the reader's; empty for none.
    """
    nobody = journey_of("", "", (), ())
    return str(_svg(nobody, here, None, ringed=_YOU, is_alone=True))


def journey_svg(where: Journey, *, here: str = "", unseen: str = NOT_STARTED) -> Markup:
    """The map alone, for a page that has its style.

    Args:
        where: where an account stands.
        here: the id of the step at which the reader is; empty for the next one.
        unseen: what is said of a step of which nothing is known.
    """
    ringed = _YOU if here else "next"
    return _svg(where, _here(where, here), unseen, ringed=ringed, is_alone=False)


@dataclass(frozen=True)
class _Column:
    """The room of one station: from where, and how wide."""

    left: float
    width: float

    @property
    def centre(self) -> float:
        return self.left + self.width / 2


def _here(where: Journey, here: str) -> str:
    return here or (where.next.step.id if where.next is not None else "")


def _named(station: Station) -> str:
    return f"{station.number}. {station.step.title}"


def _texts(station: Station, unseen: str | None) -> list[str]:
    """What stands below a station, as far as it is told: name, usual time, how it stands."""
    told = [_named(station), station.step.description.usual]
    return told if unseen is None else [*told, station_words(station, unseen)]


def _svg(where: Journey, here: str, unseen: str | None, *, ringed: str, is_alone: bool) -> Markup:
    """The map; without `unseen`, of the way alone."""
    stations = where.stations
    texts = [_texts(one, unseen) for one in stations]
    columns = _columns(texts, stations, here)
    broken = [
        [
            _broken(text, column.width, scale)
            for text, scale in zip(told, _scales(one, here), strict=False)
        ]
        for one, told, column in zip(stations, texts, columns, strict=True)
    ]
    lanes = _lanes(stations, columns)
    line = _CENTRE + _LINE * (max(len(one.heading) for one in lanes) - 1)
    rows = [max(len(told[row]) for told in broken) for row in range(len(broken[0]))]
    height = line + _BELOW + _LINE * sum(rows) + 3 * (len(rows) - 1) - 2
    told = [
        f"{_named(one)} ({one.step.description.lane.value}, usually {one.step.description.usual})"
        + ("" if unseen is None else f": {station_words(one, unseen)}")
        + (f", {ringed}" if one.step.id == here else "")
        for one in stations
    ]
    parts = [
        Markup(
            '<svg class="journey-map" xmlns="http://www.w3.org/2000/svg" role="img"'
            ' viewBox="0 0 {0} {1}" width="{0}" height="{1}"><title>{2}</title><desc>{3}.</desc>'
        ).format(WIDTH, height, _NAME, "; ".join(told))
    ]
    if is_alone:
        parts.append(Markup("<style>{}</style>").format(one_line(MAP_ALONE)))
        parts.append(Markup('<rect class="ground" width="{}" height="{}"/>').format(WIDTH, height))
    parts += [_drawn(one, height) for one in lanes]
    parts.append(
        Markup('<path class="track" d="M{:.0f} {}H{:.0f}"/>').format(
            columns[0].centre, line, columns[-1].centre
        )
    )
    for one, column, lines in zip(stations, columns, broken, strict=True):
        parts.append(_stop(one, (column.centre, line), one.step.id == here, is_bare=unseen is None))
        parts += _below(one, (column.centre, line + _BELOW), lines, rows, one.step.id == here)
    return Markup("").join([*parts, Markup("</svg>")])


@dataclass(frozen=True)
class _Lane:
    """The room of those who act: from where, how wide, and what stands above it."""

    left: float
    width: float
    heading: list[str]


def _lanes(stations: Sequence[Station], columns: Sequence[_Column]) -> list[_Lane]:
    lanes = []
    both = zip(stations, columns, strict=True)
    for lane, members in groupby(both, key=lambda pair: pair[0].step.description.lane):
        rooms = [column for _, column in members]
        left, right = rooms[0].left, rooms[-1].left + rooms[-1].width
        lanes.append(_Lane(left, right - left, _broken(lane.value, right - left, _BOLD)))
    return lanes


def _drawn(lane: _Lane, height: int) -> Markup:
    """A band from top to bottom."""
    return Markup('<rect class="lane" x="{:.1f}" width="{:.1f}" height="{}" rx="5"/>{}').format(
        lane.left,
        lane.width,
        height,
        _text("lane-name", lane.left + lane.width / 2, _HEAD, lane.heading),
    )


def _text(kind: str, centre: float, top: int, lines: Sequence[str]) -> Markup:
    spans = Markup(" ").join(
        Markup('<tspan x="{:.1f}" y="{}">{}</tspan>').format(centre, top + _LINE * number, line)
        for number, line in enumerate(lines)
    )
    return Markup('<text class="{}">{}</text>').format(kind, spans)


def _stop(station: Station, at: tuple[float, int], is_here: bool, *, is_bare: bool) -> Markup:
    """The station's circle with its sign, and a ring around it where the reader is."""
    sign = _SIGNS.get(station.mark, Markup())
    ring = Markup('<circle class="ring" r="{}"/>').format(_RADIUS + 4) if is_here else ""
    return Markup(
        '<g class="stop {}" transform="translate({:.1f} {})">{}<circle r="{}"/>{}</g>'
    ).format("bare" if is_bare else station.mark.value, *at, ring, _RADIUS, sign)


def _below(
    station: Station,
    at: tuple[float, int],
    lines: Sequence[Sequence[str]],
    rows: Sequence[int],
    is_here: bool,
) -> list[Markup]:
    """The station's name, its usual time and how it stands, each from the same height on."""
    kinds = ("name here" if is_here else "name", "usual", f"words {station.mark.value}")
    parts = []
    centre, top = at
    for kind, told, room in zip(kinds, lines, rows, strict=False):
        parts.append(_text(kind, centre, top, told))
        top += _LINE * room + 3
    return parts


def _columns(
    texts: Sequence[Sequence[str]], stations: Sequence[Station], here: str
) -> list[_Column]:
    """Room for each station: enough for what stands below it, and what is left is shared."""
    lanes = [
        (lane, [number for number, _ in members])
        for lane, members in groupby(
            enumerate(stations), key=lambda pair: pair[1].step.description.lane
        )
    ]
    room = WIDTH - (len(lanes) - 1) * _GAP
    scales = [_scales(one, here) for one in stations]
    for more in range(_MORE_LINES):
        widths = [
            _wanted(told, scale, [lines + more for lines in _LINES])
            for told, scale in zip(texts, scales, strict=True)
        ]
        for lane, members in lanes:
            longest = max(_length(word, _BOLD) for word in lane.value.split())
            lacking = longest + _PADDING - sum(widths[one] for one in members)
            for one in members:
                widths[one] += max(0.0, lacking) / len(members)
        if sum(widths) <= room:
            break
    spare = (room - sum(widths)) / len(stations)
    columns: list[_Column] = []
    left = 0.0
    for _, members in lanes:
        for one in members:
            columns.append(_Column(left, widths[one] + spare))
            left += widths[one] + spare
        left += _GAP
    return columns


def _scales(station: Station, here: str) -> tuple[float, float, float]:
    """How wide the letters of each of a station's texts are: the name of the reader's is bold."""
    return _BOLD if station.step.id == here else 1.0, 1.0, 1.0


def _wanted(told: Sequence[str], scales: Sequence[float], most: Sequence[int]) -> float:
    """How wide a station is to be, so that it says what it says in a few lines.

    Args:
        told: the texts below it.
        scales: how wide the letters of each are.
        most: in how many lines each is to be said, if it can.
    """
    texts = list(zip(told, scales, most, strict=False))
    words = ((word, scale) for text, scale, _ in texts for word in text.split())
    width = min(_WIDEST, _PADDING + max(_length(word, scale) for word, scale in words))
    while width < _WIDEST and any(
        len(_broken(text, width, scale)) > lines for text, scale, lines in texts
    ):
        width += _FINELY
    return width


def _broken(text: str, width: float, scale: float) -> list[str]:
    """A text in lines that fit, broken between words, and within one that does not fit alone."""
    room = width - _PADDING
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if _length(longer, scale) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        line = ""
        for letter in word:
            if line and _length(line + letter, scale) > room:
                lines.append(line)
                line = ""
            line += letter
    return [*lines, line] if line else lines or [""]


def _length(text: str, scale: float = 1.0) -> float:
    """About how wide a text is, at most."""
    return sum(map(_letter, text)) * _SIZE * scale


@cache
def _letter(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    return _WIDTHS.get(letter, _CAPITAL if letter.isupper() else _OTHER)
