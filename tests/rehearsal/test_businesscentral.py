"""App Link's installation as Business Central tells it: rows, deployments, the log, by script."""

from __future__ import annotations

import pytest

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import installation
from tests.rehearsal.businesscentral_support import (
    API,
    APP,
    NOBODY,
    BusinessCentral,
    bc,
    error_code,
)

INSTALL, UNINSTALL = "environmentAppInstall", "environmentAppUninstall"
WEB = "https://businesscentral.dynamics.com"


__all__ = ["bc"]


def test_nothing_before_an_installation(bc: BusinessCentral) -> None:
    """An environment in which nothing was ever begun has Microsoft's apps and no history."""
    normal = bc.environment("Normal")
    assert normal.installed() is None
    assert normal.deployed() == [] and normal.log() == []
    assert "Base Application" in normal.apps() and "App Link" not in normal.apps()


def test_an_ordinary_installation(bc: BusinessCentral) -> None:
    """A quarter of an hour from the first row to the installed app.

    contract B2.9, B7.4, B9.3, B16.1 and C11.5
    """
    normal = bc.begin("Normal")
    assert normal.installed() is None
    assert normal.log() == [(INSTALL, "running")]
    bc.clock.pass_(60)
    assert normal.installed() is False and "App Link" not in normal.apps()
    bc.clock.pass_(839)
    assert normal.installed() is False
    bc.clock.pass_(1)
    assert normal.installed() is True
    (row,) = normal.codat_rows()
    assert (row["id"], row["displayName"], row["publishedAs"]) == (APP, "App Link", " PTE")
    assert normal.apps()["App Link"] == ".".join(map(str, installation.VERSION))
    assert normal.log() == [(INSTALL, "succeeded")]


def test_every_deployment_status_is_one_poll_behind(bc: BusinessCentral) -> None:
    """A poll tells what the one before it found out (contract B8.3, B8.4 and B13.7)."""
    normal = bc.begin("Normal")
    bc.clock.pass_(60)
    assert normal.deployed() == ["Unknown"]
    bc.clock.pass_(900)
    assert normal.deployed() == ["InProgress"]
    assert normal.deployed() == ["Completed"]


@pytest.mark.parametrize(
    ("name", "age", "installed", "deployed", "logged"),
    [
        ("Slow", 1199, None, "InProgress", (INSTALL, "running")),
        ("Slow", 1200, True, "Completed", (INSTALL, "succeeded")),
        ("FetchErrors", 1199, False, "InProgress", (INSTALL, "running")),
        ("FetchErrors", 1200, True, "Completed", (INSTALL, "succeeded")),
        ("NeverFinishes", 86400, False, "InProgress", (INSTALL, "running")),
        ("DeploymentFailed", 800, False, "Failed", (INSTALL, "failed")),
        ("DeploymentFailed", 900, True, "Failed", (INSTALL, "failed")),
        ("LaterUninstalled", 1499, True, "Completed", (INSTALL, "succeeded")),
        ("LaterUninstalled", 1500, False, "Completed", (UNINSTALL, "succeeded")),
        ("LaterUnpublished", 1499, True, "Completed", (INSTALL, "succeeded")),
        ("LaterUnpublished", 1500, None, "Completed", (UNINSTALL, "succeeded")),
    ],
)
def test_scripts(
    bc: BusinessCentral,
    name: str,
    age: float,
    installed: bool | None,
    deployed: str,
    logged: tuple[str, str],
) -> None:
    """Each script's extension row, deployment and log at an age.

    contract B2.13, B8.9 and B16.1
    """
    one = bc.begin(name)
    bc.clock.pass_(age)
    bc.as_batch()
    one.deployed()
    assert one.installed() is installed
    assert one.deployed() == [deployed]
    assert one.log()[0] == logged
    assert ("App Link" in one.apps()) is (installed is True)


def test_a_missing_licence_leaves_no_trace(bc: BusinessCentral) -> None:
    """A refused installation is Codat's to tell: Business Central has no row and no operation."""
    one = bc.begin("LicenceMissing")
    found = installation.progress(bc.cloud, bc.tenant, "LicenceMissing")
    assert found is not None and found.state == "refused" and not found.is_linked
    bc.clock.pass_(3000)
    assert one.installed() is None
    assert one.deployed() == [] and one.log() == []
    assert bc.begin("LicenceMissing").log() == []


