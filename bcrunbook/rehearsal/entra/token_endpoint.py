"""The token endpoint: every grant type that unmodified clients use.

Sources: Entra docs on the authorization code, device authorization, client credentials, refresh
and resource owner password flows.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any, Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.drawn_secrets import password_name
from bcrunbook.rehearsal.entra import device, scopes, tokens
from bcrunbook.rehearsal.entra.authority import Authority, sign_in_user
from bcrunbook.rehearsal.entra.clients import (
    NONE,
    Client,
    demand_proof,
    find_client,
    prove,
    service_principal,
)
from bcrunbook.rehearsal.entra.errors import SignInError, missing
from bcrunbook.rehearsal.messages import Answer, Call, json_answer
from bcrunbook.rehearsal.state import GLOBAL

CODE: Final = "authorizationCode"
CODE_SECONDS: Final = 600
REFRESH_SECONDS: Final = 90 * 86400

Fields = dict[str, str]
Grant = Callable[[RehearsalCloud, Authority, Client, Fields, int], dict[str, Any]]


def answer(cloud: RehearsalCloud, authority: Authority, call: Call, version: int) -> Answer:
    """Serve one token request."""
    if call.method != "POST":
        raise SignInError(
            900561,
            "invalid_request",
            f"The endpoint only accepts POST requests. Received a {call.method} request.",
        )
    form = call.form
    kind = form.get("grant_type")
    if not kind:
        raise missing("grant_type")
    grant = GRANTS.get(kind)
    if grant is None:
        raise SignInError(
            70003,
            "unsupported_grant_type",
            f"The app requested an unsupported grant type '{kind}'.",
        )
    _basic_credentials(call, form)
    client = find_client(cloud, form.get("client_id", ""), authority)
    body = grant(cloud, authority, client, form, version)
    return json_answer(200, body, {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"})


def _basic_credentials(call: Call, form: Fields) -> None:
    """A client may also prove itself in the Authorization header (RFC 6749, 2.3.1)."""
    kind, _, value = call.header("authorization").partition(" ")
    if kind.lower() != "basic":
        return
    try:
        name, _, secret = base64.b64decode(value).decode().partition(":")
    except ValueError:
        return
    form.setdefault("client_id", name)
    form.setdefault("client_secret", secret)


def _requested(form: Fields, version: int) -> scopes.RequestedScopes:
    if version == 1:
        if not form.get("resource"):
            raise missing("resource")
        return scopes.of_resource(form["resource"])
    return scopes.parse(form.get("scope", ""))


def _contexts(form: Fields) -> list[str]:
    """The authentication contexts that a claims challenge demands; here they are always met.

    Source: Entra docs, "Claims challenges, claims requests and client capabilities" (claim `acrs`).
    """
    if not form.get("claims"):
        return []
    try:
        asked = json.loads(form["claims"])["access_token"]["acrs"]
        return [str(one) for one in asked.get("values") or [asked["value"]]]
    except (KeyError, TypeError, AttributeError):
        return []
    except (ValueError, RecursionError):
        raise SignInError(
            9002313, "invalid_request", "Invalid request. Request is malformed or invalid."
        ) from None


def _client_credentials(
    cloud: RehearsalCloud, authority: Authority, client: Client, form: Fields, version: int
) -> dict[str, Any]:
    proof = prove(cloud, client, form)
    if proof == NONE:
        raise SignInError(
            7000216,
            "invalid_client",
            "'client_assertion', 'client_secret' or 'request' is required for the "
            "'client_credentials' grant type.",
        )
    if authority.tenant is None:
        raise SignInError(
            9001023,
            "invalid_request",
            "The grant type is not supported over the /common or /consumers endpoints. Please "
            "use the /organizations or tenant-specific endpoint.",
        )
    requested = _requested(form, version)
    if not requested.default:
        raise SignInError(
            1002012,
            "invalid_scope",
            f"The provided value for scope {form.get('scope', '')} is not valid. Client credential "
            "flows must have a scope value with /.default suffixed to the resource identifier "
            "(application ID URI).",
        )
    principal = service_principal(cloud, client, authority.tenant, app_only=True)
    if principal is None:
        raise LookupError("a service principal is there, or an error was raised")
    return tokens.for_application(
        cloud,
        client,
        principal,
        authority.tenant,
        requested,
        proof=proof,
        version=version,
        contexts=_contexts(form),
    )


def _password(
    cloud: RehearsalCloud, authority: Authority, client: Client, form: Fields, version: int
) -> dict[str, Any]:
    if authority.tenant is None and authority.name != "organizations":
        raise SignInError(
            9001023,
            "invalid_request",
            "The grant type is not supported over the /common or /consumers endpoints. Please "
            "use the /organizations or tenant-specific endpoint.",
        )
    proof = prove(cloud, client, form)
    demand_proof(proof, public_allowed=client.allows_public_flows)
    for name in ("username", "password"):
        if not form.get(name):
            raise missing(name)
    user = checked_user(cloud, authority, form["username"], form["password"])
    return _for_user(cloud, client, user, _requested(form, version), form, version, proof)


def _refresh(
    cloud: RehearsalCloud, authority: Authority, client: Client, form: Fields, version: int
) -> dict[str, Any]:
    if not form.get("refresh_token"):
        raise missing("refresh_token")
    proof = prove(cloud, client, form)
    public = client.allows_public_flows or bool(client.redirects("publicClient"))
    demand_proof(proof, public_allowed=public)
    kept = cloud.store.latest(tokens.REFRESH, GLOBAL, form["refresh_token"])
    if kept is None:
        raise SignInError(
            9002313, "invalid_grant", "Invalid request. Request is malformed or invalid."
        )
    if kept["client"] != client.app_id:
        raise SignInError(
            700005,
            "invalid_grant",
            "Provided Refresh Token is intended to be used by another client.",
        )
    # A folder of an earlier version has tokens that do not say when they were made.
    if cloud.clock.now() - kept.get("at", cloud.clock.now()) > tokens.REFRESH_LIFETIME:
        raise SignInError(
            700082, "invalid_grant", "The refresh token has expired due to inactivity."
        )
    user = sign_in_user(authority, kept["upn"])
    if version == 1 and not form.get("resource"):
        form = {**form, "resource": scopes.GRAPH_URI}
    if version == 2 and not form.get("scope"):
        form = {**form, "scope": f"{scopes.GRAPH_URI}/.default openid profile offline_access"}
    return _for_user(cloud, client, user, _requested(form, version), form, version, proof)


def _code(
    cloud: RehearsalCloud, authority: Authority, client: Client, form: Fields, version: int
) -> dict[str, Any]:
    for name in ("code", "redirect_uri"):
        if not form.get(name):
            raise missing(name)
    kept = cloud.store.latest(CODE, GLOBAL, form["code"])
    if kept is None:
        raise SignInError(
            9002313, "invalid_grant", "Invalid request. Request is malformed or invalid."
        )
    if kept["used"]:
        raise SignInError(
            54005,
            "invalid_grant",
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code "
            "or use an existing refresh token.",
        )
    if cloud.clock.now() - kept["at"] > CODE_SECONDS:
        raise SignInError(
            70008,
            "invalid_grant",
            "The provided authorization code or refresh token has expired due to inactivity.",
        )
    if kept["client"] != client.app_id:
        raise SignInError(
            700005,
            "invalid_grant",
            "Provided Authorization Code is intended to be used by another client.",
        )
    if kept["redirect_uri"] != form["redirect_uri"]:
        raise SignInError(
            500112,
            "invalid_client",
            f"The reply address '{form['redirect_uri']}' does not match the reply address "
            f"'{kept['redirect_uri']}' provided when requesting Authorization code.",
        )
    _check_verifier(kept, form.get("code_verifier", ""))
    proof = prove(cloud, client, form)
    demand_proof(proof, public_allowed=kept["platform"] in ("publicClient", "spa"))
    cloud.store.put(CODE, GLOBAL, form["code"], {**kept, "used": True})
    user = world.users_by_oid()[kept["tenant"], kept["oid"]]
    requested = (
        scopes.of_resource(kept["resource"]) if version == 1 else scopes.parse(kept["scope"])
    )
    if form.get("scope") and version == 2:
        requested = scopes.parse(form["scope"])
    return _for_user(
        cloud, client, user, requested, form, version, proof, nonce=str(kept.get("nonce", ""))
    )


def _check_verifier(kept: dict[str, Any], verifier: str) -> None:
    challenge = kept["challenge"]
    if not challenge:
        if verifier:
            raise SignInError(
                501481,
                "invalid_grant",
                "The Code_Verifier does not match the code_challenge supplied in the "
                "authorization request.",
            )
        return
    if not verifier:
        raise SignInError(
            50148,
            "invalid_grant",
            "The code_verifier does not match the code_challenge supplied in the authorization "
            "request for PKCE.",
        )
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    computed = digest.rstrip(b"=").decode() if kept["method"] == "S256" else verifier
    if not secrets.compare_digest(computed, challenge):
        raise SignInError(
            501481,
            "invalid_grant",
            "The Code_Verifier does not match the code_challenge supplied in the authorization "
            "request.",
        )


def _device(
    cloud: RehearsalCloud, authority: Authority, client: Client, form: Fields, version: int
) -> dict[str, Any]:
    value = form.get("device_code") or form.get("code")
    if not value:
        raise missing("device_code")
    proof = prove(cloud, client, form)
    demand_proof(proof, public_allowed=client.allows_public_flows)
    flow = device.redeem(cloud, client, value)
    user = world.users_by_oid()[flow["tenant"], flow["oid"]]
    requested = (
        scopes.of_resource(flow["resource"]) if version == 1 else scopes.parse(flow["scope"])
    )
    return _for_user(cloud, client, user, requested, form, version, proof)


def _for_user(
    cloud: RehearsalCloud,
    client: Client,
    user: world.User,
    requested: scopes.RequestedScopes,
    form: Fields,
    version: int,
    proof: str,
    nonce: str = "",
) -> dict[str, Any]:
    tenant = world.TENANTS[user.tenant]
    principal = service_principal(cloud, client, tenant)
    resource = scopes.resource_principal(cloud, tenant, requested.resource)
    if scopes.unconsented(cloud, client, principal, requested, resource, user):
        raise scopes.not_consented(client)
    return tokens.for_user(
        cloud,
        client,
        principal,
        user,
        requested,
        proof=proof,
        nonce=nonce,
        version=version,
        client_info=form.get("client_info") == "1",
        contexts=_contexts(form),
    )


def checked_user(
    cloud: RehearsalCloud, authority: Authority, upn: str, password: str
) -> world.User:
    """The person of that name and password at an authority."""
    user = sign_in_user(authority, upn)
    if not secrets.compare_digest(
        cloud.secret(password_name(user.upn)).encode(), password.encode()
    ):
        raise SignInError(
            50126,
            "invalid_grant",
            "Error validating credentials due to invalid username or password.",
        )
    return user


GRANTS: Final[dict[str, Grant]] = {
    "client_credentials": _client_credentials,
    "password": _password,
    "refresh_token": _refresh,
    "authorization_code": _code,
    "device_code": _device,
    "urn:ietf:params:oauth:grant-type:device_code": _device,
}
