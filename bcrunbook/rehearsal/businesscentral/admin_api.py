"""The admin centre's API: from a request to the handler that serves it.

Source: contract B9 and B11.
"""

from __future__ import annotations

import re
from typing import Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import installation, rows
from bcrunbook.rehearsal.businesscentral.access import Caller
from bcrunbook.rehearsal.businesscentral.admin import AdminRequest, EnvironmentRequest, unknown
from bcrunbook.rehearsal.businesscentral.errors import BusinessCentralError, not_allowed
from bcrunbook.rehearsal.businesscentral.routes import ADMIN, ADMIN_SINCE
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call

_VERSION: Final = re.compile(r"v2\.(\d{1,2})$")
_NEWEST: Final = 29


def serve(cloud: RehearsalCloud, call: Call, caller: Caller, parts: list[str]) -> Answer:
    """One call; `parts` is the path after `/admin`."""
    version = _VERSION.match(parts[0]) if parts else None
    minor = int(version[1]) if version is not None else _NEWEST + 1
    if minor > _NEWEST:
        raise unknown("The API version is not supported.")
    caller.demand_admin()
    asked = parts[1:]
    environment = _environment(cloud, caller, asked)
    match = ADMIN.find(asked)
    if match is None or ADMIN_SINCE.get(match.path, 0) > minor:
        if environment is not None and call.method != "GET":
            raise not_allowed(call.method)
        raise unknown("The resource does not exist.")
    handler = match.handler(call.method)
    if handler is None:
        raise not_allowed(call.method)
    if environment is None:
        return handler(AdminRequest(cloud, call, caller, minor, match.params))
    return handler(EnvironmentRequest(cloud, call, caller, minor, match.params, environment))


def _environment(
    cloud: RehearsalCloud, caller: Caller, asked: list[str]
) -> world.Environment | None:
    """The environment that an address names, however it goes on; None where it names none."""
    match asked:
        case ["applications", family, "environments", *rest]:
            if family.lower() != rows.FAMILY.lower():
                raise BusinessCentralError(
                    404, "ApplicationTypeDoesNotExist", f"There is no application type {family}."
                )
            if not rest:
                return None
            environment = installation.environment_named(cloud, caller.tenant, rest[0])
            if environment is None:
                raise BusinessCentralError(
                    404, "EnvironmentNotFound", f"The environment {rest[0]} does not exist."
                )
            return environment
    return None
