"""The admin centre's log of operations: what each installation and each deed left in it.

Source: contract B9.11, B9.12, B9.14, B9.22 and B9.25. The service spells states and kinds in
camelCase.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import installation
from bcrunbook.rehearsal.businesscentral.installation import Progress
from bcrunbook.rehearsal.businesscentral.rows import FAMILY, Row, text
from bcrunbook.rehearsal.clock import parse_timestamp, timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud

_KINDS: Final = {
    "install": "environmentAppInstall",
    "uninstall": "environmentAppUninstall",
    "update": "environmentAppUpdate",
}
_KEPT_SECONDS: Final = 180 * 24 * 3600.0
"""How long an entry is there (contract B9.11)."""
_FAILED: Final = (
    "A request to the Data Plane Admin Service failed.\r\nHttp status code: BadRequest\r\nError:"
    '\r\n{\r\n  "code": "ExtensionChangeFailed",\r\n  "message": "Timed out.",\r\n'
    '  "innerError": {\r\n    "code": "TenantSyncFailure"\r\n  }\r\n}'
)
"""Prose with codes in it, as the service gives it."""


def operations(cloud: RehearsalCloud, one: world.Environment) -> list[Row]:
    """An environment's operations that are still kept, newest first."""
    found: list[Row] = []
    for run in installation.history(cloud, one):
        if not run.script.refusal:
            found += _of_run(cloud, one, run)
    at = installation.renamed(cloud, one)
    if at is not None:
        names = {
            "oldEnvironmentName": one.name,
            "newEnvironmentName": installation.current_name(cloud, one),
        }
        found.append(_operation(cloud, one, "environmentRename", at, at, "succeeded", "", names))
    kept = [
        row
        for row in found
        if cloud.clock.age(parse_timestamp(str(row["createdOn"]))) <= _KEPT_SECONDS
    ]
    # Of two of the same instant the later one of the list is newer.
    return sorted(kept, key=lambda row: str(row["createdOn"]))[::-1]


def of_app(row: Row, *, spelling: str = "Version") -> Row:
    """An operation as it is listed for one app.

    Args:
        row: the operation as the environment's log has it.
        spelling: how the versions' names end: `Version` in lists, `AppVersion` in answers to
            what was asked for.
    """
    shared = {
        name: value
        for name, value in row.items()
        if name not in ("parameters", "environmentName", "environmentType", "productFamily")
    }
    given = row["parameters"]
    return {
        **shared,
        "appId": given["appId"],
        f"source{spelling}": given["sourceAppVersion"],
        f"target{spelling}": given["targetAppVersion"],
    }


def _of_run(cloud: RehearsalCloud, one: world.Environment, run: Progress) -> list[Row]:
    script, age = run.script, run.age
    installed = text(script.version)

    def add(act: str, at: float, done: float | None, status: str, by: str, more: Row) -> Row:
        ended = run.moment(cloud, done) if done is not None and done <= age else None
        given = {
            "appId": installation.APP_ID,
            "sourceAppVersion": "",
            "targetAppVersion": installed,
            "countryCode": world.TENANTS[one.tenant].country,
            "allowPreviewVersion": False,
            "ignoreUpgradeWindow": True,
            "allowDependencyUpdate": True,
            **more,
        }
        state = status if ended is not None else "running"
        return _operation(cloud, one, _KINDS[act], run.moment(cloud, at), ended, state, by, given)

    if script.fails_at is not None:
        found = [add("install", 0.0, script.fails_at, "failed", run.by, {})]
    else:
        found = [add("install", 0.0, script.installed_at, "succeeded", run.by, {})]
    if script.removed is not None and not run.deeds and age >= script.removed_at:
        at = script.removed_at
        found.append(add("uninstall", at, at, "succeeded", "", {}))
    for deed in run.deeds:
        more: Row = {}
        if deed.act == "update":
            more = {
                "sourceAppVersion": installed,
                "targetAppVersion": text(installation.VERSION),
            }
        # To unpublish is no operation of its own: only an uninstallation before it is logged.
        if deed.act in _KINDS:
            found.append(add(deed.act, deed.at, deed.done_at, "succeeded", deed.by, more))
    return found


def _operation(
    cloud: RehearsalCloud,
    one: world.Environment,
    kind: str,
    began: float,
    ended: float | None,
    status: str,
    by: str,
    parameters: Row,
) -> Row:
    over = {} if ended is None else {"completedOn": timestamp(ended)}
    return {
        "id": world.derived_id("bcOperation", one.tenant, one.name, kind, str(began)),
        "type": kind,
        "status": status,
        "aadTenantId": one.tenant,
        "createdOn": timestamp(began),
        "startedOn": timestamp(began),
        **over,
        "createdBy": by,
        "canceledBy": "",
        "creatorPrincipalType": "app" if by == world.BATCH_CLIENT else "user",
        "errorMessage": _FAILED if status == "failed" else "",
        "parameters": parameters,
        "environmentName": installation.current_name(cloud, one),
        "environmentType": one.type,
        "productFamily": FAMILY,
        "canBeCanceled": False,
    }
