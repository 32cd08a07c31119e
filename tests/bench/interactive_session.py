"""From opening a notebook to its first usable control: `python -m tests.bench.interactive_session`.

In real Chromium against real JupyterLab. Prints medians: until the notebook is shown, its kernel is
ready, and (its first cells are run meanwhile) the account can be picked; once for a notebook opened
in the JupyterLab that one has before one, once for a page that is loaded anew. Not a test: figures
depend on the machine.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from bcrunbook.order import REGISTER_APPLICATION
from bcrunbook.steps import notebook_of, step_named
from tests.lab.page import Lab, Server
from tests.support.browser import ARGUMENTS, chromium_path
from tests.support.program import PROGRAM

RUNS = 5
NOTEBOOK = notebook_of(step_named(REGISTER_APPLICATION))
PARAMETERS = 'mode = "auto"'
# What somebody takes at least between two notebooks.
READING_SECONDS = 10.0


def in_the_same_page(lab: Lab) -> Iterator[float]:
    """Open it from JupyterLab's own list of files; when it is shown, ready, and can be used."""
    lab.save()
    lab.menu("File", "Close Tab")
    lab.server.forget(NOTEBOOK)
    time.sleep(READING_SECONDS)
    lab.name = NOTEBOOK
    began = time.perf_counter()
    lab.page.locator(".jp-DirListing-item", has_text=NOTEBOOK).dblclick()
    return used(lab, began)


def in_a_new_page(lab: Lab) -> Iterator[float]:
    """Load it by its address; the same."""
    lab.page.goto("about:blank")
    lab.server.forget(NOTEBOOK)
    time.sleep(READING_SECONDS)
    lab.name = NOTEBOOK
    began = time.perf_counter()
    lab.page.goto(lab.address(NOTEBOOK))
    return used(lab, began)


def used(lab: Lab, began: float) -> Iterator[float]:
    """Seconds since `began`."""
    expect(lab.cells().first).to_be_visible()
    yield time.perf_counter() - began
    lab.wait_for_kernel()
    yield time.perf_counter() - began
    lab.start(PARAMETERS)
    lab.start("open_step")
    expect(lab.field("Account")).to_be_enabled()
    yield time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        child = subprocess.Popen(
            [*PROGRAM, "lab", "--rehearse", "--no-browser", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        try:
            assert child.stdout is not None
            url = json.loads(child.stdout.readline())["url"]
            server = Server(url, Path(folder) / "rehearsal" / "workspace")
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
            lab = Lab(browser.new_page(), server, Path(folder))
            lab.open_start_page()
            for title, way in (("in JupyterLab", in_the_same_page), ("new page", in_a_new_page)):
                times = [list(way(lab)) for _ in range(RUNS)]
                shown, ready, control = map(statistics.median, zip(*times, strict=True))
                print(
                    f"{title:14} notebook {shown:5.2f} s   kernel {ready:5.2f} s"
                    f"   control {control:5.2f} s   medians of {RUNS}"
                )
            browser.close()
        finally:
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=60)


if __name__ == "__main__":
    main()
