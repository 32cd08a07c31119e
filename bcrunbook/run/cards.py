"""Hand-off cards: what a person has to do, as a page and as text beside the executed notebook."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bcrunbook.core.step import AnyStep, Change
from bcrunbook.printable import printable
from bcrunbook.secrets import scrub
from bcrunbook.skipped import dates
from bcrunbook.views.cells import card_view


def write_card(
    notebook: Path, step: AnyStep, account: str, cloud: str, changes: Sequence[Change]
) -> Path:
    """Write the card of a step that needs a person, beside its output notebook.

    Args:
        notebook: the output notebook.
        step: the step.
        account: the account's name.
        cloud: `live` or `rehearsal`.
        changes: what a person has to do, each with its hand-off.

    Returns:
        The page; the text stands beside it, with the ending `.txt`.

    Raises:
        OSError: it cannot be written.
    """
    written = f"{dates.now():%Y-%m-%d %H:%M} UTC"
    card = card_view(step.title, account, cloud, written, changes)
    page = notebook.with_suffix(".card.html")
    page.write_text(printable(scrub(card.html, where="a hand-off card")), encoding="utf-8")
    text = printable(scrub(card.text, where="a hand-off card"))
    page.with_suffix(".txt").write_text(text, encoding="utf-8")
    return page
