"""Which handler serves which address, by API.

Source: contract B1, B6, B7 and B9. Whether a caller may, and whether there is
such an environment, company or row, is said before a method is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bcrunbook.rehearsal.businesscentral import admin, automation, data, discovery
from bcrunbook.rehearsal.businesscentral.collections import list_rows, read_row, service_document
from bcrunbook.rehearsal.businesscentral.metadata import describing
from bcrunbook.rehearsal.csdl import METADATA
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.routing import Known, Route, Router, at

DOCUMENTED: Final = Known.DOCUMENTED
RECORDED: Final = Known.RECORDED

HOST: Final = "api.businesscentral.dynamics.com"
WEB_HOST: Final = "businesscentral.dynamics.com"

Handler = Callable[..., Answer]

DISCOVERY: Final[Router[Handler]] = Router(
    f"https://{HOST}",
    [
        *at("environments/v1.1", DOCUMENTED, GET=discovery.list_without_rings),
        *at("environments/v1.2", DOCUMENTED, GET=discovery.list_environments),
    ],
)

WEB: Final[Router[Handler]] = Router(
    f"https://{WEB_HOST}",
    at("{tenant}/{environment}/deployment/url", RECORDED, GET=discovery.deployment_url),
    note="It needs no token.",
)

_ENVIRONMENT: Final = "applications/{family}/environments/{environment}"

ADMIN: Final[Router[Handler]] = Router(
    f"https://{HOST}/admin/v2.29",
    (
        *at("environments/operations", DOCUMENTED, GET=admin.list_all_operations),
        *at("environments/operations/{operation}", DOCUMENTED, GET=admin.read_any_operation),
        *at("applications/environments", DOCUMENTED, GET=admin.list_environments),
        *at("applications/{family}/environments", DOCUMENTED, GET=admin.list_environments),
        *at(_ENVIRONMENT, DOCUMENTED, GET=admin.read_environment),
        *at(f"{_ENVIRONMENT}/operations", DOCUMENTED, GET=admin.list_operations),
        *at(f"{_ENVIRONMENT}/operations/{{operation}}", DOCUMENTED, GET=admin.read_operation),
        *at(f"{_ENVIRONMENT}/apps", DOCUMENTED, GET=admin.list_apps),
        *at(f"{_ENVIRONMENT}/apps/availableUpdates", DOCUMENTED, GET=admin.list_updates),
        *at(f"{_ENVIRONMENT}/apps/{{app}}/install", DOCUMENTED, POST=admin.install_app),
        *at(f"{_ENVIRONMENT}/apps/{{app}}/update", DOCUMENTED, POST=admin.update_app),
        *at(f"{_ENVIRONMENT}/apps/{{app}}/uninstall", DOCUMENTED, POST=admin.uninstall_app),
        *at(f"{_ENVIRONMENT}/apps/{{app}}/operations", DOCUMENTED, GET=admin.list_app_operations),
        *at(
            f"{_ENVIRONMENT}/apps/{{app}}/operations/{{operation}}",
            DOCUMENTED,
            GET=admin.read_app_operation,
        ),
    ),
    note="Older versions, from v2.0 on, have what was there at their time: of an environment"
    " `applicationVersion` and `platformVersion` in place of `versionDetails`, and no routes that"
    " came later.",
)

ADMIN_SINCE: Final = {
    f"{_ENVIRONMENT}/apps/{{app}}/install": 6,
    f"{_ENVIRONMENT}/apps/{{app}}/uninstall": 6,
    f"{_ENVIRONMENT}/operations": 6,
    "environments/operations": 7,
    f"{_ENVIRONMENT}/operations/{{operation}}": 28,
    "environments/operations/{operation}": 28,
}
"""By which version 2 of the admin centre's API a route came, where it was not there from the
beginning (contract B9.2)."""


def _sets(names: tuple[str, ...]) -> tuple[Route[Handler], ...]:
    """The companies and the entity sets of each, as a whole and row by row."""
    routes: list[Route[Handler]] = [
        *at("", DOCUMENTED, GET=service_document("companies", *names)),
        *at(METADATA, DOCUMENTED, GET=describing(*names)),
        *at("companies", DOCUMENTED, GET=list_rows),
        *at("companies({company})", DOCUMENTED, GET=read_row),
    ]
    for name in names:
        path = f"companies({{company}})/{name}"
        routes += at(path, DOCUMENTED, GET=list_rows)
        routes += at(f"{path}({{id}})", DOCUMENTED, GET=read_row)
    return tuple(routes)


_IN_ENVIRONMENT: Final = f"https://{HOST}/v2.0/{{environment}}/api"
_OTHER_WAYS: Final = (
    "The tenant may stand before the environment. `{set}?company={company}` is another way to write"
    " `companies({company})/{set}`."
)

BUSINESS: Final[Router[Handler]] = Router(
    f"{_IN_ENVIRONMENT}/v2.0",
    _sets(data.ENTITIES),
    note=_OTHER_WAYS,
)

_EXTENSION: Final = "companies({company})/extensions({id})"

AUTOMATION: Final[Router[Handler]] = Router(
    f"{_IN_ENVIRONMENT}/microsoft/automation/v2.0",
    (
        *_sets(automation.ENTITIES),
        *at(f"{_EXTENSION}/Microsoft.NAV.install", DOCUMENTED, POST=automation.install),
        *at(f"{_EXTENSION}/Microsoft.NAV.uninstall", DOCUMENTED, POST=automation.uninstall),
        *at(
            f"{_EXTENSION}/Microsoft.NAV.uninstallAndDeleteExtensionData",
            DOCUMENTED,
            POST=automation.uninstall,
        ),
        *at(f"{_EXTENSION}/Microsoft.NAV.unpublish", DOCUMENTED, POST=automation.unpublish),
    ),
    note=_OTHER_WAYS,
)
