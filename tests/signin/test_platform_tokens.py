"""An application signs in with the token that its platform gives the job or the machine."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.cloud import cloud_of
from bcrunbook.errors import FixInput, RunbookError, Unreachable, WaitAndRetry
from bcrunbook.http.client import Http
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.secrets import environment_for_others
from bcrunbook.signin import SignIn
from tests.conftest import MakeWorkspace, only_account
from tests.support.clock import pass_time
from tests.support.jobs import job_of, put_into, trusting
from tests.support.troubled import troubled


@pytest.fixture(scope="module")
def trusted(cloud: RehearsalDescription) -> str:
    """The client id of an application that trusts every job."""
    return trusting(cloud)


@pytest.fixture(autouse=True)
def nothing_leaks(cloud: RehearsalDescription, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No token and no proof is in any log record."""
    caplog.set_level(logging.DEBUG, "bcrunbook")
    yield
    assert secrets_in(cloud, caplog.text) == []


def secrets_in(cloud: RehearsalDescription, text: str) -> list[str]:
    """The secrets of a rehearsal cloud that a text holds."""
    return [one for one in Path(cloud.canaries).read_text("utf-8").splitlines() if one in text]


@asynccontextmanager
async def sign_in_of(workspace: Workspace) -> AsyncIterator[SignIn]:
    """The sign-in of a workspace's one account."""
    account = workspace.account(only_account(workspace))
    async with Http(cloud_of(workspace, account)) as http:
        yield SignIn(account, http, workspace.root)


async def refusal(workspace: Workspace, cloud: RehearsalDescription) -> RunbookError:
    """The error that a sign-in ends with; none of its texts holds a secret."""
    async with sign_in_of(workspace) as sign_in:
        with pytest.raises(RunbookError) as caught:
            await sign_in.graph()
    assert secrets_in(cloud, f"{caught.value} {caught.value!r} {caught.value.as_dict()}") == []
    return caught.value


def table(client_id: str, token_from: str) -> dict[str, Any]:
    """The [sign_in] of an application with a platform's token."""
    return {"method": "federated", "client_id": client_id, "token_from": token_from}


def hosts_asked(cloud: RehearsalDescription) -> list[str]:
    """The host of each request that has come to the rehearsal cloud, those refused included."""
    lines = Path(cloud.requests).read_text("utf-8").splitlines()
    return [json.loads(one)["host"] for one in lines]


def asked_for_tokens(cloud: RehearsalDescription) -> int:
    """How often platforms have been asked."""
    platforms = ("pipelines.actions.githubusercontent.com", "dev.azure.com")
    return sum(host in platforms for host in hosts_asked(cloud))


async def signed_in(workspace: Workspace, cloud: RehearsalDescription) -> None:
    """Sign in, and ask for a second token; an application just made is known after a while."""
    for last in (False, False, False, True):
        try:
            async with sign_in_of(workspace) as sign_in:
                first = await sign_in.graph()
                assert (await sign_in.graph(fresh=True)).value != first.value
                assert first.tenant == cloud.accounts["trial"]["tenant"]
                return
        except RunbookError:
            if last:
                raise
            pass_time(cloud, 10)


