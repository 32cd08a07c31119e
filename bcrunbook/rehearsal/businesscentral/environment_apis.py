"""The business and the automation API: their addresses, and what they have in common.

Source: contract B1, B3, B6 and B11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import automation, data, installation, rows
from bcrunbook.rehearsal.businesscentral.access import Caller
from bcrunbook.rehearsal.businesscentral.collections import EntitySet
from bcrunbook.rehearsal.businesscentral.errors import (
    BusinessCentralError,
    no_entity,
    no_environment,
    no_route,
    not_allowed,
    unauthenticated,
)
from bcrunbook.rehearsal.businesscentral.routes import AUTOMATION, BUSINESS, Handler
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.csdl import METADATA
from bcrunbook.rehearsal.messages import Answer, Call
from bcrunbook.rehearsal.routing import Key, Match, Part, Router

_SEGMENT: Final = re.compile(
    r"(\w+)(?:\(([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\))?$"
)
_BUSINESS: Final = ("v2.0",)
_AUTOMATION: Final = ("microsoft", "automation", "v2.0")
_BEHIND_AN_ENVIRONMENT: Final = ("api", "odatav4", "ws")
"""What follows an environment's name: no tenant stands before that."""
_MAINTENANCE_SECONDS: Final = 30


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

    @property
    def router(self) -> Router[Handler]:
        """Its table of routes."""
        return AUTOMATION if self.is_automation else BUSINESS


def serve(cloud: RehearsalCloud, call: Call, caller: Caller, parts: list[str]) -> Answer:
    """One call; `parts` is the path after the routing version."""
    api, rest = _found(cloud, call, caller, parts)
    if not rest or rest == [METADATA]:
        tell_sets = _handler(api.router.find(rest), call)
        _demand_companies(caller, api)
        return tell_sets(api.base)
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
    _demand_companies(caller, api)
    found = [rows.company(api.environment, one) for one in api.environment.companies]
    handler = _handler(api.router.find((name, *_keys(key))), call)
    return handler(EntitySet(call, api.base, name, found), *([key] if key else []))


def _demand_companies(caller: Caller, api: _Api) -> None:
    if api.is_automation:
        caller.demand_companies()
    else:
        caller.demand_data()


def _found(
    cloud: RehearsalCloud, call: Call, caller: Caller, parts: list[str]
) -> tuple[_Api, list[str]]:
    """Which API of which environment an address names, and what is left of the address."""
    if len(parts) > 2 and parts[1].lower() not in _BEHIND_AN_ENVIRONMENT:
        named = world.find_tenant(parts[0])
        # A token is good for its own tenant only.
        if named is None or named.id != caller.tenant:
            raise unauthenticated()
        parts = parts[1:]
    if len(parts) < 3 or parts[1].lower() != "api":
        raise no_route(call)
    environment = installation.environment_named(cloud, caller.tenant, parts[0])
    if environment is None:
        raise no_environment()
    progress = installation.progress(cloud, environment.tenant, environment.name)
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
            name = installation.current_name(cloud, environment)
            base = f"https://{call.host}/v2.0/{environment.tenant}/{name}/api/{'/'.join(path)}"
            return _Api(environment, path is _AUTOMATION, base), parts[2 + len(path) :]
    raise no_route(call)


def _in_company(
    cloud: RehearsalCloud, call: Call, caller: Caller, api: _Api, company: str, rest: list[str]
) -> Answer:
    environment = api.environment
    names = {environment.company_id(name): name for name in environment.companies}
    name, key = _segment(call, rest[0])
    action = rest[1] if len(rest) > 1 else ""
    if len(rest) > 2:
        raise no_route(call)
    address: tuple[Part, ...] = ("companies", Key("", company), name, *_keys(key))
    if api.is_automation:
        if company not in names:
            caller.demand_companies()
            raise _no_company()
        automated = automation.open_set(cloud, call, caller, environment, api.base, name)
        # What follows a set without a key is not looked at.
        return _automated(call, automated, address, key, action if key else "")
    caller.demand_data()
    if company not in names:
        raise _no_company()
    match = BUSINESS.find(address)
    if match is None or action:
        raise no_entity(action or name)
    found = data.of_company(environment, names[company], name)
    entities = EntitySet(call, api.base, name, found)
    return _handler(match, call)(entities, *([key] if key else []))


def _automated(
    call: Call, entities: EntitySet, address: tuple[Part, ...], key: str, action: str
) -> Answer:
    if key:
        # That there is no such row is said before a method is refused.
        entities.row(key)
    match = AUTOMATION.find((*address, action) if action else address)
    if match is None:
        if entities.name == "extensions" and call.method != "POST":
            raise not_allowed(call.method)
        raise no_entity(action)
    return _handler(match, call)(entities, *([key] if key else []))


def _keys(key: str) -> tuple[Key, ...]:
    return (Key("", key),) if key else ()


def _handler(match: Match[Handler] | None, call: Call) -> Handler:
    handler = match.handler(call.method) if match else None
    if handler is None:
        raise not_allowed(call.method)
    return handler


def _segment(call: Call, part: str) -> tuple[str, str]:
    """A part of the address: a collection's name and, in brackets, a key."""
    match = _SEGMENT.match(part)
    if match is None:
        raise no_route(call)
    return match[1], (match[2] or "").lower()


def _no_company() -> BusinessCentralError:
    return BusinessCentralError(404, "Internal_CompanyNotFound", "The company cannot be found.")
