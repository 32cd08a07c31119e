"""Key Vault as a secret store, against the rehearsal cloud's vaults."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.cloud import cloud_of
from bcrunbook.errors import (
    AskAdministrator,
    FixInput,
    NotFound,
    ReportBug,
    RunbookError,
    SignInAgain,
    Unreachable,
    WaitAndRetry,
)
from bcrunbook.http.client import Http
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.secrets import Secret, SecretReference, SecretStore, open_store, read
from bcrunbook.signin import Person, SignIn
from tests.cli.conftest import program
from tests.conftest import MakeWorkspace, only_account, requests_of
from tests.rehearsal.support import client_of, person, user_token
from tests.rehearsal.test_keyvault import SCOPE, Vault, vault_token
from tests.support.independent_client import MakeClient, person_of
from tests.support.running import run_steps, states
from tests.support.troubled import Troubled, troubled

MakeStore = Callable[..., Workspace]


@pytest.fixture(autouse=True)
def nothing_is_logged(
    cloud: RehearsalDescription, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """No test of this module leaves a secret or a token in any log record."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpcore").setLevel(logging.INFO)
    yield
    assert [one for one in canaries_of(cloud) if one in caplog.text] == []


def canaries_of(description: RehearsalDescription) -> list[str]:
    """Every secret value of a rehearsal cloud."""
    return Path(description.canaries).read_text("utf-8").splitlines()


@pytest.fixture
def in_vault(make_workspace: MakeWorkspace, cloud: RehearsalDescription) -> MakeStore:
    """A function that lays out a workspace whose secret store is the trial's vault."""

    def make(on: RehearsalDescription = cloud, **changes: Any) -> Workspace:
        store = {"secret_store": f"keyvault:{on.accounts['trial']['vault']}"}
        return make_workspace(on, **{**store, **changes})

    return make


@pytest.fixture
def vault(cloud: RehearsalDescription) -> Iterator[Vault]:
    """The trial's vault as an independent client sees it."""
    with client_of(cloud) as http:
        yield Vault(http, cloud.accounts["trial"]["vault"], vault_token(http, cloud))


@asynccontextmanager
async def opened(
    workspace: Workspace, someone: Person | None = None
) -> AsyncIterator[tuple[SecretStore, SignIn]]:
    """The store of a workspace's one account, and the sign-in that opens it."""
    account = workspace.account(only_account(workspace))
    async with Http(cloud_of(workspace, account)) as http:
        sign_in = SignIn(account, http, workspace.root, person=someone)
        store = open_store(account.secret_store, workspace.root, vault=sign_in.vaults)
        yield store, sign_in


async def error_of(asked: Awaitable[Any], description: RehearsalDescription) -> RunbookError:
    """The error that a call ends with; none of its texts holds a secret."""
    with pytest.raises(RunbookError) as caught:
        await asked
    error = caught.value
    texts = f"{error} {error!r} {error.as_dict()}"
    assert not [one for one in canaries_of(description) if one in texts]
    return error


def by_device_code(description: RehearsalDescription) -> dict[str, str]:
    """The [sign_in] table of a person."""
    client = description.clients["bootstrap"]
    return {"method": "device_code", "client_id": client, "cache": "memory"}


# --- as any store ------------------------------------------------------------------------------


async def test_a_vault_keeps_replaces_and_forgets(
    in_vault: MakeStore, vault: Vault, tmp_path: Path
) -> None:
    """What is put is what is got and read by reference, the last value wins, deleted is gone.

    contract G22.3, G23.1, G23.9 and G23.10
    """
    odd = "odd-value ~'\"é\n and-more-2207"
    async with opened(in_vault()) as (store, sign_in):
        assert store.writable
        await store.probe()
        assert await store.get("life/3f2a9c") is None
        await store.put("life/3f2a9c", Secret("first-value-1288"))
        reference = await store.put("life/3f2a9c", Secret(odd))
        assert reference == store.reference("life/3f2a9c")
        assert await store.get("life/3f2a9c") == Secret(odd)
        parsed = SecretReference.parse(str(reference), "a test")
        assert await read(parsed, tmp_path, vault=sign_in.vaults) == Secret(odd)
        await store.delete("life/3f2a9c")
        await store.delete("life/3f2a9c")
        await store.delete("life/never-was")
        assert await store.get("life/3f2a9c") is None
        with pytest.raises(NotFound):
            await read(reference, tmp_path, vault=sign_in.vaults)
    deleted = vault("GET", "/deletedsecrets/bcrunbook-life--3f2a9c").json()
    assert deleted["tags"] == {"made-by": "bcrunbook"}  # not purged: an administrator can recover


