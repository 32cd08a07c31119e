"""The admin centre's API: environments, their apps, the log of operations.

Source: contract B4, B9 and B11. What a runbook has no use for (creating
environments, updates of the platform, settings) is answered as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import changes, installation, rows
from bcrunbook.rehearsal.businesscentral.access import Caller
from bcrunbook.rehearsal.businesscentral.errors import BusinessCentralError
from bcrunbook.rehearsal.businesscentral.log import of_app, operations
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call, json_answer


@dataclass(frozen=True)
class AdminRequest:
    """One call of the admin centre's API by somebody who may.

    Args:
        cloud: the rehearsal cloud.
        call: the request.
        caller: who makes it.
        minor: the version of the API that is asked for: 29 for v2.29.
        params: what stands in the address for each parameter.
    """

    cloud: RehearsalCloud
    call: Call
    caller: Caller
    minor: int
    params: Mapping[str, str]


@dataclass(frozen=True)
class EnvironmentRequest(AdminRequest):
    """A call about one environment.

    Args:
        environment: the environment that the address names.
    """

    environment: world.Environment


def list_all_operations(request: AdminRequest) -> Answer:
    """The operations of all environments."""
    return _values(_all_operations(request))


def read_any_operation(request: AdminRequest) -> Answer:
    """One operation of any environment."""
    return _one(_all_operations(request), request.params["operation"])


def list_environments(request: AdminRequest) -> Answer:
    """The environments of the caller's tenant."""
    environments = world.environments_of(request.caller.tenant)
    return _values([rows.listed(request.cloud, one, request.minor) for one in environments])


def read_environment(request: EnvironmentRequest) -> Answer:
    """One environment."""
    return _values([rows.administered(request.cloud, request.environment, request.minor)])


def list_apps(request: EnvironmentRequest) -> Answer:
    """The apps that are installed in an environment."""
    return _values(rows.apps(request.environment, _progress(request)))


def list_updates(request: EnvironmentRequest) -> Answer:
    """The updates that there are for an environment's apps."""
    return _values(rows.updates(_progress(request)))


def list_app_operations(request: EnvironmentRequest) -> Answer:
    """The operations about one app of an environment."""
    return _values(_app_operations(request))


def read_app_operation(request: EnvironmentRequest) -> Answer:
    """One operation about one app of an environment."""
    return _one(_app_operations(request), request.params["operation"])


def list_operations(request: EnvironmentRequest) -> Answer:
    """The operations of an environment."""
    return _values(operations(request.cloud, request.environment))


def read_operation(request: EnvironmentRequest) -> Answer:
    """One operation of an environment."""
    return _one(operations(request.cloud, request.environment), request.params["operation"])


def install_app(request: EnvironmentRequest) -> Answer:
    """Ask for the installation of an app."""
    return _ask(request, "install")


def update_app(request: EnvironmentRequest) -> Answer:
    """Ask for an app to be updated."""
    return _ask(request, "update")


def uninstall_app(request: EnvironmentRequest) -> Answer:
    """Ask for an app to be uninstalled."""
    return _ask(request, "uninstall")


def unknown(text: str) -> BusinessCentralError:
    """There is no such thing in the admin centre."""
    return BusinessCentralError(404, "ResourceDoesNotExist", text)


def _ask(request: EnvironmentRequest, verb: changes.Verb) -> Answer:
    app = request.params["app"].lower()
    return changes.ask(request.cloud, request.call, request.caller, request.environment, app, verb)


def _progress(request: EnvironmentRequest) -> installation.Progress | None:
    environment = request.environment
    return installation.progress(request.cloud, environment.tenant, environment.name)


def _all_operations(request: AdminRequest) -> list[rows.Row]:
    return [
        row
        for environment in world.environments_of(request.caller.tenant)
        for row in operations(request.cloud, environment)
    ]


def _app_operations(request: EnvironmentRequest) -> list[rows.Row]:
    app = request.params["app"].lower()
    return [
        of_app(row)
        for row in operations(request.cloud, request.environment)
        if row["parameters"].get("appId") == app
    ]


def _values(found: list[rows.Row]) -> Answer:
    return json_answer(200, {"value": found})


def _one(found: list[rows.Row], key: str) -> Answer:
    for row in found:
        if row["id"] == key.lower():
            return json_answer(200, row)
    raise unknown("The operation does not exist.")
