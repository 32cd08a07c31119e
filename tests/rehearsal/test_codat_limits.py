"""Idempotency keys, plans and rate limits, and that a restart forgets none of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.rehearsal.codat import world
from tests.rehearsal.codat_support import Codat, check_refusal, key_of
from tests.rehearsal.in_process import client_within, open_cloud
from tests.rehearsal.support import client_of
from tests.support.clock import pass_time

FREE = "Quill & Ledger"


@pytest.fixture(scope="module")
def codat(rehearsal: RehearsalDescription, http: httpx.Client) -> Codat:
    """The API of Codat, as the first instance's key opens it."""
    return Codat(http, rehearsal.codat["api_key"])


def once(key: str | None = None) -> dict[str, str]:
    """The header that makes a request count once."""
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def test_the_first_answer_again(codat: Codat) -> None:
    """The same request under the same key has one effect and gets the same answer.

    contract C3.8
    """
    header = once()
    first = codat("POST", "/companies", {"name": "Once"}, header)
    again = codat("POST", "/companies", {"name": "Once"}, header)
    assert again.status_code == 200 and again.json() == first.json()
    assert again.headers["X-Rate-Limit-Remaining"] != first.headers["X-Rate-Limit-Remaining"]
    path = f"/companies/{first.json()['id']}"
    header = once()
    codat("PATCH", path, {"description": "a"}, header)
    codat("PATCH", path, {"description": "b"})
    assert codat("PATCH", path, {"description": "a"}, header).json()["description"] == "a"
    assert codat("GET", path).json()["description"] == "b"


def test_an_answer_is_kept_for_ninety_minutes(tmp_path: Path) -> None:
    """Whatever the keys are, also after a restart between (contract C3.8)."""
    early, late = (f"{one * 8}-0000-4000-8000-000000000000" for one in "f0")

    @contextmanager
    def restarted(minutes: float) -> Iterator[Codat]:
        with open_cloud(tmp_path) as (cloud, clock), client_within(cloud) as http:
            clock.pass_(minutes * 60)
            yield Codat(http, cloud.secret(world.api_key_name(world.TRIAL)))

    def made(codat: Codat, key: str) -> str:
        return str(codat("POST", "/companies", {"name": "Once"}, once(key)).json()["id"])

    with restarted(0) as codat:
        first = made(codat, early)
    with restarted(80) as codat:
        second = made(codat, late)
        assert made(codat, early) == first
    with restarted(95) as codat:
        assert made(codat, late) == second
        assert made(codat, early) != first
        assert codat("GET", "/companies").json()["totalResults"] == 3


def test_another_body_under_the_same_key(codat: Codat) -> None:
    """A key is bound to its request; keys compare without regard to case (contract C2.13)."""
    header = once()
    codat("POST", "/companies", {"name": "One"}, header)
    upper = {name: value.upper() for name, value in header.items()}
    check_refusal(codat("POST", "/companies", {"name": "Two"}, upper), 422, "Idempotency-Key")


def test_refusals_are_kept(codat: Codat) -> None:
    """A refusal is given again too, with its correlation id, even when its reason is gone.

    contract C3.10
    """
    company, connection = codat.linked()
    path = f"/companies/{company}/connections/{connection}"
    codat("PATCH", path, {"status": "Unlinked"})
    header = once()
    first = codat("PATCH", path, {"status": "Unlinked"}, header)
    check_refusal(first, 400, "Linked")
    codat.http.get(codat("GET", path).json()["linkUrl"])
    assert codat("PATCH", path, {"status": "Unlinked"}, header).json() == first.json()
    assert codat("GET", path).json()["status"] == "Linked"


def test_keys_are_guids(codat: Codat) -> None:
    """Anything but a GUID is refused on POST and PATCH, and nobody looks on other methods.

    contract C3.8
    """
    for key in ("1", "not-a-guid", uuid.uuid4().hex, f"{{{uuid.uuid4()}}}"):
        check_refusal(codat("POST", "/companies", {"name": "x"}, once(key)), 400, "GUID")
    company = codat.company()["id"]
    header = once()
    path = f"/companies/{company}"
    assert codat("PUT", path, {"name": "a"}, header).json()["name"] == "a"
    assert codat("PUT", path, {"name": "b"}, header).json()["name"] == "b"
    assert codat("GET", path, None, once("x")).status_code == 200