@pytest.mark.parametrize(
    ("age", "status", "code"),
    [
        (125, 503, "Application_ServiceUnavailable"),
        (305, 400, "Unknown"),
        (485, 404, "BadRequest_NotFound"),
        (665, 400, "BadRequest"),
    ],
)
def test_an_installation_disturbs_the_automation_api(
    bc: BusinessCentral, age: float, status: int, code: str
) -> None:
    """For a few seconds each, always at the same ages, and never what is not being installed.

    contract B11.20, B11.21, B11.22, B13.2, B13.3, B13.4 and B16.2
    """
    one = bc.begin("Normal")
    bc.clock.pass_(age)
    for entity in ("extensions", "extensionDeploymentStatus", "automationCompanies"):
        answer = one.managed(entity)
        assert (answer.status_code, error_code(answer)) == (status, code)
        assert bc.environment("Slow").managed(entity).status_code == 200
    assert one.of_company("accounts").status_code == 200
    bc.clock.pass_(20)
    assert one.managed("extensions").status_code == 200


def test_an_upgrade_of_the_platform(bc: BusinessCentral) -> None:
    """Data and extensions are away for ten minutes, the admin centre says why.

    contract B1.17, B4.6, B4.15 and B11.27
    """
    one = bc.begin("Upgrading")
    for answer in (one.of_company("accounts"), one.managed("extensions")):
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
        assert "under maintenance" in answer.json()["error"]["message"]
    url = f"{WEB}/{bc.tenant}/Upgrading/deployment/url"

    def listed() -> tuple[str, bool]:
        (row,) = bc("GET", one.admin).json()["value"]
        return row["status"], bc.http.get(url).json()["status"] == "Ready"

    assert listed() == ("Upgrading", False)
    bc.clock.pass_(600)
    assert listed() == ("Active", True)
    assert one.of_company("accounts").status_code == 200
    assert one.installed() is False
    bc.clock.pass_(900)
    assert one.installed() is True


def test_a_renamed_environment(bc: BusinessCentral) -> None:
    """The old name is unknown at once, the new one has the installation and says so in its log.

    contract B4.10, B11.5 and B11.14
    """
    one = bc.begin("Renamed")
    bc.clock.pass_(300)
    answer = one.of_company("accounts")
    assert (answer.status_code, error_code(answer)) == (404, "NoEnvironment")
    gone = bc("GET", one.admin)
    assert (gone.status_code, gone.json()["code"]) == (404, "EnvironmentNotFound")
    names = {row["name"] for row in bc("GET", "/environments/v1.2").json()["value"]}
    assert "Renamed-renamed" in names and "Renamed" not in names
    new = bc.environment("Renamed-renamed")
    assert new.log()[0] == ("environmentRename", "succeeded")
    bc.clock.pass_(600)
    assert new.installed() is True


def test_beginning_again(bc: BusinessCentral) -> None:
    """Nothing happens while one is under way or there.

    After an uninstallation a new one begins, which goes smoothly, and the log keeps both.
    """
    bc.begin("LaterUninstalled")
    bc.clock.pass_(900)
    one = bc.begin("LaterUninstalled")
    assert one.installed() is True and len(one.log()) == 1
    bc.clock.pass_(600)
    assert one.installed() is False
    one = bc.begin("LaterUninstalled")
    bc.clock.pass_(900)
    bc.as_batch()
    assert one.installed() is True
    bc.clock.pass_(1200)
    assert one.installed() is True
    assert one.log() == [
        (INSTALL, "succeeded"),
        (UNINSTALL, "succeeded"),
        (INSTALL, "succeeded"),
    ]
    assert one.deployed()[1:] == ["Completed"]


