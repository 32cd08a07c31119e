"""Facts about Microsoft's services that no other test of the stand-in meets, one by one."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.drawn_secrets import BATCH_SECRET, password_name
from bcrunbook.rehearsal.lags import WORST, is_slow
from tests.rehearsal.in_process import SetClock, client_within, open_cloud
from tests.rehearsal.support import LOGIN, Graph, desired, set_roles, signing_in

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
BUSINESS_CENTRAL_APP = "996def3d-b36c-4153-8607-a6fd3c01b89f"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
AZURE_POWERSHELL = "1950a258-227b-4e31-a9cf-717495945fc2"
GRAPH_COMMAND_LINE = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
CONSUMER = "AzureADandPersonalMicrosoftAccount"
WORK = "AzureADMultipleOrgs"
NAMED = "/applications(uniqueName='{}')"
UPSERT = {"Prefer": "create-if-missing"}
MINUTE = 60.0
VERSION = "?api-version=2022-12-01"
"""Of Azure Resource Manager."""


@dataclass(frozen=True)
class Scene:
    """A fresh cloud on a clock that a test sets."""

    cloud: RehearsalCloud
    clock: SetClock
    http: httpx.Client

    def token_answer(self, tenant: str = world.TRIAL, **form: str) -> httpx.Response:
        """What the token endpoint of a tenant says."""
        return self.http.post(f"{LOGIN}/{tenant}/oauth2/v2.0/token", data=form)

    def as_batch(self, tenant: str = world.TRIAL) -> Graph:
        """Graph, as the application for unattended runs."""
        secret = self.cloud.secret(BATCH_SECRET)
        answer = signing_in(self.http, tenant, world.BATCH_CLIENT, secret)
        return Graph(self.http, answer.json()["access_token"])

    def password(
        self, upn: str, scope: str, client: str = world.BOOTSTRAP_CLIENT
    ) -> httpx.Response:
        """What somebody is answered who signs in."""
        home = world.home_of(upn)
        assert home is not None
        return self.token_answer(
            home.id,
            grant_type="password",
            client_id=client,
            username=upn,
            password=self.cloud.secret(password_name(upn)),
            scope=scope,
        )

    def as_person(self, upn: str) -> Graph:
        """Graph, as somebody."""
        answer = self.password(upn, "https://graph.microsoft.com/.default")
        return Graph(self.http, answer.json()["access_token"])

    def with_claims(self, **claims: Any) -> Graph:
        """Graph, by a token of the trial's tenant with just these permissions."""
        given = {
            "aud": "https://graph.microsoft.com",
            "tid": world.TRIAL,
            "oid": str(uuid.uuid4()),
            "appid": world.BATCH_CLIENT,
            "exp": int(self.clock.now()) + 3600,
        }
        return Graph(self.http, self.cloud.key.sign({**given, **claims}))


ADMINISTRATOR = "robin.hale@millrace-trial.example"
CLOUD_ADMINISTRATOR = "jo.lindqvist@millrace-trial.example"
DEVELOPER = "sam.okafor@millrace-trial.example"
GUEST = "noor.aziz@quill-ledger.example"
MEMBER = "b79fbf4d-3ef9-4689-8143-76b194e85509"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A fresh cloud of the default."""
    with open_cloud(tmp_path) as (cloud, clock), client_within(cloud) as http:
        yield Scene(cloud, clock, http)


@pytest.fixture
def graph(scene: Scene) -> Graph:
    """Its Graph, as an administrator."""
    return scene.as_person(ADMINISTRATOR)


def work(**properties: Any) -> dict[str, Any]:
    """An application for work accounts, which is there at once."""
    return {"displayName": "Books", "signInAudience": WORK, **properties}


def made(graph: Graph, path: str = "/applications", **body: Any) -> dict[str, Any]:
    """What was created."""
    answer = graph("POST", path, body or work())
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]


# --- Microsoft's own applications -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("app", "name"),
    [
        pytest.param(
            BUSINESS_CENTRAL_APP,
            "https://api.businesscentral.dynamics.com",
            id="contract G1.4, G1.5 and B2.1",
        ),
        pytest.param(
            BUSINESS_CENTRAL_APP, "https://projectmadeira.com", id="contract G1.5 and B2.2"
        ),
        pytest.param(GRAPH_APP, "https://graph.microsoft.com", id="contract G1.6"),
        pytest.param(
            "797f4846-ba00-4fd7-ba43-dac1f8f63013",
            "https://management.azure.com",
            id="contract G1.7",
        ),
        pytest.param(
            "cfa8b339-82a2-471a-a3c9-0fc0be7a4093", "https://vault.azure.net", id="contract G1.8"
        ),
    ],
)
def test_microsofts_own_applications_have_their_ids_and_names(
    graph: Graph, app: str, name: str
) -> None:
    """Whoever asks by the published id finds the published name."""
    principal = graph("GET", f"/servicePrincipals(appId='{app}')").json()
    assert name in principal["servicePrincipalNames"]
    if app not in (GRAPH_APP, BUSINESS_CENTRAL_APP):
        assert [one["value"] for one in principal["oauth2PermissionScopes"]] == [
            "user_impersonation"
        ]


SCOPES, ROLES = "oauth2PermissionScopes", "appRoles"


@pytest.mark.parametrize(
    ("app", "kind", "ids"),
    [
        pytest.param(
            BUSINESS_CENTRAL_APP,
            SCOPES,
            {
                "user_impersonation": "bce0976a-cb0b-473b-8800-84eda9f8e447",
                "Financials.ReadWrite.All": "2fb13c28-9d89-417f-9af2-ec3065bc16e6",
            },
            id="contract G2.1, G2.2 and B2.4",
        ),
        pytest.param(
            GRAPH_APP,
            SCOPES,
            {"Financials.ReadWrite.All": "f534bf13-55d4-45a9-8f3c-c92fe64d6131"},
            id="contract G2.3 and B2.5",
        ),
        pytest.param(
            BUSINESS_CENTRAL_APP,
            ROLES,
            {
                "Automation.ReadWrite.All": "d365bc00-a990-0000-00bc-160000000001",
                "API.ReadWrite.All": "a42b0b75-311e-488d-b67e-8fe84f924341",
                "AdminCenter.ReadWrite.All": "a20fe46f-4f63-4666-8e0e-9b882d90b837",
                "app_access": "3983b928-ed40-4111-bbad-e7910cf234bd",
            },
            id="contract G2.5 and B2.7",
        ),
        pytest.param(
            GRAPH_APP,
            SCOPES,
            {
                "User.Read": "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
                "Application.ReadWrite.All": "bdfbf15f-ee85-4955-8675-146e8e5296b5",
                "DelegatedPermissionGrant.ReadWrite.All": "41ce6ca6-6826-4807-84f1-1c82854f7ee5",
            },
            id="contract G2.6",
        ),
        pytest.param(
            GRAPH_APP,
            SCOPES,
            {
                "Application.Read.All": "c79f8feb-a9db-4090-85f9-90d820caa0eb",
                "AppRoleAssignment.ReadWrite.All": "84bccea3-f856-4a8a-967b-dbe0a3d53a64",
                "Directory.Read.All": "06da0dbc-49e2-44d2-8312-53f166ab848a",
                "Organization.Read.All": "4908d5b9-3fb2-4b1e-9336-1888b7937185",
                "Policy.Read.All": "572fea84-0151-49b2-9301-11cb16974376",
            },
            id="contract G2.7",
        ),
        pytest.param(
            GRAPH_APP,
            ROLES,
            {
                "Application.ReadWrite.OwnedBy": "18a4783c-866b-4cc7-a460-3d5e5662c884",
                "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
                "DelegatedPermissionGrant.ReadWrite.All": "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
                "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
            },
            id="contract G2.8",
        ),
        pytest.param(
            GRAPH_APP,
            ROLES,
            {
                "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
                "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
                "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
                "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
            },
            id="contract G2.9",
        ),
    ],
)
def test_permissions_have_their_ids(graph: Graph, app: str, kind: str, ids: dict[str, str]) -> None:
    """Each API offers them under the ids that are published."""
    principal = graph("GET", f"/servicePrincipals(appId='{app}')").json()
    offered = {one["value"]: one["id"] for one in principal[kind]}
    assert {value: offered.get(value) for value in ids} == ids


@pytest.mark.parametrize(
    ("app", "by_users"),
    [
        pytest.param(BUSINESS_CENTRAL_APP, ["user_impersonation"], id="contract G2.4 and B2.6"),
        pytest.param(GRAPH_APP, ["User.Read"], id="contract G2.10"),
    ],
)
def test_a_scope_says_who_may_consent(graph: Graph, app: str, by_users: list[str]) -> None:
    """Of those that matter here one may be consented to by a user; the others are for `Admin`."""
    principal = graph("GET", f"/servicePrincipals(appId='{app}')").json()
    types = {one["value"]: one["type"] for one in principal["oauth2PermissionScopes"]}
    wanted = {
        BUSINESS_CENTRAL_APP: ("user_impersonation", "Financials.ReadWrite.All"),
        GRAPH_APP: (
            "User.Read",
            "Application.Read.All",
            "Application.ReadWrite.All",
            "AppRoleAssignment.ReadWrite.All",
            "DelegatedPermissionGrant.ReadWrite.All",
            "Directory.Read.All",
            "Organization.Read.All",
            "Policy.Read.All",
        ),
    }[app]
    assert {one: types[one] for one in wanted} == {
        one: "User" if one in by_users else "Admin" for one in wanted
    }


CLI_SCOPES = (
    "User.Read.All",
    "User.ReadWrite.All",
    "Group.ReadWrite.All",
    "Directory.AccessAsUser.All",
    "AuditLog.Read.All",
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
)


@pytest.mark.parametrize(
    ("client", "scope", "code"),
    [
        pytest.param(AZURE_CLI, f"{GRAPH_APP}/{one}", None, id=f"the CLI and {one}")
        for one in CLI_SCOPES
    ]
    + [
        pytest.param(
            AZURE_CLI, f"{GRAPH_APP}/Policy.Read.All", 65002, id="contract G1.10 and G21.15"
        ),
        pytest.param(
            AZURE_POWERSHELL,
            "https://api.businesscentral.dynamics.com/.default",
            None,
            id="contract G1.11",
        ),
        pytest.param(
            GRAPH_COMMAND_LINE, f"{GRAPH_APP}/Policy.Read.All", 65001, id="contract G1.9 and G21.14"
        ),
    ],
)
def test_a_client_of_microsofts_has_what_it_is_preauthorised_for(
    scene: Scene, client: str, scope: str, code: int | None
) -> None:
    """Beyond its list it is refused, unless it has none: then somebody has to consent."""
    answer = scene.password(ADMINISTRATOR, scope, client).json()
    assert answer.get("error_codes") == (None if code is None else [code])


# --- limits of an audience ------------------------------------------------------------------------


def uris(number: int) -> list[str]:
    """So many redirect URIs."""
    return [f"https://books.example/{one}" for one in range(number)]


def permissions(number: int, *, each: int = 30) -> dict[str, Any]:
    """So many permissions, of APIs that each have so many."""
    ids = [{"id": str(uuid.uuid4()), "type": "Scope"} for _ in range(number)]
    return {
        "requiredResourceAccess": [
            {"resourceAppId": str(uuid.uuid4()), "resourceAccess": ids[at : at + each]}
            for at in range(0, number, each)
        ]
    }


def identifiers(*lengths: int) -> dict[str, Any]:
    """Identifier URIs of these lengths."""
    return {"identifierUris": [f"api://{uuid.uuid4()}".ljust(one, "x") for one in lengths]}


Properties = Callable[[int], dict[str, Any]]


@pytest.mark.parametrize(
    ("properties", "most", "at_work"),
    [
        pytest.param(lambda n: {"displayName": "x" * n}, 90, 120, id="contract G4.1"),
        pytest.param(lambda n: {"web": {"redirectUris": uris(n)}}, 100, 256, id="contract G4.3"),
        pytest.param(lambda n: permissions(n, each=1), 10, 400, id="contract G4.6"),
        pytest.param(permissions, 200, 400, id="contract G4.7, in all"),
        pytest.param(lambda n: permissions(n, each=n), 30, 400, id="contract G4.7, of one API"),
        pytest.param(lambda n: identifiers(*[50] * n), 50, None, id="contract G4.8, in number"),
        pytest.param(lambda n: identifiers(n), 120, 255, id="contract G4.8, in length"),
        pytest.param(lambda n: {"tags": ["x" * n]}, 256, 256, id="contract G4.9"),
        pytest.param(
            lambda n: {"web": {"redirectUris": [uris(1)[0].ljust(n, "x")]}},
            256,
            256,
            id="contract G4.4",
        ),
    ],
)
def test_an_audience_has_its_limits(
    graph: Graph, properties: Properties, most: int, at_work: int | None
) -> None:
    """What fits is taken, and one more is not; work accounts alone have limits of their own."""
    for base, limit in ((desired(), most), (work(), at_work)):
        if limit is not None:
            fits = graph("POST", "/applications", {**base, **properties(limit)})
            assert fits.status_code == 201, fits.text
            above = graph("POST", "/applications", {**base, **properties(limit + 1)})
            assert refusal(above) == (400, "Request_BadRequest")


def test_apis_of_the_own_tenant_may_be_more(graph: Graph) -> None:
    """Fifty, of which only ten may be other tenants' (contract G4.6)."""
    own = [made(graph)["appId"] for _ in range(51)]

    def asking(number: int) -> int:
        access = [{"id": str(uuid.uuid4()), "type": "Scope"}]
        required = [{"resourceAppId": one, "resourceAccess": access} for one in own[:number]]
        return graph("POST", "/applications", desired(requiredResourceAccess=required)).status_code

    assert [asking(50), asking(51)] == [201, 400]


