"""Linking Business Central by way of Microsoft, with the pair that was saved in the portal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal import launch
from tests.rehearsal.codat_support import NOBODY
from tests.rehearsal.linking import Linkable, Scene, set_scene, until
from tests.rehearsal.support import LOGIN, client_of, person, submit

CALLBACK = "https://dynamics365businesscentral.codat.io/oauth/callback"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A cloud of its own, in which a customer is about to link."""
    with (
        launch(tmp_path_factory.mktemp("linking"), skips=True, lags="worst") as description,
        client_of(description) as http,
    ):
        yield set_scene(description, http)


def sign_in(scene: Scene, address: str) -> str:
    """Sign in as the customer and accept; where Microsoft sends them then."""
    customer = person(scene.description, "Global Administrator")
    page = scene.http.get(address)
    typed = {"username": customer["upn"], "password": customer["password"]}
    back = submit(scene.http, LOGIN, page, **typed)
    if back.status_code == 200:
        back = submit(scene.http, LOGIN, back, decision="accept")
    assert back.status_code == 302, back.text
    return back.headers["location"]


def go_on(scene: Scene, link: Linkable) -> httpx.URL:
    """Press Continue on the link's page; where that leads."""
    answer = submit(scene.http, link.url, scene.http.get(link.url))
    assert answer.status_code == 302, answer.text
    return httpx.URL(answer.headers["location"])


def test_before_it_is_enabled(scene: Scene) -> None:
    """A customer is told that it cannot be done, and the connection keeps why.

    contract C8.4, C8.12 and C8.13
    """
    link = scene.linkable()
    page = scene.http.get(link.url)
    assert page.status_code == 400 and "not enabled" in page.text
    (error,) = link.read()["dataConnectionErrors"]
    assert (error["statusCode"], error["status"]) == ("403", "Active")
    assert error["statusText"] and error["errorMessage"] and error["erroredOnUtc"]
    assert link.read()["status"] == "PendingAuth"
    scene.http.get(link.url)
    assert len(link.read()["dataConnectionErrors"]) == 2
    assert scene.http.post(link.url).status_code == 404  # Continue is on that page alone
    assert len(link.read()["dataConnectionErrors"]) == 2


def test_a_wrong_pair_shows_when_linking(scene: Scene) -> None:
    """The Secret ID in place of the Value is taken by the portal and refused by Microsoft.

    contract G7.9, G21.27, C5.5, C5.12, C6.5, C8.14, C12.5 and C12.11
    """
    scene.save(secret=scene.secret_id)
    assert scene.codat("GET", "/integrations/trji").json()["enabled"] is True
    link = scene.linkable()
    back = sign_in(scene, str(go_on(scene, link)))
    page = scene.http.get(back)
    assert page.status_code == 400 and "AADSTS7000215" in page.text
    (error,) = link.read()["dataConnectionErrors"]
    assert (error["statusCode"], error["statusText"]) == ("401", "invalid_client")
    assert "AADSTS7000215" in error["errorMessage"] and error["status"] == "Active"
    assert link.read()["status"] == "PendingAuth"
    assert scene.http.get(back).status_code == 404  # an attempt comes back once

    scene.save()
    user = person(scene.description, "Global Administrator")
    assert "installed" in scene.customer(user["upn"]).link(link.url, environment="Sandbox")
    linked = link.linked()
    assert [one["status"] for one in linked["dataConnectionErrors"]] == ["Resolved"]
    assert linked["dataConnectionErrors"][0]["resolvedOnUtc"]


def test_the_way_by_microsoft(scene: Scene) -> None:
    """The customer signs in for the saved client id and comes back to choose a company.

    contract C1.2, C10.2, C10.14, C11.1 and C11.4
    """
    scene.save()
    link = scene.linkable()
    asked = scene.http.get(link.url)
    assert asked.status_code == 200
    assert "Millrace Software (test)" in asked.text and "Business Central" in asked.text
    address = go_on(scene, link)
    assert (address.host, address.path) == (
        "login.microsoftonline.com",
        "/common/oauth2/v2.0/authorize",
    )
    assert address.params["client_id"] == scene.client_id
    assert address.params["redirect_uri"] == CALLBACK
    assert address.params["scope"] == (
        "https://api.businesscentral.dynamics.com/.default offline_access"
    )
    back = sign_in(scene, str(address))
    assert back.startswith(CALLBACK)
    answer = scene.http.get(back)
    assert answer.status_code == 303
    choice = httpx.URL(answer.headers["location"])
    assert choice.host == "link-api.codat.io"
    page = scene.http.get(choice)
    assert "Production (production): CRONUS UK Ltd." in page.text
    assert "Sandbox (sandbox): CRONUS UK Ltd." in page.text
    # Nothing has been begun yet.
    assert link.read()["status"] == "PendingAuth"
    assert scene.http.get(back).status_code == 404  # an attempt comes back once


def test_declining(scene: Scene) -> None:
    """A customer who declines leaves the connection waiting, with the reason.

    contract C8.4 and C8.15
    """
    scene.save()
    link = scene.linkable()
    state = go_on(scene, link).params["state"]
    declined = {"error": "access_denied", "error_description": "Declined.", "state": state}
    assert scene.http.get(CALLBACK, params=declined).status_code == 400
    (error,) = link.read()["dataConnectionErrors"]
    assert (error["statusCode"], error["errorMessage"]) == ("403", "Declined.")
    assert link.read()["status"] == "PendingAuth"


def test_an_unknown_client_id(scene: Scene) -> None:
    """Microsoft keeps a customer of an unknown client id, so Codat never hears of it.

    contract C12.5
    """
    scene.save(NOBODY)
    link = scene.linkable()
    page = scene.http.get(go_on(scene, link))
    assert page.status_code == 400 and "AADSTS700016" in page.text
    assert "dataConnectionErrors" not in link.read()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"web": {"redirectUris": ["https://elsewhere.example/callback"]}}, "AADSTS50011"),
        ({"signInAudience": "AzureADMyOrg"}, "AADSTS50194"),
    ],
)
def test_an_application_that_is_not_as_codat_wants_it(
    scene: Scene, wrong: dict[str, Any], code: str
) -> None:
    """Another redirect URI, or one tenant's alone: Microsoft keeps the customer (contract C12.4).

    Put right, the customer links again (contract C10.1 and G3.4).
    """
    scene.save()
    link = scene.linkable()
    path = f"/applications/{scene.application}"
    before = {name: scene.admin("GET", path).json()[name] for name in wrong}
    assert scene.admin("PATCH", path, wrong).status_code == 204
    until(lambda: code in scene.http.get(go_on(scene, link)).text)
    assert "dataConnectionErrors" not in link.read()
    assert scene.admin("PATCH", path, before).status_code == 204
    until(lambda: scene.http.get(go_on(scene, link)).status_code == 200)


def test_who_brings_a_consent_and_no_link(scene: Scene) -> None:
    """They are told how it went; what Codat itself shows is not published (contract C10.15)."""
    brought = {"admin_consent": "True", "tenant": NOBODY}
    assert "Consent was given" in scene.http.get(CALLBACK, params=brought).text
    declined = scene.http.get(CALLBACK, params={**brought, "error": "access_denied"})
    assert declined.status_code == 400 and "not given" in declined.text


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
    assert scene.http.get(scene.linkable("gbol").url).status_code == 400
