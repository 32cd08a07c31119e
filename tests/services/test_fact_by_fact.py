"""What the clients make of facts that no other test of them meets, one by one."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.errors import RunbookError, WaitAndRetry
from bcrunbook.http.client import Http
from bcrunbook.secrets import Secret
from bcrunbook.services import azure
from bcrunbook.services.businesscentral.errors import BusinessCentralReply, Kind
from bcrunbook.services.businesscentral.models import (
    BusinessCentralCompany,
    Deployment,
    Environment,
    Operation,
)
from bcrunbook.services.codat.client import Codat
from bcrunbook.services.graph.client import Graph
from bcrunbook.services.graph.models import SecretPolicy
from bcrunbook.steps.link_customer.installation.look import is_app_link
from tests.services.clients import CLIENTS, Answering, discovery
from tests.services.test_businesscentral import COMPANY, saying
from tests.services.test_codat import READS, connection, json_reply, listed, scripted
from tests.services.test_graph import UPDATE, endless, refused
from tests.services.test_graph import Service as GraphService

LONG_AGO, SINCE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
RULE = {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P90D"}


# --- Microsoft ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_enabled", "rule", "created", "holds"),
    [
        (True, {}, LONG_AGO, True),
        (False, {}, LONG_AGO, False),
        (True, {"state": "disabled"}, LONG_AGO, False),
        (True, {"restrictForAppsCreatedAfterDateTime": SINCE}, SINCE, True),
        (True, {"restrictForAppsCreatedAfterDateTime": SINCE}, LONG_AGO, False),
        (True, {"restrictForAppsCreatedAfterDateTime": SINCE}, None, True),
    ],
)
def test_when_a_rule_of_a_policy_holds(
    is_enabled: bool, rule: dict[str, object], created: datetime | None, holds: bool
) -> None:
    """By the policy, its own state, and when the application was made (contract G8.4)."""
    policy = SecretPolicy.model_validate(
        {
            "isEnabled": is_enabled,
            "applicationRestrictions": {"passwordCredentials": [{**RULE, **rule}]},
        }
    )
    assert bool(policy.restrictions(created)) is holds


async def test_the_consumer_side_is_waited_for_four_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In pauses of 4 to 16 seconds; then the run ends as waiting (contract G12.7 and G13.3)."""
    waits: list[float] = []

    async def note(_: Pace, seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(Pace, "sleep", note)
    with pytest.raises(WaitAndRetry):
        await endless(lambda: refused(409, "Error_MsaAppDoesNotExist")).do(UPDATE)
    assert sum(waits) <= 240 < sum(waits) + 16
    assert min(waits) >= 4 and max(waits) <= 16


async def test_writes_to_applications_keep_below_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten at once, and never sixty in a minute (contract G14.1)."""
    clock = {"now": 1000.0}
    moments: list[float] = []

    async def wait(_: Pace, pause: float) -> None:
        clock["now"] += pause

    def answer(_: httpx.Request) -> httpx.Response:
        moments.append(clock["now"] - 1000.0)
        return httpx.Response(204)

    async def many(graph: Graph) -> None:
        for _ in range(150):
            await UPDATE(graph)

    monkeypatch.setattr(Pace, "now", lambda _: clock["now"])
    monkeypatch.setattr(Pace, "sleep", wait)
    await GraphService(answer).do(many)
    assert moments[9] < 0.01 < moments[10]
    spans = [last - first for first, last in zip(moments, moments[55:], strict=False)]
    assert min(spans) >= 59.999 and moments[-1] < 200


async def test_the_hour_is_the_services() -> None:
    """As its answers tell it (contract G11.8)."""
    date = {"Date": "Tue, 01 Jan 2030 00:00:00 GMT"}
    service = GraphService(lambda _: httpx.Response(204, headers=date))

    async def look(graph: Graph) -> datetime:
        await UPDATE(graph)
        return graph.now

    assert await service.do(look) - datetime(2030, 1, 1, tzinfo=UTC) < timedelta(minutes=1)


async def test_a_principal_is_made_to_show_in_the_portal() -> None:
    """By the tag that the portal's own have (contract G9.2 and G9.3)."""
    made = httpx.Response(201, json={"id": "sp", "appId": "client-1"})
    service = GraphService(lambda _: made)
    await service.do(lambda graph: graph.create_service_principal("client-1"))
    assert json.loads(service.seen[0].content) == {
        "appId": "client-1",
        "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
    }


async def test_a_secret_is_asked_for_with_description_and_end_alone() -> None:
    """Its id is for the service to choose, and its end is never left out.

    contract G7.1, G7.6 and G7.10
    """
    made = httpx.Response(200, json={"keyId": "k", "secretText": "a~secret~text~of~Entra"})
    service = GraphService(lambda _: made)
    await service.do(lambda graph: graph.add_password("object-1", "Codat", SINCE))
    (sent,) = service.seen
    assert sent.url.path == "/v1.0/applications/object-1/addPassword"
    assert json.loads(sent.content) == {
        "passwordCredential": {"displayName": "Codat", "endDateTime": "2026-01-01T00:00:00Z"}
    }


async def test_of_a_tenant_in_sight_only_the_id_is_sure(tmp_path: Path) -> None:
    """All else may be missing; a link to more is asked for as it stands (contract G19.4)."""
    link = "https://management.azure.com/tenants?api-version=of-the-link&%24skiptoken=x"
    whole = {
        "tenantId": "b",
        "displayName": "Books",
        "defaultDomain": "books.example",
        "tenantCategory": "ManagedBy",
    }
    pages = iter(
        [
            {"value": [{"tenantId": "a"}, whole], "nextLink": link},
            {"value": [{"tenantId": "c", "domains": ["first.example", "second.example"]}]},
        ]
    )
    network = Answering(CLIENTS["azure"], lambda _: httpx.Response(200, json=next(pages)))
    assert await network.do(tmp_path) == (
        azure.Tenant("a", "", ""),
        azure.Tenant("b", "Books", "books.example"),
        azure.Tenant("c", "", "first.example"),
    )
    assert str(network.asked[1].url) == link


async def test_what_azure_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    """Its envelope is Graph's (contract G19.5)."""
    error = {"code": "MissingApiVersionParameter", "message": "No version was given."}
    network = Answering(CLIENTS["azure"], lambda _: httpx.Response(400, json={"error": error}))
    with pytest.raises(RunbookError, match=r"No version was given\.") as caught:
        await network.do(tmp_path)
    assert caught.value.code == error["code"]


@pytest.mark.parametrize("host", ["login.microsoft.com", "login.windows.net", "sts.windows.net"])
async def test_entra_has_more_names_than_one(host: str, tmp_path: Path) -> None:
    """A secret may go to each of them, where Entra says so (contract G1.2)."""
    document = discovery() | {"token_endpoint": f"https://{host}/x/oauth2/v2.0/token"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=document)
        return httpx.Response(200, json={"access_token": "x", "expires_in": 60})

    network = Answering(CLIENTS["proof"], answer)
    await network.do(tmp_path)
    assert network.seen[-1].url.host == host


# --- Business Central -----------------------------------------------------------------------------

OTHER = "Irgendetwas anderes."


@pytest.mark.parametrize(
    ("status", "code", "text", "kind"),
    [
        pytest.param(401, "", OTHER, Kind.REFUSED, id="contract B11.9"),
        pytest.param(403, "", OTHER, Kind.REFUSED, id="contract B11.10"),
        pytest.param(
            400, "Authorization_Anything", OTHER, Kind.REFUSED, id="contract B11.4, B11.11"
        ),
        pytest.param(
            400, "Application_DialogException", OTHER, Kind.FATAL, id="contract B11.12, fatal"
        ),
        pytest.param(
            400,
            "Application_DialogException",
            "You lack permissions.",
            Kind.REFUSED,
            id="contract B11.12, refused",
        ),
        pytest.param(
            500,
            "Internal_ServerError2",
            "The current permissions prevented the action.",
            Kind.REFUSED,
            id="contract B11.12, any code",
        ),
        pytest.param(
            400, "EnvironmentAppOperationFailed", OTHER, Kind.REFUSED, id="contract B11.13"
        ),
        pytest.param(404, "NoEnvironment", OTHER, Kind.FATAL, id="contract B11.14"),
        pytest.param(404, "environmentNotFound", OTHER, Kind.FATAL, id="contract B11.14 and B11.5"),
        pytest.param(404, "BadRequest_ResourceNotFound", OTHER, Kind.ROUTE, id="contract B11.15"),
        pytest.param(503, "Internal_CompanyNotFound", OTHER, Kind.FATAL, id="contract B11.16"),
        pytest.param(400, "Internal_TenantUnavailable", OTHER, Kind.RETRY, id="contract B11.17"),
        pytest.param(400, "Internal_MetadataSyncError", OTHER, Kind.RETRY, id="contract B11.18"),
        pytest.param(400, "Internal_ServerError", OTHER, Kind.RETRY, id="contract B11.19"),
        pytest.param(
            400, "Application_ServiceUnavailable", OTHER, Kind.RETRY, id="contract B11.20"
        ),
        pytest.param(
            403,
            "Unknown",
            "An administrator changed one or more extensions.",
            Kind.RETRY,
            id="contract B11.21",
        ),
        pytest.param(400, "Unknown", "No overload for it.", Kind.RETRY, id="contract B11.22"),
        pytest.param(404, "applicationTypeDoesNotExist", OTHER, Kind.FATAL, id="contract B11.23"),
        pytest.param(400, "EntityValidationFailed", OTHER, Kind.FATAL, id="contract B11.24"),
        *(
            pytest.param(status, "", OTHER, Kind.RETRY, id=f"{status} passes")
            for status in (408, 429, 500, 502, 503, 504)
        ),
        pytest.param(413, "", OTHER, Kind.FATAL, id="contract B11.26"),
    ],
)
def test_what_a_refusal_means(status: int, code: str, text: str, kind: Kind) -> None:
    """By its code, else its status; few texts decide, in English.

    contract B11.1, B11.6 and B11.7
    """
    for body in ({"code": code, "message": text}, {"error": {"code": code, "message": text}}):
        assert BusinessCentralReply(status, {}, body).kind is kind


async def test_the_probe_reads_three_sets_and_little_of_each() -> None:
    """Named fields, one row, from no copy of the database.

    contract B3.6, B6.2 and B6.4
    """
    service = saying(200, {"value": []})
    async with service.client() as client:
        await client.probe("Production", COMPANY)
    asked = {one.url.path.rpartition("/")[2]: one for one in service.seen}
    assert set(asked) == {"companyInformation", "accounts", "customers"}
    for name, one in asked.items():
        assert one.url.params["$select"]
        assert one.url.params.get("$top") == (None if name == "companyInformation" else "1")
        assert "Data-Access-Intent" not in one.headers


@pytest.mark.parametrize(
    ("publisher", "name", "is_it"),
    [
        ("Codat", "App Link", True),
        (" codat ", "APP LINK ", True),
        ("Codat", "App Linker", False),
        ("Somebody", "App Link", False),
    ],
)
def test_the_extension_is_known_by_publisher_and_name(
    publisher: str, name: str, is_it: bool
) -> None:
    """Whatever its id, its version and its kind.

    contract B2.9, B2.10, C11.5 and C11.6
    """
    assert is_app_link(publisher, name) is is_it


@pytest.mark.parametrize(
    "row",
    [
        {"appId": "an-app", "environmentName": "Live"},
        {"appId": "an-app", "environmentName": "Live", "parameters": {"targetAppVersion": "1"}},
        {"parameters": {"appId": "an-app", "environmentName": "Live"}},
        {"environmentName": "Live", "parameters": {"appId": "an-app"}},
        {"environmentName": "Live", "parameters": {"appId": "an-app", "environmentName": None}},
    ],
)
def test_an_operation_names_app_and_environment_in_either_place(row: dict[str, object]) -> None:
    """Recordings and samples of the log disagree (contract B9.4, B9.16 and B9.18)."""
    read = Operation.model_validate({"id": "an-operation", **row})
    assert (read.app_id, read.environment) == ("an-app", "Live")


@pytest.mark.parametrize("version", [None, "v2.6"])
async def test_what_is_of_the_whole_tenant_names_no_tenant(version: str | None) -> None:
    """The token decides; the admin centre's version may be an older one.

    contract B1.9, B1.11, B4.3, B9.1 and B9.11
    """
    service = saying(200, {"value": []})
    async with service.client(**({"admin_version": version} if version else {})) as client:
        await client.environments()
        await client.admin_environments()
        await client.admin_operations()
    admin = f"/admin/{version or 'v2.29'}"
    assert [one.url.path for one in service.seen] == [
        "/environments/v1.2",
        f"{admin}/applications/BusinessCentral/environments",
        f"{admin}/environments/operations",
    ]


def test_what_is_read_of_each_row() -> None:
    """What is needed of it, by the names that the pages give (contract B4.1, B6.1 and B8.1)."""
    discovered = Environment.model_validate(
        {"name": "Live", "type": "Production", "aadTenantId": "t", "webServiceUrl": "https://x"}
    )
    assert (discovered.name, discovered.type) == ("Live", "Production")
    assert (discovered.status, discovered.version) == ("", "")
    company = BusinessCentralCompany.model_validate(
        {"id": COMPANY, "name": "CRONUS", "displayName": "Shown", "systemVersion": "27.1"}
    )
    assert (company.id, company.name, company.display_name) == (COMPANY, "CRONUS", "Shown")
    deployment = Deployment.model_validate(
        {
            "operationID": "o",
            "name": "App Link",
            "publisher": "Codat",
            "operationType": "Upload",
            "status": "InProgress",
            "startedOn": "2026-11-29T09:00:00Z",
        }
    )
    assert (deployment.name, deployment.publisher) == ("App Link", "Codat")
    assert (deployment.status, deployment.started_on) == (
        "InProgress",
        datetime(2026, 11, 29, 9, tzinfo=UTC),
    )


# --- Codat ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [("22:43.41Z", 410_000), ("22:43.4Z", 400_000), ("22:43Z", 0), ("22:43.0000001Z", 0)],
)
async def test_a_fraction_may_be_of_any_length(text: str, microseconds: int) -> None:
    """Zeros at its end are left out (contract C2.16 and C2.17)."""
    body = connection(created=f"2022-10-27T10:{text}")
    found = await scripted(json_reply(body)).do(READS["connection"].call)
    assert found.created == datetime(2022, 10, 27, 10, 22, 43, microseconds, UTC)


async def test_ten_requests_are_under_way_at_most() -> None:
    """So that even one connected company is enough (contract C3.4)."""
    arrived, release = [], asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        arrived.append(request)
        await release.wait()
        return listed()

    async def key() -> Secret:
        return Secret("a-key-of-the-test")

    cloud = Cloud(kind="live", pace=Pace(speed=1e5))
    async with Http(cloud, transport=httpx.MockTransport(answer)) as http:
        codat = Codat(http, key)
        asked = [asyncio.create_task(codat.companies()) for _ in range(25)]
        for _ in range(500):
            await asyncio.sleep(0)
        assert len(arrived) == 10
        release.set()
        await asyncio.gather(*asked)
    assert len(arrived) == 25
