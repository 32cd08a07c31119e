"""Sign-in in its six forms against the rehearsal cloud, and every way in which it fails."""

from __future__ import annotations

import base64
import json
import logging
import os
import sys
import threading
import time
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msal
import msal_extensions
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from bcrunbook.accounts import Workspace, keep_secrets_from_others
from bcrunbook.cloud import cloud_of, rehearsal_cloud
from bcrunbook.core.pace import Pace
from bcrunbook.errors import (
    AskAdministrator,
    FixInput,
    RunbookError,
    SignInAgain,
    Unreachable,
    WaitAndRetry,
)
from bcrunbook.http.client import Http
from bcrunbook.order import START_HERE, notebook_name
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.rehearsal.entra.tokens import info_of
from bcrunbook.rehearsal.world import find_user
from bcrunbook.secrets import Secret
from bcrunbook.signin import (
    DeviceCode,
    MsalApplications,
    Person,
    SignIn,
    Token,
    prove_client_secret,
    sign_in_error,
)
from bcrunbook.signin.credentials import certificate_of
from tests.conftest import MakeWorkspace, only_account, requests_of
from tests.support.certificates import issued, pem_of, self_signed
from tests.support.independent_client import (
    IndependentClient,
    MakeClient,
    Typist,
    browse,
    person_of,
)
from tests.support.signing_in import (
    federated_credential,
    key_credential,
    platform_token,
    sit_at_browser,
)
from tests.support.troubled import Troubled, troubled

LOGIN = "login.microsoftonline.com"
GRAPH_COMMAND_LINE_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
SPEED = 200.0
MakePath = Callable[[str], Path]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A fast rehearsal cloud for all tests of this module: a person's time is never skipped."""
    folder = tmp_path_factory.mktemp("people") / "cloud"
    with launch(folder, speed=SPEED, lags="worst") as description:
        yield description


@pytest.fixture(scope="module")
def trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troubled]:
    """One troubled cloud for all tests of this module; its faults are Entra's."""
    with troubled(tmp_path_factory.mktemp("trouble"), LOGIN) as one:
        yield one


@pytest.fixture(autouse=True)
def calm(request: pytest.FixtureRequest) -> None:
    """Every test begins without faults."""
    if "trouble" in request.fixturenames:
        request.getfixturevalue("trouble").now()


@pytest.fixture(autouse=True)
def nothing_is_logged(
    request: pytest.FixtureRequest,
    cloud: RehearsalDescription,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[None]:
    """No test of this module leaves a secret, a token or a code in any log record."""
    caplog.set_level(logging.INFO)
    yield
    clouds = [cloud]
    if "trouble" in request.fixturenames:
        clouds.append(request.getfixturevalue("trouble").cloud)
    for description in clouds:
        assert leaks(description, caplog.text) == []


def leaks(description: RehearsalDescription, text: str) -> list[str]:
    """The secrets of a rehearsal cloud that a text holds."""
    return [
        one for one in Path(description.canaries).read_text("utf-8").splitlines() if one in text
    ]


@asynccontextmanager
async def sign_in_of(workspace: Workspace, person: Person | None = None) -> AsyncIterator[SignIn]:
    """The sign-in of a workspace's one account."""
    account = workspace.account(only_account(workspace))
    async with Http(cloud_of(workspace, account)) as http:
        yield SignIn(account, http, workspace.root, person=person)


async def error_of(
    asked: Awaitable[Any], description: RehearsalDescription | None = None
) -> RunbookError:
    """The error that a request for a token ends with; none of its texts holds a secret."""
    with pytest.raises(RunbookError) as caught:
        await asked
    error = caught.value
    assert (error.__cause__ is None and error.__suppress_context__) or error.__context__ is None
    if description is not None:
        assert leaks(description, f"{error} {error!r} {error.as_dict()}") == []
    return error


async def refusal(
    workspace: Workspace, person: Person | None = None, *, consent: bool = False
) -> RunbookError:
    """The error that a fresh sign-in for Microsoft Graph ends with."""
    async with sign_in_of(workspace, person) as sign_in:
        return await error_of(sign_in.graph(consent=consent))


def by_device_code(description: RehearsalDescription, **changes: str) -> dict[str, Any]:
    """The [sign_in] table of a person with the rehearsal's own public client."""
    table = {
        "method": "device_code",
        "client_id": description.clients["bootstrap"],
        "cache": "memory",
    }
    return {**table, **changes}


def token_requests(description: RehearsalDescription) -> int:
    """How often Entra has been asked for a token so far."""
    return sum(1 for one in requests_of(description, LOGIN) if one["path"].endswith("/token"))


class Fussy(Typist):
    """A person at a device code sign-in who does not consent to what is asked."""

    def show_device_code(self, code: DeviceCode) -> None:
        """Type everything and press Cancel on the consent page."""
        answers = {"otc": code.code, "username": self.upn, "password": self.password}
        answers["decision"] = "cancel"
        threading.Thread(target=browse, args=(code.url,), kwargs=answers, daemon=True).start()


# --- An application ---------------------------------------------------------------------------


async def test_a_client_secret_signs_in(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """An application gets a token of its tenant, without a person's traits.

    contract G1.6, G16.4, G18.7 and G24.8
    """
    async with sign_in_of(make_workspace()) as sign_in:
        token = await sign_in.graph()
    assert sign_in.is_application
    assert (token.tenant, token.username) == (cloud.accounts["trial"]["tenant"], "")
    assert (token.scopes, token.directory_roles) == (frozenset(), None)
    assert leaks(cloud, repr(token) + str(token)) == []


async def test_a_token_is_kept_until_a_fresh_one_is_wanted(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Asked twice, Entra is asked once; asked for a fresh one, it is asked again.

    contract G17.5
    """
    async with sign_in_of(make_workspace()) as sign_in:
        before = token_requests(cloud)
        first = await sign_in.graph()
        assert (await sign_in.graph()).value == first.value
        assert token_requests(cloud) == before + 1
        assert (await sign_in.graph(fresh=True)).value != first.value
        assert token_requests(cloud) == before + 2


async def test_the_next_notebook_of_a_job_goes_on_with_the_sign_in(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Entra is asked once for all of them; a secret that was replaced after a refusal is read."""
    workspace = make_workspace()
    account, kept = workspace.account(only_account(workspace)), MsalApplications()

    async def token() -> Token:
        async with Http(cloud_of(workspace, account)) as http:
            return await SignIn(account, http, workspace.root, applications=kept).graph()

    before = len(requests_of(cloud, LOGIN))
    first = await token()
    once = len(requests_of(cloud, LOGIN)) - before
    assert (await token()).value == first.value
    assert len(requests_of(cloud, LOGIN)) - before == once

    assert account.sign_in.secret is not None
    file = workspace.root / account.sign_in.secret.rest
    right = file.read_text("utf-8")
    kept.by_tenant.clear()
    file.write_text("not-the-secret", "utf-8")
    with pytest.raises(RunbookError):
        await token()
    file.write_text(right, "utf-8")
    assert (await token()).value


async def test_key_vault_has_a_token_of_its_own(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """A vault's token is another than Graph's, is kept as well, and can be asked for afresh."""
    async with sign_in_of(make_workspace()) as sign_in:
        for_graph, for_vault = await sign_in.graph(), await sign_in.vault()
        assert for_vault.value != for_graph.value and for_vault.tenant == for_graph.tenant
        assert (await sign_in.vault()).value == for_vault.value
        demand = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
        other = await sign_in.vault(claims=json.dumps(demand))
        assert other.value not in (for_graph.value, for_vault.value)


def contexts_of(token: Token) -> object:
    """The authentication contexts that an access token of the rehearsal cloud carries."""
    part = token.value.reveal().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims.get("acrs")


DEMAND = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}}})


