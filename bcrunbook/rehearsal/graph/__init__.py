"""The stand-in for Microsoft Graph: applications, service principals, consent and what is around.

The order of one request: is there a token that is good here, is there such an address, is there
room in the throttle, may the caller, is the body right, then the effect.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.directory import APPLICATION, CONSUMER_AUDIENCES
from bcrunbook.rehearsal.graph import access, application_rules, limits, odata, throttle
from bcrunbook.rehearsal.graph.elsewhere import ELSEWHERE
from bcrunbook.rehearsal.graph.errors import (
    GraphError,
    bad_request,
    malformed,
    method_not_allowed,
    unsupported_query,
)
from bcrunbook.rehearsal.graph.request import Caller, Request, find
from bcrunbook.rehearsal.graph.routes import (
    ALTERNATE_KEYS,
    BATCHES,
    COUNTS,
    DESCRIPTIONS,
    HOST,
    OPENID,
    ROUTER,
    Handler,
)
from bcrunbook.rehearsal.messages import Answer, Call, read_json
from bcrunbook.rehearsal.messages import Handler as HostHandler
from bcrunbook.rehearsal.routing import Key, Match, Part, Router

HOSTS: Final = (HOST,)
VERSIONS: Final = ("v1.0", "beta")
KEYED: Final = re.compile(
    r"(?P<name>[A-Za-z0-9]+)\((?:(?P<key>\w+)=)?(?P<quote>'?)(?P<value>.*)(?P=quote)\)"
)
CAST: Final = re.compile(r"^(microsoft\.)?graph\.", re.IGNORECASE)
WRITES: Final = ("POST", "PATCH", "DELETE", "PUT")
DOUBLE_READS: Final = ("applications", "oauth2PermissionGrants", "users")
"""Lists that cost two units; a single object costs one (contract G14.3)."""


def handler(cloud: RehearsalCloud) -> HostHandler:
    """The handler of graph.microsoft.com."""
    buckets = throttle.Throttle(cloud.clock)

    def handle(call: Call) -> Answer:
        request_id = str(uuid.uuid4())
        client_id = call.header("client-request-id") or request_id
        headers = {
            "request-id": request_id,
            "client-request-id": client_id,
            "Cache-Control": "no-cache",
            "Strict-Transport-Security": "max-age=31536000",
            "x-ms-ags-diagnostic": json.dumps(
                {"ServerInfo": {"DataCenter": "Rehearsal", "Slice": "E", "Ring": "5"}}
            ),
        }
        try:
            answer = _serve(cloud, buckets, call, headers, handle)
        except GraphError as problem:
            # A namespace may stand before a name (contract G24.10).
            named = "/".join(CAST.sub("", one) for one in unquote(call.path).split("/"))
            answer = ELSEWHERE.mark(call.method, named, problem.answer(request_id, client_id))
        return answer.with_headers(headers)

    return handle


def _serve(
    cloud: RehearsalCloud,
    buckets: throttle.Throttle,
    call: Call,
    headers: dict[str, str],
    serve: HostHandler,
) -> Answer:
    described = DESCRIPTIONS.find(unquote(call.path).strip("/").split("/"))
    if described is not None and (describe := described.handler(call.method)) is not None:
        return describe()
    caller = access.identify(cloud, call)
    version, router, segments = _located(call.path)
    batches = BATCHES.find(segments)
    if batches is not None:
        run = batches.handler(call.method)
        if run is None:
            raise method_not_allowed()
        return run(call, version, serve)
    counting = len(segments) == 2 and segments[1].lower() == "$count"
    match = _match(router, segments[:1] if counting else segments)
    if counting:
        return _count(cloud, caller, call, version, segments)
    chosen = match.handler(call.method)
    if chosen is None:
        raise method_not_allowed()
    query = odata.parse_query(call)
    request = Request(cloud, call, caller, version, query)
    _throttled(buckets, request, match, headers)
    return chosen(request, *match.params.values())


def _located(path: str) -> tuple[str, Router[Handler], list[str]]:
    """The version that an address names, the table it belongs to, and its segments there."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    version = parts[0].lower()
    if OPENID.find(parts) is not None:
        return VERSIONS[0], OPENID, parts
    if version not in VERSIONS:
        raise malformed(f"Invalid version: {parts[0]}")
    rest = [part for part in parts[1:] if part]
    if rest and rest[0].lower() == "myorganization":
        rest = rest[1:]
    if not rest:
        raise malformed("Resource not found for the segment ''.")
    return version, ROUTER, rest


