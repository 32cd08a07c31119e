"""One look at a customer's installation, at services whose answers the test decides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from bcrunbook.accounts import Customer
from bcrunbook.secrets import Secret
from bcrunbook.services.businesscentral.client import BusinessCentral
from bcrunbook.services.businesscentral.tenant_view import TenantView
from bcrunbook.services.codat.client import Codat
from bcrunbook.services.codat.connection_cache import ConnectionCache
from bcrunbook.signin import Token
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.installation.look import Poller
from bcrunbook.steps.link_customer.installation.poll import Poll
from tests.services.test_codat import connection
from tests.steps.test_watching_together import TENANT, Service, now

__all__ = ["now"]

NEW, OLD = "1.4.27.0", "1.4.12.0"


def row(version: str = NEW, *, is_installed: bool = True) -> dict[str, Any]:
    """App Link's row in a version; the key is the version's, the id the app's."""
    parts = ("versionMajor", "versionMinor", "versionBuild", "versionRevision")
    return {
        "id": "an-app",
        "packageId": f"package-{version}",
        "publisher": "Codat",
        "displayName": "App Link",
        "isInstalled": is_installed,
        **dict(zip(parts, map(int, version.split(".")), strict=True)),
    }


@dataclass
class Scene:
    """What the services show just now, and a customer who is looked at."""

    environment: str | None = "Live"
    discovered: list[dict[str, Any]] = field(default_factory=lambda: [named("Live")])
    administered: Any = None
    companies: list[str] = field(default_factory=lambda: ["Books Ltd"])
    rows: list[dict[str, Any]] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    service: Service = field(init=False)

    def __post_init__(self) -> None:
        self.service = Service(self._answer)

    def _answer(self, path: str) -> Any:
        last = path.partition("?")[0].rpartition("/")[2]
        if path.startswith("/companies/"):
            if last == "dataStatus":
                return {
                    name: {"dataType": name, "currentStatus": status}
                    for name, status in self.types.items()
                }
            return connection(status="Linked")
        if path == "/environments/v1.2":
            return {"value": self.discovered}
        if path.startswith("/admin/"):
            if last == "operations":
                return {"value": self.log}
            rows = [{"name": "Live", "status": "Active"}]
            return {"value": rows} if self.administered is None else self.administered
        if last == "companies":
            return {"value": [{"id": f"id of {one}", "name": one} for one in self.companies]}
        return {
            "value": {"extensions": self.rows, "extensionDeploymentStatus": self.deployments}.get(
                last, []
            )
        }

    @asynccontextmanager
    async def poller(self) -> AsyncIterator[Poller]:
        """What looks at the customer."""

        async def key() -> Secret:
            return Secret("a-key-of-the-test")

        async def token(**_: Any) -> Token:
            return Token(Secret("a-token-of-the-test"), TENANT, "", frozenset(), None)

        customer = Customer(
            name="the-key",
            display_name="Books",
            contact="ada@contoso.com",
            tenant=TENANT,
            environment=self.environment,
            company="Their Books",
        )
        async with self.service.http() as http:
            pace, codat = http.cloud.pace, Codat(http, key)
            view = TenantView(BusinessCentral(http, token, TENANT), pace)
            context = SimpleNamespace(
                cloud=http.cloud,
                customer=customer,
                connection_cache=ConnectionCache(codat, pace),
                tenant=lambda _: view,
                age=lambda at: pace.age(at.timestamp()),
            )
            yield Poller(cast("Context", context), codat, "c", "n")

    def asked(self, entity: str) -> int:
        """How often an entity was asked for."""
        return sum(f"/{entity}" in one for one in self.service.asked)


def named(name: str, type: str = "Production") -> dict[str, Any]:
    """An environment as discovery has it."""
    return {"name": name, "type": type}


async def look(poller: Poller) -> Poll:
    """One look, a minute after the beginning."""
    return await poller.look(lambda: 60.0)


async def test_data_that_could_be_read_once_is_not_read_again() -> None:
    """Not while the extension stays; when it has been away, it is (contract B6.7)."""
    scene = Scene(rows=[row()])
    async with scene.poller() as poller:
        assert [(await look(poller)).probe for _ in range(3)] == ["passed"] * 3
        assert scene.asked("accounts") == 1
        scene.rows = [row(is_installed=False)]
        assert (await look(poller)).probe == ""
        scene.rows = [row()]
        assert (await look(poller)).probe == "passed"
    assert scene.asked("accounts") == 2