@pytest.mark.parametrize("sign", "!$'(),;")
def test_signs_that_no_redirect_may_have(graph: Graph, sign: str) -> None:
    """Each of them alone (contract G4.5)."""
    body = desired(web={"redirectUris": [f"https://books.example/a{sign}b"]})
    assert graph("POST", "/applications", body).status_code == 400


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("http://localhost/cb", 201),
        ("http://books.example/cb", 400),
        ("https://books.example/cb?x=1", 400),
        ("https://*.books.example/cb", 400),
    ],
)
def test_forms_of_a_redirect(graph: Graph, uri: str, status: int) -> None:
    """Neither query nor wildcard, and http at home alone (contract G4.4)."""
    body = desired(web={"redirectUris": [uri]})
    assert graph("POST", "/applications", body).status_code == status


def test_an_identifier_is_there_once_and_is_no_urn(graph: Graph) -> None:
    """In the whole service, whatever the tenant (contract G4.8)."""
    uri = identifiers(50)
    assert made(graph, **desired(**uri))["identifierUris"] == uri["identifierUris"]
    assert graph("POST", "/applications", desired(**uri)).status_code == 409
    urn = {"identifierUris": ["urn:books:one"]}
    assert graph("POST", "/applications", desired(**urn)).status_code == 400
    assert graph("POST", "/applications", work(**urn)).status_code == 201


def test_all_collections_together_have_a_limit(graph: Graph) -> None:
    """About a thousand items (contract G4.10)."""
    tags = [f"tag-{number}" for number in range(1001)]
    assert graph("POST", "/applications", work(tags=tags[:1000])).status_code == 201
    assert graph("POST", "/applications", work(tags=tags)).status_code == 400


def test_a_new_audience_is_held_against_what_is_there(graph: Graph) -> None:
    """What it does not allow refuses the change as a whole (contract G3.8)."""
    app = made(graph, **work(web={"redirectUris": ["https://books.example/cb?x=1"]}))
    where = f"/applications/{app['id']}"
    change = {
        "signInAudience": CONSUMER,
        "api": {"requestedAccessTokenVersion": 2},
        "notes": "changed",
    }
    assert graph("PATCH", where, change).status_code == 400
    shown = graph("GET", where).json()
    assert (shown["signInAudience"], shown["notes"]) == (WORK, None)


# --- finding, making, deleting --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "status"), [("v1.0", 200), ("beta", 200), ("v2.0", 400), ("applications", 400)]
)
def test_graph_has_a_version_in_its_address(graph: Graph, version: str, status: int) -> None:
    """And no address without one (contract G1.1)."""
    headers = {"Authorization": f"Bearer {graph.token}"}
    address = f"https://graph.microsoft.com/{version}/applications"
    assert graph.http.get(address, headers=headers).status_code == status


@pytest.mark.parametrize(
    "host",
    [
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
        "graph.microsoft.us",
        "microsoftgraph.chinacloudapi.cn",
    ],
)
def test_national_clouds_are_not_there(http: httpx.Client, host: str) -> None:
    """They have hosts of their own (contract G1.3)."""
    with pytest.raises(httpx.ProxyError, match="403"):
        http.get(f"https://{host}/")


