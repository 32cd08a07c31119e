"""The stand-in for Entra: sign-in, tokens, discovery and consent.

One handler serves `login.microsoftonline.com` for programs and, by way of the pages server, the
same addresses for a browser.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from urllib.parse import unquote

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.entra import (
    authorize,
    consent,
    device,
    device_page,
    discovery,
    token_endpoint,
)
from bcrunbook.rehearsal.entra.authority import authority
from bcrunbook.rehearsal.entra.errors import SignInError, correlation_id, error_answer
from bcrunbook.rehearsal.entra.pages import message_page
from bcrunbook.rehearsal.messages import Answer, Call, Handler, json_answer, redirect

HOST = "login.microsoftonline.com"
HOSTS = (HOST, "login.windows.net", "login.microsoft.com")


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
    name, rest = segments[0], [part.lower() for part in segments[1:]]
    if not rest:
        if name.lower() in ("devicelogin", "device"):
            return device_page.answer(cloud, call)
        return _not_found()
    if rest == ["discovery", "instance"]:
        return discovery.instance(call)
    if rest[0] == "userrealm" and len(rest) == 2:
        return discovery.realm(segments[2])
    if rest[-2:] == [".well-known", "openid-configuration"]:
        version = 2 if rest[0] == "v2.0" else 1
        try:
            return discovery.configuration(cloud, authority(name), version)
        except SignInError as problem:
            problem.error = "invalid_tenant"
            return error_answer(call, problem)
    if rest in (["discovery", "keys"], ["discovery", "v2.0", "keys"]):
        return discovery.keys(cloud)
    if rest in (["adminconsent"], ["v2.0", "adminconsent"]):
        return consent.answer(cloud, name, call, 2 if rest[0] == "v2.0" else 1)
    if rest[0] != "oauth2":
        return _not_found()
    version = 2 if rest[1:2] == ["v2.0"] else 1
    match rest[2:] if version == 2 else rest[1:]:
        case ["token"]:
            return token_endpoint.answer(cloud, authority(name), call, version)
        case ["devicecode"]:
            return device.start(cloud, authority(name), call, version)
        case ["authorize"]:
            return authorize.answer(cloud, name, call, version)
        case ["deviceauth"]:
            return device_page.answer(cloud, call)
        case ["logout"]:
            return _sign_out(call)
    return _not_found()


def _sign_out(call: Call) -> Answer:
    """Nobody stays signed in here, so there is nothing to end."""
    target = call.params.get("post_logout_redirect_uri", "")
    if target.startswith(("https://", "http://localhost")):
        return redirect(target)
    return message_page("Signed out", "You signed out of your account.")


def _not_found() -> Answer:
    return json_answer(404, {"error": "not_found", "error_description": "There is nothing here."})


def browser_handler(cloud: RehearsalCloud) -> Handler:
    """The same, for a browser that reaches it below `/login.microsoftonline.com` of the pages."""
    serve = handler(cloud)

    def handle(call: Call) -> Answer:
        return serve(replace(call, host=HOST, path=call.path.removeprefix(f"/{HOST}")))

    return handle
