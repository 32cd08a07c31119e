"""What the chosen environment does to a connection of Business Central, and to its data.

Nothing ticks. A connection whose customer has chosen a company keeps how old the installation of
the extension must be for it to be Linked. Whoever reads it next settles it: Linked, with a first
sync, from the moment at which that age was reached; Deauthorized once the customer's consent is
gone. Pulls are told at their start how they will end.

Undocumented, and plain here: how an extension that was uninstalled or unpublished shows (new pulls
end with a FetchError, the connection stays Linked), and how a withdrawn consent is noticed (at the
next read; a pull then ends with an AuthError).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from bcrunbook.rehearsal import first_party_apps
from bcrunbook.rehearsal.businesscentral import installation
from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import datatypes, pulls, syncsettings, world
from bcrunbook.rehearsal.codat.records import (
    LINKED,
    PENDING,
    connections_of,
    owner_of,
    put_connection,
)
from bcrunbook.rehearsal.directory import (
    find_application,
    find_principal,
    granted_scopes,
    is_switched_off,
)
from bcrunbook.rehearsal.state import Document

DEAUTHORIZED: Final = "Deauthorized"
INSTALLED: Final = "installed"
REFUSED: Final = "refused"
ACTIVE: Final = "Active"

LINKS_AT_AGE: Final = "linksAtAge"
"""The key of a connection's document for the age of the installation at which it is Linked, in
seconds of the rehearsal clock; None where nobody is linking it."""


@dataclass(frozen=True)
class Destination:
    """What somebody has chosen to connect, and as whom.

    Args:
        tenant: the directory that the person signed in to.
        environment: the Business Central environment, by its first name.
        company: the company in it.
        user: the person's object id.
        client_id: the application that the person signed in to.
    """

    tenant: str
    environment: str
    company: str
    user: str
    client_id: str


def destination_of(document: Document) -> Destination | None:
    """What a connection was last meant to lead to; None for one that never came so far."""
    kept = document.get("destination")
    return Destination(**kept) if kept else None


def name_of(cloud: RehearsalCloud, destination: Destination) -> str:
    """The name that the chosen environment has now."""
    one = installation.find_environment(cloud, destination.tenant, destination.environment)
    return installation.current_name(cloud, one) if one else destination.environment


def progress_of(cloud: RehearsalCloud, destination: Destination) -> installation.Progress | None:
    """How the extension stands in the chosen environment."""
    return installation.progress(cloud, destination.tenant, destination.environment)


def begun(
    document: Document, destination: Destination, progress: installation.Progress
) -> Document:
    """The connection's document now that the extension's installation is under way.

    Args:
        document: the connection.
        destination: what was chosen.
        progress: how the installation stands now; it was not refused.
    """
    at = progress.script.linked_at
    return {**document, "destination": asdict(destination), LINKS_AT_AGE: at}


def left(document: Document) -> Document:
    """The connection's document after the customer has left before it was Linked."""
    return {**document, LINKS_AT_AGE: None}


def settled(cloud: RehearsalCloud, company: str, connection: str, document: Document) -> Document:
    """How a connection stands now; kept if that has changed."""
    destination = destination_of(document)
    if destination is None:
        return document
    if document[LINKS_AT_AGE] is not None:
        progress = progress_of(cloud, destination)
        if progress is None or progress.age < document[LINKS_AT_AGE]:
            return document
        return _linked(cloud, company, connection, document, progress)
    if document["status"] == LINKED and (refusal := _refusal(cloud, destination)):
        errors = [*document["errors"], error_of(cloud, "401", *refusal)]
        changed = {**document, "status": DEAUTHORIZED, "errors": errors}
        _keep(cloud, company, connection, changed)
        return changed
    return document


def settled_connections(cloud: RehearsalCloud, company: str) -> list[tuple[str, Document]]:
    """Every connection of a company as it stands now, the oldest first."""
    return [
        (connection, settled(cloud, company, connection, document))
        for connection, document in connections_of(cloud, company)
    ]


def link(
    cloud: RehearsalCloud, company: str, connection: str, document: Document, asked: pulls.Request
) -> Document:
    """Make a connection Linked: its errors are over, and the first sync starts.

    Args:
        cloud: the rehearsal cloud.
        company: Codat's id of the company.
        connection: Codat's id of the connection.
        document: the connection before.
        asked: from when on it is Linked, and how the first sync ends.

    Returns:
        The connection's document, which was kept.
    """
    resolved = {"status": "Resolved", "resolvedOnUtc": timestamp(asked.at)}
    errors = [
        {**error, **resolved} if error["status"] == ACTIVE else error
        for error in document["errors"]
    ]
    changed = left({**document, "status": LINKED, "errors": errors})
    _keep(cloud, company, connection, changed)
    fetch(cloud, company, connection, changed, asked)
    return changed