@pytest.mark.parametrize("audience", [CONSUMER, WORK, "AzureADMyOrg"])
def test_an_upsert_takes_any_audience(graph: Graph, audience: str) -> None:
    """The widest as well; the rehearsal believes it (contract G6.1 and G6.2)."""
    body = desired(signInAudience=audience)
    answer = graph("PATCH", NAMED.format("any"), body, headers=UPSERT)
    assert (answer.status_code, answer.json()["signInAudience"]) == (201, audience)


def test_an_application_has_three_names(graph: Graph) -> None:
    """Client id, object id and marker lead to the same one (contract G5.1, G5.2 and G6.1)."""
    assert graph("PATCH", NAMED.format("mine"), work()).status_code == 404
    assert graph("PATCH", NAMED.format("mine"), {"notes": "x"}, UPSERT).status_code == 400
    app = graph("PATCH", NAMED.format("mine"), work(), UPSERT).json()
    assert app["id"] != app["appId"]
    for path in (f"/{app['id']}", f"(appId='{app['appId']}')", "(uniqueName='mine')"):
        assert graph("GET", f"/applications{path}").json()["id"] == app["id"]
    for path in (f"/{app['appId']}", f"(appId='{app['id']}')", "(uniqueName='yours')"):
        assert graph("GET", f"/applications{path}").status_code == 404
    again = graph("PATCH", NAMED.format("mine"), work(), UPSERT)
    assert (again.status_code, again.content) == (204, b"")


def test_a_page_has_a_hundred(scene: Scene, graph: Graph) -> None:
    """The link leads to the rest of the list (contract G5.9)."""
    for _ in range(101):
        made(graph)
    scene.clock.pass_(MINUTE)
    first = graph("GET", "/applications").json()
    assert len(first["value"]) == 100
    rest = graph("GET", first["@odata.nextLink"]).json()["value"]
    assert rest and not {one["id"] for one in rest} & {one["id"] for one in first["value"]}


def test_creating_twice_makes_two(graph: Graph) -> None:
    """Of the same name, and neither has a marker (contract G5.3 and G6.3)."""
    one, other = made(graph), made(graph)
    assert one["id"] != other["id"] and one["displayName"] == other["displayName"]
    assert one["uniqueName"] is None


def test_secrets_are_not_changed_like_other_properties(graph: Graph) -> None:
    """They have calls of their own (contract G6.7)."""
    app = made(graph)
    change = {"passwordCredentials": [{"displayName": "x"}]}
    assert graph("PATCH", f"/applications/{app['id']}", change).status_code == 400


@pytest.mark.parametrize("kind", ["graph.application", "microsoft.graph.application"])
def test_a_deleted_application_keeps_its_marker(graph: Graph, kind: str) -> None:
    """Until it is removed for good: then the name is free (contract G5.13, G6.8, G6.9, G6.10)."""
    app = graph("PATCH", NAMED.format("kept"), work(), UPSERT).json()
    graph("DELETE", f"/applications/{app['id']}")
    items = graph("GET", f"/directory/deletedItems/{kind}").json()["value"]
    (item,) = (one for one in items if one["id"] == app["id"])
    assert item["uniqueName"] == "kept" and item["deletedDateTime"]
    taken = graph("PATCH", NAMED.format("kept"), work(), UPSERT)
    assert refusal(taken) == (400, "Request_BadRequest")
    assert graph("DELETE", f"/directory/deletedItems/{app['id']}").status_code == 204
    assert graph("PATCH", NAMED.format("kept"), work(), UPSERT).status_code == 201


def test_an_owner_is_added_by_address(scene: Scene, graph: Graph) -> None:
    """The body is where the person is found (contract G6.12)."""
    app = made(graph)
    developer = scene.as_person(DEVELOPER)
    where = f"/applications/{app['id']}"
    assert developer("PATCH", where, {"notes": "x"}).status_code == 403
    link = {"@odata.id": f"{Graph.base}/directoryObjects/{developer('GET', '/me').json()['id']}"}
    assert graph("POST", f"{where}/owners/$ref", link).status_code == 204
    assert developer("PATCH", where, {"notes": "x"}).status_code == 204


def test_somebody_without_a_role_has_a_quota(scene: Scene, graph: Graph) -> None:
    """Of 250 objects; deleted ones count until they are gone (contract G6.13 and G6.14)."""
    developer = scene.as_person(DEVELOPER)
    apps = [made(developer) for _ in range(250)]
    full = (403, "Directory_QuotaExceeded")
    assert refusal(developer("POST", "/applications", work())) == full
    assert developer("DELETE", f"/applications/{apps[0]['id']}").status_code == 204
    assert refusal(developer("POST", "/applications", work())) == full
    assert graph("DELETE", f"/directory/deletedItems/{apps[0]['id']}").status_code == 204
    assert developer("POST", "/applications", work()).status_code == 201


# --- secrets and principals -----------------------------------------------------------------------


def test_a_secret_is_told_by_its_form(graph: Graph) -> None:
    """A digit, `Q` and `~` after three signs, and never read again (contract G7.2 and G7.3)."""
    app = made(graph, **work(passwordCredentials=[{"displayName": "at once"}]))
    (first,) = app["passwordCredentials"]
    second = graph("POST", f"/applications/{app['id']}/addPassword", {}).json()
    for one in (first, second):
        assert re.fullmatch(r".{3}\dQ~.{10,58}", one["secretText"])
    shown = graph("GET", f"/applications/{app['id']}").json()["passwordCredentials"]
    assert [one["secretText"] for one in shown] == [None, None]


def test_an_old_and_a_new_secret_both_sign_in(scene: Scene, graph: Graph) -> None:
    """Until the old one is removed; the new one stays (contract G7.13 and C10.12)."""
    app = made(graph)
    made(graph, "/servicePrincipals", appId=app["appId"])
    path = f"/applications/{app['id']}"
    old, new = (
        graph("POST", f"{path}/addPassword", {"passwordCredential": {}}).json() for _ in range(2)
    )
    scene.clock.pass_(MINUTE)

    def statuses() -> list[int]:
        return [
            signing_in(scene.http, world.TRIAL, app["appId"], one["secretText"]).status_code
            for one in (old, new)
        ]

    assert statuses() == [200, 200]
    graph("POST", f"{path}/removePassword", {"keyId": old["keyId"]})
    scene.clock.pass_(MINUTE)
    assert statuses() == [401, 200]


def test_a_secret_can_be_given_with_the_application(scene: Scene, graph: Graph) -> None:
    """It is in the answer, and signs in where there is a principal.

    contract G7.11, G9.8 and G21.30
    """
    app = made(graph, **work(passwordCredentials=[{}]))
    secret = app["passwordCredentials"][0]["secretText"]
    scene.clock.pass_(MINUTE)

    def sign_in() -> dict[str, Any]:
        return dict(signing_in(scene.http, world.TRIAL, app["appId"], secret).json())

    assert sign_in()["error_codes"] == [7000229]
    made(graph, "/servicePrincipals", appId=app["appId"])
    assert "access_token" in sign_in()


def test_there_is_one_principal(graph: Graph) -> None:
    """A second one is a conflict of its own code (contract G9.2 and G12.9)."""
    app = made(graph)
    made(graph, "/servicePrincipals", appId=app["appId"])
    again = graph("POST", "/servicePrincipals", {"appId": app["appId"]})
    assert refusal(again) == (409, "Request_MultipleObjectsWithSameKeyValue")


def test_a_tag_puts_a_principal_into_the_portals_list(graph: Graph) -> None:
    """It is taken with the creation, and read back (contract G9.3)."""
    tag = "WindowsAzureActiveDirectoryIntegratedApp"
    principal = made(graph, "/servicePrincipals", appId=made(graph)["appId"], tags=[tag])
    shown = graph("GET", f"/servicePrincipals/{principal['id']}").json()
    assert shown["tags"] == [tag]


def test_principals_of_other_tenants_applications_take_more_rights(scene: Scene) -> None:
    """With OwnedBy alone the text tells why, in its own grammar (contract G9.5)."""
    elsewhere = made(scene.as_batch(world.PRODUCTION))
    refused = scene.as_batch()("POST", "/servicePrincipals", {"appId": elsewhere["appId"]})
    assert refused.status_code == 403
    assert "must in the local tenant" in refused.json()["error"]["message"]


