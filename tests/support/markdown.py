"""The pages of the repository as their readers meet them: headings, links, names in code type."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bcrunbook.order import ORDER
from bcrunbook.steps import step_named

ROOT = Path(__file__).resolve().parents[2]


def heading_of(step: str) -> str:
    """The first heading of a step's notebook: its number and its title."""
    return f"{ORDER.index(step)}. {step_named(step).title}"


@dataclass(frozen=True)
class Link:
    """A link or a picture of a page.

    Args:
        page: the page it stands on.
        target: where it leads, as written.
    """

    page: Path
    target: str

    @property
    def is_internal(self) -> bool:
        """Whether it leads to something of the repository."""
        return not re.match(r"[a-z][a-z0-9+.-]*:", self.target)

    @property
    def file(self) -> Path:
        """The file or folder it leads to."""
        path = self.target.partition("#")[0]
        return (self.page.parent / path).resolve() if path else self.page

    @property
    def anchor(self) -> str:
        """The place within that file; empty without one."""
        return self.target.partition("#")[2]


def text_of(file: Path) -> str:
    """A page's Markdown; of a notebook, that of its cells of prose."""
    text = file.read_text("utf-8")
    if file.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(one["source"]) for one in cells if one["cell_type"] == "markdown")


@cache
def _tokens(file: Path) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(text_of(file)))


def _inline(file: Path) -> Iterator[Token]:
    for token in _tokens(file):
        yield from token.children or ()


def links(file: Path) -> list[Link]:
    """The links and pictures of a page."""
    found = []
    for token in _inline(file):
        name = {"link_open": "href", "image": "src"}.get(token.type)
        if name is not None:
            found.append(Link(file, str(token.attrs[name])))
    return found


def anchors(file: Path) -> set[str]:
    """What a link to a page can point at: its headings, as forges spell them, and its anchors."""
    tokens = _tokens(file)
    titles = [
        "".join(child.content for child in (after.children or ()) if child.content)
        for token, after in itertools.pairwise(tokens)
        if token.type == "heading_open"
    ]
    slugs = [re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles]
    seen: Counter[str] = Counter()
    found = set(re.findall(r'<a id="([^"]+)">', text_of(file)))
    for slug in slugs:
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def names(file: Path) -> list[str]:
    """What stands in code type on a page."""
    return [token.content for token in _inline(file) if token.type == "code_inline"]


def blocks(file: Path) -> list[str]:
    """The blocks of code of a page."""
    return [token.content for token in _tokens(file) if token.type in ("fence", "code_block")]
