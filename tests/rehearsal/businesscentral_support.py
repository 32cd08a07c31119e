"""A Business Central to talk to in the test's own process, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal import first_party_apps, world
from bcrunbook.rehearsal.businesscentral import installation
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.drawn_secrets import BATCH_SECRET, password_name
from tests.rehearsal.in_process import SetClock, client_within, open_cloud
from tests.rehearsal.support import Service

API = "https://api.businesscentral.dynamics.com"
LOGIN = "https://login.microsoftonline.com"
SCOPE = f"{API}/.default"
APP = installation.APP_ID
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def bc(tmp_path: Path) -> Iterator[BusinessCentral]:
    """Business Central in a fresh cloud, asked by the batch identity in the test laboratory."""
    with open_cloud(tmp_path) as (cloud, clock):
        yield BusinessCentral(cloud, clock).as_batch()


class BusinessCentral(Service):
    """The cloud's hosts behind an ordinary client, in one tenant."""

    base = API

    def __init__(self, cloud: RehearsalCloud, clock: SetClock, tenant: str = world.LAB) -> None:
        self.cloud = cloud
        self.clock = clock
        self.tenant = tenant
        super().__init__(client_within(cloud))

    def sign_in(self, **form: str) -> httpx.Response:
        """A token answer; the token is used from now on if there is one."""
        answer = self.http.post(
            f"{LOGIN}/{self.tenant}/oauth2/v2.0/token", data={"scope": SCOPE, **form}
        )
        if answer.status_code == 200:
            self.token = answer.json()["access_token"]
        return answer

    def as_batch(self, tenant: str = "") -> BusinessCentral:
        """Signed in as the batch identity."""
        self.tenant = tenant or self.tenant
        answer = self.sign_in(
            grant_type="client_credentials",
            client_id=world.BATCH_CLIENT,
            client_secret=self.cloud.secret(BATCH_SECRET),
        )
        assert answer.status_code == 200, answer.text
        return self

    def as_person(self, upn: str, tenant: str = "") -> BusinessCentral:
        """Signed in as a person, with a client of Microsoft's own."""
        self.tenant = tenant or self.tenant
        answer = self.sign_in(
            grant_type="password",
            client_id=first_party_apps.AZURE_POWERSHELL_APP_ID,
            username=upn,
            password=self.cloud.secret(password_name(upn)),
        )
        assert answer.status_code == 200, answer.text
        return self

    def begin(self, environment: str) -> Environment:
        """Begin App Link's installation in an environment, as linking does."""
        with self.cloud.store.transaction():
            installation.begin(self.cloud, self.tenant, environment)
        return self.environment(environment)

    def environment(self, name: str) -> Environment:
        """An environment of the tenant."""
        return Environment(self, name)


class Environment:
    """The addresses of one environment."""

    def __init__(self, bc: BusinessCentral, name: str) -> None:
        self.bc = bc
        self.name = name
        one = installation.find_environment(bc.cloud, bc.tenant, name)
        assert one is not None
        self.company = one.company_id(one.companies[0])

    @property
    def data(self) -> str:
        """The path of the environment's business API."""
        return f"/v2.0/{self.name}/api/v2.0"

    @property
    def automation(self) -> str:
        """The path of the environment's automation API."""
        return f"/v2.0/{self.name}/api/microsoft/automation/v2.0"

    @property
    def admin(self) -> str:
        """The path of the environment in the administration API."""
        return f"/admin/v2.29/applications/BusinessCentral/environments/{self.name}"

    def of_company(self, entity: str) -> httpx.Response:
        """An entity of the business API."""
        return self.bc("GET", f"{self.data}/companies({self.company})/{entity}")

    def managed(self, entity: str, method: str = "GET") -> httpx.Response:
        """An entity or an action of the automation API."""
        return self.bc(method, f"{self.automation}/companies({self.company})/{entity}")

    def asked(self, verb: str, app: str = APP, **body: Any) -> httpx.Response:
        """What the admin centre is asked to do to an app."""
        return self.bc("POST", f"{self.admin}/apps/{app}/{verb}", body)

    def codat_rows(self) -> list[dict[str, Any]]:
        """App Link's packages."""
        answer = self.managed("extensions?$filter=publisher eq 'Codat'")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["value"])

    def installed(self) -> bool | None:
        """Whether App Link is installed; None without a row."""
        rows = self.codat_rows()
        return bool(rows[0]["isInstalled"]) if rows else None

    def deployed(self) -> list[str]:
        """The states of the deployments, as this poll tells them."""
        return [row["status"] for row in self.managed("extensionDeploymentStatus").json()["value"]]

    def apps(self) -> dict[str, str]:
        """The installed apps of the admin centre: name and version."""
        found = self.bc("GET", f"{self.admin}/apps").json()["value"]
        return {row["name"]: row["version"] for row in found}

    def log(self) -> list[tuple[str, str]]:
        """The admin centre's operations, newest first: kind and state."""
        found = self.bc("GET", f"{self.admin}/operations").json()["value"]
        return [(row["type"], row["status"]) for row in found]

    def act(self, action: str) -> httpx.Response:
        """A bound action on App Link's package."""
        key = self.codat_rows()[0]["packageId"]
        return self.managed(f"extensions({key})/Microsoft.NAV.{action}", "POST")


def error_code(answer: httpx.Response) -> str:
    """The code of a wrapped error."""
    return str(answer.json()["error"]["code"])
