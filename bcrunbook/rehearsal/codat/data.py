"""Refreshing data, and what is known of earlier refreshes.

Source: Codat's OpenAPI description (Refresh data) and docs, "Queue a data sync". Undocumented, and
plain here: without a linked connection nothing can be queued (400); a type that is on its way is
refused with 400 when queued by itself, and left alone by a refresh of everything.
"""

from __future__ import annotations

from typing import Any, Final

from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import datatypes, linking, pulls
from bcrunbook.rehearsal.codat.errors import PULL, CodatError, bad_request, not_found
from bcrunbook.rehearsal.codat.paging import page
from bcrunbook.rehearsal.codat.query import DATE, FLAG, NUMBER, TEXT, Kind
from bcrunbook.rehearsal.codat.records import LINKED, find_company, find_connection
from bcrunbook.rehearsal.codat.request import Request
from bcrunbook.rehearsal.messages import Answer, json_answer
from bcrunbook.rehearsal.state import Document

DATASET: Final = Kind(
    "Dataset",
    PULL,
    {
        **dict.fromkeys(("id", "companyId", "connectionId", "dataType", "status"), TEXT),
        **dict.fromkeys(("requested", "completed"), DATE),
        "progress": NUMBER,
        "isErrored": FLAG,
    },
)
"""`isCompleted` cannot be asked for (OpenAPI description, PullOperation)."""


def refresh_all(request: Request, company: str) -> Answer:
    """Queue every type that is fetched on first link, on every linked connection."""
    find_company(request, company)
    linked = _linked(request.cloud, company)
    if not linked:
        raise _not_linked()
    for connection, document in linked:
        asked = linking.asked_now(request.cloud, document)
        linking.fetch(request.cloud, company, connection, document, asked)
    return Answer(204)


def queue(request: Request, company: str, data_type: str) -> Answer:
    """Queue one type."""
    cloud = request.cloud
    find_company(request, company)
    if data_type not in datatypes.ALL:
        raise bad_request(f"{data_type} is not a data type.", service=PULL)
    named = request.call.params.get("connectionId")
    if named is not None:
        find_connection(request, company, named)
    linked = [pair for pair in _linked(cloud, company) if named in (None, pair[0])]
    if not linked:
        raise _not_linked()
    fitting = [pair for pair in linked if data_type in linking.data_types_of(pair[1])]
    if not fitting:
        raise not_found(f"Data type {data_type} is not supported by the platform.", service=PULL)
    connection, document = fitting[0]
    if data_type in pulls.running(cloud, company, connection):
        raise bad_request(
            f"DatasetAlreadyInProgressException: {data_type} is already being synced.",
            service=PULL,
        )
    asked = linking.asked_now(cloud, document)
    (started,) = pulls.start(cloud, company, connection, [data_type], asked)
    return json_answer(200, pulls.described(cloud, company, *started))


def status(request: Request, company: str) -> Answer:
    """Where each type stands that was ever synced; the others are left out (contract C9.20)."""
    cloud = request.cloud
    found: dict[str, Any] = {}
    for pull, document in reversed(_pulls(request, company)):
        data_type = document["dataType"]
        state, _ = pulls.state_of(cloud, document)
        entry = {
            **found.get(data_type, {"dataType": data_type}),
            "currentStatus": state,
            "latestSyncId": pull,
        }
        if state == pulls.COMPLETE:
            entry["lastSuccessfulSync"] = timestamp(pulls.completed_at(cloud, document))
            entry["latestSuccessfulSyncId"] = pull
        found[data_type] = entry
    return json_answer(200, found)


def history(request: Request, company: str) -> Answer:
    """Every pull of a company."""

    def show(pair: tuple[str, Document]) -> dict[str, Any]:
        return pulls.described(request.cloud, company, *pair)

    return page(request, _pulls(request, company), show, DATASET)


def history_item(request: Request, company: str, pull: str) -> Answer:
    """One pull."""
    find_company(request, company)
    document = request.cloud.store.latest(pulls.PULL, company, pull)
    if document is None:
        raise not_found(f"Dataset {pull} not found", service=PULL)
    return json_answer(200, pulls.described(request.cloud, company, pull, document))


def _pulls(request: Request, company: str) -> pulls.Found:
    """Every pull of a company, those included that a connection has brought about by now."""
    find_company(request, company)
    linking.settled_connections(request.cloud, company)
    return pulls.pulls_of(request.cloud, company)


def _linked(cloud: RehearsalCloud, company: str) -> list[tuple[str, Document]]:
    usable = (LINKED, linking.DEAUTHORIZED)
    found = linking.settled_connections(cloud, company)
    return [pair for pair in found if pair[1]["status"] in usable]


def _not_linked() -> CodatError:
    return bad_request("The company has no linked data connection.", service=PULL)