async def test_a_reference_may_name_a_version(
    in_vault: MakeStore, vault: Vault, tmp_path: Path
) -> None:
    """Without a version the newest value is read, with one that version's (contract G23.1)."""
    old = vault("PUT", "/secrets/Versioned", {"value": "old-value-4410"}).json()["id"]
    vault("PUT", "/secrets/Versioned", {"value": "new-value-4410"})
    newest, _, _ = old.rpartition("/")
    async with opened(in_vault()) as (_, sign_in):
        for address, value in ((old, "old-value-4410"), (newest, "new-value-4410")):
            reference = SecretReference.parse(f"keyvault:{address}", "a test")
            assert (await read(reference, tmp_path, vault=sign_in.vaults)).reveal() == value


async def test_a_deleted_secret_is_recovered_to_be_written(
    in_vault: MakeStore, vault: Vault
) -> None:
    """A name that is deleted, or being deleted, takes a new value; the old version is kept.

    contract G23.2, G23.3 and G23.4
    """
    async with opened(in_vault()) as (store, _):
        await store.put("again/x", Secret("before-value-5501"))
        await store.delete("again/x")
        await store.put("again/x", Secret("after-value-5501"))
        assert await store.get("again/x") == Secret("after-value-5501")
        versions = vault("GET", "/secrets/bcrunbook-again--x/versions").json()["value"]
        assert len(versions) == 2
        vault("DELETE", "/secrets/bcrunbook-again--x")
        await store.put("again/x", Secret("third-value-5501"))
        vault("DELETE", "/secrets/bcrunbook-again--x")
        await store.delete("again/x")
        assert await store.get("again/x") is None


async def test_many_writers_at_once(in_vault: MakeStore) -> None:
    """More writers than threads, each with a fresh sign-in to ask for, all get through."""
    async with opened(in_vault()) as (store, _):
        written = [Secret(f"crowd-value-{number}-9920") for number in range(12)]
        names = [f"crowd/{number}" for number in range(12)]
        await asyncio.gather(*map(store.put, names, written))
        assert await asyncio.gather(*map(store.get, names)) == written


async def test_requests_leave_through_the_one_http_stack(
    in_vault: MakeStore, cloud: RehearsalDescription, caplog: pytest.LogCaptureFixture
) -> None:
    """Each request bears this program's name and is in its log, with the vault's request id."""
    host = cloud.accounts["trial"]["vault"].removeprefix("https://")
    before = len(requests_of(cloud, host))
    async with opened(in_vault()) as (store, _):
        await store.put("stack/x", Secret("stack-value-3104"))
    mine = requests_of(cloud, host)[before:]
    assert mine and all(one["client"].startswith("bcrunbook/") for one in mine)
    assert all("azsdk-python-keyvault-secrets" in one["client"] for one in mine)
    logged = [one for one in caplog.messages if f"PUT {host}/secrets/bcrunbook-stack--x" in one]
    assert logged and "request-id none" not in logged[-1]


# --- who may -----------------------------------------------------------------------------------


async def test_a_person_signs_in_once_for_everything(
    in_vault: MakeStore, cloud: RehearsalDescription
) -> None:
    """Somebody who has signed in for Graph opens the vault without being asked again.

    contract G1.8 and G16.3
    """
    robin = person_of(cloud, "robin")
    async with opened(in_vault(sign_in=by_device_code(cloud)), robin) as (store, sign_in):
        await sign_in.graph()
        token = await sign_in.vault()
        assert "user_impersonation" in token.scopes and token.username == robin.upn
        await store.put("person/x", Secret("person-value-6617"))
        assert await store.get("person/x") == Secret("person-value-6617")
    assert robin.asked == 1


