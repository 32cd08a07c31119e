"""The stand-in for Microsoft Graph: applications, service principals, consent and what is around.

The order of one request: is there a token that is good here, is there such an address, is there
room in the throttle, may the caller, is the body right, then the effect.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import replace
from urllib.parse import unquote

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.directory import APPLICATION, CONSUMER_AUDIENCES
from bcrunbook.rehearsal.graph import access, batch, limits, odata, throttle
from bcrunbook.rehearsal.graph.errors import (
    GraphError,
    bad_request,
    malformed,
    method_not_allowed,
    unsupported_query,
)
from bcrunbook.rehearsal.graph.request import Caller, Key, Request, find
from bcrunbook.rehearsal.graph.routes import ALTERNATE_KEYS, COUNTED, ROUTES, Handler
from bcrunbook.rehearsal.messages import Answer, Call, read_json
from bcrunbook.rehearsal.messages import Handler as HostHandler

HOST = "graph.microsoft.com"
HOSTS = (HOST,)
VERSIONS = ("v1.0", "beta")
KEYED = re.compile(
    r"(?P<name>[A-Za-z0-9]+)\((?:(?P<key>\w+)=)?(?P<quote>'?)(?P<value>.*)(?P=quote)\)"
)
CAST = re.compile(r"^(microsoft\.)?graph\.", re.IGNORECASE)
WRITES = ("POST", "PATCH", "DELETE", "PUT")

Target = tuple[str, tuple[str | Key, ...]]
"""A pattern of the route table and what stands in its places."""


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
            answer = problem.answer(request_id, client_id)
        return answer.with_headers(headers)

    return handle


def _serve(
    cloud: RehearsalCloud,
    buckets: throttle.Throttle,
    call: Call,
    headers: dict[str, str],
    serve: HostHandler,
) -> Answer:
    caller = access.identify(cloud, call)
    version, segments = _segments(call.path)
    if [part.lower() for part in segments] == ["$batch"]:
        if call.method != "POST":
            raise method_not_allowed()
        return batch.run(call, version, serve)
    counting = len(segments) == 2 and segments[1].lower() == "$count"
    if counting:
        segments = segments[:1]
    pattern, places = _target(segments)
    if counting:
        return _count(cloud, caller, call, version, pattern)
    handlers = ROUTES[pattern]
    chosen = handlers.get(call.method)
    if chosen is None:
        raise method_not_allowed()
    query = odata.parse_query(call)
    request = Request(cloud, call, caller, version, query)
    _throttled(buckets, request, pattern, places, headers)
    return chosen(request, *places)


def _segments(path: str) -> tuple[str, list[str]]:
    parts = [unquote(part) for part in path.strip("/").split("/")]
    version = parts[0].lower()
    if version == "oidc" and [part.lower() for part in parts] == ["oidc", "userinfo"]:
        return VERSIONS[0], ["me", "userinfo"]
    if version not in VERSIONS:
        raise malformed(f"Invalid version: {parts[0]}")
    rest = [part for part in parts[1:] if part]
    if rest and rest[0].lower() == "myorganization":
        rest = rest[1:]
    if not rest:
        raise malformed("Resource not found for the segment ''.")
    return version, rest


def _target(segments: list[str]) -> Target:
    """The route that an address means; names compare without regard to case."""
    parts: list[str | Key] = []
    for segment in segments:
        found = KEYED.fullmatch(segment)
        if found is None or found["value"] == "":
            parts.append(CAST.sub("", segment))
            continue
        parts.append(found["name"])
        parts.append(
            Key(found["key"], found["value"].replace("''", "'")) if found["key"] else found["value"]
        )
    for pattern in _patterns(len(parts)):
        places = _fit(pattern.split("/"), parts)
        if places is not None:
            _demand_keys(pattern, places)
            return pattern, places
    raise malformed(f"Resource not found for the segment '{_unknown(parts)}'.")


def _patterns(length: int) -> list[str]:
    """Patterns of that many segments, those with fixed words first."""
    fitting = [pattern for pattern in ROUTES if pattern.count("/") + 1 == length]
    return sorted(fitting, key=lambda pattern: pattern.count("{}"))


def _fit(pattern: list[str], parts: list[str | Key]) -> tuple[str | Key, ...] | None:
    places: list[str | Key] = []
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted == "{}":
            places.append(part)
        elif isinstance(part, Key) or part.lower() != wanted.lower():
            return None
    return tuple(places)


def _demand_keys(pattern: str, places: tuple[str | Key, ...]) -> None:
    names = ALTERNATE_KEYS.get(pattern.partition("/")[0], ())
    for place in places:
        if isinstance(place, Key) and place.name not in names:
            raise bad_request(f"The key property '{place.name}' is not known.")


def _unknown(parts: list[str | Key]) -> str:
    """The first segment that no address with the same beginning has."""
    for length in range(1, len(parts) + 1):
        known = any(
            _fit(pattern.split("/")[:length], parts[:length]) is not None
            for pattern in ROUTES
            if pattern.count("/") + 1 >= length
        )
        if not known:
            last = parts[length - 1]
            return last.value if isinstance(last, Key) else last
    last = parts[-1]
    return last.value if isinstance(last, Key) else last


def _count(cloud: RehearsalCloud, caller: Caller, call: Call, version: str, pattern: str) -> Answer:
    """GET /{collection}/$count, which belongs to the advanced query capabilities"""
    if pattern not in COUNTED:
        raise malformed("Resource not found for the segment '$count'.")
    if call.method != "GET":
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
    handlers: dict[str, Handler] = ROUTES[pattern]
    answer = handlers["GET"](Request(cloud, call, caller, version, query))
    total = json.loads(answer.body)["@odata.count"]
    return Answer(200, str(total).encode(), {"Content-Type": "text/plain", "OData-Version": "4.0"})


def _throttled(
    buckets: throttle.Throttle,
    request: Request,
    pattern: str,
    places: tuple[str | Key, ...],
    headers: dict[str, str],
) -> None:
    """Take what the request costs; Graph docs, service-specific throttling limits."""
    method, caller = request.call.method, request.caller
    key = f"{caller.tenant.id}:{caller.app_id}"
    read_cost = 2 if pattern in ("applications", "oauth2PermissionGrants", "applications/{}") else 1
    cost = max(1, (read_cost if method == "GET" else 1) + request.query.cost_change)
    headers["x-ms-resource-unit"] = str(cost)
    used = buckets.take(key, throttle.REQUEST_UNITS, cost)
    if used >= 0.8:
        headers["x-ms-throttle-limit-percentage"] = f"{used:.1f}"
    if method not in WRITES:
        return
    buckets.take(key, throttle.WRITES)
    if pattern.startswith("applications") and _serves_consumers(request, places):
        buckets.take(key, throttle.CONSUMER_WRITES)


def _serves_consumers(request: Request, places: tuple[str | Key, ...]) -> bool:
    """Whether a write is about an application that serves personal accounts."""
    if places:
        try:
            return limits.is_consumer(find(request, APPLICATION, places[0])[1])
        except GraphError:
            pass  # not there (yet): what the body says counts
    try:
        given = read_json(request.call.body or b"{}")
    except ValueError:
        return False
    audience = given.get("signInAudience") if isinstance(given, dict) else None
    return audience is None or audience in CONSUMER_AUDIENCES
