"""From registration to consent, for any program that can send a request to Microsoft Graph."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

BASE = "https://graph.microsoft.com/v1.0"
BUSINESS_CENTRAL_APP_ID = "996def3d-b36c-4153-8607-a6fd3c01b89f"
REDIRECT_URI = "https://dynamics365businesscentral.codat.io/oauth/callback"
SCOPES = ("user_impersonation", "Financials.ReadWrite.All")
DEADLINE = 30.0

NOT_SPREAD = (400, 403, 404, 409)
"""Statuses of whatever has not spread yet."""
TWIN = (409,)
"""The status of an application whose consumer side is missing (contract G12.7)."""

Answer = tuple[int, dict[str, Any]]
Send = Callable[[str, str, Any], Answer]


def set_up(send: Send, retried: Collection[int]) -> dict[str, Any]:
    """Register, make a secret, create the principal, add the permissions, grant them.

    Args:
        send: method, path and body to status and body.
        retried: statuses with which a call is repeated, as what was just made may not have spread.

    Returns:
        What was made, without the secret's value.
    """

    def until(method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Repeat a call while its answer says that something has not spread."""
        deadline = time.monotonic() + DEADLINE
        while True:
            status, answer = send(method, path, body)
            if 200 <= status < 300:
                return answer
            if status not in retried or time.monotonic() > deadline:
                raise SystemExit(f"{method} {path}: {status} {answer}")
            time.sleep(0.05)

    app = until(
        "POST",
        "/applications",
        {
            "displayName": "A stranger's",
            "signInAudience": "AzureADandPersonalMicrosoftAccount",
            "api": {"requestedAccessTokenVersion": 2},
            "web": {"redirectUris": [REDIRECT_URI]},
        },
    )
    one = f"/applications/{app['id']}"
    secret = until("POST", f"{one}/addPassword", {"passwordCredential": {"displayName": "first"}})
    principal = until("POST", "/servicePrincipals", {"appId": app["appId"]})
    api = until("GET", f"/servicePrincipals(appId='{BUSINESS_CENTRAL_APP_ID}')")
    ids = {scope["value"]: scope["id"] for scope in api["oauth2PermissionScopes"]}
    access = [{"id": ids[value], "type": "Scope"} for value in SCOPES]
    wanted = [{"resourceAppId": BUSINESS_CENTRAL_APP_ID, "resourceAccess": access}]
    until("PATCH", one, {"requiredResourceAccess": wanted})
    grant = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": api["id"],
        "scope": " ".join(SCOPES),
    }
    until("POST", "/oauth2PermissionGrants", grant)
    assert secret["secretText"]
    return {"app_id": app["appId"], "object_id": app["id"], "key_id": secret["keyId"]}
