"""Front ends in a browser: Notebook 7, with and without a server that runs the cells itself."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from playwright.sync_api import Error, expect, sync_playwright

from bcrunbook.order import REGISTER_APPLICATION
from bcrunbook.run.papermill import read_outcome
from tests.front_ends.servers import Server, jupyter_words, serving
from tests.front_ends.world import Place, Wrong
from tests.support.browser import ARGUMENTS, chromium_path

if TYPE_CHECKING:
    from playwright.sync_api import Page

_PATIENCE_MS: Final = 90_000
_OUTPUTS: Final = ".jp-OutputArea"


def notebook_7(place: Place, port: int) -> str:
    """Open, run all, click Apply, save: the file holds the outcome."""
    copy = place.copy(REGISTER_APPLICATION)
    with _opened(place, copy, port) as page:
        _run_all(page)
        page.locator(_OUTPUTS).get_by_role("button", name="Apply").first.click()
        expect(page.locator(_OUTPUTS).last).to_contain_text("changed", timeout=_PATIENCE_MS)
        _save(page, copy)
    return f"{place.judge(copy, REGISTER_APPLICATION)} by a click"


def server_side(place: Place, port: int) -> str:
    """Run all: words instead of buttons; and what they advise, the mode `apply`, works."""
    copy = place.copy(REGISTER_APPLICATION)
    with _opened(place, copy, port) as page:
        _run_all(page)
        expect(page.locator("body")).to_contain_text("shows no widgets", timeout=_PATIENCE_MS)
        expect(page.locator("body")).to_contain_text('mode to "apply"')
        text = page.locator("body").inner_text()
        if re.search(r"<[\w.]+ object at|\w+\(children=", text):
            raise Wrong("a widget shows as its repr")
    copy = place.copy(REGISTER_APPLICATION, "apply")
    with _opened(place, copy, port) as page:
        _run_all(page)
        expect(page.locator(_OUTPUTS).last).to_contain_text("changed", timeout=_PATIENCE_MS)
        _save(page, copy)
    return f"words; {place.judge(copy, REGISTER_APPLICATION)} in mode apply"


@contextlib.contextmanager
def _opened(place: Place, notebook: Path, port: int) -> Iterator[Page]:
    words = ("jupyter", "notebook", *jupyter_words(port, place.folder))
    with (
        serving(place, *words, port=port) as server,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS) as browser,
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(_PATIENCE_MS)
        try:
            page.goto(server.page(f"notebooks/{notebook.name}"))
            _wait_for_kernel(page, server)
            yield page
        except (Error, AssertionError) as error:
            page.screenshot(path=place.folder / "wrong.png")
            raise Wrong(str(error)) from None


def _wait_for_kernel(page: Page, server: Server) -> None:
    """Until the kernel of the page is there, as its server knows it too, and does nothing."""
    give_up = time.monotonic() + _PATIENCE_MS / 1000
    while server.kernel_state() != "idle":
        if time.monotonic() > give_up:
            raise Wrong(f"the kernel is not ready: {server.kernel_state() or 'none'}")
        page.wait_for_timeout(200)
    idle = page.locator(".jp-Notebook-ExecutionIndicator").first
    expect(idle).to_have_attribute("data-status", "idle", timeout=_PATIENCE_MS)


def _run_all(page: Page) -> None:
    page.locator(".lm-MenuBar-item", has_text="Run").first.click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile(r"^Run All Cells$")).last.click()


def _save(page: Page, notebook: Path) -> None:
    page.keyboard.press("Control+s")
    give_up = time.monotonic() + _PATIENCE_MS / 1000
    while time.monotonic() < give_up:
        with contextlib.suppress(ValueError):
            if read_outcome(notebook) is not None:
                return
        page.wait_for_timeout(200)
    raise Wrong("the saved notebook holds no outcome")
