"""The stand-in for Business Central: discovery, business, automation and admin centre APIs.

Source: contract B1, B3, B11 and B12.
"""

from __future__ import annotations

from functools import partial
from typing import Final
from urllib.parse import unquote

from bcrunbook.rehearsal.businesscentral import admin_api, environment_apis, routes
from bcrunbook.rehearsal.businesscentral.access import Caller, identify
from bcrunbook.rehearsal.businesscentral.elsewhere import ELSEWHERE
from bcrunbook.rehearsal.businesscentral.errors import (
    BusinessCentralError,
    no_route,
    not_allowed,
)
from bcrunbook.rehearsal.businesscentral.limits import Limits
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call, Handler
from bcrunbook.rehearsal.routing import Router

HOSTS: Final = (routes.HOST, routes.WEB_HOST)


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of Business Central's hosts."""
    limits = Limits(cloud.clock)

    def handle(call: Call) -> Answer:
        parts = [unquote(part) for part in call.path.strip("/").split("/")]
        try:
            if call.host == routes.WEB_HOST:
                return _routed(routes.WEB, call, parts)(cloud)
            caller = identify(cloud, call)
            limits.count(caller)
            return _serve(cloud, call, caller, parts)
        except BusinessCentralError as problem:
            answer = problem.answer(is_wrapped=parts[0] not in ("admin", "environments"))
            return ELSEWHERE.mark(call.method, "/".join(parts), answer)

    return handle


def _serve(cloud: RehearsalCloud, call: Call, caller: Caller, parts: list[str]) -> Answer:
    match parts:
        case ["admin", *rest]:
            return admin_api.serve(cloud, call, caller, rest)
        case ["v2.0", *rest]:
            return environment_apis.serve(cloud, call, caller, rest)
    return _routed(routes.DISCOVERY, call, parts)(cloud, caller)


def _routed(router: Router[routes.Handler], call: Call, parts: list[str]) -> routes.Handler:
    """What serves a request, given what stands in the address."""
    match = router.find(parts)
    if match is None:
        raise no_route(call)
    handler = match.handler(call.method)
    if handler is None:
        raise not_allowed(call.method)
    return partial(handler, **match.params)
