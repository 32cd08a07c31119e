"""Takes pictures of notebooks that somebody sits at: `python -m tests.tools.seat_pictures FOLDER`.

Start, a plan with mixed changes, a hand-off, an installation in the middle and a wait that has
ended, each in both themes and at three widths, to be looked at. Needs Chromium, and some minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import expect, sync_playwright

from bcrunbook.accounts import Workspace
from bcrunbook.order import (
    API_PERMISSIONS,
    CODAT_KEYS,
    ENABLE_INTEGRATION,
    HEALTH_CHECK,
    LINK_CUSTOMER,
    START_HERE,
    notebook_name,
)
from bcrunbook.rehearsal import RehearsalDescription, launch
from tests.lab.conftest import serving
from tests.lab.page import PATIENCE_MS, THEMES, Server
from tests.lab.seat import APPLY, CUSTOMER, OUTCOME, TRIAL, Seat, lay_out_accounts, link_customer
from tests.support.browser import ARGUMENTS, chromium_path
from tests.support.portal import set_enabled

WIDTHS: Final = (900, 1280, 1920)
_SPEED: Final = 4.0
"""Slow enough for an installation to stay in the middle while its pictures are taken."""
_INSTALLED_MS: Final = 600_000
_SOON_OVER: Final = """
from bcrunbook.core import runner
from bcrunbook.core.backoff import Backoff
runner.WATCHING = Backoff(first=1.0, longest=1.0, deadline=1.0)
"""


def main() -> None:
    """Take all of them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path, help="where the pictures go")
    folder = arguments.parse_args().folder.absolute()
    with (
        tempfile.TemporaryDirectory() as made,
        launch(Path(made) / "cloud", speed=_SPEED, latency_ms=0, lags="worst") as cloud,
        sync_playwright() as playwright,
    ):
        workspace = lay_out_accounts(cloud)
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        words = ("--workspace", str(workspace.root))
        with serving(Path(made), workspace.root, *words) as server:
            seat = Seat(browser, server, folder)
            _start(seat)
            _plan(seat)
            _hand_off(seat)
            _ended_wait(seat, server, cloud)
            _installation(seat, workspace, cloud)
            _closing(seat)
            seat.leave()
        browser.close()


def _take(seat: Seat, name: str) -> None:
    """One picture in each theme and width, of all that the notebook shows."""
    for theme in THEMES:
        seat.lab.theme(theme)
        for width in WIDTHS:
            seat.lab.resize(width, 900)
            print(seat.lab.shot(f"{name}-{theme}-{width}", whole=True))


def _start(seat: Seat) -> None:
    seat.lab.name = f"{notebook_name(START_HERE)}.ipynb"
    seat.lab.open(seat.lab.name)
    _take(seat, "start")


def _plan(seat: Seat) -> None:
    expect(seat.begin(API_PERMISSIONS, "lost").button("Apply")).to_be_visible(timeout=PATIENCE_MS)
    _take(seat, "plan")


def _hand_off(seat: Seat) -> None:
    lab = seat.begin(CODAT_KEYS, "keys")
    expect(lab.page.locator(".bcr-check")).to_be_visible(timeout=PATIENCE_MS)
    _take(seat, "hand-off")


def _ended_wait(seat: Seat, server: Server, cloud: RehearsalDescription) -> None:
    set_enabled(cloud, on=False)
    lab = seat.begin(ENABLE_INTEGRATION, TRIAL)
    expect(lab.button("Look now")).to_be_visible(timeout=PATIENCE_MS)
    with server.kernel_client(lab.name) as kernel:
        kernel.execute(_SOON_OVER, silent=True)
        lab.start(APPLY)
        expect(lab.button("Look again")).to_be_visible(timeout=PATIENCE_MS)
    _take(seat, "ended-wait")
    set_enabled(cloud, on=True)


def _installation(seat: Seat, workspace: Workspace, cloud: RehearsalDescription) -> None:
    lab = seat.begin(LINK_CUSTOMER, TRIAL, CUSTOMER.name)
    lab.click("Apply")
    expect(lab.button("Look now")).to_be_visible(timeout=PATIENCE_MS)
    link_customer(workspace, cloud, TRIAL, CUSTOMER.name)
    lab.click("Look now")
    expect(lab.output(APPLY)).to_contain_text("so far", timeout=PATIENCE_MS)
    lab.page.wait_for_timeout(60_000)
    _take(seat, "installation")
    expect(lab.output(APPLY)).not_to_contain_text("so far", timeout=_INSTALLED_MS)


def _closing(seat: Seat) -> None:
    lab = seat.begin(HEALTH_CHECK, TRIAL)
    expect(lab.output(OUTCOME)).to_contain_text("and everything stands", timeout=PATIENCE_MS)
    _take(seat, "closing")


if __name__ == "__main__":
    main()
