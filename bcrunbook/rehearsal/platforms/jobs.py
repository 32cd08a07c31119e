"""Where jobs of GitHub Actions and Azure Pipelines ask for tokens; what the issuers publish.

Source: GitHub Docs, "OpenID Connect reference"; Azure DevOps REST reference, "Oidctoken - Create".
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call, json_answer
from bcrunbook.rehearsal.platforms import world
from bcrunbook.rehearsal.platforms.tokens import connection_token, github_token

GITHUB_PROOF: Final = "job:github"
AZURE_PIPELINES_PROOF: Final = "job:azure-pipelines"
"""Under which names what proves a job to its platform is kept."""


def of_github(cloud: RehearsalCloud, call: Call, run: str, job: str) -> Answer:
    """GET of the address that GitHub has given a job."""
    found = world.JOBS.get(job)
    if found is None or found.request_url.rpartition("/")[0].rpartition("/")[2] != run:
        return _refusal(404, "There is no such job.")
    if not _is_proven(cloud, call, GITHUB_PROOF):
        return _refusal(401, "The token does not belong to this job.")
    audience = call.params.get("audience") or f"https://github.com/{world.ORGANIZATION}"
    return json_answer(200, {"count": 1, "value": github_token(cloud, found, audience)})


def of_connection(cloud: RehearsalCloud, call: Call, plan: str, job: str) -> Answer:
    """POST of a job in Azure Pipelines, about one of its service connections."""
    if not _is_proven(cloud, call, AZURE_PIPELINES_PROOF):
        # Whoever does not say otherwise is sent to a page to sign in at (contract G26.8).
        if call.header("x-tfs-fedauthredirect").lower() != "suppress":
            where = "https://login.microsoftonline.com/common/oauth2/authorize"
            return Answer(302, b"", {"Location": where})
        return _refusal(401, "The token does not belong to this job.")
    if not call.params.get("api-version"):
        return _refusal(400, "No api-version was supplied for the request.")
    connection = world.CONNECTIONS.get(call.params.get("serviceConnectionId", "").lower())
    if (plan.lower(), job.lower()) != (world.PLAN_ID, world.JOB_ID) or connection is None:
        return _refusal(404, "There is no such job or service connection.")
    return json_answer(200, {"oidcToken": connection_token(cloud, connection)})


def configuration(cloud: RehearsalCloud, call: Call) -> Answer:
    """The discovery document of an issuer."""
    issuer = f"https://{call.host}"
    if issuer == world.AZURE_DEVOPS_ISSUER.rpartition("/")[0]:
        issuer = world.AZURE_DEVOPS_ISSUER
    keys = {world.GITHUB_ISSUER: "/.well-known/jwks", world.GITLAB_ISSUER: "/oauth/discovery/keys"}
    return json_answer(
        200,
        {
            "issuer": issuer,
            "jwks_uri": f"{issuer}{keys.get(issuer, '/.well-known/jwks')}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        },
    )


def keys(cloud: RehearsalCloud, call: Call) -> Answer:
    """The keys of an issuer."""
    return json_answer(200, {"keys": [cloud.key.published()]})


def _is_proven(cloud: RehearsalCloud, call: Call, name: str) -> bool:
    kind, _, token = call.header("authorization").partition(" ")
    return kind.lower() == "bearer" and token.strip() == cloud.secret(name)


def _refusal(status: int, message: str) -> Answer:
    return json_answer(status, {"message": message, "typeKey": "Refused"})
