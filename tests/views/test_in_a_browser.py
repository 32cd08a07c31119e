"""What cells show, in a real browser: readable in both themes and at every usual width."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from bcrunbook.views.cells import View, style_sheet
from tests.support.browser import chromium, tab
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
