"""`rehearsal.json`: what a program needs to know to use a running rehearsal cloud."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world as codat
from bcrunbook.rehearsal.codat.keys import keys_of
from bcrunbook.rehearsal.drawn_secrets import BATCH_SECRET, password_name
from bcrunbook.rehearsal.platforms.description import jobs_of

FILE: Final = "rehearsal.json"


@dataclass(frozen=True)
class RehearsalDescription:
    """The parsed file. Names are those of its keys; lists and objects stay plain data."""

    proxy: str
    ca: str
    pages: str
    requests: str
    canaries: str
    tenants: list[dict[str, Any]]
    batch_identity: dict[str, str]
    codat: dict[str, Any]
    businesscentral: list[dict[str, Any]]
    vaults: list[dict[str, str]]
    jobs: list[dict[str, Any]]
    accounts: dict[str, dict[str, str]]
    clients: dict[str, str]
    speed: float
    lags: str
    latency: int
    clock: int | None
    pid: int
    started: float
    directory: str

    @classmethod
    def read(cls, path: Path) -> RehearsalDescription:
        """The description in a file; keys it does not know are left aside."""
        data: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        return cls(**{name: data[name] for name in cls.__dataclass_fields__})


def describe(
    cloud: RehearsalCloud,
    directory: Path,
    *,
    proxy: str,
    ca: Path,
    client: tuple[Path, Path],
    latency: int,
    clock: int | None,
) -> dict[str, Any]:
    """The content of the file.

    Args:
        cloud: the rehearsal cloud.
        directory: its folder.
        proxy: where its proxy listens.
        ca: the file of its certificate authority.
        client: the files of a client's certificate and of its key.
        latency: by how many milliseconds each answer takes longer.
        clock: where the keeper of its clock listens; None where no time is skipped.
    """
    return {
        "proxy": proxy,
        "ca": str(ca),
        "pages": cloud.pages,
        "requests": str(directory / "requests.jsonl"),
        "canaries": str(directory / "canaries.txt"),
        "tenants": [
            {
                "id": tenant.id,
                "domain": tenant.domain,
                "initial_domain": tenant.initial_domain,
                "name": tenant.name,
                "users": [
                    {
                        "upn": user.upn,
                        "name": user.name,
                        "password": cloud.secret(password_name(user.upn)),
                        "roles": list(user.roles),
                        "may_install": user.may_install,
                    }
                    for user in tenant.users
                ],
            }
            for tenant in world.TENANTS.values()
        ],
        "batch_identity": {
            "tenant": world.TRIAL,
            "client_id": world.BATCH_CLIENT,
            "client_secret": cloud.secret(BATCH_SECRET),
        },
        "codat": _codat(cloud, client),
        "businesscentral": [
            {
                "tenant": environment.tenant,
                "environment": environment.name,
                "type": environment.type,
                "trial": environment.trial,
            }
            for environment in world.ENVIRONMENTS
            if environment.listed
        ],
        "vaults": [
            {"name": vault.name, "url": f"https://{vault.host}", "tenant": vault.tenant}
            for vault in world.VAULTS
        ],
        "jobs": jobs_of(cloud),
        "accounts": {
            "trial": {
                "tenant": world.TRIAL,
                "codat_instance": codat.TRIAL.name,
                "vault": _vault_of(world.TRIAL),
            },
            "production": {
                "tenant": world.PRODUCTION,
                "codat_instance": codat.PRODUCTION.name,
                "vault": _vault_of(world.PRODUCTION),
            },
            "not_to_be_used": {"tenant": world.ACCOUNTANT},
            "without_business_central": {"tenant": world.NO_BUSINESS_CENTRAL},
            "short_secrets": {"tenant": world.SHORT_SECRETS},
            "no_secrets": {"tenant": world.NO_SECRETS},
            "exempt_caller": {"tenant": world.EXEMPT_CALLER},
            "no_consumers": {"tenant": world.NO_CONSUMERS},
            "no_codat": {"tenant": world.NO_CODAT},
            "stopped": {"tenant": world.STOPPED},
        },
        "clients": {"bootstrap": world.BOOTSTRAP_CLIENT, "batch": world.BATCH_CLIENT},
        "speed": cloud.clock.speed,
        "lags": cloud.clock.profile.name,
        "latency": latency,
        "clock": clock,
        "pid": os.getpid(),
        "started": time.time(),
        "directory": str(directory),
    }


def _vault_of(tenant: str) -> str:
    return next(f"https://{vault.host}" for vault in world.VAULTS if vault.tenant == tenant)


def _codat(cloud: RehearsalCloud, client: tuple[Path, Path]) -> dict[str, Any]:
    """The trial's instance first, as the batch identity is the trial tenant's; then all of them."""
    names = {one.id: one.name for one in codat.INSTANCES.values()}
    # The first of an instance's keys may have been deleted.
    keys = {one.id: str(keys_of(cloud, one)[0]["apiKey"]) for one in codat.INSTANCES.values()}
    return {
        "api_key": keys[codat.TRIAL.id],
        "instance": codat.TRIAL.name,
        "portal": f"{cloud.pages}/{codat.PORTAL_HOST}",
        "instances": [
            {
                "name": one.name,
                "plan": one.plan,
                "one_time_links": one.has_one_time_links,
                "default_products": list(one.default_products),
                "integration_keys": one.names_integration_keys,
                "copied_from": names.get(one.copied_from, ""),
                "mtls": {
                    "client": one.id,
                    "certificate": str(client[0]),
                    "private_key": str(client[1]),
                }
                if one.wants_certificate
                else None,
                "api_key": keys[one.id],
            }
            for one in codat.INSTANCES.values()
        ],
        "users": [
            {
                "email": user.email,
                "name": user.name,
                "password": cloud.secret(codat.portal_password_name(user.email)),
                "roles": {names[instance]: role for instance, role in user.roles},
            }
            for user in codat.PORTAL_USERS.values()
        ],
    }
