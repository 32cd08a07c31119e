"""Connections of a company to a platform.

Source: Codat's OpenAPI description (Connection) and docs, "Connections".

Undocumented, and plain here: a connection to an integration that is not enabled can be made, and
linking it fails; a second accounting connection can be made, and only one be Linked; only a Linked
connection can be unlinked, and what else is asked for is a 400.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import linking, one_time, platforms, pulls, world
from bcrunbook.rehearsal.codat.errors import PUBLIC, bad_request
from bcrunbook.rehearsal.codat.paging import page
from bcrunbook.rehearsal.codat.query import DATE, TEXT, Kind
from bcrunbook.rehearsal.codat.records import (
    LINKED,
    PENDING,
    UNLINKED,
    connections_of,
    find_company,
    find_connection,
    put_connection,
)
from bcrunbook.rehearsal.codat.request import Request
from bcrunbook.rehearsal.messages import Answer, json_answer
from bcrunbook.rehearsal.state import Document

KIND: Final = Kind(
    "Connection",
    PUBLIC,
    {
        **dict.fromkeys(
            ("id", "integrationId", "integrationKey", "sourceId", "platformName", "linkUrl"), TEXT
        ),
        "status": TEXT,
        **dict.fromkeys(("lastSync", "created"), DATE),
        "sourceType": TEXT,
    },
)


def create(request: Request, company: str) -> Answer:
    """A connection that waits for the customer."""
    find_company(request, company)
    key = request.body().get("platformKey")
    if not isinstance(key, str):
        raise bad_request("`platformKey` is required and must be a string.")
    platform = platforms.find(key)
    document = {
        "platform": platform.key,
        "status": PENDING,
        "created": request.cloud.clock.now(),
        "errors": [],
    }
    return _kept(request, company, str(uuid.uuid4()), document)


def list_all(request: Request, company: str) -> Answer:
    """The connections of a company."""
    find_company(request, company)

    def show(pair: tuple[str, Document]) -> dict[str, Any]:
        return described(request.cloud, request.instance, company, *pair)

    return page(request, connections_of(request.cloud, company), show, KIND)


def get(request: Request, company: str, connection: str) -> Answer:
    """One connection."""
    document = find_connection(request, company, connection)
    return _described(request, company, connection, document)


def update(request: Request, company: str, connection: str) -> Answer:
    """Unlink; the body may hold nothing but the status, and a null changes nothing."""
    found = find_connection(request, company, connection)
    document = linking.settled(request.cloud, company, connection, found)
    body = request.body()
    if set(body) - {"status"}:
        raise bad_request("Only `status` can be updated.")
    wanted = body.get("status")
    if wanted is None:
        return _described(request, company, connection, document)
    if wanted != UNLINKED:
        raise bad_request(f"`status` can only be set to {UNLINKED}.")
    if document["status"] != LINKED:
        raise bad_request(f"Only a connection with status {LINKED} can be unlinked.")
    # Somebody may be linking it anew: that is over as well.
    return _kept(request, company, connection, {**linking.left(document), "status": UNLINKED})


def delete(request: Request, company: str, connection: str) -> Answer:
    """Remove a connection: 200 without a body, unlike all other removals."""
    find_connection(request, company, connection)
    put_connection(request.cloud, request.instance, company, connection, None)
    return Answer(200)


def authorize(request: Request, company: str, connection: str) -> Answer:
    """Take tokens that somebody already holds; they are not tried, and no first sync follows.

    Which names the tokens have is not published, nor the status that follows: Linked here. For
    Business Central nothing is documented: only a link through Microsoft proves its keys.
    """
    document = find_connection(request, company, connection)
    platform = world.PLATFORMS[document["platform"]]
    is_enabled = platforms.is_enabled(request.cloud, request.instance, platform)
    if platform.key == world.BUSINESS_CENTRAL_PLATFORM or not is_enabled:
        raise bad_request(f"Authorization cannot be set for {platform.name}.")
    tokens = request.body()
    if not tokens or not all(isinstance(value, str) and value for value in tokens.values()):
        raise bad_request("The authorization must be an object of strings.")
    for value in tokens.values():
        request.cloud.canaries.add(value)
    return _kept(request, company, connection, {**document, "status": LINKED})


def described(
    cloud: RehearsalCloud,
    instance: world.Instance,
    company: str,
    connection: str,
    document: Document,
) -> dict[str, Any]:
    """A connection as the API describes it."""
    document = linking.settled(cloud, company, connection, document)
    platform = world.PLATFORMS[document["platform"]]
    synced = pulls.last_sync(cloud, company, connection)
    address = f"https://{world.LINK_HOST}/companies/{company}/connections/{connection}/start"
    return {
        "id": connection,
        "integrationId": platform.integration_id,
        **({"integrationKey": platform.key} if instance.names_integration_keys else {}),
        "sourceId": platform.source,
        "platformName": platform.name,
        "linkUrl": f"{address}{one_time.option(cloud, instance, connection, 'otp')}",
        "status": document["status"],
        **({"lastSync": timestamp(synced)} if synced else {}),
        "created": timestamp(document["created"], fraction=False),
        "sourceType": platform.source_type,
        **({"dataConnectionErrors": document["errors"]} if document["errors"] else {}),
    }


def _kept(request: Request, company: str, connection: str, document: Document) -> Answer:
    put_connection(request.cloud, request.instance, company, connection, document)
    return _described(request, company, connection, document)


def _described(request: Request, company: str, connection: str, document: Document) -> Answer:
    shown = described(request.cloud, request.instance, company, connection, document)
    return json_answer(200, shown)
