"""Both ways to lag, on a clock that the test sets: what is there at once, and what is not yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal import CannotServe, RehearsalDescription, Settings, launch, serve, world
from bcrunbook.rehearsal.drawn_secrets import BATCH_SECRET
from bcrunbook.rehearsal.lags import SHARE, USUAL, WORST, Profile, is_slow
from tests.rehearsal.in_process import SetClock, client_within, open_cloud
from tests.rehearsal.support import Graph, desired, signing_in

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
WORK = {"displayName": "Recorded", "signInAudience": "AzureADMyOrg"}
VAULT = "https://millrace-trial-kv.vault.azure.net"
MINUTE = 60.0


@dataclass(frozen=True)
class Scene:
    """Graph of a cloud whose clock a test sets, as the application for unattended runs."""

    graph: Graph
    clock: SetClock

    def signs_in(self, app: dict[str, Any], secret: str) -> bool:
        """Whether an application gets a token by a secret now."""
        answer = signing_in(self.graph.http, world.TRIAL, app["appId"], secret)
        return answer.status_code == 200

    def status(self, method: str, path: str, body: Any = None) -> int:
        """What a request of now is answered."""
        return self.graph(method, path, body).status_code

    def seconds_until(self, check: Callable[[], bool], *, step: float, at_most: float) -> float:
        """How long the clock has to go on, in steps, until something is so."""
        waited = 0.0
        while not check():
            self.clock.pass_(step)
            waited += step
            assert waited <= at_most
        return waited


@contextmanager
def played(folder: Path, profile: Profile) -> Iterator[Scene]:
    """A fresh cloud that lags in a way."""
    with open_cloud(folder, profile) as (cloud, clock), client_within(cloud) as http:
        secret = cloud.secret(BATCH_SECRET)
        token = signing_in(http, world.TRIAL, world.BATCH_CLIENT, secret).json()["access_token"]
        yield Scene(Graph(http, token), clock)


@pytest.fixture
def usual(tmp_path: Path) -> Iterator[Scene]:
    """A fresh cloud of the default."""
    with played(tmp_path, USUAL) as scene:
        yield scene


@pytest.fixture
def worst(tmp_path: Path) -> Iterator[Scene]:
    """A fresh cloud in which everything lags."""
    with played(tmp_path, WORST) as scene:
        yield scene


def grant_of(graph: Graph, principal: dict[str, Any]) -> dict[str, Any]:
    """The body of a consent to a permission of Microsoft Graph."""
    resource = graph("GET", f"/servicePrincipals(appId='{GRAPH_APP}')").json()
    return {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": resource["id"],
        "scope": "User.Read",
    }


def test_at_the_default_what_comes_next_succeeds(usual: Scene) -> None:
    """As in every recording, and within the same instant (contract G3.9, G7.8, G13.1 and G25.2)."""
    graph = usual.graph
    app = graph("POST", "/applications", WORK).json()
    where = f"/applications/{app['id']}"
    listed = [
        f"/applications?$filter=appId eq '{app['appId']}'",
        "/applications?$filter=startswith(displayName,'Recorded')",
    ]
    assert usual.status("GET", where) == 200
    assert all(graph("GET", path).json()["value"] for path in listed)
    made = graph("POST", "/servicePrincipals", {"appId": app["appId"]})
    assert made.status_code == 201
    principal = made.json()
    assert usual.status("GET", f"/servicePrincipals/{principal['id']}") == 200
    assert usual.status("PATCH", where, {"notes": "changed"}) == 204
    assert graph("GET", where).json()["notes"] == "changed"
    secret = graph("POST", f"{where}/addPassword", {}).json()
    assert len(graph("GET", where).json()["passwordCredentials"]) == 1
    assert usual.status("POST", "/oauth2PermissionGrants", grant_of(graph, principal)) == 201
    grants = f"/oauth2PermissionGrants?$filter=clientId eq '{principal['id']}'"
    assert len(graph("GET", grants).json()["value"]) == 1
    assert usual.status("POST", f"{where}/removePassword", {"keyId": secret["keyId"]}) == 204
    assert graph("GET", where).json()["passwordCredentials"] == []
    assert usual.status("DELETE", where) == 204
    assert usual.status("GET", where) == 404
    assert usual.status("DELETE", f"/directory/deletedItems/{app['id']}") == 204


def test_in_the_worst_case_nothing_that_comes_next_succeeds(worst: Scene) -> None:
    """The same requests at once, each refused as field reports have it (contract G13.2)."""
    graph = worst.graph
    app = graph("POST", "/applications", WORK).json()
    where = f"/applications/{app['id']}"
    assert worst.status("GET", where) == 404
    assert worst.status("PATCH", where, {"notes": "changed"}) == 404
    assert worst.status("POST", f"{where}/addPassword", {}) == 404
    assert worst.status("POST", "/servicePrincipals", {"appId": app["appId"]}) == 403
    worst.clock.pass_(MINUTE)
    principal = graph("POST", "/servicePrincipals", {"appId": app["appId"]}).json()
    assert worst.status("POST", "/oauth2PermissionGrants", grant_of(graph, principal)) == 400
    assert worst.status("PATCH", where, {"notes": "changed"}) == 204
    assert graph("GET", where).json()["notes"] is None
    assert worst.status("POST", f"{where}/addPassword", {}) == 200
    assert graph("GET", where).json()["passwordCredentials"] == []


def test_the_consumer_side_is_missing_for_minutes(usual: Scene) -> None:
    """Changes and secrets meet a 409 until it is there, and nothing else does.

    contract G12.7, G13.3 and G25.6
    """
    graph = usual.graph
    app = graph("POST", "/applications", desired()).json()
    where = f"/applications/{app['id']}"
    assert usual.status("GET", where) == 200
    assert usual.status("POST", "/servicePrincipals", {"appId": app["appId"]}) == 201
    for method, path in (("PATCH", where), ("POST", f"{where}/addPassword")):
        refused = graph(method, path, {})
        assert refused.status_code == 409
        assert refused.json()["error"]["code"] == "Error_MsaAppDoesNotExist"
    waited = usual.seconds_until(
        lambda: usual.status("PATCH", where, {"notes": "x"}) == 204, step=5.0, at_most=10 * MINUTE
    )
    assert 1 * MINUTE < waited < 4 * MINUTE


@pytest.mark.parametrize("profile", [USUAL, WORST], ids=lambda profile: profile.name)
def test_a_new_secret_signs_in_after_seconds(tmp_path: Path, profile: Profile) -> None:
    """Four to eighteen were seen (contract G7.12)."""
    with played(tmp_path, profile) as scene:
        app = scene.graph("POST", "/applications", WORK).json()
        scene.clock.pass_(MINUTE)
        assert scene.status("POST", "/servicePrincipals", {"appId": app["appId"]}) == 201
        scene.clock.pass_(MINUTE)
        secret = scene.graph("POST", f"/applications/{app['id']}/addPassword", {}).json()
        waited = scene.seconds_until(
            lambda: scene.signs_in(app, secret["secretText"]), step=0.5, at_most=MINUTE
        )
        assert 4 <= waited <= 18


@pytest.mark.parametrize("profile", [USUAL, WORST], ids=lambda profile: profile.name)
def test_the_index_trails_in_both(tmp_path: Path, profile: Profile) -> None:
    """An advanced query and a search miss what was just written (contract G5.8)."""
    with played(tmp_path, profile) as scene:
        app = scene.graph("POST", "/applications", {**WORK, "displayName": "Zanzibar"}).json()
        scene.clock.pass_(5)
        paths = (
            f"/applications?$filter=appId eq '{app['appId']}'&$count=true",
            '/applications?$search="displayName:Zanzibar"',
        )

        def found() -> list[int]:
            header = {"ConsistencyLevel": "eventual"}
            answers = [scene.graph("GET", path, headers=header) for path in paths]
            return [len(answer.json()["value"]) for answer in answers]

        assert found() == [0, 0]
        scene.clock.pass_(MINUTE)
        assert found() == [1, 1]


def test_at_the_default_few_objects_lag_and_always_the_same(tmp_path: Path) -> None:
    """Every nineteenth: two fresh clouds have the same slow ones (contract G25.7)."""
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        with played(folder, USUAL) as scene:
            made = [scene.graph("POST", "/applications", desired()).json() for _ in range(SHARE)]
            missing = [
                number
                for number, app in enumerate(made, 1)
                if scene.status("GET", f"/applications/{app['id']}") == 404
            ]
            assert missing == [SHARE]
            where = f"/applications/{made[-1]['id']}"
            scene.clock.pass_(4 * MINUTE)
            assert scene.status("GET", where) == 200
            assert scene.status("PATCH", where, {"notes": "x"}) == 409
            scene.clock.pass_(10 * MINUTE)
            assert scene.status("PATCH", where, {"notes": "x"}) == 204


def deletion(profile: Profile, tmp_path: Path, name: str) -> float:
    """Seconds until a deleted secret of a vault is among the deleted ones."""
    with open_cloud(tmp_path, profile) as (cloud, clock), client_within(cloud) as http:
        scene = Scene(Graph(http), clock)
        form = {
            "grant_type": "client_credentials",
            "client_id": world.BATCH_CLIENT,
            "client_secret": cloud.secret(BATCH_SECRET),
            "scope": "https://vault.azure.net/.default",
        }
        address = f"https://login.microsoftonline.com/{world.TRIAL}/oauth2/v2.0/token"
        http.headers["Authorization"] = (
            "Bearer " + http.post(address, data=form).json()["access_token"]
        )

        def ask(method: str, path: str, body: Any = None) -> httpx.Response:
            return http.request(method, f"{VAULT}{path}?api-version=7.5", json=body)

        assert ask("PUT", f"/secrets/{name}", {"value": "a-value"}).status_code == 200
        assert ask("DELETE", f"/secrets/{name}").status_code == 200
        return scene.seconds_until(
            lambda: ask("GET", f"/deletedsecrets/{name}").status_code == 200,
            step=0.25,
            at_most=5 * MINUTE,
        )


def test_a_deletion_in_a_vault_is_quick_but_for_a_few(tmp_path: Path) -> None:
    """Mostly within a second, and once in a while more than two minutes (contract G23.5)."""
    names = [f"secret-{number}" for number in range(100)]
    quick = next(name for name in names if not is_slow(name))
    slow = next(name for name in names if is_slow(name))
    took = {}
    for name in (quick, slow):
        folder = tmp_path / name
        folder.mkdir()
        took[name] = deletion(USUAL, folder, name)
    assert 0 < took[quick] <= 1 and took[slow] > 52


# --- how it is asked for ----------------------------------------------------------------------


def test_the_default_is_usual_and_the_description_says_so(tmp_path: Path) -> None:
    """`rehearsal.json` tells in which way a cloud lags."""
    with launch(tmp_path) as description:
        assert description.lags == "usual"
        kept = RehearsalDescription.read(Path(description.directory) / "rehearsal.json")
        assert kept.lags == "usual"


def test_the_worst_case_is_asked_for_by_name(rehearsal: RehearsalDescription) -> None:
    """Most tests have it."""
    assert rehearsal.lags == "worst"


def test_there_is_no_third_way(tmp_path: Path) -> None:
    """What it does not know is refused, with what there is."""
    with pytest.raises(CannotServe, match="usual or worst"):
        serve(Settings(tmp_path, lags="best"))
