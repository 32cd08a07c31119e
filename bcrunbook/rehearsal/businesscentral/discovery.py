"""Which environments there are, and the look at one of them that needs no token.

Source: contract B1.11 and B1.17.
"""

from __future__ import annotations

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import installation, rows
from bcrunbook.rehearsal.businesscentral.access import Caller
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, json_answer


def list_environments(cloud: RehearsalCloud, caller: Caller) -> Answer:
    """The environments of the caller's tenant."""
    return json_answer(200, {"value": _discovered(cloud, caller)})


def list_without_rings(cloud: RehearsalCloud, caller: Caller) -> Answer:
    """The same, as the older version has it."""
    found = _discovered(cloud, caller)
    for one in found:
        del one["ringName"]
    return json_answer(200, {"value": found})


def _discovered(cloud: RehearsalCloud, caller: Caller) -> list[rows.Row]:
    return [rows.discovered(cloud, one) for one in world.environments_of(caller.tenant)]


def deployment_url(cloud: RehearsalCloud, tenant: str, environment: str) -> Answer:
    """Whether an environment is there and ready."""
    known = world.find_tenant(tenant)
    found = installation.environment_named(cloud, known.id, environment) if known else None
    if found is None:
        return json_answer(200, {"status": "DoesNotExist"})
    progress = installation.progress(cloud, found.tenant, found.name)
    is_ready = progress is None or not progress.is_upgrading
    return json_answer(
        200,
        {
            "status": "Ready" if is_ready else "Updating",
            "environmentType": 1 if found.type == "Sandbox" else 0,
        },
    )
