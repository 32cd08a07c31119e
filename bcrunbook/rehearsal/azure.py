"""The stand-in for Azure Resource Manager: the tenants a person can see, and no subscriptions.

Source: Azure REST reference, "Tenants - List".
"""

from __future__ import annotations

import uuid
from typing import Any

from bcrunbook.rehearsal import first_party_apps, world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.keys import InvalidToken
from bcrunbook.rehearsal.messages import Answer, Call, Handler, json_answer

HOST = "management.azure.com"
HOSTS = (HOST, "management.core.windows.net")
AUDIENCES = {
    name.rstrip("/")
    for name in first_party_apps.BY_APP_ID[first_party_apps.AZURE_MANAGEMENT_APP_ID].names
} | {first_party_apps.AZURE_MANAGEMENT_APP_ID}


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of management.azure.com."""

    def handle(call: Call) -> Answer:
        try:
            answer = _serve(cloud, call)
        except _Refused as problem:
            headers = {}
            if problem.status == 401:
                headers["WWW-Authenticate"] = (
                    'Bearer authorization_uri="https://login.windows.net/", '
                    f'error="invalid_token", error_description="{problem.message}"'
                )
            body = {"error": {"code": problem.code, "message": problem.message}}
            answer = json_answer(problem.status, body, headers)
        request = str(uuid.uuid4())
        return answer.with_headers(
            {
                "x-ms-request-id": request,
                "x-ms-correlation-request-id": request,
                "Cache-Control": "no-cache",
            }
        )

    return handle


def _serve(cloud: RehearsalCloud, call: Call) -> Answer:
    claims = _claims(cloud, call)
    if not call.params.get("api-version"):
        raise _Refused(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    path = call.path.strip("/").lower()
    if call.method != "GET":
        raise _Refused(
            405,
            "HttpMethodNotAllowed",
            f"The request path '/{path}' does not support the method {call.method}.",
        )
    if path == "tenants":
        return json_answer(200, {"value": [_described(tenant) for tenant in _seen(claims)]})
    if path == "subscriptions":
        return json_answer(200, {"value": [], "count": {"type": "Total", "value": 0}})
    raise _Refused(404, "InvalidResourceType", f"The resource '/{path}' could not be found.")


def _claims(cloud: RehearsalCloud, call: Call) -> dict[str, Any]:
    kind, _, token = call.header("authorization").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise _Refused(
            401,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.",
        )
    try:
        claims = cloud.key.verify(token.strip())
    except InvalidToken as problem:
        raise _Refused(
            401, "InvalidAuthenticationToken", "The access token is invalid."
        ) from problem
    if claims.get("exp", 0) <= cloud.clock.now():
        raise _Refused(
            401, "ExpiredAuthenticationToken", "The access token expiry UTC time has passed."
        )
    if str(claims.get("aud", "")).rstrip("/") not in AUDIENCES:
        raise _Refused(
            401,
            "InvalidAuthenticationTokenAudience",
            "The access token has been obtained for wrong audience or resource "
            f"'{claims.get('aud')}'. It should exactly match with one of the allowed audiences "
            "'https://management.core.windows.net/','https://management.azure.com/'.",
        )
    return claims


def _seen(claims: dict[str, Any]) -> list[world.Tenant]:
    """The tenants a caller belongs to: a person's homes and guest homes, or the token's own."""
    user = world.users_by_oid().get((claims["tid"], claims["oid"]))
    if user is None:
        return [world.TENANTS[claims["tid"]]]
    tenants = [
        tenant
        for tenant in world.TENANTS.values()
        if any(known.upn == user.upn for known in tenant.users)
    ]
    return sorted(tenants, key=lambda tenant: tenant.id != user.home)


def _described(tenant: world.Tenant) -> dict[str, Any]:
    return {
        "id": f"/tenants/{tenant.id}",
        "tenantId": tenant.id,
        "countryCode": tenant.country,
        "displayName": tenant.name,
        "domains": [tenant.domain, tenant.initial_domain],
        "tenantCategory": "Home",
        "defaultDomain": tenant.domain,
        "tenantType": "AAD",
    }
