"""Every client of a service, set up so that a test decides what comes back.

A client is whatever takes the HTTP stack. `found` looks for them in the package, so that one that
is new is in the tests of hostile answers, or these fail.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

import bcrunbook.services
import bcrunbook.signin
from bcrunbook.accounts import load
from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.http.client import Http
from bcrunbook.secrets import Secret, open_store
from bcrunbook.services import azure
from bcrunbook.services.businesscentral.client import BusinessCentral
from bcrunbook.services.codat.client import Codat
from bcrunbook.services.graph import reads as reads
from bcrunbook.services.graph.client import Graph
from bcrunbook.signin import SignIn, Token
from bcrunbook.signin.authority import authority_error
from bcrunbook.signin.proof import prove_client_secret
from tests.conftest import keep_secret

FAST = Pace(speed=1e5)
TENANT = "5f1d0c9b-e7a8-4c21-a3d2-f6b4908e7c15"
LOGIN = "https://login.microsoftonline.com"
VAULT = "https://some-kv.vault.azure.net"

TOKEN = "eyJ0b2tlbi5vZi10aGUtdGVzdCI6MX0.not-a-real-token-7731"
KEY = "kQ7vXw3ZpL9sTn2RbYc5AjE8uHd4MgFq1WoKi6Vx"
PASSWORD = "pHk8Q~not.a-real_secret-of.an_application"
REFRESH = "1.AXoA-not-a-real-refresh-token-5520"
MADE = "vJx8Q~not.a-real_secret-that.was_made-now"
SECRETS = (TOKEN, KEY, PASSWORD, REFRESH, MADE)
"""Whatever none of the outputs may show."""

Handler = Callable[[httpx.Request], httpx.Response]
Call = Callable[[Http, Path], Awaitable[Any]]


class _SignedIn:
    """A sign-in that has every token already."""

    is_application = True

    async def graph(self, **_: object) -> Token:
        """The token of the test."""
        return Token(Secret(TOKEN), TENANT, "", frozenset(), None)

    async def azure(self, **_: object) -> Token:
        """The token of the test."""
        return await self.graph()


@dataclass(frozen=True)
class Client:
    """One client, and one call of it.

    Args:
        service: how errors name the service.
        host: where all its requests go.
        covers: which of `found` it stands for.
        call: the call.
        page: given a link, a page of the list that the call reads; None where it reads none.
        is_write: whether the call makes something.
    """

    service: str
    host: str
    covers: tuple[str, ...]
    call: Call
    page: Callable[[str], dict[str, Any]] | None = None
    is_write: bool = False


def graph_of(http: Http) -> Graph:
    """Microsoft Graph's client."""
    return Graph(http, _SignedIn())  # type: ignore[arg-type]


def codat_of(http: Http) -> Codat:
    """Codat's client."""

    async def key() -> Secret:
        return Secret(KEY)

    return Codat(http, key)


def business_central_of(http: Http) -> BusinessCentral:
    """Business Central's client."""

    async def token(**_: object) -> Token:
        return await _SignedIn().graph()

    return BusinessCentral(http, token, TENANT)


def sign_in(http: Http, folder: Path) -> SignIn:
    """The sign-in of an account with an application's secret."""
    root = folder / "workspace"
    root.mkdir(exist_ok=True)
    keep_secret(folder / "secrets" / "sign-in", PASSWORD)
    (root / "accounts.toml").write_text(
        f"""
[accounts.trial]
kind = "trial"
tenant = "{TENANT}"
application = "Books"
secret_store = "file:../secrets"
cloud = "live"
[accounts.trial.sign_in]
method = "client_secret"
client_id = "11111111-2222-3333-4444-555555555555"
secret = "file:../secrets/sign-in/batch"
""",
        encoding="utf-8",
    )
    workspace = load(root)
    return SignIn(workspace.account("trial"), http, root)


async def _vault(http: Http, folder: Path) -> Secret | None:
    opener = sign_in(http, folder)
    store = open_store(f"keyvault:{VAULT}", folder, vault=opener.vaults)
    return await store.get("trial/x")


def _password() -> Secret:
    return Secret(PASSWORD)


async def _proof(http: Http, folder: Path) -> None:
    # Made elsewhere, for a traceback shows what stands in the line.
    secret = _password()
    refusal = await prove_client_secret(
        http, tenant=TENANT, client_id="an-application", secret=secret
    )
    if refusal is not None:
        raise refusal


async def _authority(http: Http, folder: Path) -> None:
    error = await authority_error(http, TENANT, where="a test", account="trial")
    if error is not None:
        raise error


def _paged(rows: str, link: str) -> Callable[[str], dict[str, Any]]:
    return lambda address: {rows: [], link: address}


_LOGIN_HOST = LOGIN.removeprefix("https://")

