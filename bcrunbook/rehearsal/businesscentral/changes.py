"""What the admin centre is asked to do to an app: install, update, uninstall.

Source: contract B9.7, B9.8, B9.10 and B11.24. The answer is an operation, which goes on
after it.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import installation, rows
from bcrunbook.rehearsal.businesscentral.access import Caller
from bcrunbook.rehearsal.businesscentral.errors import BusinessCentralError, invalid
from bcrunbook.rehearsal.businesscentral.log import of_app, operations
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call, json_answer, read_json

TAKES: Final = 60.0
"""How long an update or an uninstallation goes on, in seconds of the rehearsal clock."""

Verb = Literal["install", "update", "uninstall"]


def ask(
    cloud: RehearsalCloud, call: Call, caller: Caller, one: world.Environment, app: str, verb: Verb
) -> Answer:
    """Begin an operation on an app, or refuse it."""
    body = _body(call)
    if app != installation.APP_ID and app not in rows.BASE_APPS:
        raise BusinessCentralError(404, "ResourceDoesNotExist", f"The app {app} does not exist.")
    progress = installation.progress(cloud, one.tenant, one.name)
    is_installed = any(row["id"] == app for row in rows.apps(one, progress))
    if progress is not None and app == installation.APP_ID:
        _check_idle(progress, verb)
    if verb == "install":
        _check_installable(one, body, is_installed=is_installed)
        installation.begin(cloud, one.tenant, one.name, by=caller.name)
    else:
        if not is_installed:
            raise invalid(
                f"App to {verb} is not installed.\r\n-App ID: '{app}'\r\n-Environment: '{one.name}'"
            )
        if verb == "uninstall":
            _check_removable(app)
        else:
            _check_update(rows.updates(progress), app, body)
        installation.act(cloud, one.tenant, one.name, verb, by=caller.name, takes=TAKES)
    return json_answer(200, of_app(operations(cloud, one)[0], spelling="AppVersion"))


def _check_idle(progress: installation.Progress, verb: str) -> None:
    if progress.state == "installing" or progress.under_way is not None:
        raise invalid(f"An operation on the app has already been scheduled; {verb} it later.")


def _check_installable(one: world.Environment, body: dict[str, Any], *, is_installed: bool) -> None:
    if body.get("acceptIsvEula") is not True:
        raise invalid("The terms of the app's publisher have to be accepted (acceptIsvEula).")
    if is_installed:
        raise invalid("The app is already installed.")
    if installation.SCRIPTS[one.script].refusal:
        raise BusinessCentralError(
            400,
            "EnvironmentAppOperationFailed",
            "The caller lacks the permission set 'Exten. Mgt. - Admin' in the environment.",
        )


def _check_removable(app: str) -> None:
    if app in rows.BASE_APPS:
        dependant = {
            "appId": installation.APP_ID,
            "name": installation.NAME,
            "publisher": installation.PUBLISHER,
            "version": rows.text(installation.VERSION),
            "type": "Uninstall",
        }
        raise invalid("Other apps depend on the app.", {"requirements": [dependant]})


def _check_update(offered: list[rows.Row], app: str, body: dict[str, Any]) -> None:
    wanted = body.get("targetVersion")
    if not any(row["appId"] == app and row["version"] == wanted for row in offered):
        raise invalid(f"There is no update of the app to the version '{wanted}'.")


def _body(call: Call) -> dict[str, Any]:
    try:
        body = read_json(call.body)
    except ValueError as problem:
        raise invalid("The body is no JSON.") from problem
    if not isinstance(body, dict):
        raise invalid("The body is no object.")
    return body
