"""The tokens that platforms give, and what each says who hands them out."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from bcrunbook.rehearsal import world as directory
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.platforms.world import (
    AUDIENCE,
    AZURE_DEVOPS_ISSUER,
    GITHUB_ISSUER,
    GITLAB_ISSUER,
    GITLAB_SUBJECT,
    MACHINE_TENANT,
    Connection,
    Job,
    entra_issuer,
)

_LIVES: Final = 300
_MACHINE_LIVES: Final = 86_400
_GITLAB_LIVES: Final = 30 * 86_400
"""A job's token lives as long as the job may, which is for its project to say."""

ISSUERS: Final = frozenset(
    {
        GITHUB_ISSUER,
        AZURE_DEVOPS_ISSUER,
        GITLAB_ISSUER,
        *(entra_issuer(tenant) for tenant in directory.TENANTS),
    }
)
"""Whose tokens are signed here: with the folder's one key, which each of them publishes as its own.

Entra asks any issuer for its keys. One that is not stood in for cannot be asked from here, and its
signature is taken as it is.
"""


def github_token(cloud: RehearsalCloud, job: Job, audience: str) -> str:
    """The token of a GitHub Actions job."""
    return _signed(cloud, GITHUB_ISSUER, job.subject, audience, _LIVES, job.claims)


def connection_token(cloud: RehearsalCloud, connection: Connection) -> str:
    """The token of an Azure Pipelines service connection."""
    return _signed(cloud, connection.issuer, connection.subject, AUDIENCE, 2 * _LIVES)


def gitlab_token(cloud: RehearsalCloud) -> str:
    """The token that a GitLab job has in its environment."""
    return _signed(cloud, GITLAB_ISSUER, GITLAB_SUBJECT, AUDIENCE, _GITLAB_LIVES)


def machine_token(cloud: RehearsalCloud, identity: str, resource: str) -> tuple[str, int]:
    """The token of a machine's identity, and when it ends."""
    claims = {"oid": identity, "tid": MACHINE_TENANT, "idtyp": "app"}
    token = _signed(cloud, entra_issuer(MACHINE_TENANT), identity, resource, _MACHINE_LIVES, claims)
    return token, int(time.time()) + _MACHINE_LIVES


def _signed(
    cloud: RehearsalCloud,
    issuer: str,
    subject: str,
    audience: str,
    lives: int,
    claims: Mapping[str, Any] | None = None,
) -> str:
    now = int(time.time())
    token = cloud.key.sign(
        {
            **(claims or {}),
            "iss": issuer,
            "sub": subject,
            "aud": audience,
            "iat": now,
            "nbf": now - 10,
            "exp": now + lives,
            "jti": str(uuid.uuid4()),
        }
    )
    cloud.canaries.add(token)
    return token
