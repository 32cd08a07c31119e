"""Facts about Business Central that no other test of the stand-in meets, one by one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.rehearsal import world
from tests.rehearsal.businesscentral_support import API, APP, BusinessCentral, bc, error_code

# The fixture of every test here.
__all__ = ["bc"]

ADMIN = "/admin/v2.29/applications/BusinessCentral/environments"


def discovered(bc: BusinessCentral) -> list[dict[str, Any]]:
    """The environments of the tenant."""
    return list(bc("GET", "/environments/v1.2").json()["value"])


def logged(bc: BusinessCentral, name: str) -> list[dict[str, Any]]:
    """An environment's operations, newest first."""
    return list(bc("GET", f"{bc.environment(name).admin}/operations").json()["value"])


def named(*names: str) -> set[str]:
    """The names of properties, written one after the other."""
    return set(" ".join(names).split())


# --- ids ------------------------------------------------------------------------------------------


def test_what_is_made_up_about_app_link(bc: BusinessCentral) -> None:
    """Its id and its two versions, as a package and from Marketplace.

    contract B2.10, B2.11, C11.6 and C11.14
    """
    found = {}
    for name, age in (("Normal", 900), ("Slow", 1200)):
        one = bc.begin(name)
        bc.clock.pass_(age)
        (row,) = bc.as_batch().environment(name).codat_rows()
        assert row["id"] == "c0da7a11-5b0e-4c6e-9d52-2f7f4f0b7c11"
        found[row["publishedAs"]] = one.apps()["App Link"]
    assert found == {" PTE": "1.4.27.0", "Global": "1.4.12.0"}


def test_every_environment_has_microsofts_own_packages(bc: BusinessCentral) -> None:
    """Under the ids that they have everywhere (contract B2.17 and B7.5)."""
    rows = bc.environment("Normal").managed("extensions").json()["value"]
    assert {row["displayName"]: row["id"] for row in rows} == {
        "System Application": "63ca2fa4-4f03-4f2b-a480-172fef340d3f",
        "Business Foundation": "f3552374-a1f2-4356-848e-196002525837",
        "Base Application": "437dbf0e-84ff-417a-965d-ed2bb9650972",
        "Application": "c1335042-3002-4257-bf8a-75c898ccb1b8",
    }


@pytest.mark.parametrize(
    "audience",
    [
        "https://api.businesscentral.dynamics.com",
        "https://projectmadeira.com",
        "996def3d-b36c-4153-8607-a6fd3c01b89f",
    ],
)
def test_a_token_names_the_service_in_one_of_three_ways(bc: BusinessCentral, audience: str) -> None:
    """By either address or by its id (contract B1.13 and B2.2)."""
    claims = {"tid": bc.tenant, "oid": world.BATCH_CLIENT, "appid": world.BATCH_CLIENT}
    end = int(bc.clock.now()) + 600
    bc.token = bc.cloud.key.sign({**claims, "aud": audience, "exp": end})
    assert bc("GET", "/environments/v1.2").status_code == 200


# --- environments and companies -------------------------------------------------------------------


def test_what_discovery_tells(bc: BusinessCentral) -> None:
    """Neither status nor version, and nothing of trials (contract B1.11, B4.1, B4.9 and B5.1)."""
    rows = [*discovered(bc), *discovered(bc.as_batch(world.TRIAL))]
    for row in rows:
        assert set(row) == named(
            "name type countryCode ringName aadTenantId",
            "applicationFamily webClientLoginUrl webServiceUrl",
        )
        assert row["type"] in ("Production", "Sandbox")
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,28}", row["name"])


def test_discovery_has_two_versions(bc: BusinessCentral) -> None:
    """The older one knows no rings, and there is no newer one (contract B1.11)."""
    older = bc("GET", "/environments/v1.1").json()["value"]
    assert older == [
        {name: value for name, value in one.items() if name != "ringName"} for one in discovered(bc)
    ]
    assert bc("GET", "/environments/v2.0").status_code == 404


def test_the_admin_centre_has_two_addresses_for_them(bc: BusinessCentral) -> None:
    """With and without the family; only lists say where in the world.

    contract B3.4, B4.3 and B4.8
    """
    listed = bc("GET", "/admin/v2.29/applications/environments").json()["value"]
    assert listed == bc("GET", ADMIN).json()["value"]
    assert all("geoName" in row for row in listed)
    (named,) = bc("GET", f"{ADMIN}/Normal").json()["value"]
    assert "geoName" not in named and named["status"] == "Active"