def fetch(
    cloud: RehearsalCloud, company: str, connection: str, document: Document, asked: pulls.Request
) -> None:
    """Queue what is fetched on first link and is not on its way."""
    busy = pulls.running(cloud, company, connection)
    supported = data_types_of(document)
    wanted = [
        setting["dataType"]
        for setting in syncsettings.effective(cloud, _owner(cloud, company), company)
        if setting["fetchOnFirstLink"]
    ]
    idle = [one for one in wanted if one in supported and one not in busy]
    pulls.start(cloud, company, connection, idle, asked)


def data_types_of(document: Document) -> tuple[str, ...]:
    """The data types that a connection's platform has."""
    return datatypes.SUPPORTED[world.PLATFORMS[document["platform"]].source_type]


def error_of(
    cloud: RehearsalCloud, status_code: str, status_text: str, message: str
) -> dict[str, Any]:
    """An entry of `dataConnectionErrors`, of now."""
    return {
        "statusCode": status_code,
        "statusText": status_text,
        "errorMessage": message,
        "erroredOnUtc": timestamp(cloud.clock.now()),
        "status": ACTIVE,
    }


def asked_now(cloud: RehearsalCloud, document: Document) -> pulls.Request:
    """A pull of a connection that is asked for now, and how it will end."""
    if document["status"] == DEAUTHORIZED:
        return pulls.Request(cloud.clock.now(), pulls.AUTH_ERROR)
    return asked_by_link(cloud, document)


def asked_by_link(cloud: RehearsalCloud, document: Document) -> pulls.Request:
    """A pull of a connection that is Linked just now, whatever its status was before."""
    now = cloud.clock.now()
    destination = destination_of(document)
    if destination is None:
        return pulls.Request(now)
    progress = progress_of(cloud, destination)
    if progress is None:
        return pulls.Request(now, pulls.FETCH_ERROR)
    return _request(cloud, progress, progress.age)


def is_coming(document: Document) -> bool:
    """Whether a connection will be Linked without anybody doing more."""
    return document.get(LINKS_AT_AGE) is not None


def is_unfinished(document: Document) -> bool:
    """Whether an installation was begun for a connection that was never Linked."""
    return document["status"] == PENDING and destination_of(document) is not None


def _linked(
    cloud: RehearsalCloud,
    company: str,
    connection: str,
    document: Document,
    progress: installation.Progress,
) -> Document:
    """Linked since the moment at which the installation was old enough, which may be long ago."""
    asked = _request(cloud, progress, float(document[LINKS_AT_AGE]))
    return link(cloud, company, connection, document, asked)


def _request(cloud: RehearsalCloud, progress: installation.Progress, age: float) -> pulls.Request:
    """A pull asked for when the installation has an age.

    The extension has to be there from then until everything is fetched.
    """
    moments = (replace(progress, age=at) for at in (age, age + pulls.FETCHED))
    succeeds = all(moment.is_readable for moment in moments)
    ends = pulls.COMPLETE if succeeds else pulls.FETCH_ERROR
    return pulls.Request(progress.moment(cloud, age), ends)


def _refusal(cloud: RehearsalCloud, destination: Destination) -> tuple[str, str] | None:
    """What Entra answers when Codat asks for a new token: error and text; None for a token."""
    tenant, client_id = destination.tenant, destination.client_id
    registered = find_application(cloud, client_id)
    if registered is None:
        return (
            "unauthorized_client",
            f"AADSTS700016: Application with identifier '{client_id}' was not found in the "
            "directory.",
        )
    principal = find_principal(cloud, tenant, client_id)
    resource = find_principal(cloud, tenant, first_party_apps.BUSINESS_CENTRAL_APP_ID)
    is_off = is_switched_off(registered.document) or (
        principal is not None and not principal["accountEnabled"]
    )
    if is_off:
        return "unauthorized_client", f"AADSTS7000112: Application '{client_id}' is disabled."
    if (
        principal is None
        or resource is None
        or not granted_scopes(cloud, tenant, principal["id"], resource["id"], destination.user)
    ):
        return (
            "invalid_grant",
            "AADSTS65001: The user or administrator has not consented to use the application "
            f"with ID '{client_id}'. The customer has to link again.",
        )
    return None


def _keep(cloud: RehearsalCloud, company: str, connection: str, document: Document) -> None:
    put_connection(cloud, _owner(cloud, company), company, connection, document)


def _owner(cloud: RehearsalCloud, company: str) -> world.Instance:
    owner = owner_of(cloud, company)
    if owner is None:
        raise LookupError(company)
    return owner
