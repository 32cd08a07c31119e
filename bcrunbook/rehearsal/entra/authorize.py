"""The authorize endpoint: a browser comes, a person signs in, the client gets a code.

Source: Entra docs, "OAuth 2.0 authorization code flow". An address that is not registered is never
redirected to; every other problem travels to the client in the response mode it asked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.entra import interactive, scopes, tokens
from bcrunbook.rehearsal.entra.authority import Authority, find_authority
from bcrunbook.rehearsal.entra.clients import Client, find_client
from bcrunbook.rehearsal.entra.errors import SignInError, correlation_id, described, missing
from bcrunbook.rehearsal.entra.pages import browser_path, form_post_page, message_page
from bcrunbook.rehearsal.entra.token_endpoint import CODE
from bcrunbook.rehearsal.messages import Answer, Call, redirect, with_query
from bcrunbook.rehearsal.state import GLOBAL

MODES: Final = ("query", "fragment", "form_post")


def answer(cloud: RehearsalCloud, name: str, call: Call, version: int) -> Answer:
    """Serve one stop of an authorization."""
    fields = {**call.params, **(call.form if call.method == "POST" else {})}
    try:
        authority = find_authority(name)
        client = find_client(cloud, fields.get("client_id", ""), authority)
        target = _redirect_target(client, fields)
    except SignInError as problem:
        text = f"AADSTS{problem.code}: {problem.message}"
        return message_page("Sorry, we could not sign you in", text, status=400, problem=True)
    try:
        return _authorize(cloud, authority, client, target, fields, call, version)
    except SignInError as problem:
        details = described(problem, correlation_id(call))
        result = {"error": problem.error, "error_description": details["error_description"]}
        if problem.suberror:
            result["error_subcode"] = problem.suberror
        return _respond(target, fields, result)


def _authorize(
    cloud: RehearsalCloud,
    authority: Authority,
    client: Client,
    target: str,
    fields: Mapping[str, str],
    call: Call,
    version: int,
) -> Answer:
    if fields.get("response_type") != "code":
        raise SignInError(
            70005,
            "unsupported_response_type",
            f"The response_type '{fields.get('response_type', '')}' is not supported for the "
            "application.",
        )
    if fields.get("response_mode", "query") not in MODES:
        raise SignInError(
            900144, "invalid_request", "The value of the parameter 'response_mode' is not valid."
        )
    method = fields.get("code_challenge_method", "plain" if fields.get("code_challenge") else "")
    if method not in ("", "plain", "S256"):
        raise SignInError(501491, "invalid_request", "Invalid code_challenge_method parameter.")
    if version == 1:
        resource = fields.get("resource") or scopes.GRAPH_URI
        requested = scopes.of_resource(resource)
    else:
        resource = ""
        requested = scopes.parse(fields.get("scope", ""))
    if fields.get("prompt") == "none":
        raise SignInError(
            50058,
            "login_required",
            "A silent sign-in request was sent but no user is signed in.",
        )
    visit = interactive.Visit(browser_path(cloud, call), fields)
    user = interactive.signed_in(cloud, authority, client, requested, visit)
    if isinstance(user, Answer):
        return user
    code = cloud.canaries.add(f"1.{secrets.token_urlsafe(96)}")
    cloud.store.put(
        CODE,
        GLOBAL,
        code,
        {
            "client": client.app_id,
            "redirect_uri": target,
            "platform": client.platform_of(target),
            "tenant": user.tenant,
            "oid": user.oid,
            "scope": fields.get("scope", ""),
            "resource": resource,
            "challenge": fields.get("code_challenge", ""),
            "method": method,
            "nonce": fields.get("nonce", ""),
            "at": cloud.clock.now(),
            "used": False,
        },
    )
    return _respond(target, fields, _result(code, user))


def _result(code: str, user: world.User) -> dict[str, str]:
    return {
        "code": code,
        "client_info": tokens.info_of(user),
        "session_state": secrets.token_hex(16),
    }


def _redirect_target(client: Client, fields: Mapping[str, str]) -> str:
    given = fields.get("redirect_uri", "")
    if not given:
        known = [
            uri for platform in ("web", "publicClient", "spa") for uri in client.redirects(platform)
        ]
        if len(known) == 1:
            return known[0]
        raise missing("redirect_uri")
    if client.platform_of(given) is None:
        raise wrong_redirect(client, given)
    return given


def wrong_redirect(client: Client, given: str) -> SignInError:
    """The address is not one of those that the application registered."""
    return SignInError(
        50011,
        "invalid_client",
        f"The redirect URI '{given}' specified in the request does not match the redirect URIs "
        f"configured for the application '{client.app_id}'. Make sure the redirect URI sent in "
        "the request matches one added to your application in the Azure portal.",
    )


def _respond(target: str, fields: Mapping[str, str], result: Mapping[str, str]) -> Answer:
    values = dict(result)
    if "state" in fields:
        values["state"] = fields["state"]
    mode = fields.get("response_mode", "query")
    if mode == "form_post":
        return form_post_page(target, values)
    return redirect(with_query(target, values, fragment=mode == "fragment"))
