"""Jobs of a rehearsal's platforms, and an application that trusts them."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from bcrunbook.rehearsal import RehearsalDescription
from tests.support.independent_client import IndependentClient
from tests.support.signing_in import federated_credential


def trusting(cloud: RehearsalDescription) -> str:
    """The client id of a new application that trusts every job there is."""
    client = IndependentClient(cloud)
    with closing(client.http):
        body = {"displayName": "Runner", "signInAudience": "AzureADMyOrg"}
        app = client.call("POST", "/applications", body).json()
        for number, job in enumerate(cloud.jobs):
            record = federated_credential(job["subject"])
            record |= {"name": f"job-{number}", "issuer": job["issuer"]}
            path = f"/applications/{app['id']}/federatedIdentityCredentials"
            assert client.call("POST", path, record).status_code == 201
        while client.call("POST", "/servicePrincipals", {"appId": app["appId"]}).status_code != 201:
            pass  # time passes with each call
    return str(app["appId"])


def job_of(cloud: RehearsalDescription, token_from: str, subject: str = "") -> dict[str, Any]:
    """The first job of a platform, by the beginning of its `token_from` and the subject's end."""
    return next(
        one
        for one in cloud.jobs
        if one["token_from"].startswith(token_from) and one["subject"].endswith(subject)
    )


def put_into(patch: pytest.MonkeyPatch, job: dict[str, Any], **changes: str | None) -> None:
    """Have this process be in a job: its environment is the job's.

    Args:
        patch: undoes it.
        job: the job.
        **changes: variables that are others than the job's; None for one that is not set.
    """
    for name, value in {**job["environment"], **changes}.items():
        if value is None:
            patch.delenv(name, raising=False)
        else:
            patch.setenv(name, value)