CLIENTS: dict[str, Client] = {
    "graph": Client(
        "Microsoft Graph",
        "graph.microsoft.com",
        ("services.graph.client.Graph",),
        lambda http, _: graph_of(http).look(reads.applications_tagged("t")),
        _paged("value", "@odata.nextLink"),
    ),
    "graph, several": Client(
        "Microsoft Graph",
        "graph.microsoft.com",
        ("services.graph.client.Graph",),
        lambda http, _: graph_of(http).look(reads.me(), reads.organization()),
    ),
    "graph, a write": Client(
        "Microsoft Graph",
        "graph.microsoft.com",
        ("services.graph.client.Graph",),
        lambda http, _: graph_of(http).create_application({"displayName": "Books"}),
        is_write=True,
    ),
    "azure": Client(
        "Azure",
        "management.azure.com",
        ("services.azure.tenants",),
        lambda http, _: azure.tenants(http, _SignedIn()),  # type: ignore[arg-type]
        _paged("value", "nextLink"),
    ),
    "business central": Client(
        "Business Central",
        "api.businesscentral.dynamics.com",
        ("services.businesscentral.client.BusinessCentral",),
        lambda http, _: business_central_of(http).companies("Production"),
        _paged("value", "@odata.nextLink"),
    ),
    "admin centre": Client(
        "Business Central",
        "api.businesscentral.dynamics.com",
        ("services.businesscentral.client.BusinessCentral",),
        lambda http, _: business_central_of(http).admin_environments(),
        _paged("value", "@odata.nextLink"),
    ),
    "codat": Client(
        "Codat",
        "api.codat.io",
        ("services.codat.client.Codat",),
        lambda http, _: codat_of(http).companies(),
        lambda link: {"results": [], "_links": {"next": {"href": link}}},
    ),
    "codat, a write": Client(
        "Codat",
        "api.codat.io",
        ("services.codat.client.Codat",),
        lambda http, _: codat_of(http).create_company("Wickham", tags={"a": "b"}),
        is_write=True,
    ),
    "sign-in": Client(
        "Entra",
        _LOGIN_HOST,
        ("signin.flows.SignIn", "signin.from_thread.FromThread"),
        lambda http, folder: sign_in(http, folder).graph(),
    ),
    "proof": Client("Entra", _LOGIN_HOST, ("signin.proof.prove_client_secret",), _proof),
    "authority": Client("Entra", _LOGIN_HOST, ("signin.authority.authority_error",), _authority),
    "key vault": Client(
        "Key Vault",
        VAULT.removeprefix("https://"),
        ("signin.vault.Vaults", "signin.azure_core.Transport"),
        _vault,
    ),
}


def found() -> set[str]:
    """Every class and function of the services and the sign-in that takes the HTTP stack."""
    names = set()
    for package in (bcrunbook.services, bcrunbook.signin):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            for name, one in vars(module).items():
                if getattr(one, "__module__", "") != info.name or name.startswith("_"):
                    continue
                if inspect.isclass(one) or inspect.isfunction(one):
                    taken = inspect.signature(one).parameters.values()
                    if any(str(each.annotation) in ("Http", "http.Http") for each in taken):
                        names.add(f"{info.name.removeprefix('bcrunbook.')}.{name}")
    return names


def discovery() -> dict[str, str]:
    """What Entra tells about a tenant."""
    base = f"{LOGIN}/{TENANT}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "issuer": f"{base}/v2.0",
    }


def entra(request: httpx.Request) -> httpx.Response:
    """Entra, in good order."""
    if request.method == "GET":
        return httpx.Response(200, json=discovery())
    token = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
    return httpx.Response(200, json={**token, "refresh_token": REFRESH, "scope": "x"})


def challenge() -> httpx.Response:
    """How a vault asks for a token."""
    challenge = f'Bearer authorization="{LOGIN}/{TENANT}", resource="https://vault.azure.net"'
    return httpx.Response(401, headers={"WWW-Authenticate": challenge})


@dataclass
class Answering:
    """A network in which the service answers as the test says, and all else is in good order.

    Args:
        client: whose service it is.
        answer: the service's answer.
        pace: how fast waits go.
    """

    client: Client
    answer: Handler
    pace: Pace = FAST

    def __post_init__(self) -> None:
        self.seen: list[httpx.Request] = []

    @property
    def asked(self) -> list[httpx.Request]:
        """The requests that the test's answers are for."""
        return [one for one in self.seen if self._is_for_test(one)]

    def _is_for_test(self, request: httpx.Request) -> bool:
        if self.client.service == "Key Vault":
            return request.url.host == self.client.host and "Authorization" in request.headers
        return request.url.host == self.client.host

    def entra(self, request: httpx.Request) -> httpx.Response:
        """Entra in good order, whatever the test says."""
        self.seen.append(request)
        return entra(request)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request."""
        self.seen.append(request)
        if self._is_for_test(request):
            return self.answer(request)
        return challenge() if request.url.host == self.client.host else entra(request)

    async def do(self, folder: Path, call: Call | None = None) -> Any:
        """What the client's call comes to."""
        cloud = Cloud(kind="live", pace=self.pace)
        async with Http(cloud, transport=httpx.MockTransport(self.handle)) as http:
            return await (call or self.client.call)(http, folder)
