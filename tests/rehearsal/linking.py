"""A rehearsal cloud in which an application is registered, for tests of the pages behind a link."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.rehearsal.people import CustomerPerson, act_as_developer
from tests.rehearsal.codat_support import BUSINESS_CENTRAL_PLATFORM, Codat, key_of
from tests.rehearsal.journey import SCOPES
from tests.rehearsal.support import Graph, client_of, eventually, person, user_token, wait_for

API_APP = "996def3d-b36c-4153-8607-a6fd3c01b89f"
INSTANCE = "Millrace Software (test)"

LAB = "saltmarsh-lab.example"
LAB_ADMIN = f"vera.stone@{LAB}"
LAB_MEMBER = f"ned.ash@{LAB}"
SITES_ADMIN = "hal.cotter@longbarrow-coop.example"

STEP = 20.0
"""Seconds of the rehearsal's between two looks at an installation."""


@dataclass
class Linkable:
    """A connection that can be linked: its address in Codat's API, and its link."""

    codat: Codat
    company: str
    path: str
    url: str

    def read(self) -> dict[str, Any]:
        """How the connection stands."""
        return dict(self.codat("GET", self.path).json())

    def pulls(self) -> list[dict[str, Any]]:
        """Every pull of the company, the newest first."""
        path = f"/companies/{self.company}/data/history?page=1"
        return list(self.codat("GET", path).json()["results"])

    def pull(self) -> dict[str, Any]:
        """The data type `company`, asked for now, once that has ended."""
        queued = self.codat("POST", f"/companies/{self.company}/data/queue/company")
        assert queued.status_code == 200, queued.text
        path = f"/companies/{self.company}/data/history/{queued.json()['id']}"
        return dict(until(lambda: has_ended(self.codat("GET", path).json())))

    def settled(self) -> list[dict[str, Any]]:
        """Every pull once there are some and all have ended."""

        def check() -> list[dict[str, Any]] | None:
            found = self.pulls()
            return found if found and all(map(has_ended, found)) else None

        return list(until(check))

    def linked(self) -> dict[str, Any]:
        """The connection once it is Linked."""

        def check() -> dict[str, Any] | None:
            found = self.read()
            return found if found["status"] == "Linked" else None

        return dict(until(check))


@dataclass
class Scene:
    """The cloud, Codat's API in it, and the application with its secret."""

    description: RehearsalDescription
    http: httpx.Client
    codat: Codat
    admin: Graph
    application: str
    client_id: str
    secret: str
    secret_id: str

    def save(self, client_id: str = "", secret: str = "") -> None:
        """Save a pair in the portal, the right one if none is given, and enable the integration."""
        pair = client_id or self.client_id, secret or self.secret
        act_as_developer(self.description, INSTANCE, *pair)

    def linkable(self, platform: str = BUSINESS_CENTRAL_PLATFORM, company: str = "") -> Linkable:
        """A new connection, of a new company if none is given."""
        owner = company or str(self.codat.company()["id"])
        made = self.codat.connection(owner, platform)
        path = f"/companies/{owner}/connections/{made['id']}"
        return Linkable(self.codat, owner, path, str(made["linkUrl"]))

    def customer(self, upn: str = LAB_ADMIN) -> CustomerPerson:
        """Somebody at a customer's."""
        return CustomerPerson(self.description, upn)

    def page(self, link: Linkable, name: str = "installation") -> httpx.Response:
        """One of the pages behind a link, as a browser on this machine finds it."""
        address = link.url.replace("https://", f"{self.description.pages}/").replace("start", name)
        return httpx.get(address, trust_env=False)


@contextmanager
def scene_at(folder: Path, *, speed: float = 1.0, skips: bool = False) -> Iterator[Scene]:
    """A cloud of its own, with a registered application saved in the portal.

    Args:
        folder: the cloud's.
        speed: how fast its clock runs.
        skips: whether it goes on to what is due next.
    """
    with (
        launch(folder, speed=speed, lags="worst", skips=skips) as description,
        client_of(description) as http,
    ):
        made = set_scene(description, http)
        made.save()
        yield made


def set_scene(description: RehearsalDescription, http: httpx.Client) -> Scene:
    """Register an application that asks for Business Central's permissions."""
    admin = Graph(http, user_token(http, description, person(description, "Global Administrator")))
    app = admin.application()
    resource = admin("GET", f"/servicePrincipals(appId='{API_APP}')").json()
    ids = {scope["value"]: scope["id"] for scope in resource["oauth2PermissionScopes"]}
    access = [{"id": ids[value], "type": "Scope"} for value in SCOPES]
    wanted = {"requiredResourceAccess": [{"resourceAppId": API_APP, "resourceAccess": access}]}
    eventually(lambda: admin("PATCH", f"/applications/{app['id']}", wanted))
    made = admin(
        "POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {}}
    ).json()
    signs_in(http, description, app["appId"], made["secretText"])
    codat = Codat(http, key_of(description, INSTANCE))
    return Scene(
        description, http, codat, admin, app["id"], app["appId"], made["secretText"], made["keyId"]
    )


def signs_in(
    http: httpx.Client, description: RehearsalDescription, client_id: str, secret: str
) -> None:
    """Wait until a new secret has spread; a wrong grant is refused after a wrong secret."""
    tenant = description.batch_identity["tenant"]
    form = {
        "grant_type": "refresh_token",
        "refresh_token": "none",
        "client_id": client_id,
        "client_secret": secret,
    }
    address = f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    until(lambda: http.post(address, data=form).json()["error"] == "invalid_grant")


def has_ended(pull: dict[str, Any]) -> dict[str, Any] | None:
    """The pull, if it has ended, well or not."""
    return pull if pull["isCompleted"] or pull["isErrored"] else None


def until(check: Callable[[], Any]) -> Any:
    """Repeat a check until it is true; slowly, as Codat counts requests."""
    return wait_for(check, step=STEP)
