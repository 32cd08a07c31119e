"""From opening a notebook to its first usable control: python -m tests.bench.seat

In real Chromium against real JupyterLab. Prints medians: until the page shows the notebook with its
kernel ready, and from running the first cells until the account can be picked. Not a test: figures
depend on the machine.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.browser import ARGUMENTS, chromium_path
from tests.lab.page import Lab, Server
from tests.program import PROGRAM

RUNS = 5
NOTEBOOK = "01_register_application.ipynb"
PARAMETERS = 'mode = "auto"'


def once(lab: Lab) -> tuple[float, float]:
    """Seconds until the kernel is ready, and from then until a control can be used."""
    started = time.perf_counter()
    lab.open(NOTEBOOK)
    ready = time.perf_counter()
    lab.start(PARAMETERS)
    lab.start("open_step")
    expect(lab.field("Account")).to_be_enabled()
    return ready - started, time.perf_counter() - ready


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
            once(lab)  # the browser's own first time
            times = [once(lab) for _ in range(RUNS)]
            browser.close()
        finally:
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=60)
    opening, control = (statistics.median(each) for each in zip(*times, strict=True))
    print(f"opening until the kernel is ready       {opening:5.2f} s   median of {RUNS}")
    print(f"first cells until the account is picked {control:5.2f} s")


if __name__ == "__main__":
    main()