@pytest.mark.parametrize("number", range(10))
async def test_a_job_signs_in_with_its_platforms_token(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    trusted: str,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    """Each platform that is stood in for, and each kind of subject; each token is asked for anew.

    contract G18.3, G18.4, G26.1, G26.3, G26.5, G26.6, G26.9, G26.11 and G26.12
    """
    assert len(cloud.jobs) == 10
    job = cloud.jobs[number]
    put_into(monkeypatch, job)
    before = asked_for_tokens(cloud)
    await signed_in(make_workspace(sign_in=table(trusted, job["token_from"])), cloud)
    if job["token_from"].startswith(("github", "azure")):
        assert asked_for_tokens(cloud) - before >= 2


async def test_what_proves_a_job_is_for_this_program_alone(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs of others that are started from here do not find it in their environment."""
    for token_from in ("github", "azure-pipelines", "env"):
        job = job_of(cloud, token_from)
        put_into(monkeypatch, job)
        make_workspace(sign_in=table(cloud.clients["batch"], job["token_from"]))
    left = set(environment_for_others())
    assert not left & {"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SYSTEM_ACCESSTOKEN", "AZURE_ID_TOKEN"}


@pytest.mark.parametrize(
    ("token_from", "variable", "add"),
    [
        ("github", "ACTIONS_ID_TOKEN_REQUEST_URL", "permissions: {id-token: write"),
        ("github", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "permissions: {id-token: write"),
        ("azure-pipelines", "SYSTEM_OIDCREQUESTURI", "in Azure Pipelines"),
        ("azure-pipelines", "SYSTEM_ACCESSTOKEN", "env: {SYSTEM_ACCESSTOKEN: $(System."),
        ("env", "AZURE_ID_TOKEN", 'id_tokens: {AZURE_ID_TOKEN: {aud: "api://AzureADTokenExch'),
    ],
)
async def test_a_job_that_may_not_ask_is_told_what_to_add(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    monkeypatch: pytest.MonkeyPatch,
    token_from: str,
    variable: str,
    add: str,
) -> None:
    """The variable and what to write into the workflow (contract G26.2, G26.5 and G26.7)."""
    job = job_of(cloud, token_from)
    put_into(monkeypatch, job, **{variable: None})
    before = asked_for_tokens(cloud)
    error = await refusal(
        make_workspace(sign_in=table(cloud.clients["batch"], job["token_from"])), cloud
    )
    assert isinstance(error, FixInput)
    assert variable in error.what and add in error.next and job["token_from"] in error.where
    assert asked_for_tokens(cloud) == before


@pytest.mark.parametrize(
    "url",
    [
        "http://pipelines.actions.githubusercontent.com/token",
        "https://actions.githubusercontent.com.evil.example/token",
        "https://evilactions.githubusercontent.com/token",
        "https://evil.example/.actions.githubusercontent.com",
        "https://actions.githubusercontent.com@evil.example/",
        "https://me:pass@pipelines.actions.githubusercontent.com/",
        "https://pipelines.actions.githubusercontent.com:8443/",
        "https://pipelines.actions.githubusercontent.com\\@evil.example/",
        "https://[broken",
        "nothing",
    ],
)
async def test_what_proves_a_job_goes_nowhere_else(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
) -> None:
    """An address from the environment is not believed (contract G26.2 and G26.7)."""
    for token_from, variable in (
        ("github", "ACTIONS_ID_TOKEN_REQUEST_URL"),
        ("azure-pipelines", "SYSTEM_OIDCREQUESTURI"),
    ):
        job = job_of(cloud, token_from)
        leads = url.replace("pipelines.actions.githubusercontent.com", "dev.azure.com")
        put_into(monkeypatch, job, **{variable: url if token_from == "github" else leads})
        before = len(hosts_asked(cloud))
        sign_in = table(cloud.clients["batch"], job["token_from"])
        error = await refusal(make_workspace(sign_in=sign_in), cloud)
        assert isinstance(error, FixInput) and variable in error.what
        hosts = set(hosts_asked(cloud)[before:])
        assert hosts <= {"login.microsoftonline.com"}


async def test_a_server_of_ones_own_is_asked_once_it_is_named(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub's own hosts are then no longer asked (contract G26.4)."""
    url = "https://github.contoso.com/_services/token/job"
    put_into(monkeypatch, job_of(cloud, "github"), ACTIONS_ID_TOKEN_REQUEST_URL=url)
    named = make_workspace(sign_in=table(cloud.clients["batch"], "github:contoso.com"))
    error = await refusal(named, cloud)
    # It is on its way there; the rehearsal's proxy knows no such host.
    assert isinstance(error, Unreachable) and "github.contoso.com" in error.where
    put_into(monkeypatch, job_of(cloud, "github"))
    assert isinstance(await refusal(named, cloud), FixInput)


@pytest.mark.parametrize("token_from", ["github", "azure-pipelines"])
async def test_a_platform_that_refuses_is_told_apart(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    monkeypatch: pytest.MonkeyPatch,
    token_from: str,
) -> None:
    """Another job's proof is refused in words, and nothing of it is repeated (contract G26.8)."""
    job = job_of(cloud, token_from)
    proof = next(name for name in job["environment"] if name.endswith("TOKEN"))
    put_into(monkeypatch, job, **{proof: "of-another-job-0123456789"})
    sign_in = table(cloud.clients["batch"], job["token_from"])
    error = await refusal(make_workspace(sign_in=sign_in), cloud)
    assert isinstance(error, FixInput) and "(401)" in error.what
    assert "of-another-job" not in str(error)


async def test_a_platform_in_trouble_is_waited_for(
    make_workspace: MakeWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too much to do ends in a wait, a page in between in what stands in between."""
    host = "pipelines.actions.githubusercontent.com"
    with troubled(tmp_path, host) as trouble:
        job = job_of(trouble.cloud, "github")
        put_into(monkeypatch, job)
        sign_in = table(trouble.cloud.clients["batch"], "github")
        workspace = make_workspace(on=trouble.cloud, sign_in=sign_in)
        trouble.now({"status": 503})
        assert isinstance(await refusal(workspace, trouble.cloud), WaitAndRetry)
        trouble.now({"status": 302, "headers": {"Location": "https://evil.example/"}})
        assert isinstance(await refusal(workspace, trouble.cloud), Unreachable)
        trouble.now({"status": 200, "body": {"value": 7}})
        assert isinstance(await refusal(workspace, trouble.cloud), FixInput)
        assert "evil.example" not in hosts_asked(trouble.cloud)


async def test_an_application_that_does_not_trust_the_job_is_told_why(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advice is about its federated credentials (contract G21.32)."""
    job = job_of(cloud, "github")
    put_into(monkeypatch, job)
    error = await refusal(make_workspace(sign_in=table(cloud.clients["batch"], "github")), cloud)
    assert error.code == "AADSTS700211" and "federated credential" in error.next


async def test_a_token_that_its_issuer_has_not_signed_is_explained(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    trusted: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says whose keys were looked through (contract G21.37)."""
    job = job_of(cloud, "env")
    head, claims, _ = job["environment"]["AZURE_ID_TOKEN"].split(".")
    put_into(monkeypatch, job, AZURE_ID_TOKEN=f"{head}.{claims}.c2ln")
    workspace = make_workspace(sign_in=table(trusted, job["token_from"]))
    error = await refusal(workspace, cloud)
    assert error.code == "AADSTS7000272" and "signature" in error.why


# --- Managed identities ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables",
    [
        {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://evil.example"},
        {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "https://169.254.169.254"},
        {"IDENTITY_ENDPOINT": "http://evil.example/token", "IDENTITY_HEADER": "header-0123456789"},
        {"IDENTITY_ENDPOINT": "http://127.0.0.1@evil.example/", "IDENTITY_HEADER": "x" * 20},
        {"MSI_ENDPOINT": "http://10.0.0.1/token", "MSI_SECRET": "machine-secret-0123456789"},
    ],
)
async def test_a_machines_token_is_asked_for_at_this_machine_only(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
) -> None:
    """Whatever the environment says, it is no other host and no name (contract G26.11)."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = len(hosts_asked(cloud))
    sign_in = table(cloud.clients["batch"], "managed-identity")
    error = await refusal(make_workspace(sign_in=sign_in), cloud)
    assert isinstance(error, FixInput) and "not this machine" in error.what
    assert set(hosts_asked(cloud)[before:]) <= {"login.microsoftonline.com"}


@pytest.mark.parametrize("real", ["http://169.254.169.254", "http://127.0.0.1:42356"])
async def test_in_a_rehearsal_no_real_machine_is_asked(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    monkeypatch: pytest.MonkeyPatch,
    real: str,
) -> None:
    """Where nothing leads to the rehearsal cloud, the address is a real one (contract G26.11)."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", real)
    sign_in = table(cloud.clients["batch"], "managed-identity")
    error = await refusal(make_workspace(sign_in=sign_in), cloud)
    assert isinstance(error, FixInput) and "was not asked for" in error.what
    assert "rehearsal.json" in error.next


async def test_a_machine_without_the_identity_is_named(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which identity was wanted, and where it is switched on (contract G26.11)."""
    put_into(monkeypatch, job_of(cloud, "managed-identity"))
    token_from = "managed-identity:" + "0" * 8 + "-0000" * 3 + "-" + "0" * 12
    error = await refusal(make_workspace(sign_in=table(cloud.clients["batch"], token_from)), cloud)
    assert isinstance(error, FixInput)
    assert "Identity not found" in f"{error.what} {error.why}"
    assert "Settings, Identity" in error.next and json.dumps(token_from) in error.where


async def test_a_machine_whose_endpoint_is_silent_is_named(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """No Azure machine: the advice says where to run it (contract G26.11)."""
    silent, folder = "http://127.0.0.1:9", tmp_path / "silent"
    folder.mkdir()
    known = json.loads((Path(cloud.directory) / "rehearsal.json").read_text("utf-8"))
    known |= {"pages": silent, "clock": None}
    (folder / "rehearsal.json").write_text(json.dumps(known), "utf-8")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", silent)
    sign_in = table(cloud.clients["batch"], "managed-identity")
    there = replace(cloud, directory=str(folder))
    error = await refusal(make_workspace(on=there, sign_in=sign_in), cloud)
    assert isinstance(error, FixInput) and "nothing answers" in error.why
    assert "run this on the Azure machine" in error.next
