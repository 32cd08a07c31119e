"""Linking Business Central by way of Microsoft, with the pair that was saved in the portal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.rehearsal.actor import act_as_developer
from tests.rehearsal.codat_support import BUSINESS_CENTRAL, NOBODY, Codat, key_of
from tests.rehearsal.journey import SCOPES
from tests.rehearsal.support import (
    LOGIN,
    Graph,
    client_of,
    eventually,
    person,
    submit,
    user_token,
)

API_APP = "996def3d-b36c-4153-8607-a6fd3c01b89f"
CALLBACK = "https://dynamics365businesscentral.codat.io/oauth/callback"
INSTANCE = "Millrace Software (test)"


@dataclass
class Scene:
    """A cloud of its own, in which an application is registered and consented to."""

    told: RehearsalDescription
    http: httpx.Client
    codat: Codat
    client_id: str
    secret: str
    secret_id: str

    def save(self, client_id: str, secret: str) -> None:
        """Save a pair in the portal, and enable the integration."""
        act_as_developer(self.told, INSTANCE, client_id, secret)

    def start(self) -> tuple[str, httpx.Response]:
        """Open the link of a new connection; its address and what that answers."""
        company = self.codat.company()["id"]
        connection = self.codat.connection(company, BUSINESS_CENTRAL)
        path = f"/companies/{company}/connections/{connection['id']}"
        return path, self.http.get(connection["linkUrl"])

    def sign_in(self, address: str) -> str:
        """Sign in as the customer; where Microsoft sends them then."""
        customer = person(self.told, "Global Administrator")
        page = self.http.get(address)
        typed = {"username": customer["upn"], "password": customer["password"]}
        back = submit(self.http, LOGIN, page, **typed)
        assert back.status_code == 302, back.text
        return back.headers["location"]

    def connection(self, path: str) -> dict[str, Any]:
        """How a connection stands."""
        return dict(self.codat("GET", path).json())


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with (
        launch(tmp_path_factory.mktemp("linking"), speed=400) as told,
        client_of(told) as http,
    ):
        admin = Graph(http, user_token(http, told, person(told, "Global Administrator")))
        app = admin.application()
        principal = admin.principal(app["appId"])
        resource = admin("GET", f"/servicePrincipals(appId='{API_APP}')").json()
        grant = {
            "clientId": principal["id"],
            "consentType": "AllPrincipals",
            "resourceId": resource["id"],
            "scope": " ".join(SCOPES),
        }
        eventually(lambda: admin("POST", "/oauth2PermissionGrants", grant))
        made = admin(
            "POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {}}
        ).json()
        codat = Codat(http, key_of(told, INSTANCE))
        yield Scene(told, http, codat, app["appId"], made["secretText"], made["keyId"])


def test_before_it_is_enabled(scene: Scene) -> None:
    """A customer is told that it cannot be done, and the connection keeps why."""
    path, page = scene.start()
    assert page.status_code == 400 and "not enabled" in page.text
    (error,) = scene.connection(path)["dataConnectionErrors"]
    assert (error["statusCode"], error["status"]) == ("403", "Active")
    assert scene.connection(path)["status"] == "PendingAuth"
    scene.http.get(scene.connection(path)["linkUrl"])
    assert len(scene.connection(path)["dataConnectionErrors"]) == 2


def test_a_wrong_pair_shows_when_linking(scene: Scene) -> None:
    """The Secret ID in place of the Value is taken by the portal and refused by Microsoft."""
    scene.save(scene.client_id, scene.secret_id)
    assert scene.codat("GET", "/integrations/trji").json()["enabled"] is True
    path, start = scene.start()
    page = scene.http.get(scene.sign_in(start.headers["location"]))
    assert page.status_code == 400 and "AADSTS7000215" in page.text
    (error,) = scene.connection(path)["dataConnectionErrors"]
    assert (error["statusCode"], error["statusText"]) == ("401", "invalid_client")
    assert "AADSTS7000215" in error["errorMessage"] and error["status"] == "Active"
    assert scene.connection(path)["status"] == "PendingAuth"

    scene.save(scene.client_id, scene.secret)
    again = scene.http.get(scene.connection(path)["linkUrl"])
    done = scene.http.get(scene.sign_in(again.headers["location"]))
    assert "is connected" in done.text
    linked = scene.connection(path)
    assert linked["status"] == "Linked"
    assert [one["status"] for one in linked["dataConnectionErrors"]] == ["Resolved"]
    assert linked["dataConnectionErrors"][0]["resolvedOnUtc"]


def test_the_way_by_microsoft(scene: Scene) -> None:
    """The customer signs in for the saved client id, comes back once, and the first sync starts."""
    scene.save(scene.client_id, scene.secret)
    path, start = scene.start()
    assert start.status_code == 302
    address = httpx.URL(start.headers["location"])
    assert (address.host, address.path) == (
        "login.microsoftonline.com",
        "/common/oauth2/v2.0/authorize",
    )
    assert address.params["client_id"] == scene.client_id
    assert address.params["redirect_uri"] == CALLBACK
    assert address.params["scope"] == (
        "https://api.businesscentral.dynamics.com/.default offline_access"
    )
    back = scene.sign_in(str(address))
    assert back.startswith(CALLBACK)
    assert "is connected" in scene.http.get(back).text
    linked = scene.connection(path)
    assert linked["status"] == "Linked" and "dataConnectionErrors" not in linked
    assert scene.codat.settled(path.split("/")[2])
    assert scene.http.get(back).status_code == 404  # an attempt comes back once


def test_declining(scene: Scene) -> None:
    """A customer who declines leaves the connection waiting, with the reason."""
    scene.save(scene.client_id, scene.secret)
    path, start = scene.start()
    state = httpx.URL(start.headers["location"]).params["state"]
    declined = {"error": "access_denied", "error_description": "Declined.", "state": state}
    assert scene.http.get(CALLBACK, params=declined).status_code == 400
    (error,) = scene.connection(path)["dataConnectionErrors"]
    assert (error["statusCode"], error["errorMessage"]) == ("403", "Declined.")
    assert scene.connection(path)["status"] == "PendingAuth"


def test_an_unknown_client_id(scene: Scene) -> None:
    """Microsoft keeps a customer of an unknown client id, so Codat never hears of it."""
    scene.save(NOBODY, scene.secret)
    path, start = scene.start()
    page = scene.http.get(start.headers["location"])
    assert page.status_code == 400 and "AADSTS700016" in page.text
    assert "dataConnectionErrors" not in scene.connection(path)


def test_links_that_lead_nowhere(scene: Scene) -> None:
    """Unknown connections, unknown attempts and other addresses are 404, other methods 405."""
    company = scene.codat.company()["id"]
    link = "https://link-api.codat.io"
    for address in (
        f"{link}/companies/{company}/connections/{NOBODY}/start",
        f"{link}/companies/{NOBODY}/connections/{NOBODY}/start",
        f"{link}/oauth/callback?state=x&code=y",
        f"{CALLBACK}?state=x&code=y",
        CALLBACK,
        f"{CALLBACK.removesuffix('/oauth/callback')}/",
    ):
        assert scene.http.get(address).status_code == 404, address
    assert scene.http.post(CALLBACK).status_code == 405


def test_platforms_that_need_keys(scene: Scene) -> None:
    """A platform that nobody enabled cannot be linked."""
    company = scene.codat.company()["id"]
    connection = scene.codat.connection(company, "gbol")
    assert scene.http.get(connection["linkUrl"]).status_code == 400
