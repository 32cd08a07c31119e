"""Pull operations: how one moves from queued to complete, and what came of earlier ones.

A pull is kept once and never touched again: where it stands follows from its age. How it will end
is told when it starts. The steps take a few seconds at speed 1.

Source of the states: Codat docs, "Data status". Which of `completed`, `statusDescription` and
`errorMessage` a failed pull has is undocumented: the texts, and no `completed`, here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.state import Document

PULL: Final = "codatPull"
"""The kind of record; its partition is the company's id."""

COMPLETE: Final = "Complete"
FETCH_ERROR: Final = "FetchError"
AUTH_ERROR: Final = "AuthError"
STEPS: Final = (
    (0.0, "Initial", 0),
    (0.2, "Queued", 5),
    (0.5, "Fetching", 10),
    (2.0, "MapQueued", 40),
    (2.2, "Mapping", 45),
    (2.6, "ProcessingQueued", 60),
    (2.8, "Processing", 65),
    (3.3, "ValidationQueued", 80),
    (3.5, "Validating", 85),
    (4.0, COMPLETE, 100),
)
"""Seconds after the request, the state from then on, and the progress told with it."""

FETCHED: Final = next(since for since, state, _ in STEPS if state == "MapQueued")
"""Seconds after the request at which everything has been fetched, or could not be."""

FAILED_AT: Final = 10
"""The progress at which a failed pull stays: that of fetching (undocumented)."""

TEXTS: Final = {
    FETCH_ERROR: (
        "Fetching failed.",
        "Business Central did not answer as expected: the extension App Link is not installed.",
    ),
    AUTH_ERROR: ("Not authorized.", "The connection is deauthorized and has to be linked again."),
}
"""Of each way to fail, the description of the status and the error message."""

Found = list[tuple[str, Document]]


@dataclass(frozen=True)
class Request:
    """When pulls were asked for, in seconds since the epoch, and with which status they end."""

    at: float
    ends: str = COMPLETE


def start(
    cloud: RehearsalCloud, company: str, connection: str, data_types: Iterable[str], asked: Request
) -> Found:
    """Queue data types of a connection."""
    started = []
    for data_type in data_types:
        document = {
            "connection": connection,
            "dataType": data_type,
            "requested": asked.at,
            "ends": asked.ends,
        }
        started.append((str(uuid.uuid4()), document))
        cloud.store.put(PULL, company, *started[-1])
    return started


def forget(cloud: RehearsalCloud, company: str) -> None:
    """Remove everything of a company."""
    for pull, _ in cloud.store.all_latest(PULL, company):
        cloud.store.put(PULL, company, pull, None)


def pulls_of(cloud: RehearsalCloud, company: str) -> Found:
    """Every pull of a company, the newest first (order undocumented)."""
    found = cloud.store.all_latest(PULL, company)
    return sorted(found, key=lambda pair: (-pair[1]["requested"], pair[0]))


def state_of(cloud: RehearsalCloud, document: Document) -> tuple[str, int]:
    """Where a pull stands, and its progress."""
    age = cloud.clock.age(document["requested"])
    if _ends(document) != COMPLETE and age >= FETCHED:
        return _ends(document), FAILED_AT
    _, state, progress = next((step for step in reversed(STEPS) if age >= step[0]), STEPS[0])
    return state, progress


def completed_at(cloud: RehearsalCloud, document: Document) -> float:
    """When a pull that does not fail is, or will be, complete."""
    return cloud.clock.after(float(document["requested"]), STEPS[-1][0])


def running(cloud: RehearsalCloud, company: str, connection: str) -> set[str]:
    """The data types of a connection that are on their way."""
    return {
        str(document["dataType"])
        for _, document in cloud.store.all_latest(PULL, company)
        if document["connection"] == connection and not _has_ended(cloud, document)
    }


def last_sync(cloud: RehearsalCloud, company: str, connection: str | None = None) -> float | None:
    """When a pull of a company, or of one connection, completed last."""
    now = cloud.clock.now()
    moments = [
        completed_at(cloud, document)
        for _, document in cloud.store.all_latest(PULL, company)
        if connection in (None, document["connection"]) and _ends(document) == COMPLETE
    ]
    return max((moment for moment in moments if moment <= now), default=None)


def described(cloud: RehearsalCloud, company: str, pull: str, document: Document) -> dict[str, Any]:
    """A pull as the API describes it."""
    state, progress = state_of(cloud, document)
    is_complete, is_errored = state == COMPLETE, state in TEXTS
    described, message = TEXTS.get(state, ("", ""))
    return {
        "id": pull,
        "companyId": company,
        "connectionId": document["connection"],
        "dataType": document["dataType"],
        "status": state,
        **({"statusDescription": described, "errorMessage": message} if is_errored else {}),
        "requested": timestamp(document["requested"]),
        **({"completed": timestamp(completed_at(cloud, document))} if is_complete else {}),
        "progress": progress,
        "isCompleted": is_complete,
        "isErrored": is_errored,
    }


def _ends(document: Document) -> str:
    """How a pull ends; folders of an earlier version have pulls that do not say so."""
    return str(document.get("ends", COMPLETE))


def _has_ended(cloud: RehearsalCloud, document: Document) -> bool:
    state, _ = state_of(cloud, document)
    return state == COMPLETE or state in TEXTS
