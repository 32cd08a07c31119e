"""The HTML report of a run: accounts by steps, self-contained, readable offline.

Every cell says the state, since when, and the next action, and links to the executed notebook
beside it and to more about it below.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from markupsafe import Markup

from bcrunbook import __version__
from bcrunbook.atomic_write import atomic_write
from bcrunbook.core.step import Sighting, State
from bcrunbook.core.stored import StoredOutcome
from bcrunbook.errors import Unreachable
from bcrunbook.printable import printable
from bcrunbook.run.account import StepRun
from bcrunbook.secrets import scrub
from bcrunbook.skipped import dates
from bcrunbook.steps import EVERY_STEP, SETUP_STEPS, step_named
from bcrunbook.steps.journey import journey_of
from bcrunbook.steps.next_action import command, next_action
from bcrunbook.views.cells import STATE_WORDS, View
from bcrunbook.views.journey import journey_html
from bcrunbook.views.timeline import timeline_svg

_NOT_ASKED: Final = "not asked for"
"""Said of a step that this run was not to do."""


def write_report(
    path: Path,
    runs: Sequence[StepRun],
    *,
    cloud: str,
    title: str,
    secrets: Mapping[str, View] = MappingProxyType({}),
) -> None:
    """Write the report of `runs` to `path`, whole or not at all.

    Args:
        path: the HTML file.
        runs: what was run, in order.
        cloud: `live` or `rehearsal`.
        title: the report's heading.
        secrets: by account, the life of its client secret; only of those that have one.

    Raises:
        Unreachable: it cannot be written.
    """
    write_page(
        path,
        "report.html",
        title=title,
        cloud=cloud,
        accounts=_by_account(runs, path.parent),
        steps=[(index, step.id, step.title) for index, step in enumerate(EVERY_STEP)],
        matrices=_matrices(runs),
        journeys=_journeys(runs, cloud),
        counts=_counts(runs),
        secrets=secrets,
    )


def write_page(path: Path, template: str, **values: Any) -> None:
    """Write a page from one of the templates, whole or not at all.

    Args:
        path: the HTML file.
        template: the template's name.
        values: what it is filled in with, beside the program's version and the time.

    Raises:
        Unreachable: it cannot be written.
    """
    html = (
        _templates()
        .get_template(template)
        .render(version=__version__, written=f"{dates.now():%Y-%m-%d %H:%M} UTC", **values)
    )
    content = printable(scrub(html, where="the report"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, content.encode("utf-8"))
    except OSError as error:
        raise Unreachable(
            f"The report cannot be written ({error.strerror or type(error).__name__}).",
            where=str(path),
            next="make room or correct the rights; how each step ended: bcrunbook status",
        ) from None


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M}"


@cache
def _templates() -> Any:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        # The hand-off looks the same in a notebook, on its card and here.
        loader=ChoiceLoader([PackageLoader("bcrunbook.run"), PackageLoader("bcrunbook.views")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"day": _day, "clock": _clock}
    return environment


def _matrices(
    runs: Sequence[StepRun],
) -> list[tuple[str, list[tuple[int, str, str]], list[str]]]:
    """Accounts by their steps, and customers by theirs: heading, columns, rows."""
    matrices = []
    for heading, of_customers in (("Account", False), ("Customer", True)):
        mine = [run for run in runs if bool(run.customer) is of_customers]
        asked = {run.step for run in mine}
        columns = [
            (index, step.id, step.title)
            for index, step in enumerate(EVERY_STEP)
            # Of an account's setting up every step is shown, asked for or not.
            if step.id in asked or (not of_customers and step in SETUP_STEPS)
        ]
        if mine:
            matrices.append((heading, columns, list(dict.fromkeys(run.who for run in mine))))
    return matrices


def _journeys(runs: Sequence[StepRun], cloud: str) -> dict[str, Markup]:
    """By account, the map of what this run did of its way; nothing of other runs is told."""
    last = {run.key: run for run in runs}
    maps = {}
    for account in dict.fromkeys(run.account for run in runs):
        of_account = [run for run in last.values() if run.account == account]
        customers = dict.fromkeys(run.customer for run in of_account if run.customer)
        ended = [StoredOutcome(run.outcome.ended or dates.now(), run.outcome) for run in of_account]
        where = journey_of(account, cloud, customers or None, ended)
        links = {run.step: f"#{run.who}-{run.step}" for run in reversed(of_account)}
        asked = {run.step for run in of_account}
        maps[account] = journey_html(
            where,
            links=links,
            unseen=_NOT_ASKED,
            has_next=where.next is None or where.next.step.id in asked,
        )
    return maps


def _by_account(
    runs: Sequence[StepRun], folder: Path
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By account and step, its runs in order: one that needed a person, then the next."""
    accounts: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for run in runs:
        accounts.setdefault(run.who, {}).setdefault(run.step, []).append(
            {
                "outcome": run.outcome,
                "label": STATE_WORDS[run.state],
                "since": since(run.outcome.since),
                "next": next_action(run.outcome, _command(run)),
                "notebook": _link(run.notebook, folder),
                "card": _link(run.card, folder),
                "seconds": run.seconds,
                "hand_offs": run.hand_offs,
                "timeline": _timeline(run.outcome.timeline),
                "done": [one for one in run.outcome.changes if one.by == "program"],
            }
        )
    return accounts


def since(at: datetime | None) -> tuple[str, str]:
    """Since when something stands as it does: in full, and as briefly as it is unmistakable.

    Args:
        at: when it began to; None where nothing tells it.
    """
    if at is None:
        return "nobody knows when", "nobody knows when"
    at = at.astimezone(UTC)
    is_recent = dates.now() - at < timedelta(hours=12)
    return f"{at:%Y-%m-%d %H:%M} UTC", f"{at:%H:%M} UTC" if is_recent else f"{at:%Y-%m-%d}"


def _command(run: StepRun) -> str:
    return command(run.account, run.outcome.cloud, step_named(run.step), run.customer)


def _timeline(looks: Sequence[Sighting]) -> str:
    """The picture of what was followed; empty without one."""
    return timeline_svg(looks) if looks else ""


def _link(path: Path | None, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix() if path else ""


def _counts(runs: Sequence[StepRun]) -> list[tuple[str, str, int]]:
    """How many steps stand how; of a step that ran again, as its last run says."""
    states = [run.state for run in {run.key: run for run in runs}.values()]
    return [
        (state.value, STATE_WORDS[state], states.count(state)) for state in State if state in states
    ]
