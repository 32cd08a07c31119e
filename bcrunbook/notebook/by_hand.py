"""The way by hand, beside the plan: the notebook's own section, and fields for what came of it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.steps import notebook_of, step_named

HEADING: Final = "## The same by hand"


@cache
def by_hand(step: str) -> str:
    """What the step's notebook says of the way by hand, as HTML; empty where it says nothing.

    Args:
        step: the step's id.
    """
    from markdown_it import MarkdownIt

    path: Path = shipped() / notebook_of(step_named(step))
    cells = json.loads(path.read_text("utf-8"))["cells"]
    prose = "\n\n".join("".join(one["source"]) for one in cells if one["cell_type"] == "markdown")
    _, _, after = prose.partition(f"{HEADING}\n")
    text, _, _ = after.partition("\n## ")
    # No HTML of its own is let through, as the notebooks hold none.
    return str(MarkdownIt("js-default").render(text.strip()))
