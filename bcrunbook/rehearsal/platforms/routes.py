"""Which handler serves which address."""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.platforms import jobs, machine, world
from bcrunbook.rehearsal.routing import Known, Router, at

_DISCOVERY: Final = ".well-known/openid-configuration"

GITHUB: Final = Router(
    f"https://{world.GITHUB_HOST}",
    at("millrace/_apis/pipelines/1/idtoken/{run}/{job}", Known.INFERRED, GET=jobs.of_github),
    note="The address is opaque to clients, which take it from `ACTIONS_ID_TOKEN_REQUEST_URL`.",
)
GITHUB_ISSUER: Final = Router(
    world.GITHUB_ISSUER,
    (
        *at(_DISCOVERY, Known.DOCUMENTED, GET=jobs.configuration),
        *at(".well-known/jwks", Known.DOCUMENTED, GET=jobs.keys),
    ),
)
AZURE_PIPELINES: Final = Router(
    f"https://{world.AZURE_DEVOPS_HOST}/{world.ORGANIZATION}/{world.PROJECT_ID}",
    at(
        "_apis/distributedtask/hubs/build/plans/{plan}/jobs/{job}/oidctoken",
        Known.DOCUMENTED,
        POST=jobs.of_connection,
    ),
)
AZURE_PIPELINES_ISSUER: Final = Router(
    world.AZURE_DEVOPS_ISSUER,
    (
        *at(_DISCOVERY, Known.DOCUMENTED, GET=jobs.configuration),
        *at(".well-known/jwks", Known.INFERRED, GET=jobs.keys),
    ),
)
GITLAB_ISSUER: Final = Router(
    world.GITLAB_ISSUER,
    (
        *at(_DISCOVERY, Known.DOCUMENTED, GET=jobs.configuration),
        *at("oauth/discovery/keys", Known.DOCUMENTED, GET=jobs.keys),
    ),
)
ROUTERS: Final = (GITHUB, GITHUB_ISSUER, AZURE_PIPELINES, AZURE_PIPELINES_ISSUER, GITLAB_ISSUER)

VIRTUAL_MACHINE: Final = "169.254.169.254"
"""The address at which a virtual machine asks; on the pages server a part of the path."""
MACHINE: Final = Router(
    "http://127.0.0.1:PORT",
    (
        *at(
            f"{VIRTUAL_MACHINE}/metadata/identity/oauth2/token",
            Known.DOCUMENTED,
            GET=machine.of_machine,
        ),
        *at("msi/token", Known.DOCUMENTED, GET=machine.of_app),
    ),
    note="On the pages server. `AZURE_POD_IDENTITY_AUTHORITY_HOST`, or `IDENTITY_ENDPOINT` and"
    " `IDENTITY_HEADER`, lead a client there.",
)
