"""What an instance has set up of an integration: the pair of keys, and whether it is enabled.

The portal's pages write it, the API reads it. A pair is taken as it is typed and not tried: only a
link that a customer makes shows whether it works (Codat docs: the integrations group of the API is
read-only, and nothing in it tells whether keys are there).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world

SETTINGS: Final = "codatIntegrationSettings"
"""The kind of record; its partition is the instance's id, its key the platform's."""


@dataclass(frozen=True)
class IntegrationSettings:
    """One integration in one instance.

    Args:
        client_id: what was typed as Client ID; empty before.
        client_secret: what was typed as Client secret; empty before.
        enabled: whether customers may link with it.
        saved_at: when the pair was saved last, in seconds since the epoch; 0 before.
        saved_by: the e-mail address of who saved it.
    """

    client_id: str = ""
    client_secret: str = ""
    enabled: bool = False
    saved_at: float = 0.0
    saved_by: str = ""

    @property
    def is_set_up(self) -> bool:
        """Whether a pair was saved."""
        return bool(self.client_id and self.client_secret)


def settings_of(
    cloud: RehearsalCloud, instance: world.Instance, platform: world.Platform
) -> IntegrationSettings:
    """What is set up; the Sandbox needs no keys and is enabled from the beginning.

    A copied instance has what the other one has, keys and all, until somebody saves its own
    (contract C1.11): as if it had been copied only just now.
    """
    document = cloud.store.latest(SETTINGS, instance.id, platform.key)
    if document is None and instance.copied_from:
        return settings_of(cloud, world.INSTANCES[instance.copied_from], platform)
    if document is None:
        return IntegrationSettings(enabled=not platform.needs_keys)
    return IntegrationSettings(**document)


def save_keys(
    cloud: RehearsalCloud,
    instance: world.Instance,
    platform: world.Platform,
    *,
    client_id: str,
    client_secret: str,
    by: str,
) -> None:
    """Keep a pair, exactly as typed. It is not tried."""
    cloud.canaries.add(client_secret)
    before = settings_of(cloud, instance, platform)
    _put(
        cloud,
        instance,
        platform,
        replace(
            before,
            client_id=client_id,
            client_secret=client_secret,
            saved_at=cloud.clock.now(),
            saved_by=by,
        ),
    )


def set_enabled(
    cloud: RehearsalCloud, instance: world.Instance, platform: world.Platform, enabled: bool
) -> None:
    """Flip the toggle."""
    _put(
        cloud, instance, platform, replace(settings_of(cloud, instance, platform), enabled=enabled)
    )


def _put(
    cloud: RehearsalCloud,
    instance: world.Instance,
    platform: world.Platform,
    settings: IntegrationSettings,
) -> None:
    cloud.store.put(SETTINGS, instance.id, platform.key, dict(settings.__dict__))
