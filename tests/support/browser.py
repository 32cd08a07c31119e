"""A real browser for tests: the machine's own Chromium, driven by Playwright.

Playwright's blocking interface keeps an event loop running in the thread for as long as it is
started, and no async test can run meanwhile. Hence one browser per module, and such a module has
plain functions only.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 10_000


def chromium_path() -> str:
    """Where Chromium is. Without one the test is skipped, but fails where everything must run."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"no Chromium on this machine (looked for {', '.join(NAMES)})")
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium that the tests of a module share."""
    path = chromium_path()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """An empty tab of a browser profile of its own."""
    with chromium.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()