def test_actions_on_a_package(bc: BusinessCentral) -> None:
    """Uninstalled, unpublished, each refused where it makes no sense, and never undone by time.

    contract B7.7, B7.11, B7.13, B9.13 and B11.12
    """
    one = bc.begin("Normal")
    bc.clock.pass_(60)
    busy = one.act("install")
    assert (busy.status_code, error_code(busy)) == (400, "Application_DialogException")
    bc.clock.pass_(840)
    for action, text in (
        ("install", "already installed"),
        ("unpublish", "because it is installed"),
    ):
        answer = one.act(action)
        assert answer.status_code == 400 and text in answer.json()["error"]["message"]
    done = one.act("uninstall")
    assert (done.status_code, done.content) == (204, b"")
    assert one.installed() is False and one.log()[0] == (UNINSTALL, "succeeded")
    assert "is not installed" in one.act("uninstallAndDeleteExtensionData").text
    assert one.act("install").status_code == 204
    assert one.installed() is True
    assert one.act("uninstallAndDeleteExtensionData").status_code == 204
    assert one.act("unpublish").status_code == 204
    assert one.installed() is None
    bc.clock.pass_(3000)
    assert bc.as_batch().environment("Normal").installed() is None


def test_microsofts_own_packages_stay(bc: BusinessCentral) -> None:
    """Neither the page of extensions nor the admin centre removes what others need.

    contract B11.24 and B16.7
    """
    one = bc.environment("Normal")
    rows = one.managed("extensions?$filter=displayName eq 'Base Application'").json()["value"]
    key, app = rows[0]["packageId"], rows[0]["id"]
    answer = one.managed(f"extensions({key})/Microsoft.NAV.uninstall", "POST")
    assert (answer.status_code, error_code(answer)) == (400, "Application_DialogException")
    refused = one.asked("uninstall", app, uninstallDependents=False)
    assert refused.status_code == 400
    assert refused.json()["data"]["requirements"][0]["type"] == "Uninstall"


def test_the_admin_centre_installs_and_uninstalls(bc: BusinessCentral) -> None:
    """An operation that can be followed by its id; what makes no sense is refused.

    contract B9.7, B9.8, B9.10, B9.12, B9.14, B9.21 and B11.24
    """
    one = bc.environment("Normal")
    without = one.asked("install", acceptIsvEula=False)
    assert (without.status_code, without.json()["code"]) == (400, "EntityValidationFailed")
    assert "is not installed" in one.asked("uninstall", deleteData=False).json()["message"]
    asked = one.asked("install", acceptIsvEula=True)
    assert (asked.status_code, asked.json()["status"]) == (200, "running")
    assert asked.json()["createdBy"] == world.BATCH_CLIENT
    path = f"{one.admin}/apps/{APP}/operations"
    follow = f"{path}/{asked.json()['id']}"
    assert bc("GET", follow).json()["status"] == "running"
    assert one.asked("install", acceptIsvEula=True).status_code == 400
    bc.clock.pass_(900)
    assert bc("GET", follow).json()["status"] == "succeeded"
    assert one.installed() is True
    assert "already installed" in one.asked("install", acceptIsvEula=True).json()["message"]
    leaving = one.asked("uninstall", deleteData=False).json()
    assert (leaving["type"], leaving["status"]) == (UNINSTALL, "running")
    assert one.asked("uninstall").status_code == 400
    assert one.installed() is True
    bc.clock.pass_(120)
    assert one.installed() is False
    assert bc("GET", f"{API}/admin/v2.28/environments/operations/{leaving['id']}").json()[
        "status"
    ] == ("succeeded")
    kinds = [row["type"] for row in bc("GET", path).json()["value"]]
    assert kinds == [UNINSTALL, INSTALL]