# --- grants ---------------------------------------------------------------------------------------


def parties(graph: Graph) -> dict[str, Any]:
    """A client, a resource and a kind of consent."""
    client = made(graph, "/servicePrincipals", appId=made(graph)["appId"])
    resource = graph("GET", f"/servicePrincipals(appId='{GRAPH_APP}')").json()
    return {
        "clientId": client["id"],
        "resourceId": resource["id"],
        "consentType": "AllPrincipals",
        "scope": "User.Read",
    }


def test_a_grant_is_of_the_tenant_or_of_a_person(graph: Graph) -> None:
    """One of each, told apart by kind, and the id is its parties'.

    contract G10.4, G10.6 and G24.9
    """
    body = parties(graph)
    one = made(graph, "/oauth2PermissionGrants", **body)
    me = graph("GET", "/me").json()["id"]
    mine = made(
        graph, "/oauth2PermissionGrants", **{**body, "consentType": "Principal", "principalId": me}
    )
    again = graph("POST", "/oauth2PermissionGrants", body)
    assert refusal(again) == (409, "Request_MultipleObjectsWithSameKeyValue")
    assert again.json()["error"]["message"] == "Permission entry already exists."
    packed = base64.urlsafe_b64decode(one["id"] + "=" * (-len(one["id"]) % 4))
    assert uuid.UUID(body["clientId"]).bytes_le in packed
    assert uuid.UUID(body["resourceId"]).bytes_le in packed
    of_tenant = f"clientId eq '{body['clientId']}' and consentType eq 'AllPrincipals'"
    listed = graph("GET", f"/oauth2PermissionGrants?$filter={of_tenant}").json()["value"]
    assert [row["id"] for row in listed] == [one["id"]] != [mine["id"]]


def test_a_grant_holds_so_many_scopes(graph: Graph) -> None:
    """3,850 characters of them (contract G10.3)."""
    client = made(graph, "/servicePrincipals", appId=made(graph)["appId"])["id"]
    api = graph("GET", f"/servicePrincipals(appId='{BUSINESS_CENTRAL_APP}')").json()["id"]
    body = {"clientId": client, "resourceId": api, "consentType": "AllPrincipals"}
    assert graph("POST", GRANTS, {**body, "scope": "x" * 3851}).status_code == 400
    assert graph("POST", GRANTS, {**body, "scope": "x" * 3850}).status_code == 201


def test_only_the_scope_of_a_grant_changes(scene: Scene, graph: Graph) -> None:
    """And is replaced by what is sent (contract G10.5)."""
    body = parties(graph)
    where = f"/oauth2PermissionGrants/{made(graph, '/oauth2PermissionGrants', **body)['id']}"
    changed = graph("PATCH", where, {"scope": "Mail.Read"})
    assert (changed.status_code, changed.content) == (204, b"")
    scene.clock.pass_(MINUTE)
    assert graph("GET", where).json()["scope"] == "Mail.Read"
    assert graph("PATCH", where, {"consentType": "Principal"}).status_code == 400


def test_what_was_granted_is_taken_back_and_goes_with_its_client(
    scene: Scene, graph: Graph
) -> None:
    """A grant for good; a service principal for a while, without what it was granted.

    contract G9.10 and G10.13
    """
    body = parties(graph)
    where = f"/oauth2PermissionGrants/{made(graph, '/oauth2PermissionGrants', **body)['id']}"
    gone = graph("DELETE", where)
    assert (gone.status_code, gone.content) == (204, b"")
    scene.clock.pass_(MINUTE)
    assert graph("GET", where).status_code == 404
    made(graph, "/oauth2PermissionGrants", **body)
    client = body["clientId"]
    assert graph("DELETE", f"/servicePrincipals/{client}").status_code == 204
    scene.clock.pass_(MINUTE)
    listed = graph("GET", "/directory/deletedItems/graph.servicePrincipal").json()["value"]
    assert client in [one["id"] for one in listed]
    assert graph("POST", f"/directory/deletedItems/{client}/restore").status_code == 200
    scene.clock.pass_(MINUTE)
    assert graph("GET", f"/servicePrincipals/{client}").json()["deletedDateTime"] is None
    held = f"clientId eq '{client}'"
    assert graph("GET", f"/oauth2PermissionGrants?$filter={held}").json()["value"] == []


def test_application_permissions_are_given_by_assignments(scene: Scene, graph: Graph) -> None:
    """To the principal, with a right of its own (contract G10.12)."""
    body = parties(graph)
    resource = f"/servicePrincipals(appId='{BUSINESS_CENTRAL_APP}')"
    api = graph("GET", resource).json()
    assignment = {
        "principalId": body["clientId"],
        "resourceId": api["id"],
        "appRoleId": api["appRoles"][0]["id"],
    }
    path = f"/servicePrincipals/{api['id']}/appRoleAssignedTo"
    without = scene.with_claims(roles=["Application.ReadWrite.All"])
    assert without("POST", path, assignment).status_code == 403
    allowed = scene.with_claims(roles=["AppRoleAssignment.ReadWrite.All"])
    assert allowed("POST", path, assignment).status_code == 201


# --- rights ---------------------------------------------------------------------------------------

GRANTS, POLICY = "/oauth2PermissionGrants", "/policies/defaultAppManagementPolicy"


@pytest.mark.parametrize(
    ("path", "permissions"),
    [
        pytest.param(
            GRANTS,
            ["Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All"],
            id="contract G10.10",
        ),
        pytest.param(POLICY, ["Policy.Read.All"], id="contract G8.2"),
        pytest.param(
            "/organization", ["Organization.Read.All", "Directory.Read.All"], id="contract G15.3"
        ),
        pytest.param("/applications", ["Application.ReadWrite.OwnedBy"], id="contract G15.2"),
    ],
)
def test_a_read_takes_its_permission(scene: Scene, path: str, permissions: list[str]) -> None:
    """Each of these alone opens it to an application, and nothing else does."""
    assert refusal(scene.with_claims(roles=["User.Read.All"])("GET", path)) == (
        403,
        "Authorization_RequestDenied",
    )
    for one in permissions:
        assert scene.with_claims(roles=[one])("GET", path).status_code == 200, one


def test_a_refusal_for_want_of_rights_does_not_say_which(scene: Scene) -> None:
    """Role, permission or a setting: the text is the same (contract G12.5)."""
    error = scene.with_claims()("GET", GRANTS).json()["error"]
    assert error["message"] == "Insufficient privileges to complete the operation."


def test_the_policy_takes_a_role_of_a_person(scene: Scene) -> None:
    """The permission alone is not enough (contract G8.2)."""
    assert scene.as_person(DEVELOPER)("GET", POLICY).status_code == 403
    assert scene.as_person(CLOUD_ADMINISTRATOR)("GET", POLICY).status_code == 200


def test_who_may_only_read_themselves_sees_little_of_the_organization(scene: Scene) -> None:
    """Id, name and domains; the rest is null (contract G15.3, G19.1 and G19.2)."""
    user = world.find_user(world.TRIAL, DEVELOPER)
    assert user is not None
    little = scene.with_claims(oid=user.oid, scp="User.Read")
    (seen,) = little("GET", "/organization").json()["value"]
    assert seen["id"] == world.TRIAL and seen["displayName"] and seen["verifiedDomains"]
    assert (seen["tenantType"], seen["countryLetterCode"]) == (None, None)
    (whole,) = scene.as_person(ADMINISTRATOR)("GET", "/organization").json()["value"]
    assert whole["tenantType"] == "AAD"
    (first,) = (one["name"] for one in whole["verifiedDomains"] if one["isInitial"])
    (usual,) = (one["name"] for one in whole["verifiedDomains"] if one["isDefault"])
    assert first.endswith(".onmicrosoft.com") and usual == "millrace-trial.example"


def test_an_application_is_nobody(scene: Scene) -> None:
    """`/me` is for people (contract G15.4)."""
    assert scene.as_batch()("GET", "/me").status_code == 400


@pytest.mark.parametrize(
    ("upn", "status"),
    [
        (ADMINISTRATOR, 201),
        (CLOUD_ADMINISTRATOR, 201),
        (DEVELOPER, 201),
        ("cal.webb@brackenfield-bakery.example", 403),
    ],
)
def test_registering_takes_a_role(scene: Scene, upn: str, status: int) -> None:
    """Where members may not: a developer, or an administrator (contract G6.15 and G15.8)."""
    assert scene.as_person(upn)("POST", "/applications", work()).status_code == status


