"""The jobs and machines of a rehearsal as its description has them, with their environments."""

from __future__ import annotations

from typing import Any

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.platforms import world
from bcrunbook.rehearsal.platforms.jobs import AZURE_PIPELINES_PROOF, GITHUB_PROOF
from bcrunbook.rehearsal.platforms.machine import APP_PROOF
from bcrunbook.rehearsal.platforms.routes import VIRTUAL_MACHINE
from bcrunbook.rehearsal.platforms.tokens import gitlab_token


def jobs_of(cloud: RehearsalCloud) -> list[dict[str, Any]]:
    """Each with its issuer and subject, for a federated credential, and with its environment."""
    machine = world.entra_issuer(world.MACHINE_TENANT)
    return [
        *(
            _job(
                "github",
                world.GITHUB_ISSUER,
                one.subject,
                ACTIONS_ID_TOKEN_REQUEST_URL=f"{one.request_url}?api-version=2.0",
                ACTIONS_ID_TOKEN_REQUEST_TOKEN=cloud.secret(GITHUB_PROOF),
            )
            for one in world.JOBS.values()
        ),
        *(
            _job(
                f"azure-pipelines:{one.id}",
                one.issuer,
                one.subject,
                SYSTEM_OIDCREQUESTURI=world.OIDC_REQUEST_URL,
                SYSTEM_ACCESSTOKEN=cloud.secret(AZURE_PIPELINES_PROOF),
            )
            for one in world.CONNECTIONS.values()
        ),
        _job(
            "env:AZURE_ID_TOKEN",
            world.GITLAB_ISSUER,
            world.GITLAB_SUBJECT,
            AZURE_ID_TOKEN=gitlab_token(cloud),
        ),
        _job(
            "managed-identity",
            machine,
            world.OWN_IDENTITY,
            AZURE_POD_IDENTITY_AUTHORITY_HOST=f"{cloud.pages}/{VIRTUAL_MACHINE}",
        ),
        _job(
            f"managed-identity:{world.OTHER_IDENTITY_CLIENT}",
            machine,
            world.OTHER_IDENTITY,
            IDENTITY_ENDPOINT=f"{cloud.pages}/msi/token",
            IDENTITY_HEADER=cloud.secret(APP_PROOF),
        ),
    ]


def _job(token_from: str, issuer: str, subject: str, **environment: str) -> dict[str, Any]:
    return {
        "token_from": token_from,
        "issuer": issuer,
        "subject": subject,
        "environment": environment,
    }