async def test_the_azure_cli_opens_a_vault(
    in_vault: MakeStore, cloud: RehearsalDescription, az_login: Callable[..., None]
) -> None:
    """A token of the Azure CLI for Key Vault is used as it is."""
    robin = person(cloud, "Global Administrator")
    with client_of(cloud) as http:
        az_login(user_token(http, cloud, robin, SCOPE), robin["tenant"])
    async with opened(in_vault(sign_in={"method": "az"})) as (store, _):
        await store.probe()


async def test_who_may_only_read_is_told_whom_to_ask(
    in_vault: MakeStore, vault: Vault, cloud: RehearsalDescription
) -> None:
    """A Secrets User reads; writing names role, vault and request id, and who can give it.

    contract G22.9 and G22.11
    """
    vault("PUT", "/secrets/bcrunbook-shared--x", {"value": "shared-value-2093"})
    async with opened(in_vault(sign_in=by_device_code(cloud)), person_of(cloud, "sam")) as (
        store,
        _,
    ):
        assert await store.get("shared/x") == Secret("shared-value-2093")
        for call in (
            store.put("shared/x", Secret("changed-value-2093")),
            store.delete("shared/x"),
            store.probe(),
        ):
            error = await error_of(call, cloud)
            assert isinstance(error, AskAdministrator)
            assert "Key Vault Secrets Officer" in error.next and error.where == vault.url
            assert error.code == "ForbiddenByRbac" and error.request_id and error.who != "you"


async def test_a_vault_of_another_tenant_is_named_as_such(
    in_vault: MakeStore, cloud: RehearsalDescription
) -> None:
    """The account's tenant and the vault's have to be one; nothing is sent with the token.

    contract G22.6 and G22.7
    """
    elsewhere = cloud.accounts["production"]
    workspace = in_vault(secret_store=f"keyvault:{elsewhere['vault']}")
    async with opened(workspace) as (store, _):
        error = await error_of(store.get("x/y"), cloud)
    assert isinstance(error, FixInput)
    assert elsewhere["tenant"] in error.what and "own tenant" in error.next


async def test_without_anybody_the_sign_in_is_what_is_missing(
    in_vault: MakeStore, cloud: RehearsalDescription
) -> None:
    """A person's vault stays shut in a headless run, with the advice of every sign-in."""
    async with opened(in_vault(sign_in=by_device_code(cloud))) as (store, _):
        assert isinstance(await error_of(store.get("x/y"), cloud), SignInAgain)


# --- what goes wrong ---------------------------------------------------------------------------


