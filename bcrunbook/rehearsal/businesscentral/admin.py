"""The admin centre's API: environments, their apps, the log of operations.

Source: contract of Business Central, sections 4, 5 and 9. What a runbook has no use for (creating
environments, updates of the platform, settings) is answered as unknown.
"""

from __future__ import annotations

import re

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import changes, installation, rows
from bcrunbook.rehearsal.businesscentral.access import Caller
from bcrunbook.rehearsal.businesscentral.errors import BusinessCentralError, not_allowed
from bcrunbook.rehearsal.businesscentral.log import of_app, operations
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call, json_answer

_VERSION = re.compile(r"v2\.(\d{1,2})$")
_NEWEST = 29


def serve(cloud: RehearsalCloud, call: Call, caller: Caller, parts: list[str]) -> Answer:
    """One call; `parts` is the path after `/admin`."""
    version = _VERSION.match(parts[0]) if parts else None
    if version is None or int(version[1]) > _NEWEST:
        raise _unknown("The API version is not supported.")
    caller.demand_admin()
    match parts[1:]:
        case ["environments", "operations", *rest] if len(rest) < 2:
            _only_get(call)
            found = [
                row
                for one in world.environments_of(caller.tenant)
                for row in operations(cloud, one)
            ]
            return _values(found) if not rest else _one(found, rest[0])
        case ["applications", "environments"]:
            _only_get(call)
            return _environments(cloud, caller)
        case ["applications", family, "environments", *rest]:
            if family.lower() != rows.FAMILY.lower():
                raise BusinessCentralError(
                    404, "ApplicationTypeDoesNotExist", f"There is no application type {family}."
                )
            if rest:
                return _of_environment(cloud, call, caller, rest[0], rest[1:])
            _only_get(call)
            return _environments(cloud, caller)
    raise _unknown("The resource does not exist.")


def _of_environment(
    cloud: RehearsalCloud, call: Call, caller: Caller, name: str, parts: list[str]
) -> Answer:
    one = installation.environment_named(cloud, caller.tenant, name)
    if one is None:
        raise BusinessCentralError(
            404, "EnvironmentNotFound", f"The environment {name} does not exist."
        )
    match parts:
        case ["apps", app, "install" | "update" | "uninstall" as verb]:
            if call.method != "POST":
                raise not_allowed(call.method)
            return changes.ask(cloud, call, caller, one, app.lower(), verb)
    _only_get(call)
    progress = installation.progress(cloud, one.tenant, one.name)
    match parts:
        case []:
            return _values([rows.administered(cloud, one)])
        case ["apps"]:
            return _values(rows.apps(one, progress))
        case ["apps", "availableUpdates"]:
            return _values(rows.updates(progress))
        case ["apps", app, "operations", *rest] if len(rest) < 2:
            found = [
                of_app(row)
                for row in operations(cloud, one)
                if row["parameters"].get("appId") == app.lower()
            ]
            return _values(found) if not rest else _one(found, rest[0])
        case ["operations", *rest] if len(rest) < 2:
            found = operations(cloud, one)
            return _values(found) if not rest else _one(found, rest[0])
    raise _unknown("The resource does not exist.")


def _environments(cloud: RehearsalCloud, caller: Caller) -> Answer:
    return _values([rows.listed(cloud, one) for one in world.environments_of(caller.tenant)])


def _values(found: list[rows.Row]) -> Answer:
    return json_answer(200, {"value": found})


def _one(found: list[rows.Row], key: str) -> Answer:
    for row in found:
        if row["id"] == key.lower():
            return json_answer(200, row)
    raise _unknown("The operation does not exist.")


def _unknown(text: str) -> BusinessCentralError:
    return BusinessCentralError(404, "ResourceDoesNotExist", text)


def _only_get(call: Call) -> None:
    if call.method != "GET":
        raise not_allowed(call.method)
