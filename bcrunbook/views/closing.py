"""The closing card: what setting an account up came to, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from markupsafe import Markup

from bcrunbook.steps.client_secret.life import day
from bcrunbook.steps.closing import Closing
from bcrunbook.views.cells import CLIENT_ID, View, breakable
from bcrunbook.views.span import span

_NAMED: Final = 5
"""So many customers are named; more are counted."""


@dataclass(frozen=True)
class NextThing:
    """Something to do after the last step.

    Args:
        what: what it is, in a sentence.
        copy: a command or a line to copy; empty without one.
        link: label and address of a page to open; None without one.
    """

    what: str
    copy: str = ""
    link: tuple[str, str] | None = None


def closing_view(closing: Closing, where: str, following: Sequence[NextThing]) -> View:
    """The closing card.

    Args:
        closing: what it came to.
        where: the tenant and the account, as a person names them.
        following: what to do next.
    """
    account = closing.account
    head = f"{where} is set up, and everything stands."
    if account.cloud != "live":
        head = f"{where} is set up in this rehearsal, and everything stands."
    facts = _facts(closing)
    lines = [head, *(f"  {name}: {value}" for name, value in facts), "  What to do next:"]
    for one in following:
        lines += [f"  - {one.what}", *([f"    {one.copy}"] if one.copy else [])]
        lines += [f"    {one.link[1]}"] if one.link else []
    return View("\n".join(lines), _card(head, facts, following))


def closing_line(closing: Closing) -> str:
    """The same in a line of a terminal.

    Args:
        closing: what it came to.
    """
    parts = [_changes(closing.changes)] if closing.changes else []
    if names := list(dict.fromkeys(one.name for one in closing.helpers)):
        parts.append(f"{' and '.join(names)} helped")
    if closing.took is not None:
        parts.append(f"{span(closing.took.whole)} from the first look on")
    told = f": {'; '.join(parts)}" if parts else ""
    return f"{closing.account.name} is set up{told}."


def _card(head: str, facts: Sequence[tuple[str, str]], following: Sequence[NextThing]) -> str:
    told = (
        Markup("<dt>{}</dt><dd>{}</dd>").format(
            name, _chip(value) if name == CLIENT_ID else breakable(value)
        )
        for name, value in facts
    )
    items = (
        Markup("<li>{}{}{}</li>").format(
            one.what,
            Markup("<br>{}").format(_chip(one.copy)) if one.copy else "",
            Markup(' <a href="{1}">{0}</a>').format(*one.link) if one.link else "",
        )
        for one in following
    )
    return Markup(
        '<div class="bcr"><div class="box good closing"><p style="font-size:17px;font-weight:600">'
        '<span aria-hidden="true">✓</span> {}</p><dl class="facts">{}</dl>'
        "<p><b>What to do next</b></p><ul>{}</ul></div></div>"
    ).format(head, Markup("").join(told), Markup("").join(items))


def _chip(text: str) -> Markup:
    return Markup('<code class="chip">{}</code>').format(text)


def _facts(closing: Closing) -> list[tuple[str, str]]:
    facts = [("Application", closing.account.application)]
    if closing.client_id:
        facts.append((CLIENT_ID, closing.client_id))
    if closing.changes:
        facts.insert(0, ("Made", _changes(closing.changes)))
    facts.append(("Customers linked", _customers(closing.customers)))
    if closing.helpers:
        told = [f'{one.name}, "{one.said}", {_moment(one.at)}' for one in closing.helpers]
        facts.append(("Who helped", "; ".join(told)))
    if closing.took is not None:
        # Of what is shown: the parts make the whole.
        whole, at_work = (_rounded(one) for one in (closing.took.whole, closing.took.at_work))
        facts.append(
            (
                "How long",
                f"{span(whole)} from the first look on: {span(at_work)} with a step open,"
                f" {span(whole - at_work)} of waiting",
            )
        )
    if closing.data_since is not None:
        facts.append(("Data in Codat", f"since {_moment(closing.data_since)}"))
    return facts


def _changes(changes: dict[str, int]) -> str:
    """What the program has changed where: `7 changes in 2 services: 5 in Microsoft Entra, ...`."""
    total = sum(changes.values())
    noun = "change" if total == 1 else "changes"
    if len(changes) == 1:
        return f"{total} {noun} in {next(iter(changes))}"
    parts = ", ".join(f"{count} in {service}" for service, count in changes.items())
    return f"{total} {noun} in {len(changes)} services: {parts}"


def _customers(names: Sequence[str]) -> str:
    if not names:
        return "none yet"
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{len(names):,}: {', '.join(names[:_NAMED])}{more}"


def _moment(at: datetime) -> str:
    return f"{day(at)}, {at.astimezone(UTC):%H:%M} UTC"


def _rounded(passed: timedelta) -> timedelta:
    return timedelta(seconds=round(passed.total_seconds()))
