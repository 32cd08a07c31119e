"""Tokens: what is in them, how long they live, which audience they are for."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Sequence
from typing import Any, Final

from bcrunbook.rehearsal import first_party_apps, world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.directory import find_application, held_roles
from bcrunbook.rehearsal.entra.clients import Client
from bcrunbook.rehearsal.entra.scopes import (
    DEFAULT,
    RequestedScopes,
    check_known,
    consented,
    not_consented,
    resource_principal,
)
from bcrunbook.rehearsal.keys import b64url
from bcrunbook.rehearsal.state import GLOBAL, Document

LIFETIME: Final = 3599
REFRESH: Final = "refreshToken"
REFRESH_LIFETIME: Final = 90 * 24 * 3600
"""In seconds (contract G24.7)."""
APP_ONLY_WID: Final = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"
"""The role template that tokens of applications carry."""


def for_user(
    cloud: RehearsalCloud,
    client: Client,
    principal: Document | None,
    user: world.User,
    requested: RequestedScopes,
    *,
    proof: str,
    nonce: str = "",
    version: int = 2,
    client_info: bool = False,
    contexts: Sequence[str] = (),
) -> dict[str, Any]:
    """The token answer for a person; refuses what is not consented."""
    tenant = world.TENANTS[user.tenant]
    resource = resource_principal(cloud, tenant, requested.resource)
    asked = check_known(requested, client, resource)
    held = consented(cloud, client, principal, resource, user)
    if any(value not in held for value in asked) or (not held and not _only_oidc(requested)):
        raise not_consented(client)
    implied = () if held else requested.oidc
    scopes = [value for value in (*held, *implied) if value != "offline_access"]
    now = int(cloud.clock.now())
    claims = {
        **_basics(cloud, client, resource, requested.resource, user.tenant, now, proof),
        "acct": 1 if user.guest else 0,
        "acr": "1",
        "amr": ["pwd"],
        "idtyp": "user",
        "name": user.name,
        "oid": user.oid,
        "scp": " ".join(scopes),
        "sub": pairwise(user.oid, resource["appId"]),
        "unique_name": user.upn,
        "upn": user.directory_upn,
        "wids": user.role_ids,
        **({"acrs": list(contexts)} if contexts else {}),
    }
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": _named(requested, scopes),
        "expires_in": LIFETIME,
        "ext_expires_in": LIFETIME,
        "access_token": cloud.canaries.add(cloud.key.sign(claims)),
    }
    if version == 1:
        answer = _as_v1(answer, requested.resource, now)
        answer["scope"] = " ".join(scopes)
    if "offline_access" in requested.oidc:
        answer["refresh_token"] = _refresh_token(cloud, client, user)
    if "openid" in requested.oidc:
        answer["id_token"] = cloud.canaries.add(
            id_token(cloud, client, user, nonce=nonce, email="email" in requested.oidc, now=now)
        )
    if client_info:
        answer["client_info"] = info_of(user)
    return answer


def for_application(
    cloud: RehearsalCloud,
    client: Client,
    principal: Document,
    tenant: world.Tenant,
    requested: RequestedScopes,
    *,
    proof: str,
    version: int = 2,
    contexts: Sequence[str] = (),
) -> dict[str, Any]:
    """The token answer for an application without a person."""
    resource = resource_principal(cloud, tenant, requested.resource)
    roles = held_roles(cloud, tenant.id, principal["id"], resource)
    now = int(cloud.clock.now())
    claims = {
        **_basics(cloud, client, resource, requested.resource, tenant.id, now, proof),
        "idtyp": "app",
        "oid": principal["id"],
        "sub": principal["id"],
        "wids": [APP_ONLY_WID],
        **({"acrs": list(contexts)} if contexts else {}),
    }
    if roles:
        claims["roles"] = roles
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "ext_expires_in": LIFETIME,
        "access_token": cloud.canaries.add(cloud.key.sign(claims)),
    }
    return _as_v1(answer, requested.resource, now) if version == 1 else answer


def id_token(
    cloud: RehearsalCloud, client: Client, user: world.User, *, nonce: str, email: bool, now: int
) -> str:
    """Who signed in, for the client's own eyes."""
    claims: dict[str, Any] = {
        "aud": client.app_id,
        "iss": f"https://login.microsoftonline.com/{user.tenant}/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
        "name": user.name,
        "oid": user.oid,
        "preferred_username": user.upn,
        "sub": pairwise(user.oid, client.app_id),
        "tid": user.tenant,
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0",
        "wids": user.role_ids,
    }
    if user.guest:
        claims["idp"] = f"https://sts.windows.net/{user.home}/"
    if email:
        claims["email"] = user.upn
    if nonce:
        claims["nonce"] = nonce
    return cloud.key.sign(claims)


def info_of(user: world.User) -> str:
    """`client_info`: the account's ids in its home tenant."""
    return b64url(json.dumps({"uid": user.home_oid, "utid": user.home}).encode())


def pairwise(user: str, application: str) -> str:
    """The subject: stable for one person and one application, and different for every other."""
    return b64url(hashlib.sha256(f"{user}:{application}".encode()).digest())


def _basics(
    cloud: RehearsalCloud,
    client: Client,
    resource: Document,
    asked: str,
    tenant: str,
    now: int,
    proof: str,
) -> dict[str, Any]:
    registered = None
    if resource["appId"] not in first_party_apps.BY_APP_ID:
        registered = find_application(cloud, resource["appId"])
    shared = {
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
        "tid": tenant,
        "uti": secrets.token_urlsafe(16),
        "rh": f"1.{uuid.uuid4().hex}",
    }
    if registered and registered.document["api"]["requestedAccessTokenVersion"] == 2:
        return {
            **shared,
            "aud": resource["appId"],
            "iss": f"https://login.microsoftonline.com/{tenant}/v2.0",
            "azp": client.app_id,
            "azpacr": proof,
            "ver": "2.0",
        }
    return {
        **shared,
        "aud": asked,
        "iss": f"https://sts.windows.net/{tenant}/",
        "appid": client.app_id,
        "appidacr": proof,
        "app_displayname": client.name,
        "idp": f"https://sts.windows.net/{tenant}/",
        "ver": "1.0",
    }


def _named(requested: RequestedScopes, scopes: list[str]) -> str:
    """The granted scopes in the spelling of the request, or a client's cache would miss them."""
    prefix = f"{requested.resource}/" if requested.prefixed else ""
    oidc = [value for value in ("openid", "profile", "email") if value in requested.oidc]
    named = [f"{prefix}{value}" for value in scopes if value not in first_party_apps.OIDC_SCOPES]
    if requested.default:
        named.append(f"{prefix}{DEFAULT}")
    return " ".join([*oidc, *named])


def _as_v1(answer: dict[str, Any], resource: str, now: int) -> dict[str, Any]:
    return {
        **answer,
        "expires_in": str(LIFETIME),
        "ext_expires_in": str(LIFETIME),
        "expires_on": str(now + LIFETIME),
        "not_before": str(now),
        "resource": resource,
    }


def _refresh_token(cloud: RehearsalCloud, client: Client, user: world.User) -> str:
    token = f"1.{secrets.token_urlsafe(96)}"
    kept = {"client": client.app_id, "upn": user.upn, "at": cloud.clock.now()}
    cloud.store.put(REFRESH, GLOBAL, token, kept)
    return cloud.canaries.add(token)


def _only_oidc(requested: RequestedScopes) -> bool:
    return not requested.scopes and not requested.default
