"""The handover as somebody reads it, and as it comes out of a printer."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.run.conftest import Rehearsal, bcrunbook
from tests.support.browser import chromium, tab

if TYPE_CHECKING:
    from typing import Literal

    from playwright.sync_api import Page

__all__ = ["chromium", "tab"]

A4_WIDTH = 688
"""A sheet of A4 less its margins, in CSS pixels."""


@pytest.fixture(scope="module")
def address(rehearsed: Rehearsal, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a rehearsal's handover."""
    workspace = tmp_path_factory.mktemp("read") / "rehearsal" / "workspace"
    shutil.copytree(rehearsed.directory, workspace.parent)
    done = bcrunbook("handover", "--workspace", str(workspace))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(("theme", "width"), [("light", 900), ("dark", 1280), ("dark", 600)])
def test_it_can_be_read(
    address: str, tab: Page, theme: Literal["light", "dark"], width: int
) -> None:
    """Axe finds nothing serious, and the page is no wider than its window."""
    tab.emulate_media(color_scheme=theme)
    tab.set_viewport_size({"width": width, "height": 900})
    tab.goto(address)
    if folder := os.environ.get("BCRUNBOOK_SHOTS"):
        tab.screenshot(path=Path(folder) / f"handover-{theme}-{width}.png", full_page=True)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(tab).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_links_lead_to_what_is_there(address: str, tab: Page) -> None:
    """Each link within the page resolves, and each heading of an account is listed."""
    tab.goto(address)
    links = tab.locator('a[href^="#"]').evaluate_all("all => all.map(one => one.hash.slice(1))")
    there = set(tab.locator("[id]").evaluate_all("all => all.map(one => one.id)"))
    headings = tab.locator("h2").evaluate_all("all => all.map(one => one.id)")
    assert {*map(unquote, links)} <= there and {*headings} <= {*map(unquote, links)}


def test_a_sheet_of_paper_holds_every_column(address: str, tab: Page) -> None:
    """Printed from a dark screen it is dark on white, and no table is cut off at the edge."""
    tab.emulate_media(media="print", color_scheme="dark")
    tab.set_viewport_size({"width": A4_WIDTH, "height": 900})
    tab.goto(address)
    edges = tab.locator("table").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().right)"
    )
    assert edges and max(edges) <= A4_WIDTH
    colour = "getComputedStyle(document.body).backgroundColor"
    assert tab.evaluate(colour) == "rgb(255, 255, 255)"
    assert not tab.get_by_role("navigation").is_visible()
