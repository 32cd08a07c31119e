"""`$batch`: several requests in one, run through the same handlers.

Source: Graph docs, "Combine multiple requests in one HTTP call using JSON batching".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from bcrunbook.rehearsal.graph.errors import GraphError, malformed
from bcrunbook.rehearsal.graph.limits import MAX_BATCH
from bcrunbook.rehearsal.graph.request import odata_answer
from bcrunbook.rehearsal.messages import Answer, Call, read_json

METHODS: Final = ("GET", "POST", "PATCH", "PUT", "DELETE")
Part = Mapping[str, Any]


def run(call: Call, version: str, serve: Callable[[Call], Answer]) -> Answer:
    """Answer 200 with one response for each part, or refuse the whole batch."""
    parts = _parts(call)
    answers: dict[str, dict[str, Any]] = {}
    for part in parts:
        failed = [one for one in part.get("dependsOn") or () if answers[one]["status"] >= 400]
        if failed:
            answers[part["id"]] = _failed_dependency(part["id"], failed[0])
        else:
            answers[part["id"]] = _response(part["id"], serve(_call(call, version, part)))
    return odata_answer(200, {"responses": list(answers.values())})


def _parts(call: Call) -> list[Part]:
    try:
        parts = read_json(call.body)["requests"]
    except (ValueError, KeyError, TypeError) as problem:
        raise malformed("Invalid batch payload format.") from problem
    if not isinstance(parts, list) or not parts:
        raise malformed("Invalid batch payload format.")
    if len(parts) > MAX_BATCH:
        raise malformed(f"Number of batch request steps exceeds the maximum value of {MAX_BATCH}.")
    known: set[str] = set()
    for part in parts:
        if not isinstance(part, dict) or not isinstance(part.get("id"), str) or not part["id"]:
            raise malformed("Request Id is required for each request in the batch.")
        if part["id"] in known:
            raise malformed(f"Request Id {part['id']} is not unique in the batch.")
        if part.get("method") not in METHODS or not isinstance(part.get("url"), str):
            raise malformed(f"Request {part['id']} needs a method and a relative url.")
        if part["url"].lower().startswith("http"):
            raise malformed(f"The url of request {part['id']} must be relative.")
        if part["url"].lower().strip("/") == "$batch":
            raise malformed("A batch cannot hold a batch.")
        depends = part.get("dependsOn") or []
        if not isinstance(depends, list) or not set(depends) <= known:
            raise malformed(
                f"Request {part['id']} depends on a request that is not before it in the batch."
            )
        if part.get("body") is not None and not _content_type(part):
            raise malformed(f"Request {part['id']} has a body; a Content-Type header is required.")
        known.add(part["id"])
    return parts


def _content_type(part: Part) -> str:
    headers = part.get("headers") or {}
    return next((str(v) for name, v in headers.items() if name.lower() == "content-type"), "")


def _call(outer: Call, version: str, part: Part) -> Call:
    path, _, query = part["url"].partition("?")
    body = part.get("body")
    headers = {
        name: value
        for name, value in outer.headers.items()
        if name in ("authorization", "client-request-id", "user-agent")
    }
    headers |= {name.lower(): str(value) for name, value in (part.get("headers") or {}).items()}
    return Call(
        method=part["method"],
        host=outer.host,
        path=f"/{version}/{path.lstrip('/')}",
        query=query,
        headers=headers,
        body=b"" if body is None else json.dumps(body).encode(),
    )


def _response(one: str, answer: Answer) -> dict[str, Any]:
    response: dict[str, Any] = {
        "id": one,
        "status": answer.status,
        "headers": {"Cache-Control": "no-cache", **answer.headers},
    }
    if answer.body:
        kind = answer.headers.get("Content-Type", "")
        response["body"] = (
            json.loads(answer.body)
            if kind.startswith("application/json")
            else base64.b64encode(answer.body).decode()
        )
    return response


def _failed_dependency(one: str, other: str) -> dict[str, Any]:
    problem = GraphError(
        424, "FailedDependency", f"Request is not executed because request {other} failed."
    )
    return _response(one, problem.answer(one, one))
