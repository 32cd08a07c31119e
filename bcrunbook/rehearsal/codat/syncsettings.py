"""How often and how much is fetched of each data type: the instance's way, and a company's own.

Source: Codat's OpenAPI description (SyncSettings, SyncSetting) and docs, "Errors" (402: hourly
syncs are not part of every plan). Undocumented, and plain here: types that a request leaves out
stay as they are; the id in the body must be that of the instance or company.
"""

from __future__ import annotations

from typing import Any, Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import datatypes, world
from bcrunbook.rehearsal.codat.errors import CLIENTS, CodatError, bad_request, plan_limit
from bcrunbook.rehearsal.codat.limits import MAX_NUMBER
from bcrunbook.rehearsal.codat.query import moment
from bcrunbook.rehearsal.codat.records import find_company
from bcrunbook.rehearsal.codat.request import Request
from bcrunbook.rehearsal.messages import Answer, json_answer

SYNC: Final = "codatSyncSettings"
"""The kind of record; its partition is the instance's id, its key that or a company's id."""

NEEDED: Final = {"dataType": str, "fetchOnFirstLink": bool, "syncSchedule": int, "syncOrder": int}
OPTIONAL: Final = {"syncFromUtc": str, "syncFromWindow": int, "monthsToSync": int, "isLocked": bool}
HOURLY: Final = 1


def of_profile(request: Request) -> Answer:
    """The instance's settings."""
    cloud, instance = request.cloud, request.instance
    kept = cloud.store.latest(SYNC, instance.id, instance.id)
    return json_answer(
        200,
        {
            "clientId": instance.id,
            "settings": _settings(cloud, instance),
            "overridesDefaults": bool(kept and kept["overrides"]),
        },
    )


def set_for_profile(request: Request) -> Answer:
    """Change the instance's settings."""
    _keep(request, request.instance.id, "clientId")
    return Answer(204)


def of_company(request: Request, company: str) -> Answer:
    """What applies to a company."""
    find_company(request, company)
    kept = request.cloud.store.latest(SYNC, request.instance.id, company)
    return json_answer(
        200,
        {
            "companyId": company,
            "settings": effective(request.cloud, request.instance, company),
            "overridesDefaults": bool(kept and kept["overrides"]),
        },
    )


def set_for_company(request: Request, company: str) -> Answer:
    """Change what applies to a company."""
    find_company(request, company)
    _keep(request, company, "companyId")
    return Answer(204)


def effective(
    cloud: RehearsalCloud, instance: world.Instance, company: str
) -> list[dict[str, Any]]:
    """What applies to a company, in the order in which types are queued."""
    own = cloud.store.latest(SYNC, instance.id, company)
    settings = {one["dataType"]: one for one in _settings(cloud, instance)}
    if own and own["overrides"]:
        settings.update(own["settings"])
    return sorted(settings.values(), key=lambda one: int(one["syncOrder"]))


def _settings(cloud: RehearsalCloud, instance: world.Instance) -> list[dict[str, Any]]:
    kept = cloud.store.latest(SYNC, instance.id, instance.id)
    changed = kept["settings"] if kept and kept["overrides"] else {}
    return [changed.get(name) or datatypes.default_setting(name) for name in datatypes.ALL]


def _keep(request: Request, owner: str, id_name: str) -> None:
    body = request.body()
    if body.get(id_name) != owner:
        raise _wrong(f"`{id_name}` is required and must be that of the settings.")
    if not isinstance(body.get("overridesDefaults"), bool):
        raise _wrong("`overridesDefaults` is required and must be a boolean.")
    given = body.get("settings")
    if not isinstance(given, list):
        raise _wrong("`settings` is required and must be an array.")
    settings = {one["dataType"]: one for one in map(_checked, given)}
    if request.instance.plan == world.FREE and any(
        one["syncSchedule"] == HOURLY for one in settings.values()
    ):
        raise plan_limit("Hourly syncs are not included in a Free plan.")
    cloud, instance = request.cloud, request.instance
    kept = cloud.store.latest(SYNC, instance.id, owner)
    document = {
        "settings": {**(kept["settings"] if kept else {}), **settings},
        "overrides": body["overridesDefaults"],
    }
    cloud.store.put(SYNC, instance.id, owner, document)


def _checked(setting: Any) -> dict[str, Any]:
    if not isinstance(setting, dict):
        raise _wrong("Each of `settings` must be an object.")
    kept: dict[str, Any] = {}
    for name, wanted in (NEEDED | OPTIONAL).items():
        value = setting.get(name)
        if value is None and name in OPTIONAL:
            continue
        if type(value) is not wanted or (type(value) is int and not 0 <= value <= MAX_NUMBER):
            raise _wrong(f"`{name}` of a sync setting is missing or not valid.")
        kept[name] = value
    if kept["dataType"] not in datatypes.ALL:
        raise _wrong(f"{kept['dataType']} is not a data type.")
    if "syncFromUtc" in kept and not _is_moment(kept["syncFromUtc"]):
        raise _wrong("`syncFromUtc` must be a date.")
    if "monthsToSync" in kept and kept["dataType"] not in datatypes.REPORTS:
        raise _wrong("`monthsToSync` is for reports only.")
    if "syncFromUtc" in kept and "syncFromWindow" in kept:
        raise _wrong("Set `syncFromUtc` or `syncFromWindow`, not both.")
    return kept


def _is_moment(text: str) -> bool:
    try:
        moment(text)
    except ValueError:
        return False
    return True


def _wrong(text: str) -> CodatError:
    return bad_request(text, service=CLIENTS)
