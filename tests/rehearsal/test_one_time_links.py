"""Links of an instance that wants them to work only once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bcrunbook.rehearsal import launch
from bcrunbook.rehearsal.people import act_as_developer
from tests.rehearsal.codat_support import SANDBOX, Codat, key_of
from tests.rehearsal.linking import LAB_ADMIN, Scene, set_scene
from tests.rehearsal.support import client_of, hidden_fields
from tests.support.clock import pass_time

INSTANCE = "Millrace Software"
OTHER_INSTANCE = "Millrace Software (test)"
WITH_PASSWORD = re.compile(r"https://link-api\.codat\.io/companies/.+/start\?otp=\d{6}")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A cloud of its own, in which a customer is about to link."""
    with (
        launch(tmp_path_factory.mktemp("one-time"), skips=True, lags="worst") as description,
        client_of(description) as http,
    ):
        made = set_scene(description, http)
        act_as_developer(description, INSTANCE, made.client_id, made.secret)
        yield replace(made, codat=Codat(http, key_of(description, INSTANCE)))


def is_refused(page: httpx.Response) -> bool:
    """Whether a page says that its link does not work, and offers nothing to press."""
    is_told = page.status_code == 403 and "Ask for a new one" in page.text
    return is_told and "<form" not in page.text


def test_every_address_has_a_password(scene: Scene) -> None:
    """Of a connection and of a company, wherever they are told; six digits.

    contract C8.18 and C8.20
    """
    link = scene.linkable()
    assert WITH_PASSWORD.fullmatch(link.url)
    assert WITH_PASSWORD.fullmatch(link.read()["linkUrl"])
    company = scene.codat("GET", f"/companies/{link.company}").json()
    assert re.fullmatch(
        rf"https://link\.codat\.io/company/{link.company}\?link\.otp=\d{{6}}", company["redirect"]
    )
    (connection,) = company["dataConnections"]
    assert WITH_PASSWORD.fullmatch(connection["linkUrl"])


def test_an_instance_that_wants_none(scene: Scene) -> None:
    """Its addresses can be opened again and again (contract C8.19)."""
    other = replace(scene, codat=Codat(scene.http, key_of(scene.description, OTHER_INSTANCE)))
    link = other.linkable(SANDBOX)
    assert link.url.endswith("/start")
    assert "?" not in other.codat("GET", f"/companies/{link.company}").json()["redirect"]
    for _ in range(2):
        assert scene.http.get(link.url).status_code == 200


def test_a_link_works_once(scene: Scene) -> None:
    """With its own password alone; a fresh one opens it again (contract C8.18 and C8.22)."""
    link = scene.linkable(SANDBOX)
    bare = link.url.partition("?")[0]
    foreign = scene.linkable(SANDBOX).url.partition("?")[2]
    for wrong in (bare, f"{bare}?otp=", f"{bare}?{foreign}x", f"{bare}?{foreign}"):
        assert is_refused(scene.http.get(wrong)), wrong
    assert link.read()["status"] == "PendingAuth"
    assert "is connected" in scene.http.get(link.url).text
    assert link.read()["status"] == "Linked"
    assert is_refused(scene.http.get(link.url))
    fresh = link.read()["linkUrl"]
    assert fresh != link.url and scene.http.get(fresh).status_code == 200


def test_the_whole_way(scene: Scene) -> None:
    """Whoever came by the link goes on, though it would not open again; the window stays open."""
    link = scene.linkable()
    page = scene.http.get(link.url)
    for _ in range(2):  # back from Microsoft, and on again
        pressed = scene.http.post(link.url, data=hidden_fields(page.text))
        assert pressed.status_code == 302
    assert is_refused(scene.http.get(link.url))

    customer = scene.customer(LAB_ADMIN)
    assert "does not work any more" in customer.link(link.url, environment="Normal")
    fresh = link.read()["linkUrl"]
    assert "installed" in customer.link(fresh, environment="Normal")
    assert link.linked()["status"] == "Linked"


def test_leaving_early(tmp_path: Path) -> None:
    """Whoever leaves is told to ask for a new link, and goes on by that where they were."""
    with (
        launch(tmp_path, skips=True, lags="worst") as description,
        client_of(description) as http,
    ):
        scene = set_scene(description, http)
        act_as_developer(description, INSTANCE, scene.client_id, scene.secret)
        scene = replace(scene, codat=Codat(http, key_of(description, INSTANCE)))
        link, customer = scene.linkable(), scene.customer(LAB_ADMIN)
        customer.link(link.url, environment="Slow")
        assert "Ask for a new link" in customer.close(link.url)
        asked = http.get(link.read()["linkUrl"])
        again = http.post(link.url, data=hidden_fields(asked.text))
        assert again.headers["location"] == "installation"


def test_a_link_is_good_for_a_day(tmp_path: Path) -> None:
    """A day of the rehearsal clock (contract C8.18)."""
    with launch(tmp_path, skips=True) as description, client_of(description) as http:
        codat = Codat(http, key_of(description, INSTANCE))
        early, late = (
            codat.connection(codat.company()["id"], SANDBOX)["linkUrl"] for _ in range(2)
        )
        pass_time(description, 86_000)
        assert not is_refused(http.get(early))
        pass_time(description, 400)
        assert is_refused(http.get(late))


def test_the_passwords_are_secrets(scene: Scene) -> None:
    """Named among the canaries, and never in the request log."""
    link = scene.linkable(SANDBOX)
    scene.http.get(link.url)
    password = link.url.partition("?")[2]
    assert password in Path(scene.description.canaries).read_text("utf-8").splitlines()
    assert password not in Path(scene.description.requests).read_text("utf-8")
