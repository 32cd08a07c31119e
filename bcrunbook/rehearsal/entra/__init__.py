"""The stand-in for Entra: sign-in, tokens, discovery and consent.

One handler serves `login.microsoftonline.com` for programs and, by way of the pages server, the
same addresses for a browser.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.entra.errors import SignInError, correlation_id, error_answer
from bcrunbook.rehearsal.entra.pages import LOGIN_HOST
from bcrunbook.rehearsal.entra.routes import ROUTER
from bcrunbook.rehearsal.messages import Answer, Call, Handler, json_answer

WELL_KNOWN: Final = [".well-known", "openid-configuration"]
HOSTS: Final = (LOGIN_HOST, "login.windows.net", "login.microsoft.com")


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of the sign-in hosts."""

    def handle(call: Call) -> Answer:
        segments = [unquote(part) for part in call.path.strip("/").split("/")]
        try:
            answer = _route(cloud, call, segments)
        except SignInError as problem:
            answer = error_answer(call, problem)
        return answer.with_headers(
            {
                "x-ms-request-id": str(uuid.uuid4()),
                "client-request-id": correlation_id(call),
                "Cache-Control": "no-store, no-cache",
                "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
                "X-Content-Type-Options": "nosniff",
            }
        )

    return handle


def _route(cloud: RehearsalCloud, call: Call, segments: list[str]) -> Answer:
    lowered = [part.lower() for part in segments]
    if lowered[-2:] == WELL_KNOWN and len(lowered) > 2:
        # Whatever stands between the tenant and it, only the version counts.
        segments = (
            [*segments[:2], *WELL_KNOWN] if lowered[1] == "v2.0" else [segments[0], *WELL_KNOWN]
        )
    match = ROUTER.find(segments)
    if match is None:
        return _not_found()
    # An endpoint refuses a method in its own words.
    endpoint = match.handler(call.method) or next(iter(match.handlers.values()))
    return endpoint(cloud, call, *match.params.values())


def _not_found() -> Answer:
    return json_answer(404, {"error": "not_found", "error_description": "There is nothing here."})


def browser_handler(cloud: RehearsalCloud) -> Handler:
    """The same, for a browser that reaches it below `/login.microsoftonline.com` of the pages."""
    serve = handler(cloud)

    def handle(call: Call) -> Answer:
        return serve(replace(call, host=LOGIN_HOST, path=call.path.removeprefix(f"/{LOGIN_HOST}")))

    return handle
