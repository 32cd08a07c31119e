"""The stand-in for Business Central: discovery, business, automation and admin centre APIs.

Source: contract of Business Central, sections 1 to 10.
"""

from __future__ import annotations

from urllib.parse import unquote

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import admin, installation, routes, rows
from bcrunbook.rehearsal.businesscentral.access import Caller, identify
from bcrunbook.rehearsal.businesscentral.errors import (
    BusinessCentralError,
    no_route,
    not_allowed,
)
from bcrunbook.rehearsal.businesscentral.limits import Limits
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call, Handler, json_answer

HOST = "api.businesscentral.dynamics.com"
WEB_HOST = "businesscentral.dynamics.com"
HOSTS = (HOST, WEB_HOST)


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of Business Central's hosts."""
    limits = Limits(cloud.clock)

    def handle(call: Call) -> Answer:
        parts = [unquote(part) for part in call.path.strip("/").split("/")]
        try:
            if call.host == WEB_HOST:
                return _deployment_url(cloud, call, parts)
            caller = identify(cloud, call)
            limits.count(caller)
            return _serve(cloud, call, caller, parts)
        except BusinessCentralError as problem:
            return problem.answer(is_wrapped=parts[0] not in ("admin", "environments"))

    return handle


def _serve(cloud: RehearsalCloud, call: Call, caller: Caller, parts: list[str]) -> Answer:
    match parts:
        case ["environments", "v1.2"]:
            _only_get(call)
            found = world.environments_of(caller.tenant)
            return json_answer(200, {"value": [rows.discovered(cloud, one) for one in found]})
        case ["admin", *rest]:
            return admin.serve(cloud, call, caller, rest)
        case ["v2.0", *rest]:
            return routes.serve(cloud, call, caller, rest)
    raise no_route(call)


def _deployment_url(cloud: RehearsalCloud, call: Call, parts: list[str]) -> Answer:
    """The undocumented look at an environment that needs no token."""
    match parts:
        case [name, environment, "deployment", "url"]:
            _only_get(call)
            tenant = world.find_tenant(name)
            one = installation.environment_named(cloud, tenant.id, environment) if tenant else None
            if one is None:
                return json_answer(200, {"status": "DoesNotExist"})
            progress = installation.progress(cloud, one.tenant, one.name)
            is_ready = progress is None or not progress.is_upgrading
            return json_answer(
                200,
                {
                    "status": "Ready" if is_ready else "Updating",
                    "environmentType": 1 if one.type == "Sandbox" else 0,
                },
            )
    raise no_route(call)


def _only_get(call: Call) -> None:
    if call.method != "GET":
        raise not_allowed(call.method)
