"""What cells show, in a real browser: readable in both themes and at every usual width."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from bcrunbook.order import ORDER
from bcrunbook.views.cells import View, style_sheet
from bcrunbook.views.journey import WIDTH, journey_html, journey_picture
from tests.support.browser import chromium, tab
from tests.views.journey_samples import EVERY_JOURNEY
from tests.views.samples import everything

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["chromium", "tab"]

# JupyterLab's own colours, as its themes name them.
DARK = (
    "--jp-ui-font-color1:rgba(255,255,255,.87);--jp-ui-font-color2:rgba(255,255,255,.54);"
    "--jp-border-color2:#616161;--jp-layout-color1:#212121;--jp-layout-color2:#424242;"
    "background:#212121"
)
LIGHT = (
    "--jp-ui-font-color1:rgba(0,0,0,.87);--jp-ui-font-color2:rgba(0,0,0,.54);"
    "--jp-border-color2:#e0e0e0;--jp-layout-color1:#fff;--jp-layout-color2:#eee;background:#fff"
)
BROKEN = "[...document.querySelectorAll('.host')].filter(one => one.getClientRects().length > 1)"
CUT = "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth)"

# Texts of a map that reach beyond the lane in which they begin, or over the text beside them.
SPILT = """() => [...document.querySelectorAll("svg")].flatMap((map) => {
  const lanes = [...map.querySelectorAll(".lane")].map((one) => one.getBoundingClientRect());
  const lines = [...map.querySelectorAll("tspan")];
  const boxes = lines.map((one) => one.getBoundingClientRect());
  const isIn = (box, lane) => box.left >= lane.left && box.right <= lane.right
    && box.top >= lane.top && box.bottom <= lane.bottom;
  const isBeside = (box, other) => other !== box && Math.abs(other.top - box.top) < 2
    && other.left < box.right && box.left < other.right;
  return lines.filter((_, at) => {
    const box = boxes[at];
    return !lanes.some((lane) => isIn(box, lane)) || boxes.some((other) => isBeside(box, other));
  }).map((one) => one.textContent);
})"""
LETTERS = """() => [...document.querySelectorAll("svg text")].map((one) => {
  const map = one.ownerSVGElement;
  return parseFloat(getComputedStyle(one).fontSize) * map.getBoundingClientRect().width
    / map.viewBox.baseVal.width;
})"""


def page_of(views: Sequence[View], *, is_dark: bool) -> str:
    """What cells show below each other, in one of JupyterLab's themes."""
    shown = "\n".join(view.shown_html for view in views)
    theme, colours = ("false", DARK) if is_dark else ("true", LIGHT)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Cells</title></head>'
        f'<body data-jp-theme-light="{theme}" style="{colours}"><main><h1 hidden>Cells</h1>'
        f"<style>{style_sheet()}</style>{shown}</main></body></html>"
    )


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [560, 900, 1280, 1920])
def test_it_can_be_read(tab: Page, is_dark: bool, width: int) -> None:
    """Nothing serious for axe, nothing cut off or wider than the page, no host broken in two."""
    tab.set_viewport_size({"width": width, "height": 900})
    tab.set_content(page_of(everything(), is_dark=is_dark))
    if folder := os.environ.get("BCRUNBOOK_SHOTS"):
        name = f"cells-{'dark' if is_dark else 'light'}-{width}.png"
        tab.screenshot(path=Path(folder) / name, full_page=True)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(f"{BROKEN}.length") == 0
    assert tab.evaluate(f"{CUT}.map(one => one.scrollWidth - one.clientWidth)") == []
    found = Axe().run(tab).response["violations"]
    severe = [one for one in found if one["impact"] in ("serious", "critical")]
    told = [f"{node['html']} {node['failureSummary']}" for one in severe for node in one["nodes"]]
    assert not told, "\n".join(told)


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_nothing_of_a_map_is_cut_off(tab: Page, is_dark: bool) -> None:
    """Whatever it says: each text in its lane, over no other, in letters of 12 px at 900 px."""
    tab.set_viewport_size({"width": 900, "height": 900})
    maps = [View("", f'<div class="bcr">{journey_html(one)}</div>') for one in EVERY_JOURNEY]
    tab.set_content(page_of(maps, is_dark=is_dark))
    if folder := os.environ.get("BCRUNBOOK_SHOTS"):
        name = f"maps-{'dark' if is_dark else 'light'}.png"
        tab.screenshot(path=Path(folder) / name, full_page=True)
    assert tab.locator("svg").count() == len(EVERY_JOURNEY)
    assert tab.evaluate(SPILT) == []
    assert min(tab.evaluate(LETTERS)) >= 12
    rolls = "[...document.querySelectorAll('.roll')]"
    assert tab.evaluate(f"{rolls}.every(one => one.scrollWidth <= one.clientWidth)")


def test_nothing_of_a_picture_alone_is_cut_off(tab: Page) -> None:
    """In the README, and in each notebook."""
    tab.set_viewport_size({"width": WIDTH, "height": 300})
    for here in ("", *ORDER):
        tab.set_content(f"<style>body{{margin:0}}</style>{journey_picture(here)}")
        assert tab.evaluate(SPILT) == [], here