@pytest.mark.parametrize(
    ("role", "template"),
    [
        pytest.param(role, template, id=f"contract {fact}, {role}")
        for fact, roles in (
            (
                "G15.6",
                {
                    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
                    "Privileged Role Administrator": "e8611ab8-c189-46e8-94e1-60213ab1f814",
                    "Cloud Application Administrator": "158c047a-c907-4556-b7ef-446551a6b5f7",
                    "Application Administrator": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
                    "Application Developer": "cf1c38e5-3621-4004-a7cb-879624dced7c",
                },
            ),
            ("G15.7", {"User": "b79fbf4d-3ef9-4689-8143-76b194e85509"}),
            (
                "B2.14",
                {
                    "Dynamics 365 Administrator": "44367163-eba1-44c3-98af-f5787879f96a",
                    "Dynamics 365 Business Central Administrator": (
                        "963797fb-eb3b-4cde-8ce3-5878b3f32a3f"
                    ),
                },
            ),
        )
        for role, template in roles.items()
    ],
)
def test_roles_are_in_the_id_token(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, role: str, template: str
) -> None:
    """By their templates' ids (contract B2.14, G15.6, G15.7 and G15.9)."""
    set_roles(monkeypatch, world.TRIAL, DEVELOPER, role)
    answer = scene.password(DEVELOPER, "openid User.Read").json()
    assert set(claims_of(answer["id_token"])["wids"]) == {template, MEMBER}


def test_a_guest_has_a_role_for_it(scene: Scene) -> None:
    """And not a member's (contract G15.7)."""
    answer = scene.token_answer(
        grant_type="password",
        client_id=world.BOOTSTRAP_CLIENT,
        username=GUEST,
        password=scene.cloud.secret(password_name(GUEST)),
        scope="openid User.Read",
    )
    assert claims_of(answer.json()["id_token"])["wids"] == ["10dae51f-b6af-4016-8d66-8c2a99b929b3"]


# --- policies and switches ------------------------------------------------------------------------


def test_secrets_may_be_forbidden(scene: Scene) -> None:
    """The default policy says so to everybody, whoever is exempt (contract G8.7 and G8.8)."""
    rules = []
    for tenant, status in ((world.NO_SECRETS, 400), (world.EXEMPT_CALLER, 200)):
        graph = scene.as_batch(tenant)
        rules.append(graph("GET", POLICY).json()["applicationRestrictions"]["passwordCredentials"])
        answer = graph("POST", f"/applications/{made(graph)['id']}/addPassword", {})
        assert answer.status_code == status
        if status == 400:
            assert refusal(answer) == (400, "CredentialTypeNotAllowedAsPerAppPolicy")
    kinds = [[(one["restrictionType"], one["state"]) for one in rule] for rule in rules]
    assert kinds == [[("passwordAddition", "enabled")]] * 2


@pytest.mark.parametrize(
    ("tenant", "code"),
    [
        pytest.param(
            world.NO_CONSUMERS, "SignInAudienceNotAllowedAsPerAppPolicy", id="contract G8.9"
        ),
        pytest.param(world.NO_CODAT, "RedirectUriNotAllowedAsPerAppPolicy", id="contract G8.10"),
    ],
)
def test_what_codat_needs_may_be_forbidden(scene: Scene, tenant: str, code: str) -> None:
    """And v1.0 does not show it beforehand."""
    graph = scene.as_batch(tenant)
    assert refusal(graph("POST", "/applications", desired())) == (400, code)
    assert graph("GET", POLICY).json()["applicationRestrictions"]["passwordCredentials"] == []


def test_a_deactivated_application_gets_no_new_token(scene: Scene, graph: Graph) -> None:
    """Both its faces say so, and all else stays (contract G8.11, G8.12, G8.13 and G21.26)."""
    app = made(graph, **work(passwordCredentials=[{}]))
    principal = made(graph, "/servicePrincipals", appId=app["appId"])
    scene.clock.pass_(MINUTE)
    secret = app["passwordCredentials"][0]["secretText"]
    where, own = f"/applications/{app['id']}", f"/servicePrincipals/{principal['id']}"

    def sign_in() -> list[int]:
        answer = signing_in(scene.http, world.TRIAL, app["appId"], secret)
        return list(answer.json().get("error_codes", ()))

    assert sign_in() == []
    assert graph("PATCH", where, {"isDisabled": True}).status_code == 204
    scene.clock.pass_(MINUTE)
    assert sign_in() != []
    shown, its = graph("GET", where).json(), graph("GET", own).json()
    assert shown["isDisabled"] is its["isDisabled"] is True
    assert its["accountEnabled"] is True and len(shown["passwordCredentials"]) == 1
    graph("PATCH", where, {"isDisabled": False})
    graph("PATCH", own, {"accountEnabled": False})
    scene.clock.pass_(MINUTE)
    assert sign_in() == [7000112]
    graph("PATCH", own, {"accountEnabled": True})
    scene.clock.pass_(MINUTE)
    assert sign_in() == []


def test_what_microsoft_stops_shows(scene: Scene) -> None:
    """In a property of its own (contract G8.12)."""
    app = made(scene.as_batch(world.STOPPED))
    assert app["disabledByMicrosoftStatus"] == "DisabledDueToViolationOfServicesAgreement"


def test_a_secret_ends(scene: Scene, graph: Graph) -> None:
    """After its end it is told as expired (contract G21.29)."""
    app = made(graph)
    made(graph, "/servicePrincipals", appId=app["appId"])
    body = {"passwordCredential": {"endDateTime": timestamp(scene.clock.now() + 3600)}}
    secret = graph("POST", f"/applications/{app['id']}/addPassword", body).json()["secretText"]
    scene.clock.pass_(MINUTE)
    answers = []
    for _ in range(2):
        answers.append(signing_in(scene.http, world.TRIAL, app["appId"], secret).json())
        scene.clock.pass_(3600)
    assert "access_token" in answers[0]
    assert answers[1]["error_codes"] == [7000222]


def test_consent_is_for_the_tenant_that_gave_it(scene: Scene, graph: Graph) -> None:
    """Another tenant's people are not let in by it (contract G10.11 and C10.7)."""
    scope = "https://api.businesscentral.dynamics.com/.default"
    access = [{"id": "bce0976a-cb0b-473b-8800-84eda9f8e447", "type": "Scope"}]
    needs = [{"resourceAppId": BUSINESS_CENTRAL_APP, "resourceAccess": access}]
    app = made(graph, **work(isFallbackPublicClient=True, requiredResourceAccess=needs))
    client = made(graph, "/servicePrincipals", appId=app["appId"])
    resource = graph("GET", f"/servicePrincipals(appId='{BUSINESS_CENTRAL_APP}')").json()
    body = {
        "clientId": client["id"],
        "resourceId": resource["id"],
        "consentType": "AllPrincipals",
        "scope": "user_impersonation",
    }
    made(graph, "/oauth2PermissionGrants", **body)
    scene.clock.pass_(MINUTE)
    assert "access_token" in scene.password(DEVELOPER, scope, app["appId"]).json()
    baker = "ines.moura@brackenfield-bakery.example"
    assert scene.password(baker, scope, app["appId"]).json()["error_codes"] == [65001]


# --- requests and answers -------------------------------------------------------------------------


def test_an_id_within_a_batch_is_there_once(graph: Graph) -> None:
    """The whole is refused (contract G11.4)."""
    part = {"id": "1", "method": "GET", "url": "/me"}
    assert graph("POST", "/$batch", {"requests": [part, part]}).status_code == 400


def test_a_throttled_part_of_a_batch_says_so_itself(scene: Scene, graph: Graph) -> None:
    """With its own time to wait; the parts before it have been served (contract G11.3, G14.4)."""
    one = made(graph, **desired())["id"]
    scene.clock.pass_(3 * MINUTE)
    part = {
        "method": "PATCH",
        "url": f"/applications/{one}",
        "body": {"notes": "x"},
        "headers": {"Content-Type": "application/json"},
    }
    parts = [{"id": str(number), **part} for number in range(20)]
    rows = [
        row
        for _ in range(4)
        for row in graph("POST", "/$batch", {"requests": parts}).json()["responses"]
    ]
    assert [row["status"] for row in rows] == [204] * 60 + [429] * 20
    assert all(row["headers"]["Retry-After"].isdecimal() for row in rows[60:])


