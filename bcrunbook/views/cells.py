"""What a cell shows: the same content as HTML and as plain text, escaped and scrubbed.

Plain text is deterministic (no addresses, no times of its own), so that a stored output can be
compared. Everything passes `scrub` on its way out; a secret found there is logged as an error.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from markupsafe import Markup, escape

from bcrunbook.core.confirmations import is_said
from bcrunbook.core.step import PASSED, Change, Comparison, Finding, Outcome, Sighting, State
from bcrunbook.errors import RunbookError
from bcrunbook.printable import printable
from bcrunbook.secrets import scrub, scrub_json
from bcrunbook.views.changes import Tick as Tick
from bcrunbook.views.changes import duration, marked
from bcrunbook.views.style_files import CELLS, one_line
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
NOT_STARTED: Final = "not started"
"""The word for a step that never ran."""

CLIENT_ID: Final = "Client ID"
"""The name of the finding that is the application's client id."""

Tone: TypeAlias = Literal["info", "good", "amber", "bad"]

_TONES: Final[dict[State, Tone]] = {
    State.DONE: "good",
    State.CHANGED: "good",
    State.NEEDS_PERSON: "amber",
    State.WAITING: "amber",
    State.FAILED: "bad",
    State.PENDING: "amber",
}

_LONGEST_WHO: Final = 50
_LONGEST_TENANT: Final = 48
_ADDRESS: Final = re.compile(r"(https?://)([^/\s]+/?)")
_AT_SLASH: Final = re.compile(r"(?<=[^/<\s])/(?=[^/\s])")
_GUID_BEHIND: Final = re.compile(r"\s*\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)$", re.I)


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

    made = Environment(
        loader=PackageLoader("bcrunbook.views"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["breakable"] = breakable
    return made


def breakable(text: str) -> Markup:
    """Text in which an address or a path breaks after its slashes, and never within its host.

    Args:
        text: plain text, which is escaped.
    """
    parts, end = [], 0
    for found in _ADDRESS.finditer(text):
        parts.append(_with_breaks(text[end : found.start()]))
        host = Markup('{}<wbr><span class="host">{}</span>').format(found[1], found[2])
        parts.append(Markup("{}<wbr>").format(host) if found[2].endswith("/") else host)
        end = found.end()
    return Markup("").join([*parts, _with_breaks(text[end:])])


def _with_breaks(text: str) -> Markup:
    return Markup("/<wbr>").join(map(escape, _AT_SLASH.split(text)))


def make_templates() -> None:
    """Make all templates, which otherwise happens on the first use of each."""
    for name in _templates().list_templates():
        _templates().get_template(name)


def _html(template: str, **values: Any) -> str:
    return str(_templates().get_template(template).render(**values)).strip()


@cache
def style_sheet() -> str:
    """The one style sheet of everything that cells show: CSS, in one line."""
    return one_line(CELLS)


def styled(view: View) -> View:
    """A view with the style sheet, for the one that a notebook shows first."""
    return View(view.text, f"<style>{style_sheet()}</style>\n{view.html}", view.data)


def session_view(
    lines: Sequence[tuple[str, str]],
    *,
    is_rehearsal: bool,
    is_production: bool,
    journey: tuple[Sequence[str], Markup] | None = None,
) -> View:
    """Which account, cloud and mode this notebook works with, and the map of the journey.

    It brings the style sheet for all that follows in the notebook.

    Args:
        lines: labels and values.
        is_rehearsal: whether nothing real is touched.
        is_production: whether the account is for production use.
        journey: the map as lines of text and as HTML; None in a record.
    """
    text = [f"{label}: {value}" for label, value in lines]
    journey_lines, journey_html = journey or ((), None)
    text += journey_lines
    html = _html(
        "session.html",
        lines=lines,
        is_rehearsal=is_rehearsal,
        is_production=is_production,
        journey=journey_html,
    )
    return styled(View("\n".join(text), html))


def findings_view(
    findings: Sequence[Finding],
    timeline: Sequence[Sighting] = (),
    *,
    before: Sequence[Finding] = (),
) -> View:
    """A table of findings, with a picture of what was followed.

    Args:
        findings: the findings, in order.
        timeline: the looks at what was followed; empty where nothing was.
        before: what was shown further up; where nothing has changed since, a summary is enough.
    """
    rows = [(one, _word(one), _is_wanted_told(one)) for one in findings]
    if findings and not timeline and tuple(findings) == tuple(before):
        summary = _same_as_before(findings)
        return View(summary, _html("findings.html", rows=rows, timeline=None, summary=summary))
    lines = []
    for one, (_, word), is_wanted_told in rows:
        first, *more = one.actual.splitlines() or [""]
        lines.append(f"  {word:<9} {one.name}: {first}")
        lines += [f"{'':<12}{'':<{len(one.name)}} {line}" for line in more]
        if is_wanted_told:
            lines.append(f"{'':<12}wanted: {', '.join(one.wanted.splitlines())}")
        lines += _wrapped(one.advice)
    picture = None
    if timeline:
        lines += ["", timeline_text(timeline)]
        picture = timeline_svg(timeline)
    html = _html("findings.html", rows=rows, timeline=picture, summary="")
    return View("\n".join(lines), html)


_WORDS: Final = {
    Comparison.OK: "ok",
    Comparison.DIFFERS: "differs",
    Comparison.UNKNOWN: "not known",
    Comparison.NOTE: "info",
}


def _word(finding: Finding) -> tuple[str, str]:
    """How a finding stands: what names its colour, and the word."""
    if finding.verdict is Comparison.DIFFERS and finding.is_yet_to_come:
        return "not_yet", "not yet"
    return finding.verdict.value, _WORDS[finding.verdict]


def _is_wanted_told(finding: Finding) -> bool:
    """Whether what is wanted says more than what was found."""
    return finding.verdict is not Comparison.OK and finding.wanted not in ("", finding.actual)


def _same_as_before(findings: Sequence[Finding]) -> str:
    """How many findings stand how; those to mind by name."""
    names: dict[str, list[str]] = {}
    for one in findings:
        names.setdefault(_word(one)[1], []).append(one.name)
    quiet = (_WORDS[Comparison.OK], _WORDS[Comparison.NOTE])
    parts = [
        f"{len(found)} {word}" + ("" if word in quiet else f" ({'; '.join(found)})")
        for word, found in names.items()
    ]
    return f"Nothing has changed since the look above: {', '.join(parts)}."


def plan_view(
    changes: Sequence[Change],
    nothing: str,
    *,
    ticks: Mapping[tuple[str, str], Tick] = MappingProxyType({}),
) -> View:
    """The changes with their values, marked as in a comparison, and what a person has to do.

    Args:
        changes: the changes, in order.
        nothing: what is said when there are none.
        ticks: how far each is, by key and subject; one without is not begun.
    """
    if not changes:
        return note_view(nothing, "good")
    ready = marked(changes, ticks)
    lines = []
    for one in ready:
        lines.append(one.head)
        lines += [f"{'':<12}{row.name}: {row.text}" for row in one.rows]
        lines += _hand_off_lines(one.change)
    return View("\n".join(lines), _html("plan.html", changes=ready, is_ticked=bool(ticks)))


def ticked_view(changes: Sequence[Change], ticks: Mapping[tuple[str, str], Tick]) -> View:
    """The changes alone, a line each, with how far they are.

    Args:
        changes: the changes, in order.
        ticks: how far each is, by key and subject.
    """
    ready = marked(changes, ticks)
    return View("\n".join(one.head for one in ready), _html("ticked.html", changes=ready))


def _hand_off_lines(change: Change) -> list[str]:
    handed = change.hand_off
    if handed is None:
        return []
    lines = _wrapped(f"Found: {handed.found}") if handed.found else []
    lines += _wrapped(f"Who can: {handed.who}")
    if handed.link:
        lines.append(f"{'':<12}Link: {handed.link}")
    lines += [f"{'':<12}{label}: {value}" for label, value in handed.values]
    if handed.secret:
        lines.append(f"{'':<12}Client secret: kept in {handed.secret}, shown nowhere")
    if handed.needs:
        lines.append(f"{'':<11}Before anybody begins:")
    for need in handed.needs:
        lines += _wrapped(f"- {need}")
    if handed.needs:
        lines.append(f"{'':<11}Then:")
    for action in handed.actions:
        lines += _wrapped(f"- {action}")
    if handed.looks_like:
        lines += _wrapped(f"When it went well: {handed.looks_like}")
    if handed.slips:
        lines.append(f"{'':<12}If something is not as described:")
    for slip in handed.slips:
        lines += _wrapped(f"- {slip}")
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=" " * 12,
        subsequent_indent=" " * 14,
        break_long_words=False,
        break_on_hyphens=False,
    )


def progress_view(lines: Sequence[str], *, is_over: bool) -> View:
    """What is being done, line by line, while it is being done.

    Args:
        lines: the lines.
        is_over: whether nothing is being done any more.
    """
    text = "\n".join(lines) or "Nothing to do."
    return View(text, _html("progress.html", lines=lines, is_over=is_over))


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


def note_view(text: str, tone: Tone) -> View:
    """A short state, or a sentence or two.

    Args:
        text: what is said.
        tone: `info`, `good`, `amber` for what is still open, or `bad`.
    """
    return View(text, _html("note.html", text=text, tone=tone))


def message_view(text: str) -> View:
    """One plain sentence."""
    return note_view(text, "info")


def unforeseen_view(kind: str, details: str) -> View:
    """An error that nobody foresaw, without alarming whoever meets it.

    Args:
        kind: what sort of error it is: the name of its class.
        details: what whoever mends it needs, such as the traceback. Not part of the plain text.
    """
    what = f"Something went wrong that nobody foresaw ({kind}). This is our fault, not yours."
    advice = (
        "Run the notebook again from the top: what was done already is found, and nothing is made"
        " twice. If it happens again, report it with the details, which hold no secret."
    )
    html = _html("unforeseen.html", what=what, advice=advice, details=details)
    return View(f"{what}\n{advice}", html)


def without_widgets(words: str, instead: str) -> str:
    """What stands for a widget where a program shows none.

    Args:
        words: what the widget says.
        instead: what does the same without it, as an instruction; empty where the words suffice.
    """
    text = (
        f"{words}\nIf you see this text and nothing to click, this program shows no widgets. Then"
        f" {instead}."
        if instead
        else words
    )
    return printable(scrub(text, where="a notebook widget"))


def apply_label(count: int, tenant: str, account_label: str) -> str:
    """What the button says that applies changes: how many, and where.

    Args:
        count: how many changes.
        tenant: the tenant as the first step saw it, or as it is configured; may be empty.
        account_label: the account's name, with its kind where that is another word.
    """
    name = _GUID_BEHIND.sub("", tenant).strip()
    if len(name) > _LONGEST_TENANT:
        name = f"{name[:_LONGEST_TENANT].rstrip()}…"
    where = name if name.endswith(f"({account_label})") else f"{name} ({account_label})"
    label = f"Apply {count} change{'' if count == 1 else 's'} to {where if name else account_label}"
    return printable(scrub(label, where="a notebook widget"))


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
    outcome: Outcome,
    following: tuple[str, str] | None = None,
    *,
    seconds: float | None = None,
    links: Sequence[tuple[str, str]] = (),
    applied: Sequence[Change] | None = None,
) -> View:
    """How the step ended, with the machine-readable outcome beside it.

    Args:
        outcome: how it ended.
        following: title and notebook of the next step, for somebody who goes on; shown only where
            this one is as it should be.
        seconds: how long the changes took; None where it is not told.
        links: labels and addresses of the pages where what was made can be seen.
        applied: what was done; None takes it from an outcome of which all was.
    """
    label, tone = state_words(outcome), _TONES[outcome.state]
    if applied is None:
        applied = outcome.changes if outcome.state is State.CHANGED else ()
    done = marked([one for one in applied if one.by == "program"], {})
    facts = _facts(outcome, seconds)
    is_open = outcome.state not in (*PASSED, State.FAILED)
    lines = [f"Outcome: {label}. {outcome.summary}"]
    lines += [f"  {one.kind}  {one.brief}" for one in done]
    lines += [f"  {name}: {value}" for name, value in facts]
    lines += [f"  {name}: {address}" for name, address in links]
    for change in outcome.hand_offs:
        lines += [f"  {change.title}", *_hand_off_lines(change)]
    if outcome.error is not None:
        labels = (("why", "why"), ("next", "next"), ("who", "who can"))
        lines += [f"  {label}: {outcome.error[key]}" for key, label in labels if outcome.error[key]]
    if is_open:
        lines.append(_STILL_OPEN)
    if following is not None and outcome.state in PASSED:
        lines.append(f"Next step: {following[0]} ({following[1]})")
    html = _html(
        "outcome.html",
        outcome=outcome,
        label=label,
        tone=tone,
        done=done,
        facts=facts,
        client_id=CLIENT_ID,
        links=links,
        still_open=_STILL_OPEN if is_open else "",
        following=following if outcome.state in PASSED else None,
    )
    return View("\n".join(lines), html, {OUTCOME_MIME: outcome.as_dict()})


