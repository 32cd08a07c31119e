"""The business and the automation API: their addresses, and what they have in common.

Source: contract of Business Central, sections 3, 4 and 9.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import automation, data, installation, rows
from bcrunbook.rehearsal.businesscentral.access import Caller
from bcrunbook.rehearsal.businesscentral.collections import collection, record
from bcrunbook.rehearsal.businesscentral.errors import (
    BusinessCentralError,
    no_entity,
    no_environment,
    no_route,
    not_allowed,
    unauthenticated,
)
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call, json_answer

_SEGMENT = re.compile(r"(\w+)(?:\(([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\))?$")
_BUSINESS = ("v2.0",)
_AUTOMATION = ("microsoft", "automation", "v2.0")
_MAINTENANCE_SECONDS = 30


@dataclass(frozen=True)
class _Api:
    """An API of an environment.

    Args:
        environment: the environment.
        is_automation: whether it is the automation API; the business API otherwise.
        base: its address.
    """

    environment: world.Environment
    is_automation: bool
    base: str


def serve(cloud: RehearsalCloud, call: Call, caller: Caller, parts: list[str]) -> Answer:
    """One call; `parts` is the path after the routing version."""
    api, rest = _found(cloud, call, caller, parts)
    if not rest:
        return _service_document(call, caller, api)
    name, key = _segment(call, rest[0])
    if name != "companies":
        # The other way to name a company.
        company = call.params.get("company", "").lower()
        if not company:
            raise _no_company()
        return _in_company(cloud, call, caller, api, company, rest)
    if len(rest) > 1 and key:
        return _in_company(cloud, call, caller, api, key, rest[1:])
    if len(rest) > 1:
        raise no_route(call)
    if api.is_automation:
        caller.demand_companies()
    else:
        caller.demand_data()
    found = [rows.company(api.environment, one) for one in api.environment.companies]
    return _read(call, api, name, key, found)


def _found(
    cloud: RehearsalCloud, call: Call, caller: Caller, parts: list[str]
) -> tuple[_Api, list[str]]:
    """Which API of which environment an address names, and what is left of the address."""
    if len(parts) > 2 and parts[1].lower() != "api":
        named = world.find_tenant(parts[0])
        # A token is good for its own tenant only.
        if named is None or named.id != caller.tenant:
            raise unauthenticated()
        parts = parts[1:]
    if len(parts) < 3 or parts[1].lower() != "api":
        raise no_route(call)
    one = installation.environment_named(cloud, caller.tenant, parts[0])
    if one is None:
        raise no_environment()
    progress = installation.progress(cloud, one.tenant, one.name)
    if progress is not None and progress.is_upgrading:
        raise BusinessCentralError(
            503,
            "Internal_TenantUnavailable",
            "Service is under maintenance.",
            {"Retry-After": str(_MAINTENANCE_SECONDS)},
        )
    for path in (_BUSINESS, _AUTOMATION):
        given = tuple(part.lower() for part in parts[2 : 2 + len(path)])
        if given == path:
            name = installation.current_name(cloud, one)
            base = f"https://{call.host}/v2.0/{one.tenant}/{name}/api/{'/'.join(path)}"
            return _Api(one, path is _AUTOMATION, base), parts[2 + len(path) :]
    raise no_route(call)


def _in_company(
    cloud: RehearsalCloud, call: Call, caller: Caller, api: _Api, company: str, rest: list[str]
) -> Answer:
    one = api.environment
    names = {one.company_id(name): name for name in one.companies}
    name, key = _segment(call, rest[0])
    action = rest[1] if len(rest) > 1 else ""
    if len(rest) > 2:
        raise no_route(call)
    if api.is_automation:
        if company not in names:
            caller.demand_companies()
            raise _no_company()
        return automation.serve(cloud, call, caller, one, api.base, (name, key), action)
    caller.demand_data()
    if company not in names:
        raise _no_company()
    found = data.of_company(one, names[company], name)
    if found is None or action:
        raise no_entity(action or name)
    return _read(call, api, name, key, found)


def _read(call: Call, api: _Api, name: str, key: str, found: list[rows.Row]) -> Answer:
    if call.method != "GET":
        raise not_allowed(call.method)
    if not key:
        return collection(call, api.base, name, found)
    for row in found:
        if row["id"] == key:
            return record(call, api.base, name, row)
    raise no_entity(f"{name}({key})")


def _service_document(call: Call, caller: Caller, api: _Api) -> Answer:
    """The list of an API's entity sets."""
    if call.method != "GET":
        raise not_allowed(call.method)
    if api.is_automation:
        caller.demand_companies()
    else:
        caller.demand_data()
    names = ("companies", *(automation.ENTITIES if api.is_automation else data.ENTITIES))
    found = [{"name": name, "kind": "EntitySet", "url": name} for name in names]
    return json_answer(200, {"@odata.context": f"{api.base}/$metadata", "value": found})


def _segment(call: Call, part: str) -> tuple[str, str]:
    """A part of the address: a collection's name and, in brackets, a key."""
    match = _SEGMENT.match(part)
    if match is None:
        raise no_route(call)
    return match[1], (match[2] or "").lower()


def _no_company() -> BusinessCentralError:
    return BusinessCentralError(404, "Internal_CompanyNotFound", "The company cannot be found.")