@pytest.mark.parametrize(
    ("method", "path", "served", "seconds"),
    [
        ("GET", "/applications?$expand=owners", 3500 // 3, 10),
        # What is refused for another reason counts as well.
        ("DELETE", "/oauth2PermissionGrants/nothing", 3000, 150),
    ],
)
def test_an_application_has_so_much_in_a_tenant(
    scene: Scene, graph: Graph, method: str, path: str, served: int, seconds: float
) -> None:
    """Units for reads, and a number of writes; near the end answers say so.

    contract G14.2 and G14.5
    """
    part = {"method": method, "url": path}

    def ask(number: int) -> list[dict[str, Any]]:
        parts = [{"id": str(one), **part} for one in range(number)]
        return list(graph("POST", "/$batch", {"requests": parts}).json()["responses"])

    rows = [row for _ in range(served // 20 + 1) for row in ask(20)]
    is_served = [row["status"] != 429 for row in rows]
    assert is_served == [True] * served + [False] * (len(rows) - served)
    assert "x-ms-throttle-limit-percentage" not in rows[0]["headers"]
    if method == "GET":
        assert rows[served - 1]["headers"]["x-ms-throttle-limit-percentage"] == "1.0"
    scene.clock.pass_(seconds)
    assert ask(1)[0]["status"] != 429


def test_the_id_of_a_request_comes_back(graph: Graph) -> None:
    """Beside the service's own (contract G11.5)."""
    mine = str(uuid.uuid4())
    answer = graph("GET", "/me", headers={"client-request-id": mine})
    assert answer.headers["client-request-id"] == mine != answer.headers["request-id"]


def test_every_answer_has_a_date(admin: Graph) -> None:
    """In whole seconds (contract G11.8)."""
    for path in ("/me", "/nothing"):
        date = admin("GET", path).headers["Date"]
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date)


def test_a_lifetime_is_counted_from_when_the_secret_is_made(scene: Scene) -> None:
    """By the service's clock: the whole length fits, a second more does not (contract G8.6)."""
    graph = scene.as_person("piet.vermeer@stonegate-finance.example")
    path = f"/applications/{made(graph)['id']}/addPassword"
    end = timestamp(scene.clock.now() + 90 * 24 * 60 * MINUTE + 1)
    body = {"passwordCredential": {"endDateTime": end}}
    assert refusal(graph("POST", path, body)) == (400, "CredentialInvalidLifetimeAsPerAppPolicy")
    scene.clock.pass_(1)
    assert graph("POST", path, body).status_code == 200


@pytest.mark.parametrize(
    ("scope", "registers", "consents"),
    [
        ("User.Read", 403, 403),
        ("Application.ReadWrite.All", 201, 403),
        ("DelegatedPermissionGrant.ReadWrite.All", 403, 201),
    ],
)
def test_a_person_may_what_the_scope_says(
    scene: Scene, graph: Graph, scope: str, registers: int, consents: int
) -> None:
    """Registering and consenting have a scope each, whoever it is (contract G15.1)."""
    user = world.find_user(world.TRIAL, ADMINISTRATOR)
    assert user is not None
    limited = scene.with_claims(oid=user.oid, scp=scope, wids=user.role_ids)
    assert limited("POST", "/applications", work()).status_code == registers
    client = made(graph)["appId"]
    own = made(graph, "/servicePrincipals", appId=client)["id"]
    api = graph("GET", f"/servicePrincipals(appId='{BUSINESS_CENTRAL_APP}')").json()["id"]
    body = {"clientId": own, "resourceId": api, "consentType": "AllPrincipals"}
    body["scope"] = "user_impersonation"
    assert limited("POST", "/oauth2PermissionGrants", body).status_code == consents


# --- signing in -----------------------------------------------------------------------------------


def claims_of(token: str) -> dict[str, Any]:
    """What a token says."""
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def test_what_a_token_answer_has(scene: Scene) -> None:
    """A person's has scopes as they were asked for; an application's tells what it is, and no more.

    contract G18.7, G24.3, G24.4, G24.7 and G24.8
    """
    asked = "https://graph.microsoft.com/User.Read openid profile offline_access"
    basic = {"token_type", "expires_in", "ext_expires_in", "access_token"}
    mine = scene.password(ADMINISTRATOR, asked).json()
    assert basic | {"scope", "refresh_token", "id_token"} <= set(mine)
    assert "https://graph.microsoft.com/User.Read" in mine["scope"].split()
    id_claims = claims_of(mine["id_token"])
    assert {"oid", "tid", "preferred_username", "aud", "iss", "sub", "iat", "exp"} <= set(id_claims)
    secret = scene.cloud.secret(BATCH_SECRET)
    its = signing_in(scene.http, world.TRIAL, world.BATCH_CLIENT, secret).json()
    assert set(its) == basic and its["expires_in"] == 3599
    token = claims_of(its["access_token"])
    assert token["iss"] == f"https://sts.windows.net/{world.TRIAL}/"
    assert token["aud"] == "https://graph.microsoft.com"
    assert token["exp"] - token["iat"] == 3599
    assert token["wids"] == ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"] and "scp" not in token


def test_a_kept_sign_in_ends_after_ninety_days(scene: Scene) -> None:
    """Of not being used; each use gives a new one (contract G21.24 and G24.7)."""
    asked = "https://graph.microsoft.com/User.Read offline_access"
    kept = scene.password(ADMINISTRATOR, asked).json()["refresh_token"]

    def use(token: str) -> dict[str, Any]:
        form = {"client_id": world.BOOTSTRAP_CLIENT, "refresh_token": token, "scope": asked}
        return dict(scene.token_answer(grant_type="refresh_token", **form).json())

    scene.clock.pass_(90 * 24 * 60 * MINUTE)
    newer = use(kept)["refresh_token"]
    scene.clock.pass_(1)
    refused = use(kept)
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [700082])
    assert "access_token" in use(newer)


def authorized(scene: Scene, **changes: str) -> httpx.Response:
    """What the browser of somebody who signs in is answered."""
    fields = {
        "client_id": world.BOOTSTRAP_CLIENT,
        "response_type": "code",
        "redirect_uri": "http://localhost",
        "scope": "openid profile User.Read",
        "nonce": "once",
        "username": ADMINISTRATOR,
        "password": scene.cloud.secret(password_name(ADMINISTRATOR)),
    }
    address = f"{LOGIN}/{world.TRIAL}/oauth2/v2.0/authorize"
    return scene.http.post(address, data={**fields, **changes})


def redeemed(scene: Scene, **changes: str) -> httpx.Response:
    """What a code brings that somebody has just been given."""
    code = httpx.URL(authorized(scene).headers["location"]).params["code"]
    form = {
        "grant_type": "authorization_code",
        "client_id": world.BOOTSTRAP_CLIENT,
        "redirect_uri": "http://localhost",
        "client_info": "1",
        "code": code,
    }
    return scene.token_answer(**{**form, **changes})


def test_a_code_brings_who_signed_in(scene: Scene) -> None:
    """With the request's nonce, and where the account has its home (contract G24.3 and G24.4)."""
    answer = redeemed(scene).json()
    user = world.find_user(world.TRIAL, ADMINISTRATOR)
    assert user is not None
    assert claims_of(answer["id_token"])["nonce"] == "once"
    part = answer["client_info"]
    assert json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) == {
        "uid": user.oid,
        "utid": world.TRIAL,
    }


def test_a_code_lives_ten_minutes(scene: Scene) -> None:
    """Then it is told as expired (contract G21.24 and G24.7)."""
    code = httpx.URL(authorized(scene).headers["location"]).params["code"]
    other = httpx.URL(authorized(scene).headers["location"]).params["code"]
    scene.clock.pass_(10 * MINUTE)
    assert redeemed(scene, code=code).status_code == 200
    scene.clock.pass_(1)
    assert redeemed(scene, code=other).json()["error_codes"] == [70008]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"code": "nonsense"}, 9002313),
        ({"redirect_uri": "http://localhost/elsewhere"}, 500112),
        ({"client_id": AZURE_CLI}, 700005),
        ({"code_verifier": "of-no-challenge"}, 501481),
        ({"grant_type": "magic"}, 70003),
        ({"code": ""}, 900144),
    ],
)
def test_what_is_wrong_with_a_code(scene: Scene, changes: dict[str, str], code: int) -> None:
    """Each has a number of its own (contract G21.20)."""
    assert redeemed(scene, **changes).json()["error_codes"] == [code]