def test_keys_belong_to_an_instance(
    rehearsal: RehearsalDescription, http: httpx.Client, codat: Codat
) -> None:
    """Two instances may use the same key."""
    other = Codat(http, key_of(rehearsal, "Millrace Software"))
    header = once()
    ours = codat("POST", "/companies", {"name": "Same"}, header).json()
    theirs = other("POST", "/companies", {"name": "Same"}, header).json()
    assert ours["id"] != theirs["id"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the clouds of this module keep their state, one after the other."""
    return tmp_path_factory.mktemp("limits")


@pytest.fixture
def free(folder: Path) -> Iterator[Codat]:
    """The instance on the Free plan of a cloud that is started anew for each test."""
    with launch(folder, speed=100) as description, client_of(description) as http:
        yield Codat(http, key_of(description, FREE))


HEADER = once()
KEPT: dict[str, httpx.Response] = {}


def test_the_free_plan(free: Codat) -> None:
    """A Free instance has 50 companies and no hourly syncs; deleting makes room.

    contract C2.5, C2.9, C7.14 and C9.17
    """
    KEPT["first"] = free("POST", "/companies", {"name": "First"}, HEADER)
    made = [free.company()["id"] for _ in range(49)]
    answer = free("POST", "/companies", {"name": "One too many"})
    check_refusal(answer, 402, "50-company limit", within=429)
    assert free("DELETE", f"/companies/{made[0]}").status_code == 204
    assert free("POST", "/companies", {"name": "Fits"}).status_code == 200
    sync = free("GET", "/profile/syncSettings").json()
    hourly = [{**sync["settings"][0], "syncSchedule": 1}]
    body = {"clientId": sync["clientId"], "settings": hourly, "overridesDefaults": True}
    check_refusal(free("POST", "/profile/syncSettings", body), 402, "Hourly", within=429)
    KEPT["last"] = free("GET", "/profile")


def test_after_a_restart(free: Codat) -> None:
    """A restart keeps companies, kept answers and the day's count."""
    left = int(free("GET", "/profile").headers["X-Rate-Limit-Remaining"])
    assert left == int(KEPT["last"].headers["X-Rate-Limit-Remaining"]) - 1
    first = KEPT["first"].json()
    assert free("GET", f"/companies/{first['id']}").json() == first
    assert free("POST", "/companies", {"name": "First"}, HEADER).json() == first


def test_the_day_runs_out(free: Codat) -> None:
    """The 1,001st request of a day is 429, which is not kept under an idempotency key.

    contract C3.1, C3.7 and C3.9
    """
    company = KEPT["first"].json()["id"]
    link = free.connection(company)["linkUrl"]
    while (answer := free("GET", "/profile")).status_code == 200:
        pass
    check_refusal(answer, 429, "too many requests")
    assert answer.headers["X-Rate-Limit-Limit"] == "1000"
    assert answer.headers["X-Rate-Limit-Remaining"] == "0"
    assert 0 < int(answer.headers["Retry-After"]) <= 86400
    header = once()
    path = f"/companies/{company}"
    check_refusal(free("PATCH", path, {"description": "x"}, header), 429, "too many requests")
    # A connected company makes room again.
    assert free.http.get(link).status_code == 200
    assert free("PATCH", path, {"description": "x"}, header).json()["description"] == "x"


def test_a_minute_runs_out(tmp_path: Path) -> None:
    """A thousand requests in a minute are the most, however many the day still has.

    contract C3.3 and C3.7
    """
    with launch(tmp_path) as description, client_of(description) as http:
        codat = Codat(http, description.codat["api_key"])
        codat.linked()
        while (answer := codat("GET", "/profile")).status_code == 200:
            pass
        check_refusal(answer, 429, "too many requests")
        assert answer.headers["X-Rate-Limit-Limit"] == "2000"
        assert answer.headers["X-Rate-Limit-Remaining"] == "1000"
        assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_kept_answers_end(tmp_path: Path) -> None:
    """After ninety minutes of the cloud's clock the same key makes a new company.

    contract C3.8 and C7.4
    """
    with launch(tmp_path, skips=True) as description, client_of(description) as http:
        codat = Codat(http, description.codat["api_key"])
        header = once()
        first = codat("POST", "/companies", {"name": "Once"}, header).json()
        pass_time(description, 89 * 60)
        assert codat("POST", "/companies", {"name": "Once"}, header).json()["id"] == first["id"]
        pass_time(description, 60)
        assert codat("POST", "/companies", {"name": "Once"}, header).json()["id"] != first["id"]


def test_an_answer_that_is_lost(tmp_path: Path) -> None:
    """A creation whose answer was lost is repeated under its key, and there is one company."""
    rule = {"host": "api.codat.io", "method": "POST", "path": "^/companies$", "nth": 1}
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{**rule, "drop": "after"}]), "utf-8")
    with (
        launch(tmp_path / "cloud", speed=100, faults=faults) as description,
        client_of(description) as http,
    ):
        codat = Codat(http, description.codat["api_key"])
        header = once()
        with pytest.raises(httpx.TransportError):
            codat("POST", "/companies", {"name": "Lost"}, header)
        found = codat("POST", "/companies", {"name": "Lost"}, header).json()
        assert codat("GET", "/companies?page=1").json()["results"] == [found]


def test_a_fault_of_the_service_is_kept_as_well(tmp_path: Path) -> None:
    """A 500 is told again under its key though nothing is wrong any more; a 429 is not.

    contract C3.9 and C3.10
    """
    faults = tmp_path / "faults.json"
    rules = [
        {"path": "^/companies$", "method": "POST", "nth": 1, "status": 500, "body": {"error": "x"}},
        {"path": "^/companies$", "method": "POST", "nth": 4, "status": 429},
    ]
    faults.write_text(json.dumps(rules), "utf-8")
    with (
        launch(tmp_path / "cloud", speed=100, faults=faults) as description,
        client_of(description) as http,
    ):
        codat = Codat(http, description.codat["api_key"])

        def make(key: str) -> int:
            body = {"name": "Once or never"}
            return codat("POST", "/companies", body, {"Idempotency-Key": key}).status_code

        broken, whole, busy = (str(uuid.uuid4()) for _ in range(3))
        assert [make(broken), make(broken), make(whole)] == [500, 500, 200]
        assert [make(busy), make(busy)] == [429, 200]
        assert codat("GET", "/companies").json()["totalResults"] == 2