async def test_a_missing_package_is_named(
    in_vault: MakeStore, cloud: RehearsalDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without azure-keyvault-secrets the error is the command that installs it."""
    for name in [one for one in sys.modules if one.startswith("azure.keyvault")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "azure.keyvault", None)
    async with opened(in_vault()) as (store, _):
        error = await error_of(store.get("x/y"), cloud)
    assert isinstance(error, FixInput)
    assert 'pip install "bcrunbook[keyvault]"' in error.next


async def test_an_unknown_vault_is_named(in_vault: MakeStore, cloud: RehearsalDescription) -> None:
    """A vault that is not there cannot be reached, and its name is the first thing to check."""
    url = "https://nobodys-kv.vault.azure.net"
    async with opened(in_vault(secret_store=f"keyvault:{url}")) as (store, _):
        error = await error_of(store.get("x/y"), cloud)
    assert isinstance(error, Unreachable)
    assert error.next.startswith(f"check the vault's name, {url}")


async def test_a_disabled_secret_is_named(
    in_vault: MakeStore, vault: Vault, cloud: RehearsalDescription
) -> None:
    """A disabled secret is not the same as none, and not a matter of roles (contract G22.11)."""
    vault("PUT", "/secrets/bcrunbook-off--x", {"value": "off-value-7782"})
    vault("PATCH", "/secrets/bcrunbook-off--x", {"attributes": {"enabled": False}})
    async with opened(in_vault()) as (store, _):
        error = await error_of(store.get("off/x"), cloud)
    assert isinstance(error, FixInput) and error.code == "SecretDisabled"
    assert "enable it" in error.next


async def test_a_value_that_is_too_long_is_refused(
    in_vault: MakeStore, cloud: RehearsalDescription
) -> None:
    """What the vault does not take comes back as its own words, without the value.

    contract G22.4
    """
    async with opened(in_vault()) as (store, _):
        error = await error_of(store.put("long/x", Secret("long-value-" * 3000)), cloud)
    assert isinstance(error, ReportBug) and error.code == "BadParameter"
    assert "long-value" not in str(error)


@pytest.fixture(scope="module")
def trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troubled]:
    """One troubled cloud for all tests of this module; its faults are the trial's vault's."""
    with troubled(tmp_path_factory.mktemp("trouble")) as one:
        one.host = one.cloud.accounts["trial"]["vault"].removeprefix("https://")
        yield one


def told_as(code: str, inner: str = "") -> dict[str, Any]:
    """A refusal as Key Vault words it."""
    error: dict[str, Any] = {"code": code, "message": "Not now.\r\nMore of it."}
    return {"error": {**error, **({"innererror": {"code": inner}} if inner else {})}}


FAULTS: dict[str, tuple[dict[str, Any], type[RunbookError], str]] = {
    "busy": ({"status": 503, "body": told_as("ServiceUnavailable")}, WaitAndRetry, "(503)"),
    "throttled": ({"status": 429, "body": told_as("Throttled")}, WaitAndRetry, "(429)"),
    "conflict": ({"status": 409, "body": told_as("Conflict")}, WaitAndRetry, "busy: Not now."),
    "not accepted": (
        {"status": 401, "body": told_as("Unauthorized")},
        SignInAgain,
        "not accept this sign-in: Not now.",
    ),
    "firewall": (
        {"status": 403, "body": told_as("Forbidden", "ForbiddenByFirewall")},
        AskAdministrator,
        "firewall",
    ),
    "policy": (
        {"status": 403, "body": told_as("Forbidden", "ForbiddenByGovernancePolicy")},
        AskAdministrator,
        "A policy of Azure does not let the vault keep this secret: Not now.",
    ),
    "access policy": (
        {"status": 403, "body": told_as("Forbidden", "AccessDenied")},
        AskAdministrator,
        "access policies",
    ),
    "a page": (
        {"status": 200, "headers": {"Content-Type": "text/html"}, "body": "<p>Welcome</p>"},
        Unreachable,
        "Something other than Key Vault",
    ),
    "a challenge of others": (
        {
            "status": 401,
            "headers": {
                "WWW-Authenticate": 'Bearer authorization="https://login.example/x", '
                'resource="https://vault.example"'
            },
        },
        Unreachable,
        "Something other than Key Vault",
    ),
    "cut off": ({"drop": "before"}, Unreachable, "No answer came"),
}


@pytest.mark.parametrize(("rule", "kind", "says"), FAULTS.values(), ids=FAULTS.keys())
async def test_each_fault_is_an_error_with_advice(
    in_vault: MakeStore,
    trouble: Troubled,
    rule: dict[str, Any],
    kind: type[RunbookError],
    says: str,
) -> None:
    """Whatever the vault or the network answers, it comes out as advice, repeated where it may.

    contract G22.6, G22.11 and G22.13
    """
    trouble.now(rule)
    async with opened(in_vault(trouble.cloud)) as (store, _):
        error = await error_of(store.get("x/y"), trouble.cloud)
    assert type(error) is kind and says in str(error)


async def test_passing_faults_are_ridden_out(in_vault: MakeStore, trouble: Troubled) -> None:
    """A busy vault, a lost answer and throttling on the way do not lose the secret.

    contract G22.13 and G23.9
    """
    trouble.now(
        {"method": "PUT", "nth": 2, "drop": "after"},
        {"method": "PUT", "nth": 1, "status": 503},
        {"method": "GET", "nth": 1, "status": 429, "headers": {"Retry-After": "1"}},
        {"method": "DELETE", "nth": 1, "drop": "after"},
    )
    async with opened(in_vault(trouble.cloud)) as (store, _):
        await store.put("ridden/x", Secret("ridden-value-1173"))
        assert await store.get("ridden/x") == Secret("ridden-value-1173")
        await store.delete("ridden/x")
        assert await store.get("ridden/x") is None


@pytest.mark.parametrize(
    ("status", "code", "inner"),
    [
        (400, "MethodNotAllowed", "RequestNotAllowedOnNonDeletedObject"),
        (404, "SecretNotFound", ""),
        (409, "Conflict", "ObjectIsBeingDeleted"),
    ],
    ids=["recovered", "purged", "still being deleted"],
)
async def test_who_comes_second_to_a_deleted_secret_writes_it_all_the_same(
    in_vault: MakeStore, trouble: Troubled, status: int, code: str, inner: str
) -> None:
    """Whatever became of it between a look and the recovery (contract G23.7 and G23.11)."""
    trouble.now()
    name = f"raced/{status}"
    async with opened(in_vault(trouble.cloud)) as (store, _):
        await store.put(name, Secret("early-value-6612"))
        await store.delete(name)
        recovery = {"method": "POST", "path": "/recover$", "nth": 1}
        trouble.now({**recovery, "status": status, "body": told_as(code, inner)})
        await store.put(name, Secret("late-value-6612"))
        assert await store.get(name) == Secret("late-value-6612")


async def test_a_deletion_that_takes_minutes_is_told_and_not_sat_out(
    in_vault: MakeStore, trouble: Troubled
) -> None:
    """A few take two of them; whoever writes the name comes back later (contract G23.5)."""
    being_deleted = told_as("Conflict", "ObjectIsBeingDeleted")
    trouble.now({"method": "PUT", "status": 409, "body": being_deleted})
    async with opened(in_vault(trouble.cloud)) as (store, _):
        error = await error_of(store.put("slow/x", Secret("slow-value-7741")), trouble.cloud)
    assert isinstance(error, WaitAndRetry) and "run again" in error.next


@pytest.mark.parametrize("status", [404, 403])
async def test_the_librarys_polling_has_an_end(
    in_vault: MakeStore, trouble: Troubled, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Where a deletion never shows, the library would go on for ever; a 403 is enough for it.

    contract G23.6
    """
    given: list[float | None] = []
    timeout = asyncio.timeout

    def soon(delay: float | None) -> asyncio.Timeout:
        given.append(delay)
        return timeout(0.5 if status == 404 and delay == 900.0 else delay)

    trouble.now()
    async with opened(in_vault(trouble.cloud)) as (store, _):
        await store.put(f"polled/{status}", Secret("polled-value-8805"))
        inner = "ForbiddenByRbac" if status == 403 else ""
        rule = {"method": "GET", "path": "/deletedsecrets/", "status": status}
        trouble.now({**rule, "body": told_as("SecretNotFound", inner)})
        monkeypatch.setattr(asyncio, "timeout", soon)
        if status == 403:
            await store.delete(f"polled/{status}")
        else:
            error = await error_of(store.delete(f"polled/{status}"), trouble.cloud)
            assert isinstance(error, WaitAndRetry) and "still busy" in error.what
    assert 900.0 in given


async def test_a_demand_for_claims_is_met_with_a_fresh_token(
    in_vault: MakeStore, trouble: Troubled
) -> None:
    """A vault that no longer takes the kept token is given a new one, once (contract G11.6)."""

    def asked() -> int:
        login = requests_of(trouble.cloud, "login.microsoftonline.com")
        return sum(one["path"].endswith("/token") for one in login)

    trouble.now()
    async with opened(in_vault(trouble.cloud)) as (store, _):
        await store.get("x/y")
        before = asked()
        challenge = (
            'Bearer authorization="https://login.microsoftonline.com/t", error="insufficient_'
            'claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
        )
        trouble.now({"nth": 1, "status": 401, "headers": {"WWW-Authenticate": challenge}})
        assert await store.get("x/y") is None
    assert asked() == before + 1


# --- the program with a vault ------------------------------------------------------------------


async def test_the_steps_keep_their_secret_in_the_vault(
    in_vault: MakeStore, vault: Vault, cloud: RehearsalDescription, tmp_path: Path
) -> None:
    """With a vault as the store the secret is there, and a second run finds everything done."""
    workspace = in_vault()
    steps = ("start_here", "register_application", "client_secret", "api_permissions")
    first = await run_steps(workspace, *steps)
    assert states(first) == ["done", "changed", "changed", "changed"]
    name = only_account(workspace)
    listed = [
        one["id"].rpartition("/")[2]
        for one in vault("GET", "/secrets").json()["value"]
        if f"/bcrunbook-{name}--" in one["id"]
    ]
    assert len(listed) == 1
    kept = vault("GET", f"/secrets/{listed[0]}").json()["value"]
    assert states(await run_steps(workspace, *steps)) == ["done"] * 4
    assert len(vault("GET", f"/secrets/{listed[0]}/versions").json()["value"]) == 1
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert not [one for one in files if kept.encode() in one.read_bytes()]


async def test_a_vault_that_wants_content_type_and_end_gets_both(
    in_vault: MakeStore, cloud: RehearsalDescription, vault: Vault
) -> None:
    """Where policies of Azure demand them of every secret, the step keeps its secret as anywhere.

    Its end is the client secret's.

    contract G22.12
    """
    (governed,) = (one["url"] for one in cloud.vaults if "governed" in one["name"])
    workspace = in_vault(secret_store=f"keyvault:{governed}", secret_lifetime="90 days")
    steps = ("register_application", "client_secret")
    assert states(await run_steps(workspace, *steps)) == ["changed", "changed"]
    assert states(await run_steps(workspace, *steps)) == ["done", "done"]
    within = Vault(vault.http, governed, vault.token)
    (kept,) = (
        one
        for one in within("GET", "/secrets").json()["value"]
        if f"/bcrunbook-{only_account(workspace)}--" in one["id"]
    )
    assert kept["contentType"] == "text/plain"
    assert 89 < (kept["attributes"]["exp"] - time.time()) / 86400 <= 90


async def test_a_life_that_a_policy_forbids_shows_before_there_is_a_secret(
    in_vault: MakeStore, cloud: RehearsalDescription, make_client: MakeClient
) -> None:
    """A value that the vault would not take for so long is never made; the policy is named.

    contract G22.12
    """
    (governed,) = (one["url"] for one in cloud.vaults if "governed" in one["name"])
    workspace = in_vault(secret_store=f"keyvault:{governed}", secret_lifetime="20 months")
    outcome = (await run_steps(workspace, "register_application", "client_secret"))[-1]
    card = outcome.hand_offs[0].hand_off
    assert card is not None and "maximum validity period" in card.found
    assert "shorten secret_lifetime" in card.actions[0]
    assert make_client().application(only_account(workspace))["passwordCredentials"] == []


@pytest.mark.parametrize("nth", [1, 2], ids=["the probe", "the secret itself"])
@pytest.mark.parametrize(
    ("inner", "says"),
    [
        ("ForbiddenByGovernancePolicy", "Exempt this vault from the policy"),
        ("ForbiddenByFirewall", "Allow this machine's address"),
        ("ForbiddenByRbac", 'Give it the role "Key Vault Secrets Officer"'),
    ],
)
async def test_who_follows_the_card_of_a_vaults_refusal_makes_no_second_secret(
    in_vault: MakeStore, trouble: Troubled, inner: str, says: str, nth: int
) -> None:
    """When the vault refuses, the card is about the vault, and not about Certificates & secrets."""
    trouble.now()
    workspace = in_vault(trouble.cloud)
    await run_steps(workspace, "register_application")
    trouble.now({"method": "PUT", "nth": nth, "status": 403, "body": told_as("Forbidden", inner)})
    (outcome,) = await run_steps(workspace, "client_secret")
    (change,) = outcome.hand_offs
    assert (outcome.state, outcome.exit_code, change.hand_off is not None) == (
        "needs_person",
        3,
        True,
    )
    card = change.hand_off
    assert card is not None and card.actions[0].startswith(says) and "vault" in card.who
    assert "New client secret" not in str(outcome.as_dict())
    assert ("Refused with", inner) in card.values and "vault" in card.found
    assert ("goes with the next run" in card.found) == (nth == 2)
    trouble.now()
    assert states(await run_steps(workspace, "client_secret")) == ["changed"]


def test_doctor_tries_a_vault_that_opens_without_a_person(
    in_vault: MakeStore, cloud: RehearsalDescription
) -> None:
    """An application's vault is tried; of a person's it is said that it was not."""
    result = program("doctor", "-w", in_vault().root)
    assert result.code == 0, result.out
    assert f"{cloud.accounts['trial']['vault']}: a value was written, read back" in result.out
    result = program("doctor", "-w", in_vault(sign_in=by_device_code(cloud)).root)
    assert result.code == 0, result.out
    assert "not tried, because it is opened with a person's sign-in" in " ".join(result.out.split())
