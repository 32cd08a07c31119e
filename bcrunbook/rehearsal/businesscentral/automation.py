"""The automation API of an environment: companies, extensions, the deployment status.

Source: contract B7, B8, B13 and B16.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import installation, rows
from bcrunbook.rehearsal.businesscentral.access import Caller
from bcrunbook.rehearsal.businesscentral.collections import EntitySet
from bcrunbook.rehearsal.businesscentral.errors import (
    BusinessCentralError,
    dialog,
    no_entity,
)
from bcrunbook.rehearsal.businesscentral.installation import Progress
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call

SEEN: Final = "bcDeploymentSeen"
"""The kind of record that holds at which age the deployment status was read last."""

ENTITIES: Final = ("automationCompanies", "extensions", "extensionDeploymentStatus")

_DISTURBANCES: Final = (
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
_LASTS: Final = 20.0


@dataclass(frozen=True)
class AutomationSet(EntitySet):
    """An entity set of the automation API, with what an action on one of its rows needs.

    Args:
        cloud: the rehearsal cloud.
        caller: who calls.
        environment: the environment.
        progress: the newest installation there; None before the first.
    """

    cloud: RehearsalCloud = field(kw_only=True)
    caller: Caller = field(kw_only=True)
    environment: world.Environment = field(kw_only=True)
    progress: Progress | None = field(kw_only=True)


def open_set(
    cloud: RehearsalCloud,
    call: Call,
    caller: Caller,
    environment: world.Environment,
    base: str,
    name: str,
) -> AutomationSet:
    """An entity set of an environment; which company is named makes no difference.

    Args:
        cloud: the rehearsal cloud.
        call: the request.
        caller: who makes it.
        environment: the environment.
        base: the API's address.
        name: the set's name.

    Raises:
        BusinessCentralError: there is no such set, the caller may not, or an installation is in
            the way just now.
    """
    runs = installation.history(cloud, environment)
    progress = runs[-1] if runs else None
    key_name, properties = "id", frozenset[str]()
    match name:
        case "automationCompanies":
            caller.demand_companies()
            _disturb(progress)
            found = [rows.automation_company(environment, one) for one in environment.companies]
        case "extensions":
            caller.demand_extensions()
            _disturb(progress)
            found = rows.extensions(environment, progress)
            key_name = "packageId"
        case "extensionDeploymentStatus":
            caller.demand_deployments()
            _disturb(progress)
            found = rows.deployments(runs, _seen(cloud, environment, progress))
            key_name, properties = "operationID", rows.DEPLOYMENT
        case _:
            raise no_entity(name)
    return AutomationSet(
        call,
        base,
        name,
        found,
        key_name,
        properties,
        cloud=cloud,
        caller=caller,
        environment=environment,
        progress=progress,
    )


def install(extensions: AutomationSet, key: str) -> Answer:
    """Install an extension by its package."""
    row = extensions.row(key)
    if row["isInstalled"]:
        raise dialog(f"The extension {row['displayName']} is already installed.")
    return _act(extensions, row, "install")


def uninstall(extensions: AutomationSet, key: str) -> Answer:
    """Uninstall an extension by its package."""
    row = extensions.row(key)
    if not row["isInstalled"]:
        raise dialog(f"The extension {row['displayName']} is not installed.")
    return _act(extensions, row, "uninstall")


def unpublish(extensions: AutomationSet, key: str) -> Answer:
    """Unpublish an extension by its package."""
    row = extensions.row(key)
    if row["isInstalled"]:
        name = row["displayName"]
        raise dialog(f"The extension {name} cannot be unpublished because it is installed.")
    return _act(extensions, row, "unpublish")


def _seen(
    cloud: RehearsalCloud, environment: world.Environment, progress: Progress | None
) -> float:
    """The age at the poll before, whose finding this one tells; this one's is kept for the next."""
    if progress is None:
        return 0.0
    known = cloud.store.latest(SEEN, environment.tenant, environment.name)
    now = {"began": progress.began, "age": progress.age}
    cloud.store.put(SEEN, environment.tenant, environment.name, now)
    return float(known["age"]) if known and known["began"] == progress.began else 0.0


def _disturb(progress: Progress | None) -> None:
    if progress is None or progress.state != "installing":
        return
    for at, status, code, text in _DISTURBANCES:
        if at <= progress.age < at + _LASTS:
            raise BusinessCentralError(status, code, text)


def _act(extensions: AutomationSet, row: rows.Row, act: installation.Act) -> Answer:
    """A bound action; of the packages only App Link's may be changed."""
    name, progress, environment = row["displayName"], extensions.progress, extensions.environment
    if row["id"] != installation.APP_ID:
        raise dialog(f"Other extensions depend on the extension {name}.")
    if progress is not None and (progress.state == "installing" or progress.under_way):
        raise dialog(f"The extension {name} is being changed by another session.")
    installation.act(
        extensions.cloud, environment.tenant, environment.name, act, by=extensions.caller.name
    )
    return Answer(204)