def test_an_update_of_a_marketplace_app(bc: BusinessCentral) -> None:
    """Only what is offered can be had; it takes a while, and without the app there is no row.

    contract B3.8, B7.6, B9.5, B9.6, B9.8 and B9.17
    """
    one = bc.begin("Slow")
    bc.clock.pass_(1200)
    before = one.apps()["App Link"]
    (offer,) = bc("GET", f"{one.admin}/apps/availableUpdates").json()["value"]
    assert one.asked("update", targetVersion="9.9.9.9").status_code == 400
    asked = one.asked("update", targetVersion=offer["version"]).json()
    assert (asked["sourceAppVersion"], asked["targetAppVersion"]) == (before, offer["version"])
    states = {row["name"]: row["state"] for row in bc("GET", f"{one.admin}/apps").json()["value"]}
    assert (states["App Link"], states["Application"]) == ("updating", "installed")
    bc.clock.pass_(120)
    assert one.apps()["App Link"] == offer["version"]
    assert bc("GET", f"{one.admin}/apps/availableUpdates").json()["value"] == []
    (row,) = one.codat_rows()
    assert row["publishedAs"] == "Global"
    assert one.act("uninstall").status_code == 204
    assert one.installed() is None


def test_a_refused_installation_in_the_admin_centre(bc: BusinessCentral) -> None:
    """Where nobody may install, the admin centre cannot either (contract B11.13 and B11.23)."""
    answer = bc.environment("LicenceMissing").asked("install", acceptIsvEula=True)
    assert answer.json()["code"] == "EnvironmentAppOperationFailed"
    assert bc.environment("LicenceMissing").log() == []
    unknown = bc.environment("Normal").asked("install", world.LAB, acceptIsvEula=True)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "ResourceDoesNotExist")


def test_the_look_that_needs_no_token(bc: BusinessCentral) -> None:
    """Ready or unknown, and whether it is a sandbox (contract B1.17)."""

    def look(tenant: str, environment: str) -> dict[str, object]:
        answer = bc.http.get(f"{WEB}/{tenant}/{environment}/deployment/url")
        assert answer.status_code == 200
        return dict(answer.json())

    assert look(world.LAB, "normal") == {"status": "Ready", "environmentType": 1}
    bakery = look("brackenfield-bakery.example", "Production")
    assert bakery["status"] == "Ready" and bakery["environmentType"] != 1
    assert look(world.LAB, "Nowhere")["status"] == "DoesNotExist"
    assert look("nobody.example", "Production")["status"] == "DoesNotExist"


def test_a_thousand_environments(bc: BusinessCentral) -> None:
    """Too many to be named in the cloud's own description, and all in its APIs (contract B4.3)."""
    bc.as_batch(world.COOPERATIVE)
    found = bc("GET", "/admin/v2.29/applications/environments").json()["value"]
    assert len({row["name"] for row in found}) == 1000
    assert {row["status"] for row in found} == {"Active"}
    last = bc.begin("Site-1000")
    bc.clock.pass_(900)
    assert last.installed() is True
    assert bc.environment("Site-0001").installed() is None


@pytest.mark.parametrize(
    ("version", "is_new"), [("v2.0", False), ("v2.28", False), ("v2.29", True)]
)
def test_each_version_of_the_admin_centre_has_its_own_form(
    bc: BusinessCentral, version: str, is_new: bool
) -> None:
    """An environment's version stands where that API version has it (contract B4.4 and B9.1)."""
    base = f"/admin/{version}/applications/BusinessCentral/environments"
    listed = bc("GET", base).json()["value"]
    (named,) = bc("GET", f"{base}/Normal").json()["value"]
    for row in (*listed, named):
        assert ("versionDetails" in row) is is_new
        assert ("applicationVersion" in row) is ("platformVersion" in row) is not is_new
        text = row["versionDetails"]["version"] if is_new else row["applicationVersion"]
        assert len(text.split(".")) == 4


@pytest.mark.parametrize(
    ("path", "since"),
    [
        ("applications/BusinessCentral/environments/Normal/operations", 6),
        ("environments/operations", 7),
        (f"environments/operations/{NOBODY}", 28),
    ],
)
def test_a_version_lacks_what_came_later(bc: BusinessCentral, path: str, since: int) -> None:
    """Such an address is unknown to it, and known from its version on (contract B9.2 and B9.11)."""
    before, then = (bc("GET", f"/admin/v2.{one}/{path}") for one in (since - 1, since))
    assert (before.status_code, before.json()["message"]) == (404, "The resource does not exist.")
    assert then.status_code == 200 or then.json()["message"] == "The operation does not exist."
