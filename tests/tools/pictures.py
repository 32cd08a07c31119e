"""Takes the pictures of the documentation anew: `python -m tests.tools.pictures`.

Of the report, of hand-off cards, of a handover, of a year and of a notebook that asks. It rehearses
in folders that go away again, and needs Chromium.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from bcrunbook.accounts import load
from bcrunbook.order import (
    CODAT_KEYS,
    REGISTER_APPLICATION,
    RETIRE_CUSTOMER,
    ROTATE_SECRET,
    START_HERE,
    notebook_name,
)
from bcrunbook.rehearsal import launch
from bcrunbook.run.rehearse.workspace import STANDARD, prepare
from tests.lab.conftest import serving
from tests.lab.page import PATIENCE_MS, Lab
from tests.lab.seat import APPLY
from tests.support.browser import ARGUMENTS, chromium_path
from tests.support.program import PROGRAM

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs"
_REPORT: Final[ViewportSize] = {"width": 1100, "height": 740}
_HANDOVER: Final[ViewportSize] = {"width": 1100, "height": 1000}
_YEAR: Final[ViewportSize] = {"width": 1100, "height": 830}
_PIPELINE: Final[ViewportSize] = {"width": 1240, "height": 560}
_CARD_WIDTH: Final = 900
_NOTEBOOK: Final[ViewportSize] = {"width": 1180, "height": 1000}


_COMMENT: Final = """<!doctype html><meta charset="utf-8"><style>
body {{ font: 14px/1.5 system-ui, sans-serif; color: #1f2328; margin: 24px; }}
body > div {{ border: 1px solid #d0d7de; border-radius: 6px; padding: 4px 16px; }}
table {{ border-collapse: collapse; }} td, th {{ border: 1px solid #d0d7de; padding: 6px 13px; }}
code, pre {{ background: #f6f8fa; border-radius: 6px; font-size: 12px; }}
code {{ padding: 2px 5px; }} pre {{ padding: 12px; overflow: hidden; }} pre code {{ padding: 0; }}
</style><div>{shown}</div>"""
"""How a forge shows what it is told, as far as that is alike everywhere."""


def main() -> None:
    """Rehearse, and take all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*PROGRAM, "rehearse", "--dir", folder], check=True, capture_output=True)
        (run,) = (Path(folder) / "workspace" / "runs").iterdir()
        handed = [*PROGRAM, "handover", "--workspace", str(Path(folder) / "workspace")]
        subprocess.run(handed, check=True, capture_output=True)
        (handover,) = (Path(folder) / "workspace" / "handover").glob("*/handover.html")
        card = run / "1-first-pass" / "trial" / f"{notebook_name(CODAT_KEYS)}.card.html"
        comment = comment_of(Path(folder) / "pipeline")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
            page = browser.new_page(viewport=_REPORT)
            _take(page, run / "report.html", "report.png", is_whole=False)
            page.set_viewport_size(_HANDOVER)
            _take(page, handover, "handover.png", is_whole=False)
            page.set_viewport_size({"width": _CARD_WIDTH, "height": 100})
            _take(page, card, "hand-off.png", is_whole=True)
            _take(page, _retired(Path(folder)), "retiring.png", is_whole=True)
            page.set_viewport_size(_PIPELINE)
            _take(page, comment, "comment.png", is_whole=False)
            take_year(page, Path(folder) / "year")
            _take_notebook(browser, Path(folder) / "lab", "jupyterlab.png")
            browser.close()


def take_year(page: Page, folder: Path) -> None:
    """The head of a year's page, and the card of a secret that is replaced in it.

    Args:
        page: a browser's.
        folder: where the year is rehearsed, unless it was before.
    """
    if not folder.exists():
        year = [*PROGRAM, "rehearse", "--year", "--dir", str(folder)]
        subprocess.run(year, check=True, capture_output=True)
    (story,) = (folder / "workspace" / "runs").glob("*/year.html")
    card = min(story.parent.glob(f"week-*/trial/{notebook_name(ROTATE_SECRET)}.card.html"))
    page.set_viewport_size(_YEAR)
    _take(page, story, "year.png", is_whole=False)
    page.set_viewport_size({"width": _CARD_WIDTH, "height": 100})
    _take(page, card, "rotating.png", is_whole=True)


def _retired(folder: Path) -> Path:
    """The card of a customer that is retired, after the same rehearsal."""
    root = folder / "workspace"
    with launch(folder / "cloud", skips=True):
        customer = next(iter(load(root).account("trial").customers))
        whom = ("retire", "trial", "--customer", customer, "--workspace", str(root))
        # A card ends it with the code that says that a person has to act.
        subprocess.run([*PROGRAM, *whom], capture_output=True)
    name = f"{notebook_name(RETIRE_CUSTOMER)}.card.html"
    (card,) = root.glob(f"runs/*/trial/customers/{customer}/{name}")
    return card


def comment_of(folder: Path) -> Path:
    """What a pipeline writes under its run, as a forge shows it, after a trial's first.

    Args:
        folder: where that is rehearsed; it is made.
    """
    folder.mkdir()
    told = folder / "told.md"
    with launch(folder / "cloud", skips=True) as cloud:
        workspace = asyncio.run(prepare(folder, cloud, STANDARD))
        words = ("batch", "--kind", "trial", "--mode", "apply", "--markdown", str(told))
        # A person has to act, which the exit code says.
        subprocess.run([*PROGRAM, *words, "-w", str(workspace.root)], capture_output=True)
    page = folder / "comment.html"
    shown = MarkdownIt("commonmark").enable("table").render(told.read_text("utf-8"))
    page.write_text(_COMMENT.format(shown=shown), "utf-8")
    return page


def _take(page: Page, file: Path, name: str, *, is_whole: bool) -> None:
    page.goto(file.as_uri())
    page.screenshot(path=FOLDER / name, full_page=is_whole)
    print(name)


def _take_notebook(browser: Browser, folder: Path, name: str) -> None:
    folder.mkdir()
    with serving(folder, folder / "rehearsal-lab" / "workspace", "--rehearse") as server:
        lab = Lab(browser.new_page(viewport=_NOTEBOOK), server, folder)
        for step in (START_HERE, REGISTER_APPLICATION):
            lab.open_step(step)
            lab.run_all()
        expect(lab.button("Apply")).to_be_visible(timeout=PATIENCE_MS)
        lab.code_cell(APPLY).evaluate("one => one.scrollIntoView({block: 'center'})")
        lab.page.mouse.move(0, 0)
        lab.page.screenshot(path=FOLDER / name)
        print(name)


if __name__ == "__main__":
    main()
