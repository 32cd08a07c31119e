"""The jobs, service connections and machines whose tokens are given here: constants, all invented.

What kind of subject each platform writes is contract G26.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bcrunbook.rehearsal import world

AUDIENCE: Final = "api://AzureADTokenExchange"

GITHUB_ISSUER: Final = "https://token.actions.githubusercontent.com"
GITHUB_HOST: Final = "pipelines.actions.githubusercontent.com"
REPOSITORY: Final = "millrace/codat-accounts"
_RUN: Final = world.derived_id("run", "github")

ORGANIZATION: Final = "millrace"
PROJECT: Final = "books"
ORGANIZATION_ID: Final = world.derived_id("organization", "azure-devops")
PROJECT_ID: Final = world.derived_id("project", "azure-devops")
PLAN_ID: Final = world.derived_id("plan", "azure-devops")
JOB_ID: Final = world.derived_id("job", "azure-devops")
AZURE_DEVOPS_HOST: Final = "dev.azure.com"
AZURE_DEVOPS_ISSUER: Final = f"https://vstoken.dev.azure.com/{ORGANIZATION_ID}"

GITLAB_ISSUER: Final = "https://gitlab.com"
GITLAB_PROJECT: Final = "millrace/codat-accounts"


def entra_issuer(tenant: str) -> str:
    """The issuer of Entra's own tokens of a tenant."""
    return f"https://login.microsoftonline.com/{tenant}/v2.0"


@dataclass(frozen=True)
class Job:
    """One job of a GitHub Actions run that may ask for a token.

    Args:
        id: what stands for it in its address.
        subject: whom its token is about.
        claims: what else its token says.
    """

    id: str
    subject: str
    claims: dict[str, Any]

    @property
    def request_url(self) -> str:
        """Where it asks for its token."""
        return f"https://{GITHUB_HOST}/millrace/_apis/pipelines/1/idtoken/{_RUN}/{self.id}"


def _job(subject: str, event: str, **claims: Any) -> Job:
    id = world.derived_id("job", "github", subject)
    said = {"repository": REPOSITORY, "event_name": event, "ref": "refs/heads/main", **claims}
    return Job(id, f"repo:{REPOSITORY}:{subject}", said)


JOBS: Final = {
    one.id: one
    for one in (
        _job("ref:refs/heads/main", "schedule"),
        _job("pull_request", "pull_request", ref="refs/pull/7/merge"),
        _job("environment:plan", "pull_request", ref="refs/pull/7/merge", environment="plan"),
        _job("environment:trial", "push", environment="trial"),
        _job("environment:production", "push", environment="production"),
    )
}


@dataclass(frozen=True)
class Connection:
    """A service connection of Azure DevOps.

    Args:
        id: its id.
        issuer: who signs its tokens: Azure DevOps for older ones, Entra for newer.
        subject: whom they are about.
    """

    id: str
    issuer: str
    subject: str


_NEWER: Final = world.derived_id("connection", "newer")
CONNECTIONS: Final = {
    one.id: one
    for one in (
        Connection(
            world.derived_id("connection", "older"),
            AZURE_DEVOPS_ISSUER,
            f"sc://{ORGANIZATION}/{PROJECT}/codat",
        ),
        Connection(
            _NEWER,
            entra_issuer(world.TRIAL),
            f"/eid1/c/pub/t/bWlsbHJhY2U/a/YXp1cmVkZXZvcHM/sc/{ORGANIZATION_ID}/{_NEWER}",
        ),
    )
}
OIDC_REQUEST_URL: Final = (
    f"https://{AZURE_DEVOPS_HOST}/{ORGANIZATION}/{PROJECT_ID}/_apis/distributedtask/hubs/build"
    f"/plans/{PLAN_ID}/jobs/{JOB_ID}/oidctoken"
)

GITLAB_SUBJECT: Final = f"project_path:{GITLAB_PROJECT}:ref_type:branch:ref:main"

MACHINE_TENANT: Final = world.TRIAL
OWN_IDENTITY: Final = world.derived_id("identity", "machine")
"""The object id of the machine's own (system-assigned) identity."""
OTHER_IDENTITY: Final = world.derived_id("identity", "assigned")
"""The object id of an identity that is assigned to it."""
OTHER_IDENTITY_CLIENT: Final = world.derived_id("identity", "assigned", "client")
