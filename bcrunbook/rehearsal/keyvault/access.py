"""Who calls, and whether they may: the token, then the role held at the vault (Azure RBAC).

Sources: Key Vault docs, "Authentication, requests and responses"; Azure built-in roles, "Key Vault
Secrets Officer" (secrets/*) and "Key Vault Secrets User" (getSecret and readMetadata).
"""

from __future__ import annotations

from typing import Any, Final

from bcrunbook.rehearsal import first_party_apps, world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.keys import InvalidToken
from bcrunbook.rehearsal.keyvault.errors import VaultError, unauthorized
from bcrunbook.rehearsal.messages import Call

RESOURCE: Final = "https://vault.azure.net"
AUDIENCES: Final = (RESOURCE, first_party_apps.KEY_VAULT_APP_ID)

GET: Final = "getSecret/action"
READ_METADATA: Final = "readMetadata/action"
SET: Final = "setSecret/action"
UPDATE: Final = "update/action"
DELETE: Final = "delete"
RECOVER: Final = "recover/action"
PURGE: Final = "purge/action"

READING: Final = (GET, READ_METADATA)


def authenticate(cloud: RehearsalCloud, vault: world.Vault, call: Call) -> dict[str, Any]:
    """The claims of a token that is good for this vault; 401 with the challenge otherwise."""
    kind, _, token = call.header("authorization").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise unauthorized("AKV10000: Request is missing a Bearer or PoP token.", vault.tenant)
    try:
        claims = cloud.key.verify(token.strip())
    except InvalidToken as problem:
        raise unauthorized(
            "[BearerReadAccessTokenFailed] Error validating token: IDX10511", vault.tenant
        ) from problem
    if claims.get("exp", 0) <= cloud.clock.now():
        raise unauthorized("[TokenExpired] Error validating token: IDX10223", vault.tenant)
    audience = str(claims.get("aud", ""))
    if audience not in AUDIENCES:
        raise unauthorized(
            f"AKV10022: Invalid audience. Expected {RESOURCE}, found: {audience}.", vault.tenant
        )
    if claims["tid"] != vault.tenant:
        raise unauthorized(
            f"AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{vault.tenant}/, "
            f"found {claims['iss']}.",
            vault.tenant,
        )
    return claims


def authorize(vault: world.Vault, claims: dict[str, Any], action: str, name: str) -> None:
    """Refuse whoever holds no role that allows the action."""
    role = vault.assignments.get(claims["oid"])
    if role == world.SECRETS_OFFICER or (role == world.SECRETS_USER and action in READING):
        return
    caller = f"appid={claims['appid']};oid={claims['oid']};iss={claims['iss']}"
    resource = (
        f"/subscriptions/{world.derived_id('subscription', vault.tenant)}/resourcegroups/books/"
        f"providers/microsoft.keyvault/vaults/{vault.name}"
    )
    raise VaultError(
        403,
        "Forbidden",
        "Caller is not authorized to perform action on resource.\r\n"
        "If role assignments, deny assignments or role definitions were changed recently, please "
        f"observe propagation time.\r\nCaller: {caller}\r\n"
        f"Action: 'Microsoft.KeyVault/vaults/secrets/{action}'\r\n"
        f"Resource: '{resource}{f'/secrets/{name.lower()}' if name else ''}'\r\n"
        "Assignment: (not found)\r\nDenyAssignmentId: null\r\n"
        "DecisionReason: 'DeniedWithNoValidRBAC' \r\n"
        f"Vault: {vault.name};location={vault.location}\r\n",
        inner="ForbiddenByRbac",
    )
