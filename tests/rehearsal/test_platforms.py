"""The platforms that give jobs and machines a token, asked as their documentation says."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzurePipelinesCredential,
    ClientAssertionCredential,
    CredentialUnavailableError,
    ManagedIdentityCredential,
)

from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.rehearsal.environment import environment_of
from tests.rehearsal.support import LOGIN, client_of, eventually
from tests.support.jobs import job_of, put_into, trusting

AUDIENCE = "api://AzureADTokenExchange"
GRAPH_DEFAULT = "https://graph.microsoft.com/.default"


@pytest.fixture(scope="module")
def web(slow: RehearsalDescription) -> Iterator[httpx.Client]:
    """A client that reaches it by its proxy."""
    with client_of(slow) as client:
        yield client


@pytest.fixture(scope="module")
def app(slow: RehearsalDescription, web: httpx.Client) -> str:
    """The client id of an application that trusts every job and can sign in."""
    app_id = trusting(slow)
    token = job_of(slow, "env")["environment"]["AZURE_ID_TOKEN"]
    eventually(lambda: exchanged(slow, web, app_id, token))
    return app_id


def exchanged(
    slow: RehearsalDescription, web: httpx.Client, app_id: str, assertion: str
) -> httpx.Response:
    """What Entra answers to a platform's token."""
    tenant = slow.accounts["trial"]["tenant"]
    form = {
        "grant_type": "client_credentials",
        "scope": GRAPH_DEFAULT,
        "client_id": app_id,
        "client_assertion": assertion,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    return web.post(f"{LOGIN}/{tenant}/oauth2/v2.0/token", data=form)


def claims_of(token: str) -> dict[str, Any]:
    """What a token says."""
    middle = token.split(".")[1]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return said


def of_github(web: httpx.Client, job: dict[str, Any], audience: str = AUDIENCE) -> httpx.Response:
    """What GitHub's documentation asks with curl."""
    found = job["environment"]
    proof = {"Authorization": f"bearer {found['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    return web.get(f"{found['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={audience}", headers=proof)


def test_github_gives_a_job_its_token(
    slow: RehearsalDescription, web: httpx.Client, app: str
) -> None:
    """By the documented request; each job has a subject of its own.

    contract G26.1 and G26.3
    """
    for job in (one for one in slow.jobs if one["token_from"] == "github"):
        token = of_github(web, job).json()["value"]
        said = claims_of(token)
        assert (said["iss"], said["sub"], said["aud"]) == (job["issuer"], job["subject"], AUDIENCE)
        assert exchanged(slow, web, app, token).status_code == 200
    subjects = {
        one["subject"].rpartition("accounts:")[2]
        for one in slow.jobs
        if one["token_from"] == "github"
    }
    assert {"pull_request", "environment:trial", "ref:refs/heads/main"} <= subjects


def test_a_token_for_somebody_else_is_refused(
    slow: RehearsalDescription, web: httpx.Client, app: str
) -> None:
    """The audience counts (contract G18.4 and G21.32)."""
    token = of_github(web, job_of(slow, "github"), "https://elsewhere.example").json()["value"]
    assert exchanged(slow, web, app, token).json()["error_codes"] == [700212]


def test_what_an_issuer_has_not_signed_is_refused(
    slow: RehearsalDescription, web: httpx.Client, app: str
) -> None:
    """Of an issuer whose keys can be had, the signature is looked at (contract G21.37, G26.12)."""
    job = job_of(slow, "env")
    head, claims, _ = job["environment"]["AZURE_ID_TOKEN"].split(".")
    answer = exchanged(slow, web, app, f"{head}.{claims}.c2ln")
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [7000272])


@pytest.mark.parametrize(
    "issuer", ["github", "azure-pipelines", "env"], ids=["github", "azure", "gitlab"]
)
def test_an_issuer_publishes_its_keys(
    slow: RehearsalDescription, web: httpx.Client, issuer: str
) -> None:
    """Where discovery looks for them, under the name its tokens bear (contract G26.5, G26.12)."""
    base = job_of(slow, issuer)["issuer"]
    document = web.get(f"{base}/.well-known/openid-configuration").json()
    assert document["issuer"] == base
    (key,) = web.get(document["jwks_uri"]).json()["keys"]
    assert key["kty"] == "RSA"


def test_who_is_not_the_job_gets_no_token(slow: RehearsalDescription, web: httpx.Client) -> None:
    """Neither with another proof, nor for a job that is not there (contract G26.1 and G26.6)."""
    job = job_of(slow, "github")
    found = {**job["environment"], "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "other"}
    assert of_github(web, {"environment": found}).status_code == 401
    url = found["ACTIONS_ID_TOKEN_REQUEST_URL"].replace("/idtoken/", "/idtoken/other/")
    assert web.get(url).status_code == 404
    uri = job_of(slow, "azure-pipelines")["environment"]["SYSTEM_OIDCREQUESTURI"]
    assert web.post(uri, params={"api-version": "7.1"}).status_code == 302
    quiet = {"X-TFS-FedAuthRedirect": "Suppress"}
    assert web.post(uri, params={"api-version": "7.1"}, headers=quiet).status_code == 401
    assert web.get(uri).status_code == 405


@pytest.fixture
def led(slow: RehearsalDescription, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """This process's environment leads to the rehearsal; a test may change it further."""
    for name, value in environment_of(slow).items():
        monkeypatch.setenv(name, value)
    # What leads to an Azure machine's own endpoint goes beside any proxy.
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    return monkeypatch


def test_azure_identity_in_azure_pipelines(
    slow: RehearsalDescription, led: pytest.MonkeyPatch, app: str
) -> None:
    """Unmodified, for service connections of both kinds (contract G26.6, G26.7, G26.8, G26.13)."""
    tenant = slow.accounts["trial"]["tenant"]
    jobs = [one for one in slow.jobs if one["token_from"].startswith("azure-pipelines")]
    assert {one["issuer"].split("/")[2] for one in jobs} == {
        "vstoken.dev.azure.com",
        "login.microsoftonline.com",
    }
    for job in jobs:
        put_into(led, job)
        proof = job["environment"]["SYSTEM_ACCESSTOKEN"]
        for token, works in ((proof, True), ("other", False)):
            with AzurePipelinesCredential(
                tenant_id=tenant,
                client_id=app,
                service_connection_id=job["token_from"].partition(":")[2],
                system_access_token=token,
            ) as credential:
                if works:
                    assert credential.get_token(GRAPH_DEFAULT).token
                else:
                    with pytest.raises(ClientAuthenticationError):
                        credential.get_token(GRAPH_DEFAULT)


@pytest.mark.parametrize("kind", ["managed-identity", "managed-identity:"], ids=["own", "assigned"])
def test_azure_identity_on_an_azure_machine(
    slow: RehearsalDescription, led: pytest.MonkeyPatch, app: str, kind: str
) -> None:
    """Unmodified: the machine's token proves an application (contract G26.9 and G26.11)."""
    job = job_of(slow, kind)
    put_into(led, job)
    client_id = job["token_from"].partition(":")[2]
    with ManagedIdentityCredential(**({"client_id": client_id} if client_id else {})) as machine:

        def assertion() -> str:
            token: str = machine.get_token(f"{AUDIENCE}/.default").token
            return token

        said = claims_of(assertion())
        assert (said["iss"], said["sub"]) == (job["issuer"], job["subject"])
        tenant = slow.accounts["trial"]["tenant"]
        with ClientAssertionCredential(tenant, app, assertion) as credential:
            assert credential.get_token(GRAPH_DEFAULT).token


def test_a_machine_refuses_who_is_not_on_it(
    slow: RehearsalDescription, led: pytest.MonkeyPatch
) -> None:
    """Without its header, or for an identity that it does not have (contract G26.11)."""
    host = job_of(slow, "managed-identity")["environment"]["AZURE_POD_IDENTITY_AUTHORITY_HOST"]
    url = f"{host}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={AUDIENCE}"
    with httpx.Client(trust_env=False) as here:
        assert here.get(url).status_code == 400
        assert here.get(url, headers={"Metadata": "true"}).status_code == 200
    job = job_of(slow, "managed-identity:")
    put_into(led, job, IDENTITY_HEADER="other")
    client_id = job["token_from"].partition(":")[2]
    with (
        ManagedIdentityCredential(client_id=client_id) as machine,
        pytest.raises((ClientAuthenticationError, CredentialUnavailableError)),
    ):
        machine.get_token(f"{AUDIENCE}/.default")
