"""Takes the pictures of the report and of the hand-off card anew: `python -m tests.tools.pictures`.

It rehearses in a folder that goes away again, and needs Chromium. That of JupyterLab is taken by
hand: what is worth showing there depends on what one wants to tell.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, ViewportSize, sync_playwright

from bcrunbook.order import CODAT_KEYS, notebook_name
from tests.support.browser import ARGUMENTS, chromium_path
from tests.support.program import PROGRAM

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs"
_REPORT: Final[ViewportSize] = {"width": 1100, "height": 740}
_CARD_WIDTH: Final = 900


def main() -> None:
    """Rehearse, and take both pictures."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*PROGRAM, "rehearse", "--dir", folder], check=True, capture_output=True)
        (run,) = (Path(folder) / "workspace" / "runs").iterdir()
        card = run / "1-first-pass" / "trial" / f"{notebook_name(CODAT_KEYS)}.card.html"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
            page = browser.new_page(viewport=_REPORT)
            _take(page, run / "report.html", "report.png", is_whole=False)
            page.set_viewport_size({"width": _CARD_WIDTH, "height": 100})
            _take(page, card, "hand-off.png", is_whole=True)
            browser.close()


def _take(page: Page, file: Path, name: str, *, is_whole: bool) -> None:
    page.goto(file.as_uri())
    page.screenshot(path=FOLDER / name, full_page=is_whole)
    print(name)


if __name__ == "__main__":
    main()
