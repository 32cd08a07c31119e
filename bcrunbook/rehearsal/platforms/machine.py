"""The endpoint at which an Azure machine or app gets the tokens of its managed identities.

On the pages server, as it is of this machine: below the address that virtual machines have for it,
and once more as App Service has it. The environment leads there.

Source: Microsoft Entra, "How to use managed identities on a virtual machine to acquire an access
token"; Azure App Service, "Use managed identities", REST endpoint.
"""

from __future__ import annotations

from typing import Any, Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call, json_answer
from bcrunbook.rehearsal.platforms import world
from bcrunbook.rehearsal.platforms.tokens import machine_token

APP_PROOF: Final = "app:identity-header"
"""Under which name what proves an app to its endpoint is kept."""
_IDENTITIES: Final = {"": world.OWN_IDENTITY, world.OTHER_IDENTITY_CLIENT: world.OTHER_IDENTITY}


def of_machine(cloud: RehearsalCloud, call: Call) -> Answer:
    """GET of a virtual machine."""
    if call.header("metadata").lower() != "true":
        return _error("Required metadata header not specified")
    if "api-version" not in call.params:
        return _error("Required query variable 'api-version' is missing")
    return _token(cloud, call) or _error("Identity not found")


def of_app(cloud: RehearsalCloud, call: Call) -> Answer:
    """GET of an app."""
    if call.header("x-identity-header") != cloud.secret(APP_PROOF):
        return json_answer(401, {"statusCode": 401, "message": "Invalid X-IDENTITY-HEADER"})
    missing = json_answer(400, {"statusCode": 400, "message": "No managed identity was found"})
    return _token(cloud, call) or missing


def _token(cloud: RehearsalCloud, call: Call) -> Answer | None:
    identity = _IDENTITIES.get(call.params.get("client_id", "").lower())
    resource = call.params.get("resource", "")
    if identity is None or not resource:
        return None
    token, ends = machine_token(cloud, identity, resource)
    body: dict[str, Any] = {
        "access_token": token,
        "client_id": call.params.get("client_id") or world.OWN_IDENTITY,
        "expires_in": "86399",
        "expires_on": str(ends),
        "resource": resource,
        "token_type": "Bearer",
    }
    return json_answer(200, body)


def _error(description: str) -> Answer:
    return json_answer(400, {"error": "invalid_request", "error_description": description})
