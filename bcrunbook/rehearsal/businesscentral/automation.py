"""The automation API of an environment: companies, extensions, the deployment status.

Source: contract of Business Central, sections 7 and 11.
"""

from __future__ import annotations

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import installation, rows
from bcrunbook.rehearsal.businesscentral.access import Caller
from bcrunbook.rehearsal.businesscentral.collections import collection, record
from bcrunbook.rehearsal.businesscentral.errors import (
    BusinessCentralError,
    dialog,
    no_entity,
    not_allowed,
)
from bcrunbook.rehearsal.businesscentral.installation import Progress
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call

SEEN = "bcDeploymentSeen"
"""The kind of record that holds at which age the deployment status was read last."""

ENTITIES = ("automationCompanies", "extensions", "extensionDeploymentStatus")

_DISTURBANCES = (
    (120.0, 503, "Application_ServiceUnavailable", "The session could not be retrieved."),
    (
        300.0,
        400,
        "Unknown",
        "An administrator changed one or more extensions in the application, so the page that you"
        " were working on had to be closed.",
    ),
    (480.0, 404, "BadRequest_NotFound", "No HTTP resource was found that matches the request."),
    (660.0, 400, "BadRequest", "Could not find a property named 'isInstalled'."),
)
"""From which age on an installation answers like this, for as long as `_LASTS`."""
_LASTS = 20.0


def serve(
    cloud: RehearsalCloud,
    call: Call,
    caller: Caller,
    one: world.Environment,
    base: str,
    entity: tuple[str, str],
    action: str,
) -> Answer:
    """One call about something of an environment; which company it names makes no difference.

    Args:
        cloud: the rehearsal cloud.
        call: the request.
        caller: who makes it.
        one: the environment.
        base: the API's address.
        entity: a collection's name and a key in it, which may be empty.
        action: a bound action's name; empty without one.
    """
    runs = installation.history(cloud, one)
    progress = runs[-1] if runs else None
    name, key = entity
    match name:
        case "automationCompanies":
            caller.demand_companies()
            _disturb(progress)
            found = [rows.automation_company(one, company) for company in one.companies]
            key_name, properties = "id", frozenset[str]()
        case "extensions":
            caller.demand_extensions()
            _disturb(progress)
            found = rows.extensions(one, progress)
            key_name, properties = "packageId", frozenset[str]()
        case "extensionDeploymentStatus":
            caller.demand_deployments()
            _disturb(progress)
            found = rows.deployments(runs, _seen(cloud, one, progress))
            key_name, properties = "operationID", rows.DEPLOYMENT
        case _:
            raise no_entity(name)
    if not key:
        _only("GET", call)
        return collection(call, base, name, found, properties)
    row = next((row for row in found if row[key_name] == key), None)
    if row is None:
        raise no_entity(f"{name}({key})")
    if not action:
        _only("GET", call)
        return record(call, base, name, row)
    if name != "extensions":
        raise no_entity(action)
    _only("POST", call)
    return _act(cloud, caller, one, progress, row, action)


def _seen(cloud: RehearsalCloud, one: world.Environment, progress: Progress | None) -> float:
    """The age at the poll before, whose finding this one tells; this one's is kept for the next."""
    if progress is None:
        return 0.0
    known = cloud.store.latest(SEEN, one.tenant, one.name)
    now = {"began": progress.began, "age": progress.age}
    cloud.store.put(SEEN, one.tenant, one.name, now)
    return float(known["age"]) if known and known["began"] == progress.began else 0.0


def _disturb(progress: Progress | None) -> None:
    if progress is None or progress.state != "installing":
        return
    for at, status, code, text in _DISTURBANCES:
        if at <= progress.age < at + _LASTS:
            raise BusinessCentralError(status, code, text)


def _act(
    cloud: RehearsalCloud,
    caller: Caller,
    one: world.Environment,
    progress: Progress | None,
    row: rows.Row,
    action: str,
) -> Answer:
    """A bound action; of the packages only App Link's may be changed."""
    name, is_installed = row["displayName"], row["isInstalled"]
    busy = progress is not None and (progress.state == "installing" or progress.under_way)
    act: installation.Act
    match action:
        case "Microsoft.NAV.install":
            if is_installed:
                raise dialog(f"The extension {name} is already installed.")
            act = "install"
        case "Microsoft.NAV.uninstall" | "Microsoft.NAV.uninstallAndDeleteExtensionData":
            if not is_installed:
                raise dialog(f"The extension {name} is not installed.")
            act = "uninstall"
        case "Microsoft.NAV.unpublish":
            if is_installed:
                raise dialog(f"The extension {name} cannot be unpublished because it is installed.")
            act = "unpublish"
        case _:
            raise no_entity(action)
    if row["id"] != installation.APP_ID:
        raise dialog(f"Other extensions depend on the extension {name}.")
    if busy:
        raise dialog(f"The extension {name} is being changed by another session.")
    installation.act(cloud, one.tenant, one.name, act, by=caller.name)
    return Answer(204)


def _only(method: str, call: Call) -> None:
    if call.method != method:
        raise not_allowed(call.method)
