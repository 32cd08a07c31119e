"""The stand-in for Azure Key Vault: secrets with versions, soft delete, and who may.

Sources: Azure REST reference, Key Vault, "Secrets"; Key Vault docs, "Authentication, requests and
responses", "About secrets", "Soft-delete overview", "REST API error codes". Left out: keys and
certificates, backup and restore, the vault's firewall.
"""

from __future__ import annotations

import uuid
from urllib.parse import unquote

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.keyvault import access, operations
from bcrunbook.rehearsal.keyvault.errors import VaultError, bad_parameter, not_allowed
from bcrunbook.rehearsal.keyvault.operations import Request
from bcrunbook.rehearsal.messages import Answer, Call, Handler

VAULTS = {vault.host: vault for vault in world.VAULTS}
HOSTS = tuple(VAULTS)

API_VERSIONS = (
    "2016-10-01",
    *(f"7.{minor}" for minor in range(7)),
    "2025-07-01",
    "2026-04-01",
)


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of the vaults."""

    def handle(call: Call) -> Answer:
        vault = VAULTS[call.host]
        try:
            answer = _serve(cloud, vault, call)
        except VaultError as problem:
            answer = problem.answer()
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
    # Clients end the address of a newest version with a slash, and the docs begin with two.
    parts = [unquote(part) for part in call.path.split("/") if part]
    found = operations.find(call.method, parts)
    if found is None:
        raise not_allowed(call.method, parts)
    action, operation, name, secret_version = found
    access.authorize(vault, claims, action, name)
    return operation(Request(cloud, vault, call, name, secret_version))
