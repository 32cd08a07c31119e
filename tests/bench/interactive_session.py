"""From `bcrunbook lab` to the first usable control: `python -m tests.bench.interactive_session`.

In real Chromium against real JupyterLab, this checkout and an earlier commit by turns, so that both
meet the same machine. The earlier one had its first control, the list of accounts, in the second
cell of a notebook; its two cells are run as fast as a program presses keys. Now the list stands in
the bar. Prints medians and the ratio, and what the bar costs while nothing happens. Not a test:
figures depend on the machine.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from playwright.sync_api import expect, sync_playwright

from tests.lab.page import OUTPUTS, PATIENCE_MS
from tests.support.browser import ARGUMENTS, chromium_path

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EARLIER = "949441c"
RUNS = 5
IDLE_SECONDS = 20.0
ROOT = Path(__file__).resolve().parents[2]
ENTRY = "from bcrunbook.cli import main; main()"
ACCOUNTS = """
[accounts.trial]
kind = "trial"
tenant = "contoso.com"
application = "Contoso Lending (trial)"

[accounts.production]
kind = "production"
tenant = "contoso.com"
application = "Contoso Lending"
"""
WAYS = {"lab": (), "lab --rehearse": ("--rehearse",)}


@contextmanager
def earlier_checkout(folder: Path) -> Iterator[Path]:
    """The earlier commit with an environment of its own.

    Yields:
        Its Python.
    """
    tree = folder / "earlier"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", "-f", str(tree), EARLIER], check=True)
    try:
        own = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        compiled = own | {"UV_COMPILE_BYTECODE": "1"}
        subprocess.run(["uv", "sync", "--all-extras", "-q"], cwd=tree, env=compiled, check=True)
        yield tree / ".venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    finally:
        subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def control_in_cell(page: Page) -> None:
    """Run the first two cells as soon as they can be, and wait for what the second shows."""
    # What is run before there is a kernel is lost, or asked about.
    expect(page.get_by_text("Python 3 | Idle")).to_be_visible(timeout=PATIENCE_MS)
    for source in ('mode = "auto"', "open_step"):
        editor = page.locator(".jp-InputArea-editor", has_text=source)
        page.locator(".jp-CodeCell", has=editor).first.locator(".jp-InputPrompt").first.click()
        page.keyboard.press("Control+Enter")
    account = page.locator(OUTPUTS).get_by_label("Account").first
    expect(account).to_be_enabled(timeout=PATIENCE_MS)


def control_in_bar(page: Page) -> None:
    """Wait for the bar's list of accounts."""
    expect(page.locator("#bcrunbook-bar select").first).to_be_enabled(timeout=PATIENCE_MS)


@contextmanager
def running(python: Path, words: Sequence[str], folder: Path) -> Iterator[tuple[int, str]]:
    """`bcrunbook lab` in an empty folder, or beside an accounts.toml.

    Yields:
        Its process and the address that it prints.
    """
    if "--rehearse" not in words:
        (folder / "accounts.toml").write_text(ACCOUNTS, "utf-8")
    child = subprocess.Popen(
        [str(python), "-c", ENTRY, "lab", "--no-browser", "--json", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        assert child.stdout is not None
        yield child.pid, json.loads(child.stdout.readline())["url"]
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)


def measured(
    browser: Browser, python: Path, words: Sequence[str], control: Callable[[Page], None]
) -> tuple[float, float]:
    """Seconds until the address is printed, and until the control can be used."""
    with tempfile.TemporaryDirectory() as folder, browser.new_context() as context:
        page = context.new_page()
        began = time.perf_counter()
        with running(python, words, Path(folder)) as (_, url):
            printed = time.perf_counter() - began
            page.goto(url, wait_until="commit")
            control(page)
            used = time.perf_counter() - began
            page.goto("about:blank")
    return printed, used


def cost_of_the_bar(browser: Browser, python: Path) -> float:
    """The share of one core that the server takes while a page shows the bar, in per cent."""
    with tempfile.TemporaryDirectory() as folder, browser.new_context() as context:
        page = context.new_page()
        with running(python, ("--rehearse",), Path(folder)) as (process, url):
            page.goto(url)
            expect(page.locator(".jp-Notebook-cell").first).to_be_visible(timeout=PATIENCE_MS)
            family = psutil.Process(process).children()
            (server,) = (one for one in family if "jupyterlab" in one.cmdline())
            time.sleep(IDLE_SECONDS / 2)  # until all has been read
            before = server.cpu_times()
            time.sleep(IDLE_SECONDS)
            after = server.cpu_times()
            page.goto("about:blank")
            spent = float(after.user + after.system - before.user - before.system)
            return 100 * spent / IDLE_SECONDS


def main() -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory() as folder,
        earlier_checkout(Path(folder)) as earlier,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        now = Path(sys.executable)
        for title, words in WAYS.items():
            times: dict[str, list[tuple[float, float]]] = {EARLIER: [], "now": []}
            for _ in range(RUNS):
                times[EARLIER].append(measured(browser, earlier, words, control_in_cell))
                times["now"].append(measured(browser, now, words, control_in_bar))
            medians = {}
            for name, rows in times.items():
                printed, medians[name] = map(statistics.median, zip(*rows, strict=True))
                print(
                    f"{title:15} {name:8} address {printed:5.2f} s   control {medians[name]:5.2f} s"
                    f"   medians of {RUNS}"
                )
            print(f"{title:15} {'ratio':8} {medians['now'] / medians[EARLIER]:.0%}", flush=True)
        print(f"the bar, while nothing happens: {cost_of_the_bar(browser, now):.1f} % of a core")
        browser.close()


if __name__ == "__main__":
    main()