async def test_claims_that_are_demanded_are_asked_for(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """An application's token brings what a service demands of it, and is the kept one then.

    contract G17.9
    """
    async with sign_in_of(make_workspace()) as sign_in:
        for ask in (
            sign_in.graph,
            sign_in.azure,
            sign_in.vault,
            partial(sign_in.business_central, cloud.accounts["trial"]["tenant"]),
        ):
            assert contexts_of(await ask()) is None
            token = await ask(claims=DEMAND)
            assert contexts_of(token) == ["c1"]
            assert (await ask()).value == token.value


@pytest.mark.parametrize("is_refused", [False, True], ids=["kept sign-in", "asked anew"])
async def test_a_person_brings_the_claims_that_are_demanded(
    make_workspace: MakeWorkspace, trouble: Troubled, is_refused: bool
) -> None:
    """By the kept sign-in where that will do, and by the person otherwise."""
    robin = person_of(trouble.cloud, "robin")
    async with sign_in_of(
        make_workspace(on=trouble.cloud, sign_in=by_device_code(trouble.cloud)), robin
    ) as sign_in:
        await sign_in.graph()
        if is_refused:
            trouble.now({**answers("invalid_grant", 50076, "More is needed."), "nth": 1})
        assert contexts_of(await sign_in.graph(claims=DEMAND)) == ["c1"]
    assert robin.asked == (2 if is_refused else 1)


def tenant_named(description: RehearsalDescription, domain: str) -> str:
    """The id of a tenant, by the beginning of its domain."""
    (found,) = (one["id"] for one in description.tenants if one["domain"].startswith(domain))
    return str(found)


async def test_business_central_has_a_token_of_each_tenant(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """An application asks a customer's own tenant; each token is kept, and can be asked afresh.

    contract G1.5, B1.2, B1.12 and B1.14
    """
    own, other = cloud.accounts["trial"]["tenant"], tenant_named(cloud, "brackenfield")
    async with sign_in_of(make_workspace()) as sign_in:
        tokens = [await sign_in.business_central(tenant) for tenant in (own, other)]
        assert [token.tenant for token in tokens] == [own, other]
        assert len({*(token.value for token in tokens), (await sign_in.graph()).value}) == 3
        assert (await sign_in.business_central(other)).value == tokens[1].value
        assert (await sign_in.business_central(other, fresh=True)).value != tokens[1].value
        assert (await sign_in.business_central(own)).value == tokens[0].value


async def test_a_customer_without_the_application_is_explained(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Where the customer's tenant does not know the application, the advice says so.

    contract G21.25
    """
    async with sign_in_of(make_workspace()) as sign_in:
        asked = sign_in.business_central(tenant_named(cloud, "tidewater"))
        error = await error_of(asked, cloud)
        assert (error.code, bool(error.why and error.next)) == ("AADSTS700016", True)
        await sign_in.graph()  # one tenant's refusal leaves the others alone


async def test_the_tenant_may_be_named_by_its_domain(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """The token's tenant is the id that Entra names, whatever the account was given.

    contract G16.1 and G16.2
    """
    trial = cloud.accounts["trial"]["tenant"]
    domain = next(one["domain"] for one in cloud.tenants if one["id"] == trial)
    async with sign_in_of(make_workspace(tenant=domain)) as sign_in:
        assert (await sign_in.graph()).tenant == trial


async def test_a_wrong_secret_is_explained(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, tmp_path: Path
) -> None:
    """A secret that Entra refuses is input to fix, with the classic slip named.

    contract G7.9, G16.14 and G21.27
    """
    workspace = make_workspace()
    wrong = "not~the.secret~but~as~long~as~one"
    (tmp_path / "secret-store" / "sign-in" / "batch").write_text(wrong, encoding="utf-8")
    error = await refusal(workspace)
    assert isinstance(error, FixInput)
    assert error.code == "AADSTS7000215"
    assert "Secret ID" in error.why and "Value" in error.next
    assert error.request_id
    assert wrong not in f"{error} {error!r}"


@pytest.mark.parametrize("method", ["client_secret", "device_code"])
@pytest.mark.parametrize(
    "tenant", ["nowhere.example", "00000000-1111-4222-8333-444444444444"], ids=["domain", "id"]
)
async def test_an_unknown_tenant_is_named(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, method: str, tenant: str
) -> None:
    """A tenant that Entra does not know is input to fix, for applications and people alike.

    contract G16.2 and G21.5
    """
    changes = {"sign_in": by_device_code(cloud)} if method == "device_code" else {}
    error = await refusal(make_workspace(tenant=tenant, **changes), person_of(cloud, "robin"))
    assert isinstance(error, FixInput)
    assert (error.code, tenant in error.what) == ("AADSTS90002", True)


# --- Certificates and federation --------------------------------------------------------------


def registered(client: IndependentClient, **properties: Any) -> dict[str, Any]:
    """An application with a service principal, made from outside and ready to sign in."""
    body = {"displayName": "Runner", "signInAudience": "AzureADMyOrg", **properties}
    app: dict[str, Any] = client.call("POST", "/applications", body).json()
    deadline = time.monotonic() + 20
    while client.call("POST", "/servicePrincipals", {"appId": app["appId"]}).status_code != 201:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return app


@pytest.fixture(scope="module")
def rsa_key() -> Any:
    """One RSA key for all tests that need one."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


async def eventually_signs_in(workspace: Workspace) -> str:
    """The tenant of a token, once Entra knows an application that was made moments ago."""
    deadline = time.monotonic() + 20
    while True:
        try:
            async with sign_in_of(workspace) as sign_in:
                return (await sign_in.graph()).tenant
        except RunbookError:
            if time.monotonic() > deadline:
                raise


@pytest.mark.parametrize("form", ["pem", "pem, key first", "pem with password", "pfx", "pfx open"])
async def test_a_certificate_signs_in(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    make_client: MakeClient,
    tmp_path: Path,
    rsa_key: Any,
    form: str,
) -> None:
    """PEM and PFX, with and without a password: the application's own certificate is accepted.

    contract G18.1
    """
    made = self_signed(rsa_key)
    app = registered(make_client(), keyCredentials=[key_credential(made)])
    password = "" if form in ("pem", "pem, key first", "pfx open") else "open sesame 42"
    public = made.public_bytes(serialization.Encoding.PEM)
    parts = [public, pem_of(rsa_key, password)]
    if form.startswith("pfx"):
        kind = serialization.BestAvailableEncryption(password.encode()) if password else None
        content = pkcs12.serialize_key_and_certificates(
            b"runner", rsa_key, made, None, kind or serialization.NoEncryption()
        )
    else:
        content = b"".join(reversed(parts) if form == "pem, key first" else parts)
    file = tmp_path / f"runner.{form[:3]}"
    file.write_bytes(content)
    table = {"method": "certificate", "client_id": app["appId"], "certificate": str(file)}
    if password:
        secret = tmp_path / "password"
        secret.touch(mode=0o600)
        secret.write_text(password, encoding="utf-8")
        table["certificate_password"] = f"file:{secret}"
    assert (
        await eventually_signs_in(make_workspace(sign_in=table))
        == (cloud.accounts["trial"]["tenant"])
    )


ORDERS = ("authority, certificate, key", "key, root, authority, certificate", "pfx with its chain")


@pytest.mark.parametrize("order", ORDERS)
async def test_the_certificate_is_the_keys_wherever_it_stands(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    make_client: MakeClient,
    tmp_path: Path,
    rsa_key: Any,
    order: str,
) -> None:
    """A file may hold the authority's certificate before the application's own.

    contract G18.1 and G18.2
    """
    keys = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
    root = self_signed(keys[1], name="root")
    authority = issued(keys[0], keys[1], name="authority", by="root")
    made = issued(rsa_key, keys[0])
    app = registered(make_client(), keyCredentials=[key_credential(made)])
    parts = {
        "root": root.public_bytes(serialization.Encoding.PEM),
        "authority": authority.public_bytes(serialization.Encoding.PEM),
        "certificate": made.public_bytes(serialization.Encoding.PEM),
        "key": pem_of(rsa_key),
    }
    if order.startswith("pfx"):
        file = tmp_path / "runner.pfx"
        file.write_bytes(
            pkcs12.serialize_key_and_certificates(
                b"runner", rsa_key, made, [root, authority], serialization.NoEncryption()
            )
        )
    else:
        file = tmp_path / "runner.pem"
        file.write_bytes(b"".join(parts[one] for one in order.split(", ")))
    table = {"method": "certificate", "client_id": app["appId"], "certificate": str(file)}
    assert (
        await eventually_signs_in(make_workspace(sign_in=table))
        == cloud.accounts["trial"]["tenant"]
    )
    credential = certificate_of(file, None).reveal()
    if not order.startswith("pfx"):
        sent = x509.load_pem_x509_certificates(credential["public_certificate"].encode())
        assert sent == [made, authority, root][: len(order.split(", ")) - 1]


async def test_a_certificate_of_somebody_else_is_refused_with_advice(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, tmp_path: Path, rsa_key: Any
) -> None:
    """A certificate that the application does not hold is input to fix (contract G21.35)."""
    file = tmp_path / "runner.pem"
    public = self_signed(rsa_key).public_bytes(serialization.Encoding.PEM)
    file.write_bytes(public + pem_of(rsa_key))
    table = {"method": "certificate", "client_id": cloud.clients["batch"]}
    error = await refusal(make_workspace(sign_in={**table, "certificate": str(file)}))
    assert isinstance(error, FixInput)
    assert error.code == "AADSTS700027"
    assert "registered on the application" in error.next


def public_of(made: x509.Certificate) -> bytes:
    """A certificate as PEM."""
    return made.public_bytes(serialization.Encoding.PEM)


UNFIT: dict[str, tuple[Callable[[Any], bytes], str]] = {
    "a key of another": (
        lambda key: public_of(self_signed(rsa.generate_private_key(65537, 2048))) + pem_of(key),
        "belongs to none of the certificates",
    ),
    "expired": (lambda key: public_of(self_signed(key, since=-40)) + pem_of(key), "it expired on"),
    "not yet valid": (
        lambda key: public_of(self_signed(key, since=2)) + pem_of(key),
        "this machine's clock is wrong",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
async def test_a_certificate_that_would_be_refused_is_told_before(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    tmp_path: Path,
    rsa_key: Any,
    name: str,
) -> None:
    """What the file itself shows is told with what it is; Entra is not asked."""
    content, says = UNFIT[name]
    file = tmp_path / "runner.pem"
    file.write_bytes(content(rsa_key))
    table = {"method": "certificate", "client_id": cloud.clients["batch"]}
    before = token_requests(cloud)
    error = await refusal(make_workspace(sign_in={**table, "certificate": str(file)}))
    assert isinstance(error, FixInput) and says in error.what and error.where == str(file)
    assert token_requests(cloud) == before


def test_of_a_renewed_certificate_the_valid_one_is_taken(tmp_path: Path, rsa_key: Any) -> None:
    """A file may still hold the one that has expired, for the same key."""
    old, new = self_signed(rsa_key, since=-40), self_signed(rsa_key)
    file = tmp_path / "runner.pem"
    file.write_bytes(public_of(old) + public_of(new) + pem_of(rsa_key))
    pem = certificate_of(file, None).reveal()["public_certificate"]
    assert x509.load_pem_x509_certificates(pem.encode()) == [new]


BROKEN: dict[str, Callable[[Any], bytes]] = {
    "empty.pem": lambda key: b"",
    "no key.pem": lambda key: self_signed(key).public_bytes(serialization.Encoding.PEM),
    "no certificate.pem": pem_of,
    "locked.pem": lambda key: (
        self_signed(key).public_bytes(serialization.Encoding.PEM) + pem_of(key, "unknown")
    ),
    "elliptic.pem": lambda key: (
        self_signed(other := ec.generate_private_key(ec.SECP256R1())).public_bytes(
            serialization.Encoding.PEM
        )
        + pem_of(other)
    ),
    "not one.pfx": lambda key: b"nothing of the kind",
    "locked.pfx": lambda key: pkcs12.serialize_key_and_certificates(
        b"x", key, self_signed(key), None, serialization.BestAvailableEncryption(b"unknown")
    ),
    "no key.pfx": lambda key: pkcs12.serialize_key_and_certificates(
        b"x", None, self_signed(key), None, serialization.NoEncryption()
    ),
}


@pytest.mark.parametrize("name", [*BROKEN, "missing.pem"])
async def test_a_certificate_that_cannot_be_used_is_named(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    tmp_path: Path,
    rsa_key: Any,
    name: str,
) -> None:
    """Each slip with a certificate file is input to fix, with the file, before anything is sent.

    contract G18.1
    """
    file = tmp_path / name
    if name in BROKEN:
        file.write_bytes(BROKEN[name](rsa_key))
    table = {"method": "certificate", "client_id": cloud.clients["batch"]}
    before = token_requests(cloud)
    error = await refusal(make_workspace(sign_in={**table, "certificate": str(file)}))
    assert isinstance(error, FixInput)
    assert error.where == str(file)
    assert "PRIVATE KEY" not in str(error)
    assert token_requests(cloud) == before


async def test_a_federated_token_is_read_again_when_it_has_rotated(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    make_client: MakeClient,
    tmp_path: Path,
) -> None:
    """The platform's file is read for every request, and a wrong one is refused with advice.

    contract G18.3, G18.4 and G21.32
    """
    client = make_client()
    app = registered(client)
    path = f"/applications/{app['id']}/federatedIdentityCredentials"
    assert client.call("POST", path, federated_credential("repo:books")).status_code == 201
    file = tmp_path / "token"
    table = {"method": "federated", "client_id": app["appId"], "token_file": str(file)}
    workspace = make_workspace(sign_in=table)
    file.write_text(platform_token("repo:books") + "\n", encoding="utf-8")
    await eventually_signs_in(workspace)
    async with sign_in_of(workspace) as sign_in:
        first = await sign_in.graph()
        for subject, code in (("repo:else", "AADSTS700213"), ("Repo:Books", "AADSTS7002138")):
            file.write_text(other := platform_token(subject), encoding="utf-8")
            error = await error_of(sign_in.graph(fresh=True), cloud)
            assert isinstance(error, FixInput) and error.code == code and other not in str(error)
            assert "federated credential" in error.next and "sign in again" not in error.next
        file.write_text(platform_token("repo:books"), encoding="utf-8")
        assert (await sign_in.graph(fresh=True)).value != first.value


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"], ids=["missing", "empty", "binary"])
async def test_a_federated_token_that_cannot_be_read_is_named(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    tmp_path: Path,
    content: bytes | None,
) -> None:
    """The file and the key are named when the platform has not written a token."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    table = {"method": "federated", "client_id": cloud.clients["batch"], "token_file": str(file)}
    error = await refusal(make_workspace(sign_in=table))
    assert isinstance(error, FixInput)
    assert (error.where, "sign_in.token_file" in error.next) == (str(file), True)


# --- The Azure CLI ----------------------------------------------------------------------------


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A function that puts an Azure CLI of the test's making on the PATH; returns its call log."""
    if os.name != "posix":
        pytest.skip("a script stands in for az, and its first line names the interpreter")

    def put(body: str) -> Path:
        folder, calls = tmp_path / "bin", tmp_path / "calls"
        folder.mkdir(exist_ok=True)
        program = folder / "az"
        head = f"#!{sys.executable}\nimport sys\n"
        note = f"open({str(calls)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        program.write_text(head + note + body, encoding="utf-8")
        program.chmod(0o700)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
        return calls

    return put


AZ = {"method": "az"}


async def test_az_gives_its_token(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, az_login: Callable[..., None]
) -> None:
    """The Azure CLI's token is used as it is, with the tenant that it names (contract G18.8)."""
    tenant = cloud.accounts["trial"]["tenant"]
    az_login("a-token-of-az", tenant)
    async with sign_in_of(make_workspace(sign_in=AZ)) as sign_in:
        token = await sign_in.graph()
    assert (token.value.reveal(), token.tenant) == ("a-token-of-az", tenant)
    assert not sign_in.is_application
    assert "a-token-of-az" not in repr(token)


async def test_az_is_asked_once_per_service_while_its_token_lasts(
    make_workspace: MakeWorkspace, az: Callable[[str], Path]
) -> None:
    """A token is kept until shortly before its end; and each is for its own API.

    contract G1.7 and G18.8
    """
    answer = {"accessToken": "a-token-of-az", "tenant": "t", "expires_on": int(time.time()) + 3600}
    calls = az(f"print({json.dumps(answer)!r})")
    workspace = make_workspace(sign_in=AZ)
    async with sign_in_of(workspace) as sign_in:
        for fresh in (False, False, True):
            await sign_in.graph(fresh=fresh)
        await sign_in.azure()
        await sign_in.vault()
    kinds = [line.split()[3] for line in calls.read_text("utf-8").splitlines()]
    assert kinds == ["ms-graph", "ms-graph", "arm", "https://vault.azure.net"]
    answer["expires_on"] = int(time.time()) + 60
    az(f"print({json.dumps(answer)!r})")
    async with sign_in_of(workspace) as sign_in:
        await sign_in.graph()
        await sign_in.graph()
    assert len(calls.read_text("utf-8").splitlines()) == 6


async def test_az_is_asked_for_each_customers_tenant(
    make_workspace: MakeWorkspace, az: Callable[[str], Path]
) -> None:
    """A token of one tenant is not taken for another's (contract G18.8)."""
    answer = {"accessToken": "a-token-of-az", "tenant": "t", "expires_on": int(time.time()) + 3600}
    calls = az(f"print({json.dumps(answer)!r})")
    async with sign_in_of(make_workspace(sign_in=AZ)) as sign_in:
        for tenant in ("one.example", "two.example", "one.example"):
            await sign_in.business_central(tenant)
    asked = [line.split() for line in calls.read_text("utf-8").splitlines()]
    assert [one[one.index("--tenant") + 1] for one in asked] == ["one.example", "two.example"]
    assert {one[one.index("--resource") + 1] for one in asked} == {
        "https://api.businesscentral.dynamics.com"
    }


async def test_a_missing_az_is_named(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the Azure CLI the message says what to install, or which method to take."""
    monkeypatch.setenv("PATH", str(tmp_path))
    error = await refusal(make_workspace(sign_in=AZ))
    assert isinstance(error, FixInput)
    assert "az login" in error.next and "browser" in error.next


async def test_an_az_that_was_signed_out_says_what_to_run(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, az: Callable[[str], Path]
) -> None:
    """The code that az prints is explained; the next action is az login for this tenant.

    contract G18.9
    """
    text = (
        "WARNING: something else\n"
        "ERROR: AADSTS50076: Due to a configuration change, you must use multi-factor.\n"
        "To re-authenticate, please run:\naz login\n"
    )
    az(f"sys.stderr.write({text!r}); sys.exit(1)")
    error = await refusal(make_workspace(sign_in=AZ))
    assert isinstance(error, SignInAgain)
    assert (error.code, "second factor" in error.why) == ("AADSTS50076", True)
    assert f"az login --tenant {cloud.accounts['trial']['tenant']}" in error.next
    assert "multi-factor" in error.what


@pytest.mark.parametrize(
    "printed",
    [
        *("", "not json", "[]", "null", '{"tenant": "t"}', '{"accessToken": null, "tenant": "t"}'),
        # A word processor in between has made a quote curly.
        json.dumps({"accessToken": "a-token\u201d", "tenant": "t"}),
    ],
)
async def test_an_odd_answer_of_az_is_not_a_traceback(
    make_workspace: MakeWorkspace, az: Callable[[str], Path], printed: str
) -> None:
    """Whatever az prints, the outcome is a message for a person."""
    az(f"print({printed!r})")
    error = await refusal(make_workspace(sign_in=AZ))
    assert isinstance(error, SignInAgain)
    assert "update the Azure CLI" in error.next


async def test_az_is_not_given_what_an_env_reference_names(
    make_workspace: MakeWorkspace, az: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret in an environment variable is for this program alone."""
    monkeypatch.setenv("OUR_CODAT_KEY", "a-key-of-codat")
    answer = {"accessToken": "a-token-of-az", "tenant": "t"}
    az(f"assert 'OUR_CODAT_KEY' not in __import__('os').environ; print({json.dumps(answer)!r})")
    workspace = make_workspace(sign_in=AZ, codat_api_key="env:OUR_CODAT_KEY")
    async with sign_in_of(workspace) as sign_in:
        assert (await sign_in.graph()).value.reveal() == "a-token-of-az"
    # So too in a process that was given the workspace instead of reading it.
    monkeypatch.setattr("bcrunbook.secrets.surroundings._references", set())
    keep_secrets_from_others(workspace)
    async with sign_in_of(workspace) as sign_in:
        assert (await sign_in.graph(fresh=True)).value.reveal() == "a-token-of-az"


async def test_an_az_that_says_nothing_is_signed_out(
    make_workspace: MakeWorkspace, az: Callable[[str], Path]
) -> None:
    """A failure without a word still names the next action."""
    az("sys.exit(1)")
    error = await refusal(make_workspace(sign_in=AZ))
    assert isinstance(error, SignInAgain) and "az login" in error.next


async def test_an_az_that_cannot_run_is_not_a_traceback(
    make_workspace: MakeWorkspace, tmp_path: Path, az: Callable[[str], Path]
) -> None:
    """A program that does not start is something in the way on this machine."""
    az("")
    (tmp_path / "bin" / "az").write_bytes(b"\x7fELF")
    error = await refusal(make_workspace(sign_in=AZ))
    assert isinstance(error, Unreachable)


# --- A person ---------------------------------------------------------------------------------


@pytest.fixture
def play_browser(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that puts a person with these answers at the machine's browser."""

    def play(**answers: str) -> None:
        sit_at_browser(monkeypatch, **answers)

    return play


async def test_a_person_signs_in_with_a_browser(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, play_browser: Callable[..., None]
) -> None:
    """The browser opens, the answer comes back to this machine, and the token tells who it is.

    contract G15.9, G16.5, G16.11, G17.12, G24.3, G24.4 and G24.5
    """
    robin = person_of(cloud, "robin")
    play_browser(username=robin.upn, password=robin.password)
    workspace = make_workspace(sign_in=by_device_code(cloud, method="browser"))
    async with sign_in_of(workspace, robin) as sign_in:
        token = await sign_in.graph()
        again = await sign_in.graph()
    assert (token.username, token.tenant) == (robin.upn, cloud.accounts["trial"]["tenant"])
    assert {"User.Read", "Application.ReadWrite.All"} <= token.scopes
    assert token.directory_roles and "62e90394-69f5-4237-9190-012177145e10" in token.directory_roles
    assert (again.username, again.tenant) == (token.username, token.tenant)
    assert again.directory_roles == token.directory_roles
    assert again.scopes >= {"User.Read", "Application.ReadWrite.All"}
    assert robin.asked == 1


async def test_who_may_not_consent_is_sent_to_an_administrator(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, play_browser: Callable[..., None]
) -> None:
    """An application nobody has consented to stops a developer with the role that can help.

    contract G1.9 and G21.18
    """
    sam = person_of(cloud, "sam")
    play_browser(username=sam.upn, password=sam.password)
    table = by_device_code(cloud, method="browser", client_id=GRAPH_COMMAND_LINE_TOOLS)
    error = await refusal(make_workspace(sign_in=table), sam)
    assert isinstance(error, AskAdministrator)
    assert error.code == "AADSTS90094"
    assert "Administrator" in error.who and error.next


async def test_a_machine_without_a_browser_is_told_of_the_device_code(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server the browser would open for nobody: said at once, not after five minutes."""

    def none(*_: Any) -> None:
        raise webbrowser.Error("no browser")

    monkeypatch.setattr(webbrowser, "get", none)
    monkeypatch.setattr("platform.uname", lambda: type("Uname", (), {"release": "6.1"})())
    robin = person_of(cloud, "robin")
    error = await refusal(make_workspace(sign_in=by_device_code(cloud, method="browser")), robin)
    assert isinstance(error, FixInput) and "device_code" in error.next
    assert robin.asked == 0


async def test_a_window_that_is_never_answered_is_told_as_such(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time for it, a browser sign-in ends in advice rather than in a traceback.

    contract G17.13
    """
    monkeypatch.setattr(webbrowser, "get", lambda *_: None)
    monkeypatch.setattr(webbrowser, "open", lambda *_, **__: True)
    monkeypatch.setattr("bcrunbook.signin.flows.BROWSER_TIMEOUT", 0.1)
    workspace = make_workspace(sign_in=by_device_code(cloud, method="browser"))
    error = await refusal(workspace, person_of(cloud, "robin"))
    assert isinstance(error, SignInAgain) and "device_code" in error.next


async def test_a_window_is_waited_for_five_minutes(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MSAL would wait without end (contract G17.13)."""
    given: dict[str, Any] = {}

    def answer(_: object, scopes: list[str], **options: Any) -> dict[str, str]:
        given.update(options)
        return {"error": "access_denied"}

    monkeypatch.setattr(webbrowser, "get", lambda *_: None)
    monkeypatch.setattr(msal.PublicClientApplication, "acquire_token_interactive", answer)
    workspace = make_workspace(sign_in=by_device_code(cloud, method="browser"))
    await refusal(workspace, person_of(cloud, "robin"))
    assert given["timeout"] == 300


async def test_a_person_signs_in_with_a_device_code(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """One code is shown; afterwards the token is there without another question.

    contract G16.6 and G24.1
    """
    robin = person_of(cloud, "robin")
    async with sign_in_of(make_workspace(sign_in=by_device_code(cloud)), robin) as sign_in:
        token = await sign_in.graph()
        before = token_requests(cloud)
        assert (await sign_in.graph()).value == token.value
        assert token_requests(cloud) == before
        assert (await sign_in.graph(fresh=True)).value != token.value
    assert (token.username, robin.asked) == (robin.upn, 1)


# MSAL sees by the wall clock that nobody has waited here.
@pytest.mark.filterwarnings("ignore:Attempted too soon")
async def test_who_asks_too_often_asks_more_slowly(
    make_workspace: MakeWorkspace, trouble: Troubled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time Entra says so, by five seconds; the code is not given up (contract G16.6)."""
    waits: list[float] = []

    async def note(_: Pace, seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(Pace, "sleep_beside_person", note)
    slower = {"status": 400, "body": {"error": "slow_down"}}
    trouble.now({"method": "POST", "path": "/token$", "nth": [1, 2], **slower})
    robin = person_of(trouble.cloud, "robin")
    workspace = make_workspace(trouble.cloud, sign_in=by_device_code(trouble.cloud))
    async with sign_in_of(workspace, robin) as sign_in:
        assert (await sign_in.graph()).username == robin.upn
    first, second = waits[:2]
    assert first > 5 and second - first == 5


async def test_a_declined_device_code_has_advice(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Cancel on the consent page: run again and accept, or find an administrator.

    contract G16.12 and G21.16
    """
    robin = person_of(cloud, "robin")
    table = by_device_code(cloud, client_id=GRAPH_COMMAND_LINE_TOOLS)
    error = await refusal(make_workspace(sign_in=table), Fussy(robin.upn, robin.password))
    assert isinstance(error, AskAdministrator)
    assert error.code == "AADSTS65004"
    assert "accept" in error.next and "administrator" in error.next


def answers(error: str, number: int, words: str, **more: Any) -> dict[str, Any]:
    """A fault: the token endpoint refuses like this."""
    body = {"error": error, "error_description": f"AADSTS{number}: {words}", **more}
    return {"path": "/token$", "status": 400, "body": {**body, "error_codes": [number]}}


async def test_an_expired_device_code_has_advice(
    make_workspace: MakeWorkspace, trouble: Troubled
) -> None:
    """A code that nobody used in time: start again (contract G16.7 and G21.22)."""
    robin = person_of(trouble.cloud, "robin")
    workspace = make_workspace(on=trouble.cloud, sign_in=by_device_code(trouble.cloud))
    trouble.now(answers("expired_token", 70019, "Verification code expired."))
    error = await refusal(workspace, robin)
    assert isinstance(error, SignInAgain)
    assert (error.code, "start the sign-in again" in error.next) == ("AADSTS70019", True)


async def test_a_kept_sign_in_serves_the_next_program(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, tmp_path: Path
) -> None:
    """With cache = "file" a second program needs no person; only the owner can read the file."""
    robin = person_of(cloud, "robin")
    workspace = make_workspace(sign_in=by_device_code(cloud, cache="file"))
    async with sign_in_of(workspace, robin) as sign_in:
        first = await sign_in.graph()
    async with sign_in_of(workspace) as sign_in:
        second = await sign_in.graph()
    assert second.value == first.value
    assert (second.username, second.directory_roles) == (robin.upn, first.directory_roles)
    kept = [path for path in (tmp_path / "home").rglob("tokens*") if path.is_file()]
    assert kept
    assert os.name != "posix" or {path.stat().st_mode & 0o077 for path in kept} == {0}


async def test_a_spoilt_file_of_kept_tokens_is_begun_anew(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A file that cannot be read costs a new sign-in, not a traceback; its mode is put right."""
    file = tmp_path / "home" / "bcrunbook" / "tokens.json"
    file.parent.mkdir(parents=True)
    file.write_text("{ half", encoding="utf-8")
    file.chmod(0o644)
    robin = person_of(cloud, "robin")
    workspace = make_workspace(sign_in=by_device_code(cloud, cache="file"))
    async with sign_in_of(workspace, robin) as sign_in:
        await sign_in.graph()
    assert robin.asked == 1
    assert "begun anew" in caplog.text
    assert os.name != "posix" or file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cache", ["encrypted", "file"])
async def test_a_machine_that_cannot_keep_the_sign_in_says_so_once(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    cache: str,
) -> None:
    """Without LibSecret, or without a home to write to, the sign-in lives in memory.

    contract G17.18
    """

    def no_libsecret(_: str) -> None:
        raise ImportError("No module named 'gi'")

    monkeypatch.setattr(msal_extensions, "build_encrypted_persistence", no_libsecret)
    if cache == "file":
        blocked = tmp_path / "blocked"
        blocked.write_text("a file, not a folder", encoding="utf-8")
        monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
        monkeypatch.setenv("HOME", str(blocked))
    robin = person_of(cloud, "robin")
    workspace = make_workspace(sign_in=by_device_code(cloud, cache=cache))
    async with sign_in_of(workspace, robin) as sign_in:
        first = await sign_in.graph()
        assert (await sign_in.graph()).value == first.value
    assert robin.asked == 1
    warnings = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert [one.getMessage().count("in memory only") for one in warnings] == [1]


async def test_two_people_on_one_machine_are_kept_apart(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Two accounts share the machine's cache: each headless run finds the person of its tenant."""
    sign_in = by_device_code(cloud, cache="file")
    for kind in ("trial", "production"):
        tenant = cloud.accounts[kind]["tenant"]
        person = person_of(cloud, "robin", kind)
        async with sign_in_of(make_workspace(tenant=tenant, sign_in=sign_in), person) as one:
            assert (await one.graph()).username == person.upn
    for kind in ("trial", "production"):
        tenant = cloud.accounts[kind]["tenant"]
        async with sign_in_of(make_workspace(tenant=tenant, sign_in=sign_in)) as one:
            token = await one.graph(fresh=True)
        assert (token.username, token.tenant) == (person_of(cloud, "robin", kind).upn, tenant)


async def test_nobody_there_is_told_where_to_sign_in(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Headless and never signed in: the notebook, or an application's sign-in."""
    error = await refusal(make_workspace(sign_in=by_device_code(cloud)))
    assert isinstance(error, SignInAgain)
    assert notebook_name(START_HERE) in error.next and "certificate" in error.next


EXPIRED = answers("invalid_grant", 700082, "The refresh token has expired.", suberror="x")


async def test_an_expired_kept_sign_in_is_told_to_a_headless_run(
    make_workspace: MakeWorkspace, trouble: Troubled
) -> None:
    """Nobody is there to sign in again: why, and where to do it (contract G21.24)."""
    table = by_device_code(trouble.cloud, cache="file")
    workspace = make_workspace(on=trouble.cloud, sign_in=table)
    async with sign_in_of(workspace, person_of(trouble.cloud, "robin")) as sign_in:
        await sign_in.graph()
    trouble.now(EXPIRED)
    async with sign_in_of(workspace) as sign_in:
        error = await error_of(sign_in.graph(fresh=True), trouble.cloud)
    assert isinstance(error, SignInAgain)
    assert (error.code, "expired" in error.why) == ("AADSTS700082", True)
    assert notebook_name(START_HERE) in error.next


async def test_an_expired_kept_sign_in_asks_the_person_again(
    make_workspace: MakeWorkspace, trouble: Troubled
) -> None:
    """Somebody is there: they sign in once more and it goes on."""
    robin = person_of(trouble.cloud, "robin")
    workspace = make_workspace(on=trouble.cloud, sign_in=by_device_code(trouble.cloud))
    async with sign_in_of(workspace, robin) as sign_in:
        await sign_in.graph()
        trouble.now({**EXPIRED, "nth": 1})
        assert (await sign_in.graph(fresh=True)).username == robin.upn
    assert robin.asked == 2


async def test_consent_is_asked_for_when_it_is_needed(
    make_workspace: MakeWorkspace, trouble: Troubled
) -> None:
    """The further scope is not in the first sign-in (contract G15.1 and G21.14).

    Headless it needs an administrator, and one who is there is asked for it.
    """
    description = trouble.cloud
    jo = person_of(description, "jo")
    table = by_device_code(description, client_id=GRAPH_COMMAND_LINE_TOOLS, cache="file")
    workspace = make_workspace(on=description, sign_in=table)
    further = "DelegatedPermissionGrant.ReadWrite.All"
    async with sign_in_of(workspace, jo) as sign_in:
        assert further not in (await sign_in.graph()).scopes
    error = await refusal(workspace, consent=True)
    assert isinstance(error, AskAdministrator)
    assert error.code == "AADSTS65001"
    assert "Administrator" in error.who and "consent" in error.next
    async with sign_in_of(workspace, jo) as sign_in:
        assert further in (await sign_in.graph(consent=True)).scopes
    assert jo.asked == 2
    async with sign_in_of(workspace) as sign_in:
        assert further in (await sign_in.graph(consent=True)).scopes


async def test_nobody_is_asked_for_the_list_of_tenants(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Azure's list is worth knowing, not worth a question: nobody kept, nothing listed.

    contract G19.6
    """
    robin = person_of(cloud, "robin")
    async with sign_in_of(make_workspace(sign_in=by_device_code(cloud)), robin) as sign_in:
        error = await error_of(sign_in.azure(), cloud)
        assert (type(error), robin.asked) == (SignInAgain, 0)
        await sign_in.graph()
        assert (await sign_in.azure()).username == robin.upn
    assert robin.asked == 1


async def test_nobody_is_asked_for_a_customers_tenant(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """A kept sign-in is tried in the customer's tenant too; whoever is not kept is not asked.

    contract G17.19 and G21.11
    """
    noor = person_of(cloud, "noor", "not_to_be_used")
    workspace = make_workspace(
        sign_in=by_device_code(cloud), tenant=cloud.accounts["not_to_be_used"]["tenant"]
    )
    async with sign_in_of(workspace, noor) as sign_in:
        customer = cloud.accounts["trial"]["tenant"]
        error = await error_of(sign_in.business_central(customer), cloud)
        assert (type(error), noor.asked) == (SignInAgain, 0)
        await sign_in.graph()
        # Entra itself answers now: this application may not use Business Central.
        error = await error_of(sign_in.business_central(customer), cloud)
        assert error.code == "AADSTS650057"
    assert noor.asked == 1


# --- Trouble on the way -----------------------------------------------------------------------

DISCOVERY, TOKEN = "openid-configuration", "/token$"
PORTAL = {"status": 200, "body": "<html>Accept our terms</html>"}
NESTED = {"status": 200, "body": "[" * 100_000}
"""Brackets without end, which no parser follows."""
TROUBLE: dict[str, tuple[dict[str, Any], type[RunbookError]]] = {
    "discovery is out of order": ({"path": DISCOVERY, "status": 503}, WaitAndRetry),
    "discovery is throttled": (
        {"path": DISCOVERY, "status": 429, "body": {"error": "x"}},
        WaitAndRetry,
    ),
    "a portal answers the discovery": ({"path": DISCOVERY, **PORTAL}, Unreachable),
    "brackets without end answer the discovery": ({"path": DISCOVERY, **NESTED}, Unreachable),
    "a gateway refuses the discovery": (
        {"path": DISCOVERY, "status": 403, "body": "<html>no</html>"},
        Unreachable,
    ),
    "discovery breaks off": ({"path": DISCOVERY, "drop": "before"}, Unreachable),
    "the token endpoint is out of order": ({"path": TOKEN, "status": 503}, WaitAndRetry),
    "a portal answers the token request": ({"path": TOKEN, **PORTAL}, Unreachable),
    "brackets without end answer the token request": ({"path": TOKEN, **NESTED}, Unreachable),
    "the token request breaks off": ({"path": TOKEN, "drop": "after"}, Unreachable),
    "the service says it is busy": (
        answers("temporarily_unavailable", 90033, "A transient error."),
        WaitAndRetry,
    ),
}


@pytest.mark.parametrize("method", ["client_secret", "device_code"])
@pytest.mark.parametrize("name", TROUBLE)
async def test_trouble_on_the_way_is_told_as_what_it_is(
    make_workspace: MakeWorkspace, trouble: Troubled, name: str, method: str
) -> None:
    """Service, network and portals in between each have their error, for every method.

    contract G17.1
    """
    table = {"sign_in": by_device_code(trouble.cloud)} if method == "device_code" else {}
    workspace = make_workspace(on=trouble.cloud, **table)
    rule, kind = TROUBLE[name]
    trouble.now(rule)
    error = await refusal(workspace, person_of(trouble.cloud, "robin"))
    assert isinstance(error, kind), error
    assert error.next


async def test_trouble_while_a_kept_sign_in_is_renewed_asks_nobody(
    make_workspace: MakeWorkspace, trouble: Troubled
) -> None:
    """A service that is busy is waited for: a new sign-in would not help."""
    robin = person_of(trouble.cloud, "robin")
    workspace = make_workspace(on=trouble.cloud, sign_in=by_device_code(trouble.cloud))
    async with sign_in_of(workspace, robin) as sign_in:
        await sign_in.graph()
        trouble.now(answers("temporarily_unavailable", 90033, "A transient error."))
        error = await error_of(sign_in.graph(fresh=True), trouble.cloud)
    assert (type(error), robin.asked) == (WaitAndRetry, 1)


async def test_a_moment_of_trouble_is_outlived(
    make_workspace: MakeWorkspace, trouble: Troubled
) -> None:
    """One bad answer of each kind costs time, not the sign-in (contract G17.3)."""
    trouble.now(
        {"path": DISCOVERY, "nth": 1, "status": 503},
        {"path": TOKEN, "nth": 1, "status": 503},
        {"path": TOKEN, "nth": 2, "drop": "before"},
    )
    async with sign_in_of(make_workspace(on=trouble.cloud)) as sign_in:
        assert (await sign_in.graph()).tenant == trouble.cloud.accounts["trial"]["tenant"]


def renewed_early(value: str) -> dict[str, Any]:
    """Entra's answer with a token that is good for a day, to be renewed at once."""
    body = {"token_type": "Bearer", "access_token": value, "expires_in": 86399, "refresh_in": -1}
    return {"path": TOKEN, "nth": 1, "status": 200, "body": body}


OUTAGES: dict[str, dict[str, Any]] = {
    "out of order": {"status": 500},
    "busy": {"status": 503},
    "throttled": {"status": 429},
    "cut off": {"drop": "before"},
    "a page": {"status": 200, "headers": {"Content-Type": "text/html"}, "body": "<p>Welcome</p>"},
    "refused": {"status": 400, "body": {"error": "invalid_client", "error_description": "no"}},
}


@pytest.mark.parametrize("rule", OUTAGES.values(), ids=OUTAGES)
async def test_an_outage_is_bridged_by_a_kept_token(
    make_workspace: MakeWorkspace, trouble: Troubled, rule: dict[str, Any]
) -> None:
    """Where Entra has a good token renewed early, nothing depends on the renewal.

    contract G17.7 and G17.8
    """
    value = f"opaque-{os.urandom(8).hex()}"
    async with sign_in_of(make_workspace(on=trouble.cloud)) as sign_in:
        trouble.now(renewed_early(value), {"path": TOKEN, **rule})
        first = await sign_in.graph()
        before = token_requests(trouble.cloud)
        assert (await sign_in.graph()).value == first.value == Secret(value)
        assert token_requests(trouble.cloud) <= before + 3  # nobody waits for what is not needed
        assert isinstance(await error_of(sign_in.graph(claims=DEMAND)), RunbookError)
        trouble.now()
        assert (await sign_in.graph()).value != Secret(value)


async def test_a_persons_kept_token_bridges_an_outage(
    make_workspace: MakeWorkspace, trouble: Troubled
) -> None:
    """Nobody is asked to sign in because Entra is out of order (contract G17.7)."""
    robin = person_of(trouble.cloud, "robin")
    workspace = make_workspace(on=trouble.cloud, sign_in=by_device_code(trouble.cloud))
    async with sign_in_of(workspace, robin) as sign_in:
        await sign_in.graph()
        rule = renewed_early(f"opaque-{os.urandom(8).hex()}")
        user = find_user(trouble.cloud.accounts["trial"]["tenant"], robin.upn)
        assert user is not None
        rule["body"] |= {
            "scope": "https://vault.azure.net/user_impersonation",
            "client_info": info_of(user),
        }
        trouble.now(rule, {"path": TOKEN, "status": 503})
        renewed = await sign_in.vault()
        kept = await sign_in.vault()
        assert (kept.value, kept.username, robin.asked) == (renewed.value, robin.upn, 1)


async def test_a_federated_token_that_is_being_written_is_bridged(
    make_workspace: MakeWorkspace, trouble: Troubled, tmp_path: Path
) -> None:
    """The platform's file may be missing for a moment."""
    file = tmp_path / "token"
    file.write_text(platform_token("repo:books"), encoding="utf-8")
    table = {"method": "federated", "client_id": trouble.cloud.clients["batch"]}
    workspace = make_workspace(on=trouble.cloud, sign_in={**table, "token_file": str(file)})
    async with sign_in_of(workspace) as sign_in:
        trouble.now(renewed_early(f"opaque-{os.urandom(8).hex()}"))
        first = await sign_in.graph()
        file.unlink()
        assert (await sign_in.graph()).value == first.value


async def test_a_refusal_that_was_mended_is_not_told_again(
    make_workspace: MakeWorkspace, trouble: Troubled
) -> None:
    """Whoever mends the registration and runs again at once is not told the old refusal.

    contract G17.2
    """
    refused = answers("unauthorized_client", 700016, "Not found in the directory.")
    async with sign_in_of(make_workspace(on=trouble.cloud)) as sign_in:
        trouble.now({**refused, "nth": 1})
        assert (await error_of(sign_in.graph(), trouble.cloud)).code == "AADSTS700016"
        assert (await sign_in.graph()).tenant == trouble.cloud.accounts["trial"]["tenant"]


@pytest.mark.parametrize(
    ("error", "more", "kind"),
    [
        ("invalid_grant", {}, SignInAgain),
        ("interaction_required", {}, SignInAgain),
        ("invalid_grant", {"suberror": "consent_required"}, AskAdministrator),
        ("invalid_grant", {"classification": "consent_required"}, AskAdministrator),
        ("access_denied", {}, AskAdministrator),
        ("unauthorized_client", {}, FixInput),
        ("server_error", {}, WaitAndRetry),
        ("something_new", {}, SignInAgain),
    ],
)
def test_the_oauth_error_decides_and_the_number_advises(
    error: str, more: dict[str, Any], kind: type[RunbookError]
) -> None:
    """Whatever the number, the kind of error follows from `error` and `suberror` alone.

    contract G16.12 and G16.13
    """
    for number in (65001, 50076, 424242):
        description = f"AADSTS{number}: words."
        answer = {"error": error, "error_description": description, **more}
        made = sign_in_error(answer, "here", by_person=True)
        assert (type(made), made.code) == (kind, f"AADSTS{number}")
        alone = sign_in_error(answer, "here", by_person=False)
        assert type(alone) is (FixInput if kind is SignInAgain else kind)


@pytest.mark.parametrize("answer", [{}, {"error": "x"}, {"error": "x", "error_description": None}])
def test_a_refusal_without_words_is_still_a_message(answer: dict[str, Any]) -> None:
    """MSAL's dict may lack everything."""
    error = sign_in_error(answer, "here", by_person=True)
    assert error.what and error.next == "sign in again"
    error = sign_in_error(answer, "here", by_person=False)
    assert error.what and error.next and "sign in again" not in error.next


# --- Proving a secret -------------------------------------------------------------------------


async def prove(description: RehearsalDescription, secret: str) -> RunbookError | None:
    """Ask whether a secret of the batch identity works."""
    batch = description.batch_identity
    async with Http(rehearsal_cloud(Path(description.directory))) as http:
        return await prove_client_secret(
            http, tenant=batch["tenant"], client_id=batch["client_id"], secret=Secret(secret)
        )


async def test_a_secret_is_proven(cloud: RehearsalDescription) -> None:
    """The right one is accepted, a wrong one is refused with advice, and neither is shown."""
    assert await prove(cloud, cloud.batch_identity["client_secret"]) is None
    wrong = "wrong~but~long~enough~to~be~one"
    error = await prove(cloud, wrong)
    assert isinstance(error, FixInput) and error.code == "AADSTS7000215"
    assert wrong not in f"{error} {error!r}"


@pytest.mark.parametrize("name", [one for one in TROUBLE if "discovery" not in one])
async def test_a_secret_is_not_called_wrong_when_nobody_could_say(
    trouble: Troubled, name: str
) -> None:
    """Trouble on the way is raised: only Entra's own word makes a secret refused."""
    rule, kind = TROUBLE[name]
    trouble.now(rule)
    with pytest.raises(kind):
        await prove(trouble.cloud, trouble.cloud.batch_identity["client_secret"])
