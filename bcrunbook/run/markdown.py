"""How steps ended as Markdown, for a comment, an issue or the summary of a pipeline's job.

All text that is not this program's own stands in blocks of code: nothing in it is a link, names a
person or closes the block.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bcrunbook.core.step import PASSED
from bcrunbook.run.ended import Ended
from bcrunbook.steps import EVERY_STEP

_ROWS: Final = 50
_TOLD: Final = 20
"""A comment has a limit; what is left out is counted."""


def markdown(ended: Sequence[Ended], title: str) -> str:
    """A table of accounts and customers by steps, and what is open, with its cards.

    Args:
        ended: how each step ended.
        title: the heading.
    """
    steps = [step.id for step in EVERY_STEP if any(one.step == step.id for one in ended)]
    labels = {(one.who, one.step): one.label for one in ended}
    everybody = list(dict.fromkeys(one.who for one in ended))
    lines = [f"### {title}", ""]
    lines += _row("", *(f"{one.name}" for one in _first_of(ended, steps)))
    lines += _row("---", *("---" for _ in steps))
    for who in everybody[:_ROWS]:
        lines += _row(f"`{who}`", *(labels.get((who, step), "") for step in steps))
    lines += _left_out(everybody, _ROWS)
    open_ = [one for one in ended if one.state is not None and one.state not in PASSED]
    for one in open_[:_TOLD]:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", one.told)), default=0))
        lines += ["", f"**`{one.who}`, {one.name}: {one.label}**", "", f"{fence}text"]
        lines += [one.told.rstrip("\n"), fence]
    return "\n".join([*lines, *_left_out(open_, _TOLD)]) + "\n"


def _first_of(ended: Sequence[Ended], steps: Sequence[str]) -> list[Ended]:
    return [next(one for one in ended if one.step == step) for step in steps]


def _row(*cells: str) -> list[str]:
    return [f"| {' | '.join(cells)} |"]


def _left_out(what: Sequence[object], most: int) -> list[str]:
    return ["", f"{len(what) - most} more: see the report."] if len(what) > most else []
