"""Secrets as the vault keeps them, and what has become of a name: live, deleted, in between.

A name is one record with all its versions, newest last. Deleting, recovering and purging take
effect at once for the old state and only after some seconds for the new one; that they do is what
clients of the real service work around (azure-sdk-for-net #26027, #31581).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.keyvault.errors import (
    VaultError,
    being_deleted,
    being_recovered,
    deleted_not_found,
    not_deleted,
    not_found,
    recoverable,
    still_being_deleted,
)
from bcrunbook.rehearsal.state import Document

SECRET: Final = "vaultSecret"

RECOVERABLE_DAYS: Final = 90
RECOVERY_LEVEL: Final = "Recoverable+Purgeable"


class Phase(Enum):
    """What has become of a name."""

    ABSENT = "absent"
    LIVE = "live"
    BEING_DELETED = "being deleted"
    DELETED = "deleted"
    BEING_RECOVERED = "being recovered"
    READABLE = "recovered and not yet writable"
    BEING_PURGED = "being purged"


def phase_of(cloud: RehearsalCloud, record: Document | None) -> Phase:
    """What has become of a name by now."""
    if record is None:
        return Phase.ABSENT
    done = record["done"]

    def passed(kind: str) -> bool:
        return cloud.clock.passed(record["since"], kind, record["name"].lower())

    if done == "delete":
        return Phase.DELETED if passed("vault_deleted") else Phase.BEING_DELETED
    if done == "purge":
        return Phase.ABSENT if passed("vault_purged") else Phase.BEING_PURGED
    if done == "recover" and not passed("vault_settled"):
        return Phase.READABLE if passed("vault_recovered") else Phase.BEING_RECOVERED
    return Phase.LIVE


def find(cloud: RehearsalCloud, vault: world.Vault, name: str) -> Document | None:
    """The record of a name, whatever has become of it; names differ in more than case."""
    return cloud.store.latest(SECRET, vault.tenant, _key(vault, name))


def readable(cloud: RehearsalCloud, vault: world.Vault, name: str) -> Document:
    """The record of a secret that can be read; 404 for any other."""
    record = find(cloud, vault, name)
    if record is None or phase_of(cloud, record) not in (Phase.LIVE, Phase.READABLE):
        raise not_found(name)
    return record


def changeable(cloud: RehearsalCloud, vault: world.Vault, name: str) -> Document:
    """The record of a secret that can be changed; 404 or 409 for any other."""
    record = readable(cloud, vault, name)
    if phase_of(cloud, record) is Phase.READABLE:
        raise being_recovered(name)
    return record


def deleted(cloud: RehearsalCloud, vault: world.Vault, name: str) -> Document:
    """The record of a deleted secret; 404 for any other."""
    record = find(cloud, vault, name)
    if record is None or phase_of(cloud, record) is not Phase.DELETED:
        raise deleted_not_found(name)
    return record


def purgeable(cloud: RehearsalCloud, vault: world.Vault, name: str) -> Document:
    """The record of a deleted secret; 409 while it is being deleted, 404 for any other."""
    if phase_of(cloud, find(cloud, vault, name)) is Phase.BEING_DELETED:
        raise still_being_deleted(name)
    return deleted(cloud, vault, name)


def restorable(cloud: RehearsalCloud, vault: world.Vault, name: str) -> Document:
    """The same, and 400 for a secret that is there (contract G23.7)."""
    if phase_of(cloud, find(cloud, vault, name)) in (Phase.LIVE, Phase.READABLE):
        raise not_deleted(name)
    return purgeable(cloud, vault, name)


def writable(cloud: RehearsalCloud, vault: world.Vault, name: str) -> Document | None:
    """The record to which a version can be added, None for a free name; 409 for any other."""
    record = find(cloud, vault, name)
    refusals = {
        Phase.DELETED: recoverable,
        Phase.BEING_DELETED: being_deleted,
        Phase.BEING_PURGED: being_deleted,
        Phase.BEING_RECOVERED: being_recovered,
        Phase.READABLE: being_recovered,
    }
    phase = phase_of(cloud, record)
    if phase in refusals:
        refused: VaultError = refusals[phase](name)
        raise refused
    return record if phase is Phase.LIVE else None


def every(
    cloud: RehearsalCloud, vault: world.Vault, *phases: Phase
) -> Iterator[tuple[str, Document]]:
    """Key and record of each name in these phases, in order."""
    start = _key(vault, "")
    for key, record in sorted(cloud.store.all_latest(SECRET, vault.tenant)):
        if key.startswith(start) and phase_of(cloud, record) in phases:
            yield key.removeprefix(start), record


def keep(cloud: RehearsalCloud, vault: world.Vault, record: Document, done: str) -> None:
    """Write a record; `done` is what has just been done to it."""
    now = cloud.clock.now()
    document = {**record, "done": done, "since": now}
    cloud.store.put(SECRET, vault.tenant, _key(vault, record["name"]), document)


def new_version(
    cloud: RehearsalCloud,
    value: str,
    content_type: str | None,
    tags: dict[str, str] | None,
    attributes: dict[str, Any],
) -> Document:
    """A version; its value is a canary from here on, line by line as the canaries are kept."""
    for line in filter(None, value.splitlines()):
        cloud.canaries.add(line)
    now = int(cloud.clock.now())
    return {
        "version": secrets.token_hex(16),
        "value": value,
        "contentType": content_type,
        "tags": tags,
        "attributes": {"enabled": True, **attributes, "created": now, "updated": now},
    }


def version_of(record: Document, version: str) -> Document:
    """A version of a secret, the newest when none is named; 404 for an unknown one."""
    if not version:
        newest: Document = record["versions"][-1]
        return newest
    for one in record["versions"]:
        if one["version"] == version.lower():
            found: Document = one
            return found
    raise not_found(f"{record['name']}/{version}")


def item(vault: world.Vault, record: Document, version: Document, *, whole: bool) -> Document:
    """A version as answers describe it, without its value; `whole` names the version in the id."""
    suffix = f"/{version['version']}" if whole else ""
    described: Document = {
        "id": f"https://{vault.host}/secrets/{record['name']}{suffix}",
        "attributes": {
            **version["attributes"],
            "recoveryLevel": RECOVERY_LEVEL,
            "recoverableDays": RECOVERABLE_DAYS,
        },
    }
    for name in ("contentType", "tags"):
        if version[name] is not None:
            described[name] = version[name]
    return described


def deleted_item(vault: world.Vault, record: Document, *, whole: bool) -> Document:
    """A deleted secret as answers describe it."""
    at = int(record["since"])
    return {
        "recoveryId": f"https://{vault.host}/deletedsecrets/{record['name']}",
        "deletedDate": at,
        "scheduledPurgeDate": at + RECOVERABLE_DAYS * 86400,
        **item(vault, record, record["versions"][-1], whole=whole),
    }


def _key(vault: world.Vault, name: str) -> str:
    return f"{vault.name}/{name.lower()}"