def test_a_challenge_has_one_of_two_methods(scene: Scene) -> None:
    """Another one is not begun with (contract G21.20)."""
    answer = authorized(scene, code_challenge="x", code_challenge_method="S512")
    assert "AADSTS501491" in answer.text + answer.headers.get("location", "")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "https://elsewhere.example"}, 700211),
        ({"aud": "api://Elsewhere"}, 700212),
        ({"sub": "repo:Books"}, 7002138),
    ],
)
def test_what_does_not_match_of_a_federated_assertion(
    scene: Scene, graph: Graph, changes: dict[str, str], code: int
) -> None:
    """Issuer, audience and the subject's letter case (contract G18.4 and G21.32)."""
    app = made(graph)
    made(graph, "/servicePrincipals", appId=app["appId"])
    record = {
        "name": "runner",
        "issuer": "https://issuer.example",
        "subject": "repo:books",
        "audiences": ["api://AzureADTokenExchange"],
    }
    made(graph, f"/applications/{app['id']}/federatedIdentityCredentials", **record)
    claims = {
        "iss": record["issuer"],
        "sub": record["subject"],
        "aud": "api://AzureADTokenExchange",
        "exp": int(time.time()) + 300,
    }
    answer = scene.token_answer(
        grant_type="client_credentials",
        client_id=app["appId"],
        scope="https://graph.microsoft.com/.default",
        client_assertion=scene.cloud.key.sign({**claims, **changes}),
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    )
    assert answer.json()["error_codes"] == [code]


def test_nobody_is_signed_in_without_being_asked(scene: Scene) -> None:
    """Nothing is kept that a silent request could use (contract G21.24)."""
    answer = scene.http.get(
        f"{LOGIN}/{world.TRIAL}/oauth2/v2.0/authorize",
        params={
            "client_id": world.BOOTSTRAP_CLIENT,
            "response_type": "code",
            "redirect_uri": "http://localhost",
            "scope": "User.Read",
            "prompt": "none",
        },
    )
    assert "login_required" in answer.headers["location"]
    assert "AADSTS50058" in answer.headers["location"]


@pytest.mark.parametrize("name", ["trial", "no tenant", "-millrace.example", "3c1f7d92-8a4b"])
def test_what_is_neither_an_id_nor_a_domain_is_no_tenant(scene: Scene, name: str) -> None:
    """It is told from one that nobody has, wherever it is asked for (contract G21.6)."""
    configuration = f"{LOGIN}/{name}/v2.0/.well-known/openid-configuration"
    for answer in (scene.token_answer(name, grant_type="password"), scene.http.get(configuration)):
        assert (answer.status_code, answer.json()["error_codes"]) == (400, [900023])


def test_an_application_that_lists_nothing_has_nothing_to_consent_to(
    scene: Scene, graph: Graph
) -> None:
    """Its configured list is what is asked for (contract G21.17)."""
    form = {
        "client_id": made(graph)["appId"],
        "username": ADMINISTRATOR,
        "password": scene.cloud.secret(password_name(ADMINISTRATOR)),
    }
    answer = scene.http.post(f"{LOGIN}/{world.TRIAL}/adminconsent", data=form)
    assert answer.status_code == 400 and "AADSTS650056" in answer.text


def test_a_device_code_has_its_time(scene: Scene) -> None:
    """A quarter of an hour, with five seconds between two questions.

    contract G16.6, G16.7 and G21.22
    """
    address = f"{LOGIN}/{world.TRIAL}/oauth2/v2.0/devicecode"
    asked = {"client_id": world.BOOTSTRAP_CLIENT, "scope": "User.Read"}
    flow = scene.http.post(address, data=asked).json()
    assert (flow["expires_in"], flow["interval"]) == (900, 5)
    assert flow["user_code"] in flow["message"] and flow["verification_uri"] in flow["message"]

    def poll(code: str) -> tuple[int, str]:
        answer = scene.token_answer(
            grant_type="urn:ietf:params:oauth:grant-type:device_code",
            client_id=world.BOOTSTRAP_CLIENT,
            device_code=code,
        )
        assert answer.status_code == 400
        body = answer.json()
        return body["error_codes"][0], body["error"]

    assert poll(flow["device_code"]) == (70016, "authorization_pending")
    assert poll("another") == (70018, "bad_verification_code")
    scene.clock.pass_(901)
    assert poll(flow["device_code"]) == (70019, "expired_token")


def test_a_confidential_client_has_no_device_codes(scene: Scene) -> None:
    """It needs its public flows switched on (contract G16.9 and G21.28)."""
    asked = {"client_id": world.BATCH_CLIENT, "scope": "User.Read"}
    address = f"{LOGIN}/{world.TRIAL}/oauth2/v2.0/devicecode"
    flow = scene.http.post(address, data=asked).json()
    answer = scene.token_answer(
        grant_type="urn:ietf:params:oauth:grant-type:device_code",
        client_id=world.BATCH_CLIENT,
        device_code=flow.get("device_code", "none"),
    )
    assert 7000218 in (*flow.get("error_codes", ()), *answer.json()["error_codes"])


def test_a_permission_of_the_wrong_kind_spoils_the_consent(scene: Scene, graph: Graph) -> None:
    """What is configured is asked for as one (contract G2.11 and G20.2)."""
    api = graph("GET", f"/servicePrincipals(appId='{BUSINESS_CENTRAL_APP}')").json()
    scopes = {one["value"]: one["id"] for one in api[SCOPES]}
    role = api[ROLES][0]["id"]
    target = "https://books.example/cb"
    granted = []
    for ids in (scopes.values(), (*scopes.values(), role)):
        access = [{"id": one, "type": "Scope"} for one in ids]
        needs = [{"resourceAppId": BUSINESS_CENTRAL_APP, "resourceAccess": access}]
        app = made(graph, **work(requiredResourceAccess=needs, web={"redirectUris": [target]}))
        form = {
            "client_id": app["appId"],
            "scope": "https://api.businesscentral.dynamics.com/.default",
            "redirect_uri": target,
            "username": ADMINISTRATOR,
            "password": scene.cloud.secret(password_name(ADMINISTRATOR)),
            "decision": "accept",
        }
        scene.http.post(f"{LOGIN}/{world.TRIAL}/v2.0/adminconsent", data=form)
        scene.clock.pass_(MINUTE)
        found = graph("GET", f"/servicePrincipals?$filter=appId eq '{app['appId']}'").json()
        principals = [one["id"] for one in found["value"]]
        rows = [graph("GET", f"/servicePrincipals/{one}{GRANTS}").json() for one in principals]
        granted.append(
            {one for row in rows for grant in row["value"] for one in grant["scope"].split()}
        )
    assert granted == [set(scopes), set()]


def test_consent_is_not_given_at_the_shared_address(scene: Scene) -> None:
    """Somebody's own tenant has to be named, or `organizations` (contract G20.1 and G21.10)."""
    for tenant, is_refused in (("common", True), ("organizations", False)):
        page = scene.http.get(
            f"{LOGIN}/{tenant}/v2.0/adminconsent", params={"client_id": world.BATCH_CLIENT}
        )
        assert ("AADSTS90130" in page.text) is is_refused


def test_hosts_are_known_as_one_cloud(scene: Scene) -> None:
    """Where MSAL asks which names belong together (contract G1.2 and G24.2)."""
    known = scene.http.get(
        f"{LOGIN}/common/discovery/instance",
        params={
            "api-version": "1.1",
            "authorization_endpoint": f"{LOGIN}/common/oauth2/v2.0/authorize",
        },
    ).json()
    (public,) = (one for one in known["metadata"] if "login.microsoftonline.com" in one["aliases"])
    assert {"login.windows.net", "login.microsoft.com", "sts.windows.net"} <= set(public["aliases"])
    assert public["preferred_network"] == "login.microsoftonline.com"
    assert public["preferred_cache"]