def _match(router: Router[Handler], segments: list[str]) -> Match[Handler]:
    """The routes that an address means."""
    parts: list[Part] = []
    for segment in segments:
        keyed = KEYED.fullmatch(segment)
        if keyed is None or keyed["value"] == "":
            parts.append(CAST.sub("", segment))
            continue
        parts.append(keyed["name"])
        parts.append(
            Key(keyed["key"], keyed["value"].replace("''", "'")) if keyed["key"] else keyed["value"]
        )
    match = router.find(parts)
    if match is None:
        unknown = router.first_unknown(parts)
        text = unknown.value if isinstance(unknown, Key) else unknown
        raise malformed(f"Resource not found for the segment '{text}'.")
    _demand_keys(match)
    return match


def _demand_keys(match: Match[Handler]) -> None:
    names = ALTERNATE_KEYS.get(match.path.partition("/")[0], ())
    for part in match.params.values():
        if isinstance(part, Key) and part.name not in names:
            raise bad_request(f"The key property '{part.name}' is not known.")


def _count(
    cloud: RehearsalCloud, caller: Caller, call: Call, version: str, segments: list[str]
) -> Answer:
    """GET /{collection}/$count, which belongs to the advanced query capabilities."""
    match = COUNTS.find([CAST.sub("", segments[0]), segments[1]])
    if match is None:
        raise malformed("Resource not found for the segment '$count'.")
    listing = match.handler(call.method)
    if listing is None:
        raise method_not_allowed()
    if call.header("consistencylevel").lower() != "eventual":
        raise unsupported_query(
            "Request with $count query parameter only works through MSGraph with a special "
            "request header: 'ConsistencyLevel: eventual'"
        )
    query = odata.parse_query(
        replace(call, query=f"{call.query}&$count=true".lstrip("&"))
        if "$count" not in call.query
        else call
    )
    answer = listing(Request(cloud, call, caller, version, query))
    total = json.loads(answer.body)["@odata.count"]
    return Answer(200, str(total).encode(), {"Content-Type": "text/plain", "OData-Version": "4.0"})


def _throttled(
    buckets: throttle.Throttle,
    request: Request,
    match: Match[Handler],
    headers: dict[str, str],
) -> None:
    """Take what the request costs; Graph docs, service-specific throttling limits."""
    method, caller = request.call.method, request.caller
    key = f"{caller.tenant.id}:{caller.app_id}"
    read_cost = 2 if match.path in DOUBLE_READS else 1
    cost = max(1, (read_cost if method == "GET" else 1) + request.query.cost_change)
    headers["x-ms-resource-unit"] = str(cost)
    used = buckets.take(key, limits.REQUEST_UNITS, cost)
    if used >= 0.8:
        headers["x-ms-throttle-limit-percentage"] = f"{used:.1f}"
    if method not in WRITES:
        return
    buckets.take(key, limits.WRITES)
    if match.path.startswith("applications") and _serves_consumers(request, match):
        buckets.take(key, limits.CONSUMER_WRITES)


def _serves_consumers(request: Request, match: Match[Handler]) -> bool:
    """Whether a write is about an application that serves personal accounts."""
    if "application" in match.params:
        try:
            application = find(request, APPLICATION, match.params["application"])[1]
            return application_rules.is_consumer(application)
        except GraphError:
            pass  # not there (yet): what the body says counts
    try:
        given = read_json(request.call.body or b"{}")
    except ValueError:
        return False
    audience = given.get("signInAudience") if isinstance(given, dict) else None
    return audience in CONSUMER_AUDIENCES