def test_a_key_of_the_telemetry_is_told_and_is_a_secret(
    bc: BusinessCentral, tmp_path: Path
) -> None:
    """In the admin centre, where a customer has one; it is in what leak tests search for.

    contract B4.5
    """
    rows = {one["name"]: one for one in bc("GET", ADMIN).json()["value"]}
    key = rows["Normal"]["appInsightsKey"]
    assert bc("GET", f"{ADMIN}/Normal").json()["value"][0]["appInsightsKey"] == key
    assert key in (tmp_path / "canaries.txt").read_text("utf-8").splitlines()
    assert "appInsightsKey" not in rows["Slow"]
    assert not [one for one in discovered(bc) if "appInsightsKey" in one]


def test_an_environment_is_active_while_an_extension_comes(bc: BusinessCentral) -> None:
    """Its status does not tell (contract B4.16)."""
    one = bc.begin("Normal")
    bc.clock.pass_(300)
    assert one.log() == [("environmentAppInstall", "running")]
    (row,) = bc("GET", one.admin).json()["value"]
    assert row["status"] == "Active"


def test_companies_tell_the_version_and_not_what_they_are_for(bc: BusinessCentral) -> None:
    """That is for the automation API (contract B2.12, B5.3, B6.1 and C10.11)."""
    bakery = bc.as_batch(world.BAKERY).environment("Production")
    companies = bc("GET", f"{bakery.data}/companies").json()["value"]
    for one in companies:
        assert {"id", "name", "displayName", "systemVersion"} <= set(one)
        assert int(one["systemVersion"].split(".")[0]) >= 22
        assert "evaluationCompany" not in one
    marked = bakery.managed("automationCompanies").json()["value"]
    assert {one["name"]: one["evaluationCompany"] for one in marked} == {
        "Brackenfield Bakery Ltd": False,
        "CRONUS UK Ltd.": True,
    }


def test_a_company_s_information_is_one_row(bc: BusinessCentral) -> None:
    """With currency and experience (contract B6.2)."""
    (row,) = bc.environment("Normal").of_company("companyInformation").json()["value"]
    assert row["currencyCode"] and row["experience"] == "Essential"


def test_rows_of_the_business_api(bc: BusinessCentral) -> None:
    """Each has an etag, and a blank choice is spelt in code (contract B3.7 and B3.13)."""
    rows = bc.environment("Normal").of_company("customers").json()["value"]
    assert all(row["@odata.etag"] for row in rows)
    assert {row["blocked"] for row in rows} == {"_x0020_"}


# --- packages and deployments ---------------------------------------------------------------------


def test_packages_are_the_environment_s(bc: BusinessCentral) -> None:
    """Through whichever company they are looked at (contract B7.1)."""
    one = bc.as_batch(world.BAKERY).environment("Production")
    companies = bc("GET", f"{one.data}/companies").json()["value"]
    seen = [
        bc("GET", f"{one.automation}/companies({company['id']})/extensions").json()["value"]
        for company in companies
    ]
    assert len(seen) == 2 and seen[0] == seen[1]


def test_a_package_is_another_with_each_version(bc: BusinessCentral) -> None:
    """The app's id stays; its key does not (contract B7.2 and B7.3)."""
    one = bc.begin("Slow")
    bc.clock.pass_(1200)
    (before,) = one.codat_rows()
    assert set(before) - {"@odata.etag"} == named(
        "id packageId publisher displayName versionMajor versionMinor",
        "versionBuild versionRevision publishedAs isInstalled",
    )
    one.asked("update", targetVersion="1.4.27.0")
    bc.clock.pass_(60)
    (after,) = one.codat_rows()
    assert after["id"] == before["id"] == APP and after["packageId"] != before["packageId"]


def test_a_marketplace_app_without_a_row_comes_by_the_admin_centre(bc: BusinessCentral) -> None:
    """There is no package to act on (contract B7.6, B7.15 and B9.7)."""
    one = bc.begin("Slow")
    bc.clock.pass_(1200)
    (row,) = one.codat_rows()
    assert one.act("uninstall").status_code == 204
    action = f"extensions({row['packageId']})/Microsoft.NAV.install"
    gone = one.managed(action, "POST")
    assert (gone.status_code, error_code(gone)) == (404, "BadRequest_ResourceNotFound")
    assert one.asked("install", acceptIsvEula=True).status_code == 200


