"""What Business Central's collections hold in a rehearsal.

Source: contract B4, B7, B8 and B9: which rows exist when, and how the deployed
services spell them.
"""

from __future__ import annotations

from typing import Any, Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import installation
from bcrunbook.rehearsal.businesscentral.installation import Progress, Version
from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.drawn_secrets import telemetry_name

Row = dict[str, Any]

FAMILY: Final = "BusinessCentral"
WITH_VERSION_DETAILS: Final = 29
"""Since which version 2 of the admin centre's API there are `versionDetails` (contract B4.4)."""
UNKNOWN_FOR: Final = 30.0
"""How long a deployment reads Unknown, and its package has no row yet (contract B16.1)."""

BASE_APPS: Final = {
    "63ca2fa4-4f03-4f2b-a480-172fef340d3f": "System Application",
    "f3552374-a1f2-4356-848e-196002525837": "Business Foundation",
    "437dbf0e-84ff-417a-965d-ed2bb9650972": "Base Application",
    "c1335042-3002-4257-bf8a-75c898ccb1b8": "Application",
}
"""Microsoft's own apps, which are installed in every environment."""
DEPLOYMENT: Final = frozenset(
    {
        "operationID",
        "name",
        "publisher",
        "operationType",
        "status",
        "schedule",
        "appVersion",
        "startedOn",
    }
)
"""What a row of the deployment status has."""
_MICROSOFT: Final = "Microsoft"
_EVALUATION: Final = "CRONUS"
_INSTALLED: Final = "installed"


def text(version: Version) -> str:
    """A version with dots."""
    return ".".join(map(str, version))


def discovered(cloud: RehearsalCloud, one: world.Environment) -> Row:
    """An environment as the discovery API tells it."""
    name = installation.current_name(cloud, one)
    return {
        "aadTenantId": one.tenant,
        "applicationFamily": FAMILY,
        "type": one.type,
        "name": name,
        "countryCode": world.TENANTS[one.tenant].country,
        "webServiceUrl": "https://api.businesscentral.dynamics.com",
        "webClientLoginUrl": f"https://businesscentral.dynamics.com/{one.tenant}/{name}",
        "ringName": "Production",
    }


def administered(cloud: RehearsalCloud, one: world.Environment, minor: int) -> Row:
    """An environment as the admin centre tells it when it is asked for by name.

    Args:
        cloud: the rehearsal cloud.
        one: the environment.
        minor: the version of the API: 29 for v2.29.
    """
    progress = installation.progress(cloud, one.tenant, one.name)
    is_upgrading = progress is not None and progress.is_upgrading
    return {
        "friendlyName": installation.current_name(cloud, one),
        **discovered(cloud, one),
        "status": "Upgrading" if is_upgrading else "Active",
        "locationName": "UK South",
        "AppSourceAppsUpdateCadence": "DuringMajorUpgrade",
        **_versions(one, minor),
        **_telemetry(cloud, one),
    }


def _telemetry(cloud: RehearsalCloud, one: world.Environment) -> Row:
    """The key that opens the customer's telemetry (contract B4.5): a secret like any other."""
    if not one.has_telemetry:
        return {}
    return {"appInsightsKey": cloud.secret(telemetry_name(one.tenant, one.name))}


def _versions(one: world.Environment, minor: int) -> Row:
    if minor < WITH_VERSION_DETAILS:
        return {"applicationVersion": one.version, "platformVersion": one.version}
    details = {
        "version": one.version,
        "gracePeriodStartDate": "2027-04-01T00:00:00Z",
        "enforcedUpdatePeriodStartDate": "2027-05-01T00:00:00Z",
    }
    return {"versionDetails": details}


def listed(cloud: RehearsalCloud, one: world.Environment, minor: int) -> Row:
    """An environment as the admin centre lists it; see `administered`."""
    return {**administered(cloud, one, minor), "geoName": "United Kingdom"}


def company(one: world.Environment, name: str) -> Row:
    """A company of an environment."""
    somebody = world.derived_id("bcUser", one.tenant)
    return {
        "id": one.company_id(name),
        "systemVersion": one.version,
        "timestamp": 50516,
        "name": name,
        "displayName": name,
        "businessProfileId": "",
        "systemCreatedAt": "2026-01-04T16:55:47.367Z",
        "systemCreatedBy": somebody,
        "systemModifiedAt": "2026-01-04T16:55:47.367Z",
        "systemModifiedBy": somebody,
    }


