"""Which handler serves which address and method.

Source: Codat's OpenAPI description.

`/companies/{}/connectionManagement/accessToken` is not here although the OpenAPI description still
has it: Codat's deprecation notice says that it answers 404.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

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
from bcrunbook.rehearsal.codat.world import API_HOST
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.routing import Known, Router, at

Handler = Callable[..., Answer]

DOCUMENTED: Final = Known.DOCUMENTED

ROUTER: Final[Router[Handler]] = Router(
    f"https://{API_HOST}",
    (
        *at("integrations", DOCUMENTED, GET=platforms.list_all),
        *at("integrations/{platform}", DOCUMENTED, GET=platforms.get),
        *at("integrations/{platform}/branding", DOCUMENTED, GET=platforms.branding),
        *at("companies", DOCUMENTED, GET=companies.list_all, POST=companies.create),
        *at(
            "companies/{company}",
            DOCUMENTED,
            GET=companies.get,
            PUT=companies.replace,
            PATCH=companies.update,
            DELETE=companies.delete,
        ),
        *at("companies/{company}/accessToken", DOCUMENTED, GET=settings.access_token),
        *at(
            "companies/{company}/syncSettings",
            DOCUMENTED,
            GET=syncsettings.of_company,
            POST=syncsettings.set_for_company,
        ),
        *at(
            "companies/{company}/connections",
            DOCUMENTED,
            GET=connections.list_all,
            POST=connections.create,
        ),
        *at(
            "companies/{company}/connections/{connection}",
            DOCUMENTED,
            GET=connections.get,
            PATCH=connections.update,
            DELETE=connections.delete,
        ),
        *at(
            "companies/{company}/connections/{connection}/authorization",
            DOCUMENTED,
            PUT=connections.authorize,
        ),
        *at("companies/{company}/data/all", DOCUMENTED, POST=data.refresh_all),
        *at("companies/{company}/data/queue/{data_type}", DOCUMENTED, POST=data.queue),
        *at("companies/{company}/dataStatus", DOCUMENTED, GET=data.status),
        *at("companies/{company}/data/history", DOCUMENTED, GET=data.history),
        *at("companies/{company}/data/history/{operation}", DOCUMENTED, GET=data.history_item),
        *at("webhooks", DOCUMENTED, GET=webhooks.list_all, POST=webhooks.create),
        *at("webhooks/{webhook}", DOCUMENTED, DELETE=webhooks.delete),
        *at("corsSettings", DOCUMENTED, GET=settings.origins, POST=settings.set_origins),
        *at(
            "connectionManagement/corsSettings",
            DOCUMENTED,
            GET=settings.origins,
            POST=settings.set_origins,
        ),
        *at("profile", DOCUMENTED, GET=settings.profile, PUT=settings.replace_profile),
        *at(
            "profile/syncSettings",
            DOCUMENTED,
            GET=syncsettings.of_profile,
            POST=syncsettings.set_for_profile,
        ),
        *at("apiKeys", DOCUMENTED, GET=keys.list_all, POST=keys.create),
        *at("apiKeys/{key}", DOCUMENTED, DELETE=keys.delete),
    ),
)
