"""`/integrations`: what Codat can connect to, read-only.

Source: Codat's OpenAPI description (Integration, Branding). An item of `datatypeFeatures` names its
type in `datatype`, as payloads do; the description spells the property both ways.
"""

from __future__ import annotations

from typing import Any, Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import datatypes, world
from bcrunbook.rehearsal.codat.errors import PUBLIC, not_found
from bcrunbook.rehearsal.codat.integrations import settings_of
from bcrunbook.rehearsal.codat.paging import page
from bcrunbook.rehearsal.codat.query import FLAG, TEXT, Kind
from bcrunbook.rehearsal.codat.request import Request
from bcrunbook.rehearsal.messages import Answer, json_answer

STATIC: Final = "https://static.codat.io/public"
INTEGRATION: Final = Kind(
    "Integration",
    PUBLIC,
    {
        "key": TEXT,
        "logoUrl": TEXT,
        "name": TEXT,
        "enabled": FLAG,
        "sourceId": TEXT,
        "sourceType": TEXT,
        "integrationId": TEXT,
        "isOfflineConnector": FLAG,
        "isBeta": FLAG,
        "dataProvidedBy": TEXT,
    },
)


def is_enabled(cloud: RehearsalCloud, instance: world.Instance, platform: world.Platform) -> bool:
    """Whether customers may link with it: the toggle, and a plan that includes it."""
    included = instance.premium or not platform.premium
    return included and settings_of(cloud, instance, platform).enabled


def find(key: str) -> world.Platform:
    """A platform by its key."""
    platform = world.PLATFORMS.get(key)
    if platform is None:
        raise not_found(f"Integration {key} not found")
    return platform


def list_all(request: Request) -> Answer:
    """Every integration, enabled or not."""

    def show(platform: world.Platform) -> dict[str, Any]:
        return described(request.cloud, request.instance, platform)

    return page(request, list(world.PLATFORMS.values()), show, INTEGRATION)


def get(request: Request, key: str) -> Answer:
    """One integration."""
    return json_answer(200, described(request.cloud, request.instance, find(key)))


def branding(request: Request, key: str) -> Answer:
    """Where the pictures of an integration are."""
    platform = find(key)

    def image(folder: str, kind: str) -> dict[str, Any]:
        source = f"{STATIC}/{folder}/{platform.source}.png"
        return {"image": {"src": source, "alt": f"{platform.name} {kind}"}}

    return json_answer(
        200,
        {
            "logo": {
                "full": image("officialLogos/Full", "full icon"),
                "square": image("officialLogos/Square", "square icon"),
            },
            "button": {
                "default": image("officialButtons/Default", "default button"),
                "hover": image("officialButtons/Hover", "hover button"),
            },
            "sourceId": platform.source,
        },
    )


def described(
    cloud: RehearsalCloud, instance: world.Instance, platform: world.Platform
) -> dict[str, Any]:
    """An integration as the API describes it."""
    return {
        "key": platform.key,
        "logoUrl": f"{STATIC}/officialLogos/Full/{platform.source}.png",
        "name": platform.name,
        "enabled": is_enabled(cloud, instance, platform),
        "sourceId": platform.source,
        "sourceType": platform.source_type,
        "integrationId": platform.integration_id,
        "isOfflineConnector": False,
        "isBeta": False,
        "dataProvidedBy": "Unknown",
        "datatypeFeatures": [
            {
                "datatype": data_type,
                "supportedFeatures": [{"featureType": "Get", "featureState": "Release"}],
            }
            for data_type in datatypes.SUPPORTED[platform.source_type]
        ],
    }
