"""What a cell shows: the same content as HTML and as plain text, escaped and scrubbed.

Plain text is deterministic (no addresses, no times of its own), so that a stored output can be
compared. Everything passes `scrub` on its way out; a secret found there is logged as an error.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from bcrunbook.core.step import Change, Comparison, Finding, Outcome, Sighting, State
from bcrunbook.errors import RunbookError
from bcrunbook.printable import printable
from bcrunbook.secrets import scrub, scrub_json
from bcrunbook.views.timeline import timeline_svg, timeline_text

OUTCOME_MIME: Final = "application/vnd.bcrunbook.outcome+json"

_WIDTH: Final = 96

STATE_WORDS: Final[dict[State, str]] = {
    State.DONE: "done",
    State.CHANGED: "changed",
    State.NEEDS_PERSON: "needs a person",
    State.WAITING: "waiting",
    State.FAILED: "failed",
    State.PENDING: "changes pending",
}


@dataclass(frozen=True)
class View:
    """Something a cell displays.

    Args:
        text: the plain text form.
        html: the HTML form.
        data: further MIME types with their data.
    """

    text: str
    html: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def shown_html(self) -> str:
        """The HTML as it may be shown, in a widget too."""
        return printable(scrub(self.html, where="a notebook output"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle = {
            "text/plain": printable(scrub(self.text, where="a notebook output")),
            "text/html": self.shown_html,
        }
        return {**bundle, **scrub_json(self.data, where="a notebook output")}

    def __str__(self) -> str:
        return printable(self.text)


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("bcrunbook.views"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def make_templates() -> None:
    """Make all templates, which otherwise happens on the first use of each."""
    for name in _templates().list_templates():
        _templates().get_template(name)


def _html(template: str, **values: Any) -> str:
    return str(_templates().get_template(template).render(**values)).strip()


@dataclass(frozen=True)
class RailStop:
    """A step on the rail.

    Args:
        title: the step's title.
        href: its notebook.
        state: its last state; empty when it never ran.
        label: the same in words.
        is_here: whether it is the notebook's own.
    """

    title: str
    href: str
    state: str
    label: str
    is_here: bool


def session_view(
    lines: Sequence[tuple[str, str]],
    *,
    is_rehearsal: bool,
    is_production: bool,
    rail: Sequence[RailStop] = (),
) -> View:
    """Which account, cloud and mode this notebook works with, and the rail of steps.

    Args:
        lines: labels and values.
        is_rehearsal: whether nothing real is touched.
        is_production: whether the account is for production use.
        rail: the steps; empty in a record.
    """
    text = [f"{label}: {value}" for label, value in lines]
    text += [f"{'>' if one.is_here else ' '} {one.title}: {one.label}" for one in rail]
    html = _html(
        "session.html",
        lines=lines,
        is_rehearsal=is_rehearsal,
        is_production=is_production,
        rail=rail,
    )
    return View("\n".join(text), html)


def findings_view(findings: Sequence[Finding], timeline: Sequence[Sighting] = ()) -> View:
    """A table of findings, with a picture of what was followed.

    Args:
        findings: the findings, in order.
        timeline: the looks at what was followed; empty where nothing was.
    """
    lines = []
    for one in findings:
        first, *more = one.actual.splitlines() or [""]
        lines.append(f"  {_MARKS[one.verdict]:<8} {one.name}: {first}")
        lines += [f"{'':<11}{'':<{len(one.name)}} {line}" for line in more]
        if one.verdict is Comparison.DIFFERS and one.wanted:
            lines.append(f"{'':<11}wanted: {', '.join(one.wanted.splitlines())}")
        lines += _wrapped(one.advice)
    picture = None
    if timeline:
        lines += ["", timeline_text(timeline)]
        picture = timeline_svg(timeline)
    return View("\n".join(lines), _html("findings.html", findings=findings, timeline=picture))


_MARKS: Final = {
    Comparison.OK: "ok",
    Comparison.DIFFERS: "differs",
    Comparison.UNKNOWN: "unknown",
    Comparison.NOTE: "note",
}


def plan_view(changes: Sequence[Change], nothing: str, ticks: Any = None) -> View:
    """A table of changes with values before and after; `nothing` is said when there are none.

    Args:
        changes: the changes, in order.
        nothing: what is said when there are none.
    """
    if not changes:
        return View(nothing, _html("nothing.html", text=nothing))
    lines = []
    for number, change in enumerate(changes, start=1):
        who = "" if change.by == "program" else "  (by a person)"
        lines.append(f"  {number}. {change.title}{who}")
        for row in change.rows:
            before, after = (", ".join(text.splitlines()) for text in (row.before, row.after))
            lines.append(f"     {row.name}: {before} -> {after}")
        lines += _hand_off_lines(change)
    return View("\n".join(lines), _html("plan.html", changes=changes))


def _hand_off_lines(change: Change) -> list[str]:
    handed = change.hand_off
    if handed is None:
        return []
    lines = _wrapped(f"Found: {handed.found}") if handed.found else []
    lines += _wrapped(f"Who can: {handed.who}")
    if handed.link:
        lines.append(f"{'':<11}Link: {handed.link}")
    lines += [f"{'':<11}{label}: {value}" for label, value in handed.values]
    if handed.secret:
        lines.append(f"{'':<11}Client secret: kept in {handed.secret}, shown nowhere")
    for action in handed.actions:
        lines += _wrapped(f"- {action}")
    if handed.looks_like:
        lines += _wrapped(f"When it went well: {handed.looks_like}")
    if handed.slips:
        lines.append(f"{'':<11}If something is not as described:")
    for slip in handed.slips:
        lines += _wrapped(f"- {slip}")
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=" " * 11,
        subsequent_indent=" " * 13,
        break_long_words=False,
        break_on_hyphens=False,
    )


def progress_view(lines: Sequence[str], *, is_over: bool, is_live: bool = False) -> View:
    """What is being done, line by line, while it is being done.

    Args:
        lines: the lines.
        is_over: whether nothing is being done any more.
        is_live: whether a widget shows it; a record of the same below that is hidden then.
    """
    text = "\n".join(lines) or "Nothing to do."
    return View(text, _html("progress.html", lines=lines, is_over=is_over, is_live=is_live))


def error_view(error: RunbookError) -> View:
    """What happened, why probably, and what to do next; never a traceback."""
    return View(str(error), _html("error.html", error=error))


def in_line(error: RunbookError) -> str:
    """What happened and what to do next, for the line beside a button."""
    return printable(scrub(f"{error.what} Next: {error.next}.", where="a notebook widget"))


def card_view(
    title: str, account: str, cloud: str, written: str, changes: Sequence[Change]
) -> View:
    """A page of its own with what a person has to do, to be passed on.

    Args:
        title: the step's title.
        account: the account's name.
        cloud: `live` or `rehearsal`.
        written: when (UTC).
        changes: what a person has to do, each with its hand-off.
    """
    lines = [title, f"Account {account}, {cloud} cloud. Written {written} by bcrunbook."]
    lines.append("It contains no secret and may be forwarded.")
    for change in changes:
        lines += ["", change.title[0].upper() + change.title[1:], *_hand_off_lines(change)]
    html = _html(
        "card.html", title=title, account=account, cloud=cloud, written=written, changes=changes
    )
    return View("\n".join(lines) + "\n", html)


def message_view(text: str) -> View:
    """One plain sentence."""
    return View(text, _html("message.html", text=text))


def tenant_view(name: str, domain: str, identifier: str) -> View:
    """One tenant in a list of them.

    Args:
        name: the tenant's display name.
        domain: one of its domains.
        identifier: its id.
    """
    text = f"{name} {domain} ({identifier})"
    return View(text, _html("tenant.html", name=name, domain=domain, identifier=identifier))


def device_code_view(url: str, code: str, seconds: int) -> View:
    """Where to go and which code to type.

    Args:
        url: where to go.
        code: what to type there.
        seconds: how long the code is valid.
    """
    minutes = seconds // 60
    text = f"To sign in, open {url} and enter the code {code} (valid {minutes} minutes)."
    html = _html("device_code.html", url=url, code=code, minutes=minutes, seconds=seconds)
    return View(text, html)


def outcome_view(
    outcome: Outcome, following: tuple[str, str] | None = None, seconds: float | None = None
) -> View:
    """How the step ended, with the machine-readable outcome beside it.

    Args:
        outcome: how it ended.
        following: title and notebook of the next step, for somebody who goes on.
    """
    label = STATE_WORDS[outcome.state]
    lines = [f"Outcome: {label}. {outcome.summary}"]
    for change in outcome.hand_offs:
        lines += [f"  {change.title}", *_hand_off_lines(change)]
    if outcome.error is not None:
        labels = (("why", "why"), ("next", "next"), ("who", "who can"))
        lines += [f"  {label}: {outcome.error[key]}" for key, label in labels if outcome.error[key]]
    if following is not None:
        lines.append(f"Next step: {following[0]} ({following[1]})")
    html = _html("outcome.html", outcome=outcome, label=label, following=following)
    return View("\n".join(lines), html, {OUTCOME_MIME: outcome.as_dict()})


# STUBS until merged


@dataclass(frozen=True)
class Tick:
    state: str
    seconds: float | None = None


def note_view(text: str, tone: str) -> View:
    return message_view(text)


def not_run_view(what: str = "") -> View:
    """What a cell shows that cannot do anything, for a reason that is shown above it.

    Args:
        what: the reason in short, where the cell above may be out of sight.
    """
    return message_view(f"Not run: {what or 'see the message above.'}")


def joined(views: Sequence[View]) -> View:
    """Some views as one, below each other.

    Args:
        views: the views, in order.
    """
    data = {key: value for one in views for key, value in one.data.items()}
    return View("\n".join(one.text for one in views), "\n".join(one.html for one in views), data)


def apply_label(count: int, tenant: str, account_label: str) -> str:
    return f"Apply {count} change{'s' if count > 1 else ''} to {tenant} ({account_label})"


def unforeseen_view(kind: str, details: str) -> View:
    return message_view(f"This is our fault: {kind}")


def film_view(film: Any) -> View:
    return message_view(str(film))