@pytest.mark.parametrize(
    ("claims", "query", "status", "code"),
    [
        ({}, "", 400, "MissingApiVersionParameter"),
        (
            {"aud": "https://graph.microsoft.com"},
            VERSION,
            401,
            "InvalidAuthenticationTokenAudience",
        ),
        ({"exp": 1}, VERSION, 401, "ExpiredAuthenticationToken"),
        (None, VERSION, 401, "InvalidAuthenticationToken"),
    ],
)
def test_azure_says_in_the_same_envelope_what_is_wrong(
    scene: Scene, claims: dict[str, Any] | None, query: str, status: int, code: str
) -> None:
    """With code and message (contract G19.5)."""
    user = world.find_user(world.TRIAL, ADMINISTRATOR)
    assert user is not None
    good = {
        "aud": "https://management.azure.com",
        "tid": world.TRIAL,
        "oid": user.oid,
        "appid": AZURE_CLI,
        "exp": int(scene.clock.now()) + 3600,
    }
    token = "nonsense" if claims is None else scene.cloud.key.sign({**good, **claims})
    answer = scene.http.get(
        f"https://management.azure.com/tenants{query}",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert refusal(answer) == (status, code) and answer.json()["error"]["message"]


def test_the_list_of_tenants_tells_what_each_is(scene: Scene) -> None:
    """Home or not, and its domains; the link to a next page is complete (contract G19.4)."""
    scope = "https://management.azure.com/user_impersonation"
    token = scene.password(ADMINISTRATOR, scope).json()["access_token"]
    listed = scene.http.get(
        "https://management.azure.com/tenants?api-version=2022-12-01",
        headers={"Authorization": f"Bearer {token}"},
    ).json()["value"]
    home = next(one for one in listed if one["tenantId"] == world.TRIAL)
    assert home["tenantCategory"] == "Home" and "millrace-trial.example" in home["domains"]


# --- lags -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lag:
    """Something that is not there at once."""

    scene: Scene
    step: float = 0.05

    def shows(self, check: Callable[[], bool], seconds: float) -> None:
        """Fail unless it is so after these seconds, a fifth more or less, and not before."""
        waited = 0.0
        while not check():
            self.scene.clock.pass_(self.step)
            waited += self.step
            assert waited <= 2 * seconds + 1
        assert 0.8 * seconds - 0.01 <= waited <= 1.2 * seconds + self.step + 0.01


@pytest.fixture
def worst(tmp_path: Path) -> Iterator[Scene]:
    """A fresh cloud in which everything lags."""
    with open_cloud(tmp_path, WORST) as (cloud, clock), client_within(cloud) as http:
        yield Scene(cloud, clock, http)


NEW = [
    pytest.param("read", 1.5, id="shows"),
    pytest.param("principal", 3.0, id="backs a principal"),
    pytest.param("token", 3.0, id="signs in"),
    pytest.param("twin", 4.0, id="has its consumer side"),
]


@pytest.mark.parametrize(("what", "seconds"), NEW)
def test_a_new_application_lags_in_the_worst_case(worst: Scene, what: str, seconds: float) -> None:
    """Each of its sides by itself (contract G13.4, G21.25 and G25.1)."""
    graph = worst.as_person(ADMINISTRATOR)
    body = desired() if what == "twin" else work(passwordCredentials=[{}])
    app = graph("POST", "/applications", body).json()
    where = f"/applications/{app['id']}"

    def is_unknown() -> bool:
        secret = app["passwordCredentials"][0]["secretText"]
        answer = signing_in(worst.http, world.TRIAL, app["appId"], secret).json()
        return bool(answer["error_codes"] == [700016])

    checks: dict[str, Callable[[], bool]] = {
        "read": lambda: graph("GET", where).status_code == 200,
        "principal": lambda: (
            graph("POST", "/servicePrincipals", {"appId": app["appId"]}).status_code == 201
        ),
        "token": lambda: not is_unknown(),
        "twin": lambda: graph("PATCH", where, {"notes": "x"}).status_code == 204,
    }
    # Sixty writes a minute are the most, and each look at the consumer side is one.
    Lag(worst, step=0.25 if what == "twin" else 0.05).shows(checks[what], seconds)


def test_a_marker_is_taken_before_its_application_shows(worst: Scene) -> None:
    """Refused as that of a deleted one, and then there is something to change (contract G6.18)."""
    graph = worst.as_person(ADMINISTRATOR)
    assert graph("PATCH", NAMED.format("mine"), work(), UPSERT).status_code == 201
    assert graph("GET", NAMED.format("mine")).status_code == 404
    taken = graph("PATCH", NAMED.format("mine"), work(), UPSERT)
    assert refusal(taken) == (400, "Request_BadRequest")
    worst.clock.pass_(MINUTE)
    assert graph("PATCH", NAMED.format("mine"), work(), UPSERT).status_code == 204


def test_what_is_written_lags_in_the_worst_case(worst: Scene) -> None:
    """Principal, grant, change, secret and deletion, each by itself (contract G25.2)."""
    graph = worst.as_person(ADMINISTRATOR)
    app = graph("POST", "/applications", work()).json()
    where = f"/applications/{app['id']}"
    worst.clock.pass_(MINUTE)
    principal = graph("POST", "/servicePrincipals", {"appId": app["appId"]}).json()
    lag, own = Lag(worst), f"/servicePrincipals/{principal['id']}"
    lag.shows(lambda: graph("GET", own).status_code == 200, 1.5)
    resource = graph("GET", f"/servicePrincipals(appId='{GRAPH_APP}')").json()["id"]
    body = {"clientId": principal["id"], "resourceId": resource, "consentType": "AllPrincipals"}
    graph("POST", GRANTS, {**body, "scope": "User.Read"})
    lag.shows(lambda: bool(graph("GET", f"{own}{GRANTS}").json()["value"]), 1.0)
    graph("PATCH", where, {"notes": "x"})
    lag.shows(lambda: graph("GET", where).json()["notes"] == "x", 0.6)
    graph("POST", f"{where}/addPassword", {})
    lag.shows(lambda: bool(graph("GET", where).json()["passwordCredentials"]), 1.0)
    graph("DELETE", where)
    lag.shows(lambda: graph("GET", where).status_code == 404, 0.8)


def test_a_party_of_a_grant_that_is_too_new_is_told_as_such(worst: Scene) -> None:
    """In the words of a missing object, with status 400 (contract G12.6)."""
    graph = worst.as_person(ADMINISTRATOR)
    app = graph("POST", "/applications", work()).json()
    worst.clock.pass_(MINUTE)
    principal = graph("POST", "/servicePrincipals", {"appId": app["appId"]}).json()
    resource = graph("GET", f"/servicePrincipals(appId='{GRAPH_APP}')").json()["id"]
    body = {"clientId": principal["id"], "resourceId": resource, "consentType": "AllPrincipals"}
    early = graph("POST", GRANTS, {**body, "scope": "User.Read"})
    assert refusal(early) == (400, "Request_BadRequest")
    assert "queried reference-property objects are not present" in early.text


VAULT = "https://millrace-trial-kv.vault.azure.net"


def test_a_vault_takes_its_time(worst: Scene) -> None:
    """Recovered, writable again, and free after a purge (contract G22.3, G23.1 and G25.5)."""
    secret = worst.cloud.secret(BATCH_SECRET)
    scope = "https://vault.azure.net/.default"
    token = worst.token_answer(
        grant_type="client_credentials",
        client_id=world.BATCH_CLIENT,
        client_secret=secret,
        scope=scope,
    ).json()["access_token"]

    def ask(method: str, path: str, value: str = "") -> httpx.Response:
        return worst.http.request(
            method,
            f"{VAULT}{path}?api-version=7.5",
            json={"value": value} if value else None,
            headers={"Authorization": f"Bearer {token}"},
        )

    name = next(one for one in ("kept", "held", "stored", "saved") if not is_slow(one))
    lag, kept, deleted = Lag(worst), f"/secrets/{name}", f"/deletedsecrets/{name}"
    for spelt, value in ((kept, "one"), (f"/secrets/{name.upper()}", "two")):
        assert ask("PUT", spelt, value).status_code == 200
    assert ask("GET", kept).json()["value"] == "two"
    ask("DELETE", kept)
    lag.shows(lambda: ask("GET", deleted).status_code == 200, 3.0)
    ask("POST", f"{deleted}/recover")
    began = worst.clock.now()
    lag.shows(lambda: ask("GET", kept).status_code == 200, 3.0)
    assert ask("PUT", kept, "three").status_code == 409
    lag.shows(lambda: ask("PUT", kept, "three").status_code == 200, 5.0 - 3.0)
    assert 4.0 <= worst.clock.now() - began <= 6.1
    ask("DELETE", kept)
    lag.shows(lambda: ask("GET", deleted).status_code == 200, 3.0)
    ask("DELETE", deleted)
    lag.shows(lambda: ask("PUT", kept, "four").status_code == 200, 4.0)
