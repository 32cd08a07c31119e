"""The report as somebody reads it: a map and a list of contents lead to everything."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from bcrunbook.core.step import Change, HandOff, Outcome, State
from bcrunbook.order import CODAT_KEYS, ENABLE_INTEGRATION, LINK_CUSTOMER, ORDER
from bcrunbook.run.account import StepRun
from bcrunbook.run.report import write_report
from bcrunbook.steps import SETUP_STEPS, STEPS
from tests.support.browser import chromium, tab

if TYPE_CHECKING:
    from typing import Literal

    from playwright.sync_api import Page

__all__ = ["chromium", "tab"]

NOW = datetime.now(UTC)


def ran(account: str, step: str, state: State, customer: str = "", *, who: str = "") -> StepRun:
    """A step that was run; handed to somebody if it says to whom."""
    outcome = Outcome(step, account, state, "apply", "rehearsal", "Told.", ended=NOW, since=NOW)
    if who:
        handed = HandOff(who=who, actions=("sign in",), link="https://codat.example/keys")
        change = Change("save", "save the keys", by="person", hand_off=handed)
        outcome = replace(outcome, changes=(change,))
    return StepRun(account, step, replace(outcome, customer=customer), None, 1.0, None, customer)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """The report of two accounts: one has two customers, one stops at a person's part."""
    ids = [step.id for step in SETUP_STEPS]
    up_to = ids[: ids.index(CODAT_KEYS)]
    runs = [
        *(ran("trial", step, State.CHANGED) for step in up_to),
        ran("trial", CODAT_KEYS, State.NEEDS_PERSON, who="a Developer or Administrator"),
        ran("trial", CODAT_KEYS, State.DONE),
        ran("trial", ENABLE_INTEGRATION, State.DONE),
        ran("trial", LINK_CUSTOMER, State.DONE, "bakery"),
        ran("trial", LINK_CUSTOMER, State.WAITING, "joinery"),
        *(ran("production", step, State.DONE) for step in up_to),
        ran("production", CODAT_KEYS, State.NEEDS_PERSON, who="a Developer or Administrator"),
    ]
    path = tmp_path / "report.html"
    write_report(path, runs, cloud="rehearsal", title="A run of two accounts")
    return path


def test_contents_and_maps_lead_to_what_is_there(report: Path, tab: Page) -> None:
    """Every link within the page resolves; each heading is listed, and each section linked to."""
    tab.goto(report.as_uri())
    links = tab.locator('a[href^="#"]').evaluate_all("all => all.map(one => one.hash.slice(1))")
    there = set(tab.locator("[id]").evaluate_all("all => all.map(one => one.id)"))
    assert links and {*map(_unquoted, links)} <= there
    contents = tab.get_by_role("navigation", name="Contents")
    listed = contents.locator("a").evaluate_all("all => all.map(one => one.hash.slice(1))")
    sections = tab.locator("section[id]").evaluate_all("all => all.map(one => one.id)")
    headings = tab.locator("h2").evaluate_all("all => all.map(one => one.id)")
    assert [*map(_unquoted, listed)] == headings and "" not in headings
    assert {*map(_unquoted, links)} == {*sections, *headings}
    tab.get_by_role("link", name="Put the keys into the Codat Portal: done").click()
    assert tab.evaluate("document.querySelector(':target').id") == f"trial-{CODAT_KEYS}"


def _unquoted(address: str) -> str:
    from urllib.parse import unquote

    return unquote(address)


def test_a_map_tells_of_this_run_alone(report: Path, tab: Page) -> None:
    """Of an account what its steps came to, what was not asked for, and what is next."""
    tab.goto(report.as_uri())
    trial, production = tab.locator(".journey").all()
    about = [one.locator("desc").text_content() or "" for one in (trial, production)]
    assert "1 of 2 customers, next" in about[0] and "not asked for" in about[0]
    assert "waiting for a Developer or Administrator, next" in about[1]
    assert "--customer joinery" in trial.inner_text()
    assert "https://codat.example/keys" in production.inner_text()
    assert about[1].count("not asked for") == len(STEPS) - ORDER.index(CODAT_KEYS) - 1


@pytest.mark.parametrize(("theme", "width"), [("light", 900), ("dark", 1280)])
def test_it_can_be_read(
    report: Path, tab: Page, theme: Literal["light", "dark"], width: int
) -> None:
    """Axe finds nothing serious, and the page is no wider than its window."""
    tab.emulate_media(color_scheme=theme)
    tab.set_viewport_size({"width": width, "height": 900})
    tab.goto(report.as_uri())
    if folder := os.environ.get("BCRUNBOOK_SHOTS"):
        tab.screenshot(path=Path(folder) / f"report-{theme}-{width}.png", full_page=True)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(tab).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
