"""The way by hand, beside the plan: the notebook's own section, and fields for what came of it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bcrunbook.cloud import Cloud
from bcrunbook.hosts import AZURE_PORTAL
from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.order import CODAT_KEYS, ENABLE_INTEGRATION
from bcrunbook.steps import notebook_of, step_named
from bcrunbook.steps.codat_portal import PORTAL_HOST

if TYPE_CHECKING:
    from markdown_it.token import Token

HEADING: Final = "## The same by hand"

# All that these steps do is done by hand: their list says it, with a button for each thing.
_SAID_BY_THE_LIST: Final = frozenset({CODAT_KEYS, ENABLE_INTEGRATION})
_NOT_REHEARSED: Final = (
    "The rehearsal cloud has no Azure portal: this is how it goes in a live one."
)


def by_hand(step: str, cloud: Cloud) -> str:
    """What the step's notebook says of the way by hand, as HTML; empty where it says nothing.

    In a rehearsal no link leads to a real portal: those of the Codat Portal lead to the rehearsal's
    own pages, and those of the Azure portal, which is not rehearsed, to none.

    Args:
        step: the step's id.
        cloud: whose pages the links lead to.
    """
    from markdown_it import MarkdownIt

    text = "" if step in _SAID_BY_THE_LIST else _section(step)
    if not text:
        return ""
    # No HTML of its own is let through, as the notebooks hold none.
    markdown = MarkdownIt("js-default")
    tokens = markdown.parse(text)
    if not cloud.is_live:
        for token in tokens:
            if token.children:
                token.children = _rehearsed(token.children, cloud)
    html = str(markdown.renderer.render(tokens, markdown.options, {}))
    is_missing = not cloud.is_live and ("Azure portal" in text or AZURE_PORTAL in text)
    return f"<p>{_NOT_REHEARSED}</p>\n{html}" if is_missing else html


@cache
def _section(step: str) -> str:
    path: Path = shipped() / notebook_of(step_named(step))
    cells = json.loads(path.read_text("utf-8"))["cells"]
    prose = "\n\n".join("".join(one["source"]) for one in cells if one["cell_type"] == "markdown")
    _, _, after = prose.partition(f"{HEADING}\n")
    text, _, _ = after.partition("\n## ")
    return text.strip()


def _rehearsed(tokens: list[Token], cloud: Cloud) -> list[Token]:
    """The inline parts of a paragraph, with links that lead to the rehearsal's pages or nowhere."""
    kept, is_kept = [], True
    for token in tokens:
        if token.type == "link_open":
            address = str(token.attrGet("href"))
            is_kept = urlsplit(address).hostname == PORTAL_HOST
            token.attrSet("href", cloud.page(address))
        if is_kept or token.type not in ("link_open", "link_close"):
            kept.append(token)
    return kept
