"""The stand-in for Azure Key Vault: secrets with versions, soft delete, and who may.

Sources: Azure REST reference, Key Vault, "Secrets"; Key Vault docs, "Authentication, requests and
responses", "About secrets", "Soft-delete overview", "REST API error codes". Left out: keys and
certificates, backup and restore, the vault's firewall.
"""

from __future__ import annotations

import re
import uuid
from typing import Final
from urllib.parse import unquote

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.keyvault import access, limits
from bcrunbook.rehearsal.keyvault.elsewhere import ELSEWHERE
from bcrunbook.rehearsal.keyvault.errors import VaultError, bad_parameter, not_allowed
from bcrunbook.rehearsal.keyvault.operations import Request
from bcrunbook.rehearsal.keyvault.routes import ROUTER
from bcrunbook.rehearsal.messages import Answer, Call, Handler

VAULTS: Final = {vault.host: vault for vault in world.VAULTS}
HOSTS: Final = tuple(VAULTS)

API_VERSIONS: Final = (
    "2016-10-01",
    *(f"7.{minor}" for minor in range(7)),
    "2025-07-01",
    "2026-04-01",
)

COLLECTIONS: Final = ("secrets", "deletedsecrets")
NAME: Final = re.compile(rf"[0-9a-zA-Z-]{{1,{limits.MAX_NAME_LENGTH}}}")


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of the vaults."""

    def handle(call: Call) -> Answer:
        vault = VAULTS[call.host]
        try:
            answer = _serve(cloud, vault, call)
        except VaultError as problem:
            path = "/".join(_parts(call))
            answer = ELSEWHERE.mark(call.method, path, problem.answer())
        asked = call.header("x-ms-client-request-id")
        return answer.with_headers(
            {
                "Cache-Control": "no-cache",
                "Pragma": "no-cache",
                "Expires": "-1",
                "Strict-Transport-Security": "max-age=31536000;includeSubDomains",
                "X-Content-Type-Options": "nosniff",
                "x-ms-keyvault-region": vault.location,
                "x-ms-keyvault-service-version": "1.9.2100.1",
                "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam="
                "InterNetwork;",
                "x-ms-request-id": str(uuid.uuid4()),
                **({"x-ms-client-request-id": asked} if asked else {}),
            }
        )

    return handle


def _serve(cloud: RehearsalCloud, vault: world.Vault, call: Call) -> Answer:
    # A request without a token is how clients ask for the challenge, so that comes first.
    claims = access.authenticate(cloud, vault, call)
    version = call.params.get("api-version")
    if not version:
        raise bad_parameter("api-version must be specified")
    if version not in API_VERSIONS:
        raise bad_parameter(
            f"The specified version ({version}) is not recognized. Consider using the latest "
            f"supported version ({API_VERSIONS[-1]})."
        )
    parts = _parts(call)
    _demand_name(parts)
    match = ROUTER.find(parts)
    operation = match.handler(call.method) if match else None
    if match is None or operation is None:
        raise not_allowed(call.method, parts)
    name, secret_version = match.params.get("name", ""), match.params.get("version", "")
    access.authorize(vault, claims, operation.action, name)
    return operation.serve(Request(cloud, vault, call, name, secret_version))


def _parts(call: Call) -> list[str]:
    # Clients end the address of a newest version with a slash, and the docs begin with two.
    return [unquote(part) for part in call.path.split("/") if part]


def _demand_name(parts: list[str]) -> None:
    """Refuse what cannot be a secret's name, whatever is to be done with it."""
    if len(parts) in (2, 3) and parts[0] in COLLECTIONS and not NAME.fullmatch(parts[1]):
        raise bad_parameter(f"The request URI contains an invalid name: {parts[1]}")