def test_whoever_may_not_install_cannot_look(bc: BusinessCentral) -> None:
    """The list as a whole is AL's no (contract B7.9, B8.7 and B11.12)."""
    one = bc.environment("Normal")
    bc.as_person("ned.ash@saltmarsh-lab.example")
    for entity in ("extensions", "extensionDeploymentStatus"):
        refused = one.managed(entity)
        assert (refused.status_code, error_code(refused)) == (400, "Application_DialogException")
        assert "permissions" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("name", "age", "kind"), [("Normal", 900, "Upload"), ("Slow", 1200, "Install")]
)
def test_a_deployment_says_how_it_came(
    bc: BusinessCentral, name: str, age: float, kind: str
) -> None:
    """As a package or from Marketplace; no id, no reason (contract B8.1 and B8.2)."""
    one = bc.begin(name)
    bc.clock.pass_(age)
    (row,) = one.managed("extensionDeploymentStatus").json()["value"]
    assert row["operationType"] == kind
    assert set(row) - {"@odata.etag"} == named(
        "operationID name publisher operationType",
        "status schedule appVersion startedOn",
    )


def test_the_newest_deployment_comes_first(bc: BusinessCentral) -> None:
    """Of two, and nothing else tells the earlier attempt from it (contract B8.1 and B13.11)."""
    one = bc.begin("LaterUninstalled")
    bc.clock.pass_(1500)
    bc.as_batch().begin("LaterUninstalled")
    bc.clock.pass_(900)
    rows = bc.as_batch().environment("LaterUninstalled")
    new, old = rows.managed("extensionDeploymentStatus").json()["value"]
    assert new["startedOn"] > old["startedOn"]
    assert [new[name] for name in ("name", "appVersion")] == [
        old[name] for name in ("name", "appVersion")
    ]
    assert one.company == rows.company


# --- the admin centre -----------------------------------------------------------------------------


def test_an_app_has_its_id_as_deployed_services_call_it(bc: BusinessCentral) -> None:
    """`id`, and not the page's `appId` (contract B9.4)."""
    rows = bc("GET", f"{bc.environment('Normal').admin}/apps").json()["value"]
    assert all("id" in row and "appId" not in row for row in rows)


def test_what_the_admin_centre_lists_of_an_app(bc: BusinessCentral) -> None:
    """Only of what is installed, with states in the small letters of deployed services.

    contract B9.3 and B9.5
    """

    def listed() -> dict[str, dict[str, Any]]:
        rows = bc("GET", f"{bc.environment('Slow').admin}/apps").json()["value"]
        assert {frozenset(row) for row in rows} == {
            frozenset(named("id name publisher version state appType canBeUninstalled"))
        }
        return {row["name"]: row for row in rows}

    one = bc.begin("Slow")
    bc.clock.pass_(600)
    assert "App Link" not in listed()
    bc.clock.pass_(600)
    app = listed()["App Link"]
    assert (app["state"], app["appType"], app["canBeUninstalled"]) == ("installed", "global", True)
    assert listed()["Base Application"]["canBeUninstalled"] is False
    one.asked("update", targetVersion="1.4.27.0")
    assert listed()["App Link"]["state"] == "updating"


def test_the_log_forgets_after_half_a_year(bc: BusinessCentral) -> None:
    """An environment's own and that of all (contract B9.11)."""
    bc.begin("Normal")
    addresses = (
        f"{bc.environment('Normal').admin}/operations",
        "/admin/v2.29/environments/operations",
    )

    def logged_in_each() -> list[int]:
        return [len(bc("GET", address).json()["value"]) for address in addresses]

    bc.clock.pass_(180 * 24 * 3600)
    bc.as_batch()
    assert logged_in_each() == [1, 1]
    bc.clock.pass_(1)
    bc.as_batch()
    assert logged_in_each() == [0, 0]


def test_a_change_in_the_admin_centre_takes_a_minute(bc: BusinessCentral) -> None:
    """Not less, and not more (contract B9.5 and B16.5)."""
    one = bc.begin("Slow")
    bc.clock.pass_(1200)
    one.asked("update", targetVersion="1.4.27.0")
    bc.clock.pass_(59)
    assert one.apps()["App Link"] == "1.4.12.0"
    bc.clock.pass_(1)
    assert one.apps()["App Link"] == "1.4.27.0"
    one.asked("uninstall", deleteData=False)
    bc.clock.pass_(59)
    assert "App Link" in one.apps()
    bc.clock.pass_(1)
    assert "App Link" not in one.apps()