@pytest.mark.parametrize(
    ("company", "other"), [("Complete", "FetchError"), ("FetchError", "Complete")]
)
async def test_one_data_type_tells_how_the_link_is(company: str, other: str) -> None:
    """The smallest one, whatever became of the rest (contract C9.4)."""
    scene = Scene(types={"accounts": other, "company": company, "invoices": other})
    async with scene.poller() as poller:
        assert (await look(poller)).data == company


async def test_an_environment_that_is_not_listed_is_told_and_nothing_follows() -> None:
    """Nor is one taken for it that was deleted, or is called alike (contract B4.2 and B4.11)."""
    deleted, sandbox = "Live-26110109304512", named("Live2", "Sandbox")
    scene = Scene(discovered=[named(deleted), sandbox])
    async with scene.poller() as poller:
        seen = await look(poller)
    assert (seen.packages, seen.deployments, seen.environment) == (None, None, "")
    assert '"Live"' in seen.unknown["extension"]
    assert deleted in seen.unknown["extension"] and "Live2" in seen.unknown["extension"]
    assert seen.connection == "Linked"


@pytest.mark.parametrize(
    ("discovered", "found"),
    [
        ([named("Books"), named("Test", "Sandbox")], "Books"),
        ([named("Books"), named("Branch")], ""),
        ([named("Test", "Sandbox")], ""),
    ],
)
async def test_without_a_name_the_one_production_environment_is_taken(
    discovered: list[dict[str, Any]], found: str
) -> None:
    """Where there is one; else the file has to say which (contract B4.9)."""
    scene = Scene(environment=None, discovered=discovered)
    async with scene.poller() as poller:
        seen = await look(poller)
    assert seen.environment == found
    assert ("name the environment" in seen.unknown.get("extension", "")) is not bool(found)


@pytest.mark.parametrize(
    "administered",
    [
        {"value": []},
        {"value": [named("Elsewhere")]},
        httpx.Response(403, json={"code": "Forbidden", "message": "Not for you."}),
    ],
    ids=["none", "another", "refused"],
)
async def test_an_environment_is_there_when_discovery_lists_it(administered: Any) -> None:
    """The admin centre only adds how it is (contract B4.13)."""
    scene = Scene(rows=[row()], administered=administered)
    async with scene.poller() as poller:
        seen = await look(poller)
    assert (seen.environment, seen.installed is not None) == ("Live", True)


async def test_any_company_that_opens_shows_the_extension() -> None:
    """Where the customer's own is not among them (contract B7.1)."""
    scene = Scene(rows=[row()], companies=["Books Ltd", "Second Ltd"])
    async with scene.poller() as poller:
        assert (await look(poller)).installed is not None
    assert scene.asked("companies(id%20of%20Books%20Ltd)/extensions") == 1


async def test_the_package_of_before_an_update_is_not_the_extension() -> None:
    """It lingers beside the new one under the same id (contract B7.2 and B7.7)."""
    scene = Scene(rows=[row(OLD, is_installed=False), row(NEW)])
    async with scene.poller() as poller:
        seen = await look(poller)
    assert seen.installed is not None and len(seen.packages or ()) == 2
    assert (seen.installed.version_text, seen.installed.app_id) == (NEW, "an-app")
    assert seen.installed.package_id == f"package-{NEW}"


async def test_what_began_long_ago_belongs_to_an_earlier_installation() -> None:
    """An hour and a half (contract B13.11 and B14.4)."""

    def ago(minutes: float) -> str:
        return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()

    def deployment(minutes: float) -> dict[str, Any]:
        names = {"name": "App Link", "publisher": "Codat", "appVersion": NEW}
        return {**names, "status": "InProgress", "startedOn": ago(minutes)}

    def operation(minutes: float) -> dict[str, Any]:
        about = {"appId": "an-app", "environmentName": "Live"}
        kind = {"type": "environmentAppInstall", "status": "running"}
        return {"id": f"{minutes}", **kind, "createdOn": ago(minutes), "parameters": about}

    scene = Scene(
        rows=[row(is_installed=False)],
        deployments=[deployment(89), deployment(91)],
        log=[operation(89), operation(91)],
    )
    async with scene.poller() as poller:
        seen = await look(poller)
    assert len(seen.deployments or ()) == len(seen.operations or ()) == 1
