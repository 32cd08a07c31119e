"""Which handler serves which address and method. In a pattern `{}` is an id or a key.

`/companies/{}/connectionManagement/accessToken` is not here although the OpenAPI description still
has it: Codat's deprecation notice says that it answers 404.
"""

from __future__ import annotations

from collections.abc import Callable

from bcrunbook.rehearsal.codat import (
    companies,
    connections,
    data,
    keys,
    platforms,
    settings,
    syncsettings,
    webhooks,
)
from bcrunbook.rehearsal.messages import Answer

Handler = Callable[..., Answer]

_ORIGINS: dict[str, Handler] = {"GET": settings.origins, "POST": settings.set_origins}

ROUTES: dict[str, dict[str, Handler]] = {
    "integrations": {"GET": platforms.list_all},
    "integrations/{}": {"GET": platforms.get},
    "integrations/{}/branding": {"GET": platforms.branding},
    "companies": {"GET": companies.list_all, "POST": companies.create},
    "companies/{}": {
        "GET": companies.get,
        "PUT": companies.replace,
        "PATCH": companies.update,
        "DELETE": companies.delete,
    },
    "companies/{}/accessToken": {"GET": settings.access_token},
    "companies/{}/syncSettings": {
        "GET": syncsettings.of_company,
        "POST": syncsettings.set_for_company,
    },
    "companies/{}/connections": {"GET": connections.list_all, "POST": connections.create},
    "companies/{}/connections/{}": {
        "GET": connections.get,
        "PATCH": connections.update,
        "DELETE": connections.delete,
    },
    "companies/{}/connections/{}/authorization": {"PUT": connections.authorize},
    "companies/{}/data/all": {"POST": data.refresh_all},
    "companies/{}/data/queue/{}": {"POST": data.queue},
    "companies/{}/dataStatus": {"GET": data.status},
    "companies/{}/data/history": {"GET": data.history},
    "companies/{}/data/history/{}": {"GET": data.history_item},
    "webhooks": {"GET": webhooks.list_all, "POST": webhooks.create},
    "webhooks/{}": {"DELETE": webhooks.delete},
    "corsSettings": _ORIGINS,
    "connectionManagement/corsSettings": _ORIGINS,
    "profile": {"GET": settings.profile, "PUT": settings.replace_profile},
    "profile/syncSettings": {
        "GET": syncsettings.of_profile,
        "POST": syncsettings.set_for_profile,
    },
    "apiKeys": {"GET": keys.list_all, "POST": keys.create},
    "apiKeys/{}": {"DELETE": keys.delete},
}
