"""The customers of an account: tables of the `accounts.toml`, or the rows of a CSV file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bcrunbook.accounts.customer import Customer
from bcrunbook.accounts.customers_csv import CsvReport
from bcrunbook.accounts.mistakes import Keys, Report, shown
from bcrunbook.errors import nearest

_EXPECTED: Final = (
    'expected a CSV file beside this one, such as "customers.csv", or tables '
    "[accounts.NAME.customers.KEY]"
)


class CustomerFiles:
    """The CSV files that an `accounts.toml` names. A file that two accounts name is read once.

    Args:
        root: the workspace's folder, from which their paths are meant.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.reports: dict[Path, CsvReport] = {}

    def customers(self, report: Report, keys: Keys, value: object) -> dict[str, Customer]:
        """The customers of one account.

        Args:
            report: of the `accounts.toml`; takes the mistakes of its tables, and of the name of a
                CSV file. Those inside a CSV file go to `reports`.
            keys: where the value stands.
            value: the tables, or a file's name.
        """
        if isinstance(value, dict):
            return _of_tables(report, keys, value)
        if not isinstance(value, str) or not value.strip():
            report.add(keys, _EXPECTED)
            return {}
        path = self._root / value
        if path in self.reports:
            return self.reports[path].customers
        if problem := self._unreadable(path):
            report.add(keys, problem)
            return {}
        try:
            raw = path.read_bytes()
        except OSError as error:
            report.add(keys, f"{shown(value)} cannot be read ({error.strerror})")
            return {}
        file = self.reports[path] = CsvReport(path)
        file.parse(raw)
        _refuse_twins(file, file.entries())
        return file.customers

    def _unreadable(self, path: Path) -> str:
        if path.is_dir():
            return f"{shown(path.name)} is a folder; {_EXPECTED}"
        if path.exists():
            return ""
        try:
            others = [one.name for one in self._root.iterdir() if one.suffix.lower() == ".csv"]
        except OSError:
            others = []
        hint = f"; {nearest(path.name, others)}" if others else f"; {_EXPECTED}"
        return f"there is no file {shown(path.name)} in {path.parent}{hint}"


def _of_tables(report: Report, keys: Keys, tables: dict[str, Any]) -> dict[str, Customer]:
    found: dict[str, Customer] = {}
    for name, table in tables.items():
        path = (*keys, name)
        if not isinstance(table, dict):
            report.add(path, f"expected a table, [{'.'.join(path)}]")
            continue
        if "key" in table:
            report.add((*path, "key"), "the key is the table's heading; leave this line out")
        customer = report.check(Customer, {**table, "key": name}, path, implied="key")
        if customer is not None:
            found[name] = customer
    _refuse_twins(report, (((*keys, name), customer) for name, customer in found.items()))
    return found


def _refuse_twins(report: Report, entries: Iterator[tuple[Keys, Customer]]) -> None:
    """Note each customer that duplicates another: same tenant, environment and company.

    One company would be linked twice. Customers of whom not all three are known may be anybody.
    """
    seen: dict[tuple[str, ...], str] = {}
    for keys, customer in entries:
        parts = (customer.tenant, customer.environment, customer.company)
        if not all(parts):
            continue
        # Microsoft compares tenants and environments without regard to case; a company's name that
        # differs in nothing else is a slip.
        first = seen.setdefault(tuple((part or "").casefold() for part in parts), customer.name)
        if first != customer.name:
            report.add(
                (*keys, "company"),
                f"{shown(customer.name)} duplicates {shown(first)}: the same tenant, "
                "environment and company",
            )
