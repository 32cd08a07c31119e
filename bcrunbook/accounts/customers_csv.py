"""A CSV file of customers, as a person or a spreadsheet writes it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from bcrunbook.accounts.customer import Customer
from bcrunbook.accounts.mistakes import Keys, Report, shown
from bcrunbook.errors import nearest
from bcrunbook.secrets import looks_like_secret

COLUMNS: Final = ("key", "name", "contact", "tenant", "environment", "company")
_NEEDED: Final = ("key", "name", "contact")
_SEPARATORS: Final = (",", ";", "\t", "|")
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([,;\t|])"?\s*')
_HEADER: Final = f"the first line names the columns: {','.join(COLUMNS)}"


class CsvReport(Report):
    """The mistakes in a CSV file of customers; it also reads the file.

    A mistake's keys are the line, and the column if it is about one.

    Args:
        path: the file.

    Args:
        customers: by name, in the order of the file, once it is read.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.customers: dict[str, Customer] = {}
        self._lines: dict[str, int] = {}

    def line_of(self, keys: Keys) -> int:
        """The line that the keys name."""
        return int(keys[0])

    def label(self, keys: Keys) -> str:
        """The column, if there is one."""
        return super().label(keys[1:])

    def entries(self) -> Iterator[tuple[Keys, Customer]]:
        """Each customer with its line."""
        return (((str(self._lines[name]),), one) for name, one in self.customers.items())

    def parse(self, raw: bytes) -> None:
        """Read the file's content. What is wrong in it is noted."""
        text = self._decoded(raw)
        if text is None:
            return
        rows = self._rows(text)
        for line, cells in rows:
            columns = self._columns(line, cells)
            break
        else:
            return self.add(("1",), f"the file is empty; {_HEADER}")
        if columns:
            for line, cells in rows:
                self._read_row(line, columns, cells)

    def _decoded(self, raw: bytes) -> str | None:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            self.add(("1",), 'this is UTF-16; save it as "CSV UTF-8"')
            return None
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            self.add((str(line),), 'this is not UTF-8 text; save it as "CSV UTF-8"')
            return None

    def _rows(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Each row that is not empty, trimmed, with the line that it begins on."""
        above, separator = _above_the_header(text)
        lines = io.StringIO(text, newline="")
        for _ in range(above):
            lines.readline()
        reader = csv.reader(lines, delimiter=separator, strict=True)
        line = above + 1
        try:
            for row in reader:
                cells = [cell.strip() for cell in row]
                if any(cells):
                    yield line, cells
                line = above + reader.line_num + 1
        except csv.Error:
            self.add((str(line),), "a quote is not closed, or stands where none may")

    def _columns(self, line: int, cells: list[str]) -> list[str]:
        """The columns that the header names; none if it cannot be used."""
        columns = [cell.lower() for cell in cells]
        if len(columns) == 1 and columns[0] not in COLUMNS:
            self.add(
                (str(line),),
                "this line is one cell; a comma, semicolon, tab or | stands between cells, and "
                f"there are no quotes around a whole row; {_HEADER}",
            )
            return []
        for column in columns:
            if column and column not in COLUMNS:
                self.add((str(line), column), f"no such column; {nearest(column, COLUMNS)}")
            elif column and columns.count(column) > 1:
                self.add((str(line), column), "this column stands here twice")
        for column in _NEEDED:
            if column not in columns:
                self.add((str(line), column), f"the column is missing; {_HEADER}")
        return columns if all(column in columns for column in _NEEDED) else []

    def _read_row(self, line: int, columns: list[str], cells: list[str]) -> None:
        beyond = [cell for cell in cells[len(columns) :] if cell]
        nameless = [cell for column, cell in zip(columns, cells, strict=False) if not column]
        if beyond or any(nameless):
            return self.add(
                (str(line),),
                "the row has more values than there are columns; a value that holds a comma or "
                "semicolon needs quotes around it",
            )
        data = {
            column: cell
            for column, cell in zip(columns, cells, strict=False)
            if cell and column in COLUMNS
        }
        for column, cell in data.items():
            if looks_like_secret(cell):
                self.add(
                    (str(line), column),
                    "this looks like a secret itself, and no secret belongs in this file",
                )
        customer = self.check(Customer, data, (str(line),))
        key = data.get("key", "")
        if key in self._lines:
            self.add((str(line), "key"), f"{shown(key)} is on line {self._lines[key]} already")
        elif key:
            self._lines[key] = line
            if customer is not None:
                self.customers[key] = customer


def _above_the_header(text: str) -> tuple[int, str]:
    """How many lines stand above the one that names the columns, and what separates cells.

    A spreadsheet may say that in a line of its own (`sep=;`), a person may have left a comment.
    Where the comma is the decimal sign, a spreadsheet joins cells by semicolons.
    """
    named, above = "", 0
    for above, line in enumerate([*io.StringIO(text, newline=""), ""]):
        if found := _SEPARATOR_LINE.fullmatch(line):
            named = found[1]
        elif line.strip() and not line.startswith("#"):
            return above, named or max(_SEPARATORS, key=partial(_named, line))
    return above, ","


def _named(header: str, separator: str) -> tuple[int, int]:
    """How many columns a header names when its cells are separated by this, and how many it has."""
    cells = [cell.strip(' \t\r\n"').lower() for cell in header.split(separator)]
    return sum(cell in COLUMNS for cell in cells), len(cells)
