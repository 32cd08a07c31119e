"""Pull operations: how one moves from queued to complete, and what came of earlier ones.

A pull is kept once and never touched again: where it stands follows from its age. The steps take a
few seconds at speed 1. Source of the states: Codat docs, "Data status".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import Cloud
from bcrunbook.rehearsal.state import Document

PULL = "codatPull"
"""The kind of record; its partition is the company's id."""

COMPLETE = "Complete"
STEPS = (
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

Found = list[tuple[str, Document]]


def start(cloud: Cloud, company: str, connection: str, data_types: Iterable[str]) -> Found:
    """Queue data types of a connection."""
    started = []
    for data_type in data_types:
        document = {
            "connection": connection,
            "dataType": data_type,
            "requested": cloud.clock.now(),
        }
        started.append((str(uuid.uuid4()), document))
        cloud.store.put(PULL, company, *started[-1])
    return started


def forget(cloud: Cloud, company: str) -> None:
    """Remove everything of a company."""
    for pull, _ in cloud.store.all_latest(PULL, company):
        cloud.store.put(PULL, company, pull, None)


def pulls_of(cloud: Cloud, company: str) -> Found:
    """Every pull of a company, the newest first (order undocumented)."""
    found = cloud.store.all_latest(PULL, company)
    return sorted(found, key=lambda pair: (-pair[1]["requested"], pair[0]))


def state_of(cloud: Cloud, document: Document) -> tuple[str, int]:
    """Where a pull stands, and its progress."""
    age = (cloud.clock.now() - document["requested"]) * cloud.clock.speed
    _, state, progress = next((step for step in reversed(STEPS) if age >= step[0]), STEPS[0])
    return state, progress


def completed_at(cloud: Cloud, document: Document) -> float:
    """When a pull is, or will be, complete."""
    return float(document["requested"] + STEPS[-1][0] / cloud.clock.speed)


def running(cloud: Cloud, company: str, connection: str) -> set[str]:
    """The data types of a connection that are on their way."""
    return {
        str(document["dataType"])
        for _, document in cloud.store.all_latest(PULL, company)
        if document["connection"] == connection and state_of(cloud, document)[0] != COMPLETE
    }


def last_sync(cloud: Cloud, company: str, connection: str | None = None) -> float | None:
    """When a pull of a company, or of one connection, completed last."""
    now = cloud.clock.now()
    moments = [
        completed_at(cloud, document)
        for _, document in cloud.store.all_latest(PULL, company)
        if connection in (None, document["connection"])
    ]
    return max((moment for moment in moments if moment <= now), default=None)


def described(cloud: Cloud, company: str, pull: str, document: Document) -> dict[str, Any]:
    """A pull as the API describes it."""
    state, progress = state_of(cloud, document)
    is_complete = state == COMPLETE
    return {
        "id": pull,
        "companyId": company,
        "connectionId": document["connection"],
        "dataType": document["dataType"],
        "status": state,
        "requested": timestamp(document["requested"]),
        **({"completed": timestamp(completed_at(cloud, document))} if is_complete else {}),
        "progress": progress,
        "isCompleted": is_complete,
        "isErrored": False,
    }