def test_an_operation_names_app_and_versions_by_where_it_is_read(bc: BusinessCentral) -> None:
    """In the log within its parameters; what has not ended has no date for it.

    contract B3.10, B9.16, B9.17, B9.18, B9.20 and B9.21
    """
    bc.as_person("vera.stone@saltmarsh-lab.example")
    one = bc.environment("Normal")
    asked = one.asked("install", acceptIsvEula=True).json()
    (row,) = logged(bc, "Normal")
    assert row["parameters"]["appId"] == asked["appId"] == APP
    assert row["parameters"]["targetAppVersion"] == asked["targetAppVersion"] == "1.4.27.0"
    (listed,) = bc("GET", f"{one.admin}/apps/{APP}/operations").json()["value"]
    assert listed["targetVersion"] == "1.4.27.0" and "targetAppVersion" not in listed
    assert "sourceVersion" in listed and "sourceAppVersion" in asked
    assert row["environmentName"] == "Normal" and "environmentName" not in row["parameters"]
    assert row["createdBy"] == "vera.stone@saltmarsh-lab.example"
    assert row["createdOn"] and "completedOn" not in row
    bc.clock.pass_(900)
    assert logged(bc, "Normal")[0]["completedOn"]


def test_an_operation_tells_what_kind_of_principal_began_it(bc: BusinessCentral) -> None:
    """With how the app was asked for, and that nobody called it off (contract B9.25)."""
    one = bc.environment("Normal")
    one.asked("install", acceptIsvEula=True)
    (row,) = logged(bc, "Normal")
    assert row["creatorPrincipalType"] == "app"
    assert (row["canceledBy"], row["canBeCanceled"]) == ("", False)
    flags = ("allowPreviewVersion", "ignoreUpgradeWindow", "allowDependencyUpdate")
    assert [row["parameters"][name] for name in flags] == [False, True, True]
    bc.begin("Slow")
    assert logged(bc, "Slow")[0]["creatorPrincipalType"] == "user"


def test_a_renaming_tells_both_names(bc: BusinessCentral) -> None:
    """In its parameters (contract B9.12 and B9.19)."""
    bc.begin("Renamed")
    bc.clock.pass_(300)
    row = logged(bc, "Renamed-renamed")[0]
    assert (row["type"], row["status"]) == ("environmentRename", "succeeded")
    assert row["parameters"] == {
        "oldEnvironmentName": "Renamed",
        "newEnvironmentName": "Renamed-renamed",
    }


def test_why_an_operation_failed_is_prose_with_codes(bc: BusinessCentral) -> None:
    """An outer one and an inner one (contract B9.14 and B9.22)."""
    bc.begin("DeploymentFailed")
    bc.clock.pass_(700)
    row = logged(bc, "DeploymentFailed")[0]
    assert row["status"] == "failed"
    prose, brace, rest = row["errorMessage"].partition("{")
    codes = json.loads(brace + rest)
    assert prose and codes["code"] == "ExtensionChangeFailed"
    assert codes["innerError"]["code"] == "TenantSyncFailure"


# --- refusals -------------------------------------------------------------------------------------


def test_an_upgrade_says_so_and_stops_no_other_environment(bc: BusinessCentral) -> None:
    """With half a minute to wait, for ten minutes (contract B11.17, B11.27 and B16.3)."""
    one, other = bc.begin("Upgrading"), bc.environment("Normal")
    bc.clock.pass_(599)
    refused = one.of_company("accounts")
    assert (refused.status_code, error_code(refused)) == (503, "Internal_TenantUnavailable")
    assert refused.headers["Retry-After"] == "30"
    assert other.of_company("accounts").status_code == 200
    bc.clock.pass_(1)
    assert one.of_company("accounts").status_code == 200


@pytest.mark.parametrize(
    ("roles", "path", "code"),
    [
        ([], "{data}/companies", "Authorization_RequestDenied"),
        ([], f"{ADMIN}", "Forbidden"),
    ],
)
def test_what_an_application_without_the_permission_meets(
    bc: BusinessCentral, roles: list[str], path: str, code: str
) -> None:
    """A code of each API's own (contract B11.7, B11.10, B11.11 and B16.6)."""
    claims = {"aud": API, "tid": bc.tenant, "oid": world.LAB, "appid": world.BATCH_CLIENT}
    bc.token = bc.cloud.key.sign({**claims, "exp": int(bc.clock.now()) + 600, "roles": roles})
    answer = bc("GET", path.format(data=bc.environment("Normal").data))
    body = answer.json()
    assert (answer.status_code, body.get("error", body)["code"]) == (403, code)


def test_too_many_requests_have_a_code_of_their_own(bc: BusinessCentral) -> None:
    """And nothing to say how long to wait (contract B12.5 and B16.4)."""
    answers = (bc("GET", "/environments/v1.2") for _ in range(6001))
    refused = next(one for one in answers if one.status_code != 200)
    assert (refused.status_code, refused.json()["code"]) == (429, "Application_TooManyRequests")
    assert "Retry-After" not in refused.headers