_STILL_OPEN: Final = "This step is still open: it is the next one to do."


def _facts(outcome: Outcome, seconds: float | None) -> list[tuple[str, str]]:
    """What is worth keeping of an outcome: the client id, what people said, how long it took."""
    facts = [
        (one.name, one.actual)
        for one in outcome.findings
        if one.verdict is not Comparison.DIFFERS and (one.name == CLIENT_ID or is_said(one.actual))
    ]
    return facts if seconds is None else [*facts, ("Took", duration(seconds))]


def client_id_of(outcome: Outcome) -> str:
    """The application's client id, as an outcome tells it; empty where it does not."""
    return dict(_facts(outcome, None)).get(CLIENT_ID, "")


def state_words(outcome: Outcome) -> str:
    """How a step ended, as one tells whoever has just run it."""
    if outcome.state is State.CHANGED:
        return "changed just now"
    if outcome.state is not State.NEEDS_PERSON:
        return STATE_WORDS[outcome.state]
    whos = Counter(one.hand_off.who for one in outcome.hand_offs if one.hand_off is not None)
    if outcome.error is not None:
        whos = Counter([str(outcome.error["who"])])
    elif not whos:
        return "waiting for your click"
    who = _short_who(next(iter(whos))) if len(whos) == 1 else ""
    return f"waiting for {who or 'a person'}"


def _short_who(who: str) -> str:
    """Who can, without the particulars that stand below; empty where too much is left."""
    short = re.split(r":| in the instance | in your instance | of the Codat Portal", who)[0].strip()
    return short if len(short) <= _LONGEST_WHO else ""


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
