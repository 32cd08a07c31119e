"""An account's customers as a handover tells of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bcrunbook.core.stored import StoredOutcome
from bcrunbook.ledger.scope import FactKind
from bcrunbook.ledger.store import Fact
from bcrunbook.order import HEALTH_CHECK, LINK_CUSTOMER
from bcrunbook.run.handover.model import CustomerNote
from bcrunbook.run.handover.records import Records
from bcrunbook.steps.health_check import customer_parts


@dataclass(frozen=True)
class _Look:
    """How App Link stood when somebody looked."""

    at: datetime
    told: str


def customers_of(records: Records) -> list[CustomerNote]:
    """Every customer that accounts.toml names, or the ledger: those of the file come first.

    Args:
        records: what the ledger has.
    """
    in_file = records.account.customers
    companies = _by_customer(records.of(FactKind.COMPANY))
    # Before connections were noted by themselves, only the watch of one told its id.
    connections = _by_customer(records.of(FactKind.WATCH_BEGAN))
    connections |= _by_customer(records.of(FactKind.CONNECTION))
    extensions = _by_customer(records.of(FactKind.EXTENSION))
    links = {one.outcome.customer: one for one in records.ended if _is_link(one)}
    checks = _checked(records)
    names = dict.fromkeys([*in_file, *companies, *(one for one in links if one)])
    notes = []
    for customer in names:
        company, extension = companies.get(customer), extensions.get(customer)
        link, last = links.get(customer), _looked(extension, links.get(customer))
        look = max(
            (one for one in (last, checks.get(customer)) if one is not None),
            key=lambda one: one.at,
            default=None,
        )
        then = str(company.data.get("customer", "")) if company is not None else ""
        notes.append(
            CustomerNote(
                customer=customer,
                name=in_file[customer].display_name if customer in in_file else then or customer,
                in_file=customer in in_file,
                company=company.subject if company is not None else None,
                connection=one.subject if (one := connections.get(customer)) else None,
                extension=look.told if look is not None else None,
                extension_at=look.at if look is not None else None,
                version=_version(extension),
                installed_at=_installed(extension),
                state=link.outcome.state if link is not None else None,
                since=(link.outcome.since or link.at) if link is not None else None,
                retired=over.at if (over := records.customers_over.get(customer)) else None,
            )
        )
    return notes


def _by_customer(facts: Iterable[Fact]) -> dict[str, Fact]:
    """The newest of each customer."""
    return {one.customer: one for one in facts if one.customer}


def _is_link(one: StoredOutcome) -> bool:
    return one.outcome.step == LINK_CUSTOMER and bool(one.outcome.customer)


def _looked(extension: Fact | None, link: StoredOutcome | None) -> _Look | None:
    """What the run of the customer's own step saw last, or what is remembered of it."""
    found = {row.name: row for row in link.outcome.findings} if link is not None else {}
    row = found.get("Verdict") or found.get("App Link")
    if link is not None and row is not None:
        return _Look(link.at, row.actual)
    if extension is None:
        return None
    return _Look(_installed(extension) or extension.at, "installed")


def _checked(records: Records) -> dict[str, _Look]:
    """What the last check of the account says of each customer."""
    check = next((one for one in records.ended if one.outcome.step == HEALTH_CHECK), None)
    if check is None:
        return {}
    rows = {row.name: row for row in check.outcome.findings}
    parts = customer_parts(records.account)
    return {
        customer: _Look(check.at, rows[part].actual)
        for customer, part in parts.items()
        if part in rows
    }


def _version(extension: Fact | None) -> str | None:
    numbers = extension.data.get("version") if extension is not None else None
    return ".".join(map(str, numbers)) if isinstance(numbers, list) else None


def _installed(extension: Fact | None) -> datetime | None:
    seen = extension.data.get("last_seen") if extension is not None else None
    return datetime.fromisoformat(seen) if isinstance(seen, str) else None
