"""What is followed, as it happens: how far it is, on a band of minutes, and when it probably ends.

It is drawn anew at each look. Only the news of a part that was reached is for a screen reader to
say by itself: looks come every half minute.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from markupsafe import Markup

from bcrunbook.core.step import Film, FilmStage, clock
from bcrunbook.views.band import band_svg
from bcrunbook.views.cells import View, breakable
from bcrunbook.views.timeline import legend, timeline_text

_STATES: Final = {
    "reached": "reached",
    "now": "reached, goes on",
    "ahead": "to come",
    "unseen": "cannot be looked at here",
}
_SIGNS: Final = {"reached": "✓", "now": "●", "ahead": "○", "unseen": "-"}
_ERRORS: Final = (
    "Errors while fetching belong to an installation and pass by themselves. Met so far"
)


def film_view(film: Film) -> View:
    """A picture of what is followed, as of its last look.

    Args:
        film: what it shows.
    """
    so_far = f"{clock(film.elapsed)} so far."
    ends = _ends(film)
    passing = ", ".join(f"{one.text} ({_times(one.looks)})" for one in film.passing)
    headline = f"{film.what}: {film.label}"
    lines = [f"{headline}.", f"{so_far} {ends}".rstrip(), f"Last look: {film.because}."]
    if film.next_look is not None:
        lines.append(f"Next look in {round(film.next_look)} s.")
    lines += [f"  {_STATES[one.state]}: {one.name}" for one in film.stages]
    if passing:
        lines.append(f"{_ERRORS}: {passing}.")
    lines.append(timeline_text(film.sightings))
    picture = band_svg(
        film.sightings,
        film.expected,
        timeline_text(film.sightings),
        None if film.next_look is None else film.elapsed + film.next_look,
    )
    shown = [
        _headline(film, headline),
        _stages(film.stages),
        Markup("<p><b>{}</b> {}</p>").format(so_far, ends),
        picture,
        Markup("<p>Last look: {}.{}</p>").format(breakable(film.because), _countdown(film)),
    ]
    if passing:
        shown.append(Markup('<p class="soft">{}: {}.</p>').format(_ERRORS, breakable(passing)))
    shown.append(legend(film.sightings, has_next=film.next_look is not None))
    html = Markup('<div class="bcr"><div class="box film">{}</div></div>')
    return View("\n".join(lines), html.format(Markup("\n").join(shown)))


def _headline(film: Film, text: str) -> Markup:
    """What is followed, and how it stands; said aloud when a part was reached, not at each look."""
    parts = [one.name for one in film.stages if one.state in ("reached", "now")]
    if not film.is_news or not parts:
        return Markup("<p><b>{}</b></p>").format(text)
    aloud = Markup('<span class="aloud">. Reached: {}.</span>').format(", ".join(parts))
    return Markup('<p role="status"><b>{}</b>{}</p>').format(text, aloud)


def _stages(stages: tuple[FilmStage, ...]) -> Markup:
    items = (
        Markup(
            '<li class="{0}"><span aria-hidden="true">{1}</span> {2}'
            '<span class="aloud">: {3}</span></li>'
        ).format(one.state, _SIGNS[one.state], one.name, _STATES[one.state])
        for one in stages
    )
    return Markup('<ol class="stages" aria-label="How far it is">{}</ol>').format(
        Markup("").join(items)
    )


def _countdown(film: Film) -> Markup:
    """When the next look is due, in seconds that the page counts down without a script."""
    if film.next_look is None:
        return Markup()
    return Markup(
        ' <span class="countdown" style="--bcr-from:{0};--bcr-here:{1:.2f}s">'
        '<span class="spin" aria-hidden="true"></span>Next look in <span class="count">{0}</span>'
        " s.</span>"
    ).format(round(film.next_look), film.here(film.elapsed + film.next_look))


def _times(looks: int) -> str:
    return "once" if looks == 1 else f"{looks} times"


def _ends(film: Film) -> str:
    """When it is probably over, or not followed any more."""
    if film.next_look is None:
        return ""
    first, last = film.expected
    minutes = f"{round(first / 60)} to {round(last / 60)} min"
    if film.elapsed < first:
        return f"Usually over after {minutes}: {_between(film, first, last)}."
    if film.elapsed < last:
        return f"Usually over after {minutes}: {_by(film, last)}."
    until = f"It is followed up to {round(film.longest / 60)} min, {_by(film, film.longest)}"
    return f"That is longer than the usual {minutes}, and happens. {until}."


def _between(film: Film, first: float, last: float) -> str:
    if film.skips:
        return _SKIPPED
    if film.speed > 1:
        return f"in this rehearsal in {_short(film.here(first))} to {_short(film.here(last))} s"
    return f"probably between {_time(film.moment(first))} and {_by_clock(film.moment(last))}"


def _by(film: Film, last: float) -> str:
    if film.skips:
        return _SKIPPED
    if film.speed > 1:
        return f"in this rehearsal within {_short(film.here(last))} s"
    return f"by {_by_clock(film.moment(last))}"


_SKIPPED: Final = "in this rehearsal at once, as nobody waits in it"


def _short(seconds: float) -> str:
    return str(max(1, round(seconds)))


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M}"


def _by_clock(moment: datetime) -> str:
    """A time of day on the clock of this machine, named where it may be no clock of the person's.

    Servers go by UTC.
    """
    return f"{_time(moment)}{'' if moment.astimezone().utcoffset() else ' UTC'}"
