"""api.codat.io: from a request to the handler that serves it.

The order of one request: is there a key that is known, is there room in the rate limits, does the
plan run, was it answered before under this idempotency key, is there such an address, then the
effect. Nothing is written before everything that may refuse has been asked.
"""

from __future__ import annotations

import contextlib
from urllib.parse import unquote

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import access
from bcrunbook.rehearsal.codat.elsewhere import ELSEWHERE
from bcrunbook.rehearsal.codat.errors import CodatError, method_not_allowed, not_found
from bcrunbook.rehearsal.codat.idempotency import GUID, keep, once
from bcrunbook.rehearsal.codat.limits import Limits
from bcrunbook.rehearsal.codat.request import Request
from bcrunbook.rehearsal.codat.routes import ROUTER
from bcrunbook.rehearsal.messages import Answer, Call
from bcrunbook.rehearsal.messages import Handler as HostHandler


def handler(cloud: RehearsalCloud) -> HostHandler:
    """The handler of api.codat.io."""
    limits = Limits(cloud)

    def handle(call: Call) -> Answer:
        try:
            instance = access.identify(cloud, call)
            # An unknown key has no client whose limits could be told: a 401 goes without them.
            headers = limits.count(instance)
        except CodatError as problem:
            return problem.answer()
        request = Request(cloud, call, instance)
        return _planned(request).with_headers(headers)

    return handle


def keep_fault(cloud: RehearsalCloud, call: Call, answer: Answer) -> None:
    """Keep what a fault rule answered, under the request's idempotency key."""
    # Without a known API key there is nobody to keep it for.
    with contextlib.suppress(CodatError):
        keep(cloud, access.identify(cloud, call), call, answer)


def _planned(request: Request) -> Answer:
    try:
        access.demand_running_plan(request.instance)
        return once(request.cloud, request.instance, request.call, lambda: _routed(request))
    except CodatError as problem:
        return problem.answer()


def _spelt(part: str) -> str:
    """A part of an address; ids are GUIDs, whose letters some clients write in capitals."""
    return part.lower() if GUID.fullmatch(part) else part


def _routed(request: Request) -> Answer:
    """The answer of the route, refusals included: those are kept under an idempotency key too."""
    parts = [_spelt(unquote(part)) for part in request.call.path.strip("/").split("/")]
    method = request.call.method
    match = ROUTER.find(parts)
    chosen = match.handler(method) if match is not None else None
    if match is None or chosen is None:
        refusal = not_found() if match is None else method_not_allowed()
        return ELSEWHERE.mark(method, "/".join(parts), refusal.answer())
    try:
        return chosen(request, *match.params.values())
    except CodatError as problem:
        return problem.answer()
