"""Who calls: the claims of a token that is good for Azure Resource Manager."""

from __future__ import annotations

from typing import Any, Final

from bcrunbook.rehearsal import first_party_apps
from bcrunbook.rehearsal.azure.errors import AzureError
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.keys import InvalidToken
from bcrunbook.rehearsal.messages import Call

_MANAGEMENT: Final = first_party_apps.BY_APP_ID[first_party_apps.AZURE_MANAGEMENT_APP_ID]
AUDIENCES: Final = {name.rstrip("/") for name in _MANAGEMENT.names} | {_MANAGEMENT.app_id}


def identify(cloud: RehearsalCloud, call: Call) -> dict[str, Any]:
    """The token's claims; 401 without a good one."""
    kind, _, token = call.header("authorization").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise AzureError(
            401,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.",
        )
    try:
        claims = cloud.key.verify(token.strip())
    except InvalidToken as problem:
        raise AzureError(
            401, "InvalidAuthenticationToken", "The access token is invalid."
        ) from problem
    if claims.get("exp", 0) <= cloud.clock.now():
        raise AzureError(
            401, "ExpiredAuthenticationToken", "The access token expiry UTC time has passed."
        )
    if str(claims.get("aud", "")).rstrip("/") not in AUDIENCES:
        raise AzureError(
            401,
            "InvalidAuthenticationTokenAudience",
            "The access token has been obtained for wrong audience or resource "
            f"'{claims.get('aud')}'. It should exactly match with one of the allowed audiences "
            "'https://management.core.windows.net/','https://management.azure.com/'.",
        )
    return claims
