"""The report of a run: what each cell says, and where it leads."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

from bcrunbook.core.step import Change, HandOff, Outcome, State
from bcrunbook.errors import FixInput
from bcrunbook.run.account import StepRun
from bcrunbook.run.report import write_report
from bcrunbook.steps.client_secret.life import SecretLife
from bcrunbook.views.secret_life import secret_life_view

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=40)
CARD = HandOff(who="an administrator", actions=("open the link",), link="https://example.org/x")


def ended(step: str, state: State, since: datetime) -> Outcome:
    """How a step of one account ended."""
    return Outcome(step, "trial", state, "apply", "live", "Told.", ended=NOW, since=since)


def cells_of(runs: list[StepRun], folder: Path) -> list[str]:
    """The first table's cells, as somebody reads them; links in brackets."""
    report = folder / "report.html"
    write_report(report, runs, cloud="live", title="A run")
    rows = report.read_text("utf-8").split("<tbody>")[1].split("</tbody>")[0]
    text = re.sub(r'<a [^>]*href="([^"#]+)"[^>]*>', r" [\1] ", rows)
    return [
        " ".join(unescape(re.sub("<[^>]+>", " ", one)).split()) for one in text.split("<td>")[1:]
    ]


def test_each_cell_says_state_since_next_and_notebook(tmp_path: Path) -> None:
    """Since: the time if it is recent, else the day. What has passed needs no next action."""
    change = Change("consent", "consent", (), "person", hand_off=CARD)
    failed = replace(
        ended("client_secret", State.FAILED, NOW),
        error=FixInput("No.", where="here", next="name another store").as_dict(),
    )
    waits = replace(ended("api_permissions", State.NEEDS_PERSON, LONG_AGO), changes=(change,))
    outcomes = [ended("start_here", State.DONE, LONG_AGO), failed, waits]
    outcomes.append(ended("codat_keys", State.PENDING, NOW))
    runs = [
        StepRun("trial", one.step, one, tmp_path / "trial" / f"{one.step}.ipynb", 1.0)
        for one in outcomes
    ]
    day, time = f"since {LONG_AGO:%Y-%m-%d}", f"since {NOW:%H:%M} UTC"
    done, other, broken, card, open_, *_ = cells_of(runs, tmp_path)
    assert done == f"done {day} [trial/start_here.ipynb] notebook"
    assert other == "not asked for"
    assert broken == f"failed {time} name another store [trial/client_secret.ipynb] notebook"
    assert card.startswith(f"needs a person {day} an administrator: open the link https://example")
    assert f"{time} bcrunbook run trial --mode apply" in open_


def test_a_step_that_ran_again_says_what_to_do_now(tmp_path: Path) -> None:
    """Both states are there; the rest is about the last run."""
    first = replace(
        ended("start_here", State.FAILED, LONG_AGO),
        error=FixInput("No.", where="here", next="mend it").as_dict(),
    )
    runs = [
        StepRun("trial", "start_here", one, tmp_path / name, 1.0)
        for one, name in ((first, "1.ipynb"), (ended("start_here", State.DONE, NOW), "2.ipynb"))
    ]
    cell = cells_of(runs, tmp_path)[0]
    assert cell == f"failed, then done since {NOW:%H:%M} UTC [2.ipynb] notebook"


def test_it_shows_how_long_each_accounts_secret_is_good_for(tmp_path: Path) -> None:
    """A bar below the account's heading, and the days as a file for a calendar; else nothing."""
    runs = [
        StepRun(name, "start_here", ended("start_here", State.DONE, NOW), tmp_path / "1.ipynb", 1.0)
        for name in ("trial", "production")
    ]
    life = SecretLife("id", NOW - timedelta(days=1), NOW + timedelta(days=89))
    secrets = {"trial": secret_life_view(life, NOW, "BEGIN:VCALENDAR")}
    write_report(tmp_path / "report.html", runs, cloud="live", title="A run", secrets=secrets)
    page = (tmp_path / "report.html").read_text("utf-8")
    trial, production = page.split('<h2 id="of-')[1:]
    assert "89 of 90 days left" in trial and "<svg" in trial and "data:text/calendar" in trial
    assert "days left" not in production and "<svg" not in production
