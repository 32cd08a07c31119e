"""What is kept of companies and their connections, and how it is found.

A company's record lies in its instance's partition, those of its connections in the company's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.errors import (
    company_not_found,
    connection_not_found,
    foreign_key,
)
from bcrunbook.rehearsal.codat.limits import CONNECTED, CURRENT
from bcrunbook.rehearsal.codat.query import Predicate
from bcrunbook.rehearsal.codat.request import Request
from bcrunbook.rehearsal.state import Document

COMPANY: Final = "codatCompany"
CONNECTION: Final = "codatConnection"

PENDING: Final = "PendingAuth"
LINKED: Final = "Linked"
UNLINKED: Final = "Unlinked"

Found = list[tuple[str, Document]]


def companies_of(
    cloud: RehearsalCloud, instance: world.Instance, tagged: Predicate | None = None
) -> Found:
    """Ids and documents of an instance's companies, the oldest first (order undocumented).

    Args:
        cloud: the rehearsal cloud.
        instance: the instance.
        tagged: what their tags have to be like; None for whatever they are.
    """
    # Asked for each customer: only what is wanted is put in order.
    found = cloud.store.all_latest(COMPANY, instance.id)
    return _by_age(pair for pair in found if tagged is None or tagged(pair[1]["tags"]))


def connections_of(cloud: RehearsalCloud, company: str) -> Found:
    """Ids and documents of a company's connections, the oldest first."""
    return _by_age(cloud.store.all_latest(CONNECTION, company))


def owner_of(cloud: RehearsalCloud, company: str) -> world.Instance | None:
    """The instance that a company belongs to."""
    for instance in world.INSTANCES.values():
        if cloud.store.latest(COMPANY, instance.id, company) is not None:
            return instance
    return None


def find_company(request: Request, company: str) -> Document:
    """A company of the caller's instance; one of another instance is not the caller's (403)."""
    document = request.cloud.store.latest(COMPANY, request.instance.id, company)
    if document is not None:
        return document
    if owner_of(request.cloud, company) is not None:
        raise foreign_key()
    raise company_not_found(company)


def find_connection(request: Request, company: str, connection: str) -> Document:
    """A connection of a company of the caller's instance."""
    find_company(request, company)
    document = request.cloud.store.latest(CONNECTION, company, connection)
    if document is None:
        raise connection_not_found(connection)
    return document


def put_connection(
    cloud: RehearsalCloud,
    instance: world.Instance,
    company: str,
    connection: str,
    document: dict[str, Any] | None,
) -> None:
    """Keep a connection (None: it is gone), and count how many companies are connected."""
    before = _is_connected(cloud, company)
    cloud.store.put(CONNECTION, company, connection, document)
    after = _is_connected(cloud, company)
    if before != after:
        kept = cloud.store.latest(CONNECTED, instance.id, CURRENT)
        companies = (kept["companies"] if kept else 0) + (1 if after else -1)
        cloud.store.put(CONNECTED, instance.id, CURRENT, {"companies": companies})


def _is_connected(cloud: RehearsalCloud, company: str) -> bool:
    found = cloud.store.all_latest(CONNECTION, company)
    return any(document["status"] == LINKED for _, document in found)


def _by_age(found: Iterable[tuple[str, Document]]) -> Found:
    return sorted(found, key=lambda pair: (pair[1]["created"], pair[0]))
