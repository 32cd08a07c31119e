"""Tables and lines of checks, on stdout; what stands in them is scrubbed and made printable."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from bcrunbook.cli.output import STYLES, console
from bcrunbook.printable import printable
from bcrunbook.secrets import scrub


def print_check(state: str, name: str, text: str) -> None:
    """Print one checked thing on stdout: `ok` or `failed` in colour, and what was found."""
    first, *more = printable(scrub(text, where="stdout")).splitlines() or [""]
    line = Text(f"{state:<8}", style=STYLES[state])
    line.append(f"{printable(name)}: {first}", style="default")
    for further in more:
        line.append(f"\n{'':<8}{further}", style="default")
    console(stderr=False).print(line, soft_wrap=True)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on stdout; a cell that is a state word gets its colour."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        # A value that is cut off is no value: what does not fit goes on in the next line.
        table.add_column(printable(heading), overflow="fold")
    for row in rows:
        cells = (printable(scrub(cell, where="stdout")) for cell in row)
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in cells))
    console(stderr=False).print(table)
