"""Refreshing data, and what is known of earlier refreshes.

Source: Codat's OpenAPI description (Refresh data) and docs, "Queue a data sync". Undocumented, and
plain here: without a linked connection nothing can be queued (400); a type that is on its way is
refused with 400 when queued by itself, and left alone by a refresh of everything.
"""

from __future__ import annotations

from typing import Any

from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import Cloud
from bcrunbook.rehearsal.codat import datatypes, pulls, syncsettings, world
from bcrunbook.rehearsal.codat.errors import PULL, CodatError, bad_request, not_found
from bcrunbook.rehearsal.codat.paging import page
from bcrunbook.rehearsal.codat.query import DATE, FLAG, NUMBER, TEXT, Kind
from bcrunbook.rehearsal.codat.records import (
    LINKED,
    connections_of,
    find_company,
    find_connection,
)
from bcrunbook.rehearsal.codat.request import Request
from bcrunbook.rehearsal.messages import Answer, json_answer
from bcrunbook.rehearsal.state import Document

DATASET = Kind(
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
        fetch(request.cloud, request.instance, company, connection, document)
    return Answer(204)


def fetch(
    cloud: Cloud, instance: world.Instance, company: str, connection: str, document: Document
) -> None:
    """Queue what is fetched on first link and is not on its way."""
    busy = pulls.running(cloud, company, connection)
    wanted = [
        setting["dataType"]
        for setting in syncsettings.effective(cloud, instance, company)
        if setting["fetchOnFirstLink"]
    ]
    supported = _supported(document)
    pulls.start(
        cloud, company, connection, [one for one in wanted if one in supported and one not in busy]
    )


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
    fitting = [key for key, document in linked if data_type in _supported(document)]
    if not fitting:
        raise not_found(f"Data type {data_type} is not supported by the platform.", service=PULL)
    if data_type in pulls.running(cloud, company, fitting[0]):
        raise bad_request(
            f"DatasetAlreadyInProgressException: {data_type} is already being synced.",
            service=PULL,
        )
    (started,) = pulls.start(cloud, company, fitting[0], [data_type])
    return json_answer(200, pulls.described(cloud, company, *started))


def status(request: Request, company: str) -> Answer:
    """Where each type stands; null for one that was never synced.

    The docs tell of an entry without a state for those, which the description does not allow.
    """
    cloud = request.cloud
    find_company(request, company)
    found: dict[str, Any] = dict.fromkeys(datatypes.ALL)
    for pull, document in reversed(pulls.pulls_of(cloud, company)):
        data_type = document["dataType"]
        state, _ = pulls.state_of(cloud, document)
        entry = {
            **(found[data_type] or {"dataType": data_type}),
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
    find_company(request, company)

    def show(pair: tuple[str, Document]) -> dict[str, Any]:
        return pulls.described(request.cloud, company, *pair)

    return page(request, pulls.pulls_of(request.cloud, company), show, DATASET)


def history_item(request: Request, company: str, pull: str) -> Answer:
    """One pull."""
    find_company(request, company)
    document = request.cloud.store.latest(pulls.PULL, company, pull)
    if document is None:
        raise not_found(f"Dataset {pull} not found", service=PULL)
    return json_answer(200, pulls.described(request.cloud, company, pull, document))


def _linked(cloud: Cloud, company: str) -> list[tuple[str, Document]]:
    found = connections_of(cloud, company)
    return [pair for pair in found if pair[1]["status"] == LINKED]


def _supported(document: Document) -> tuple[str, ...]:
    return datatypes.SUPPORTED[world.PLATFORMS[document["platform"]].source_type]


def _not_linked() -> CodatError:
    return bad_request("The company has no linked data connection.", service=PULL)