def automation_company(one: world.Environment, name: str) -> Row:
    """A company, with whether it holds sample data."""
    return {
        "id": one.company_id(name),
        "name": name,
        "evaluationCompany": name.startswith(_EVALUATION),
        "displayName": name,
        "businessProfileId": "",
    }


def extensions(one: world.Environment, progress: Progress | None) -> list[Row]:
    """The packages: Microsoft's own, and App Link where it has a row.

    A Marketplace app has one only while it is installed; a package of the tenant keeps it when it
    is uninstalled, and shows it, not installed, while it is being installed.
    """
    platform = _parts(one.version)
    found = [
        _package(app_id, name, _MICROSOFT, platform, installation.GLOBAL_SCOPE, installed=True)
        for app_id, name in BASE_APPS.items()
    ]
    if progress is None:
        return found
    state = progress.state
    is_published = state == "uninstalled" or (
        state == "installing" and progress.age >= UNKNOWN_FOR and not progress.is_upgrading
    )
    of_tenant = progress.script.published_as == installation.TENANT_SCOPE
    if state == "installed" or (of_tenant and is_published):
        found.append(
            _package(
                installation.APP_ID,
                installation.NAME,
                installation.PUBLISHER,
                progress.version,
                progress.script.published_as,
                installed=state == "installed",
            )
        )
    return found


def deployments(runs: list[Progress], seen_at: float) -> list[Row]:
    """The deployment status, newest first; of the newest, what the poll before made it find out.

    Args:
        runs: every installation, oldest first.
        seen_at: the newest one's age at the poll before.
    """
    ages = [*(run.age for run in runs[:-1]), seen_at][: len(runs)]
    found = [
        {
            "operationID": world.derived_id("bcDeployment", str(run.began)),
            "name": installation.NAME,
            "publisher": installation.PUBLISHER,
            "operationType": "Upload" if _is_uploaded(run) else "Install",
            "status": _deployed(run, age),
            "schedule": "Current version",
            "appVersion": text(run.script.version),
            "startedOn": timestamp(run.began),
        }
        for run, age in zip(runs, ages, strict=True)
        if not run.script.refusal
    ]
    return found[::-1]


def _is_uploaded(run: Progress) -> bool:
    return run.script.published_as == installation.TENANT_SCOPE and not run.by


def _deployed(run: Progress, age: float) -> str:
    script = run.script
    if age < UNKNOWN_FOR:
        return "Unknown"
    if script.fails_at is not None and age >= script.fails_at:
        return "Failed"
    if script.installed_at is not None and age >= script.installed_at:
        return "Completed"
    return "InProgress"


def apps(one: world.Environment, progress: Progress | None) -> list[Row]:
    """The installed apps as the deployed admin centre lists them: `id`, states in small letters."""
    deed = progress.under_way if progress is not None else None
    is_updating = deed is not None and deed.act == "update"
    return [
        {
            "id": row["id"],
            "name": row["displayName"],
            "publisher": row["publisher"],
            "version": text(_version_of(row)),
            "state": "updating" if is_updating and row["id"] == installation.APP_ID else _INSTALLED,
            "appType": "global" if row["publishedAs"] == installation.GLOBAL_SCOPE else "tenant",
            "canBeUninstalled": row["publisher"] != _MICROSOFT,
        }
        for row in extensions(one, progress)
        if row["isInstalled"]
    ]


def updates(progress: Progress | None) -> list[Row]:
    """The Marketplace apps that a newer version is offered for."""
    is_offered = (
        progress is not None
        and progress.state == "installed"
        and progress.script.published_as == installation.GLOBAL_SCOPE
        and progress.version < installation.VERSION
    )
    newer = {
        "appId": installation.APP_ID,
        "name": installation.NAME,
        "publisher": installation.PUBLISHER,
        "version": text(installation.VERSION),
        "requirements": [],
    }
    return [newer] if is_offered else []


def _parts(version: str) -> Version:
    major, minor, build, revision = map(int, version.split("."))
    return major, minor, build, revision


def _version_of(row: Row) -> Version:
    return (
        row["versionMajor"],
        row["versionMinor"],
        row["versionBuild"],
        row["versionRevision"],
    )


def _package(
    app_id: str, name: str, publisher: str, version: Version, scope: str, *, installed: bool
) -> Row:
    major, minor, build, revision = version
    return {
        "packageId": world.derived_id("bcPackage", app_id, text(version)),
        "id": app_id,
        "displayName": name,
        "publisher": publisher,
        "versionMajor": major,
        "versionMinor": minor,
        "versionBuild": build,
        "versionRevision": revision,
        "isInstalled": installed,
        "publishedAs": scope,
    }
