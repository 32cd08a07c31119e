"""Facts about Codat that no other test of the stand-in meets, one by one."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.description import RehearsalDescription
from tests.rehearsal.codat_support import API, SANDBOX, Codat, basic, check_refusal, key_of
from tests.rehearsal.in_process import SetClock, client_within, open_cloud

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z?")


@pytest.fixture(scope="module")
def codat(rehearsal: RehearsalDescription, http: httpx.Client) -> Codat:
    """The API of Codat, as the first instance's key opens it."""
    return Codat(http, rehearsal.codat["api_key"])


# --- keys, answers, limits ------------------------------------------------------------------------


def test_keys_are_forty_letters_and_digits(rehearsal: RehearsalDescription, codat: Codat) -> None:
    """Those that were there and those that are made (contract C1.5)."""
    made = codat("POST", "/apiKeys", {"name": "formed"}).json()
    codat("DELETE", f"/apiKeys/{made['id']}")
    keys = [one["api_key"] for one in rehearsal.codat["instances"]]
    for key in (*keys, made["apiKey"]):
        assert re.fullmatch(r"[A-Za-z0-9]{40}", key)


def test_there_is_one_host(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """The one for tests has been closed (contract C1.1)."""
    header = {"Authorization": basic(rehearsal.codat["api_key"])}
    assert http.get("https://api.codat.io/profile", headers=header).status_code == 200
    with pytest.raises(httpx.ProxyError, match="403"):
        http.get("https://api-uat.codat.io/profile", headers=header)


@pytest.mark.parametrize("size", [2001, 5000])
def test_a_page_may_be_larger_than_the_answers_schema_says(codat: Codat, size: int) -> None:
    """The parameter's limit counts (contract C4.1 and C4.2)."""
    answer = codat("GET", f"/companies?page=1&pageSize={size}")
    assert (answer.status_code, answer.json()["pageSize"]) == (200, size)


def test_dates_are_iso(codat: Codat) -> None:
    """In UTC, with up to seven decimals or none (contract C2.16)."""
    company = codat.company()
    made = codat.connection(company["id"])
    for date in (company["created"], made["created"]):
        assert DATE.fullmatch(date), date


def test_a_key_is_bound_to_its_address(codat: Codat) -> None:
    """Elsewhere it is refused like another body (contract C3.12)."""
    header = {"Idempotency-Key": str(uuid.uuid4())}
    company = codat("POST", "/companies", {"name": "One"}, header).json()["id"]
    other = codat("PATCH", f"/companies/{company}", {"name": "One"}, header)
    check_refusal(other, 422, "Idempotency-Key")


def test_who_is_unknown_is_told_no_limits(codat: Codat) -> None:
    """A 401 has none of the headers, and costs nobody a call (contract C3.13)."""

    def left() -> int:
        return int(codat("GET", "/profile").headers["X-Rate-Limit-Remaining"])

    before = left()
    refused = codat.http.get(f"{API}/profile", headers={"Authorization": basic("nobody")})
    assert refused.status_code == 401
    assert not [name for name in refused.headers if name.lower().startswith("x-rate-limit")]
    assert left() == before - 1


def test_lists_of_settings_have_no_pages(codat: Codat) -> None:
    """Their results stand alone; others have links to where they are (contract C4.3, C4.4)."""
    for path in ("/apiKeys", "/webhooks"):
        assert set(codat("GET", path).json()) == {"results"}
    answer = codat("GET", "/companies?page=1&pageSize=1").json()
    assert set(answer) == {"results", "_links", "totalResults", "pageSize", "pageNumber"}
    assert {"self", "current"} <= set(answer["_links"])


def test_the_order_of_codats_own_example_is_unknown(codat: Codat) -> None:
    """A company has no such property (contract C4.11)."""
    check_refusal(codat("GET", "/companies?orderBy=-modifiedDate"), 400, "modifiedDate")


# --- integrations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "name"),
    [
        pytest.param("trji", "Dynamics 365 Business Central", id="contract C5.1"),
        pytest.param("rqwd", "Dynamics 365 Finance & Operations", id="contract C5.2"),
        pytest.param("mqjo", "Codat Sandbox", id="contract C5.13"),
    ],
)
def test_platforms_have_their_keys(codat: Codat, key: str, name: str) -> None:
    """And say what kind they are of, in the property for it (contract C5.8)."""
    found = codat("GET", f"/integrations/{key}").json()
    assert (found["key"], found["name"], found["sourceType"]) == (key, name, "Accounting")
    uuid.UUID(found["sourceId"])


def test_what_an_integration_tells(codat: Codat) -> None:
    """Four things always; nothing of its keys (contract C5.4, C5.5, C5.6, C5.7 and C5.14)."""
    found = {one["key"]: one for one in codat("GET", "/integrations").json()["results"]}
    for one in found.values():
        assert {"key", "logoUrl", "name", "enabled"} <= set(one)
        assert not [name for name in one if re.search("client|secret|credential", name, re.I)]
        assert {"datatype", "supportedFeatures"} == {
            name for feature in one["datatypeFeatures"] for name in feature
        }
        assert one["logoUrl"].startswith("https://static.codat.io/public/")
        assert one["sourceId"] in one["logoUrl"]
    assert found["trji"]["sourceId"] == "6b579544-0e46-4f02-b343-578ce5c3c6cc"


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/integrations/credentials/trji"), ("PUT", "/integrations/trji/enabled")],
)
def test_no_call_saves_keys_or_flips_a_toggle(codat: Codat, method: str, path: str) -> None:
    """Neither by the addresses that old clients had (contract C5.9, C5.10 and C5.11)."""
    body: dict[str, Any] = {"enabled": True, "clientId": "a", "clientSecret": "b"}
    assert codat(method, path, body).status_code in (404, 405)
    assert codat("GET", "/integrations/trji").json()["key"] == "trji"


# --- companies, data, settings --------------------------------------------------------------------


def test_a_list_of_companies_has_their_connections(codat: Codat) -> None:
    """As each connection's own address tells it (contract C7.3)."""
    tag = uuid.uuid4().hex[:12]
    company = codat.company(tags={"whose": tag})["id"]
    made = codat.connection(company)
    (listed,) = codat("GET", f"/companies?page=1&tags=whose%3D{tag}").json()["results"]
    assert listed["dataConnections"] == [made]


def test_names_are_not_unique(codat: Codat) -> None:
    """Two of one name are two companies (contract C7.4)."""
    one, other = (codat("POST", "/companies", {"name": "Same again"}).json() for _ in range(2))
    assert one["name"] == other["name"] and one["id"] != other["id"]


@pytest.mark.parametrize("sign", list("-',&@.?!7 z"))
def test_signs_that_a_name_may_have(codat: Codat, sign: str) -> None:
    """Each of them is kept (contract C7.5)."""
    assert codat("POST", "/companies", {"name": f"A{sign}b"}).json()["name"] == f"A{sign}b"


@pytest.mark.parametrize("sign", list("#/()+*_ßé\u0416\u4e2d"))
def test_signs_that_a_name_may_not_have(codat: Codat, sign: str) -> None:
    """Each of them is dropped without a word (contract C7.5 and C7.6)."""
    assert codat("POST", "/companies", {"name": f"A{sign}b"}).json()["name"] == "Ab"


def test_what_the_settings_of_a_type_hold(codat: Codat) -> None:
    """When it is fetched, how often, in which order, from when, and for how many months.

    contract C9.18
    """
    rows = codat("GET", "/profile/syncSettings").json()["settings"]
    always = {"dataType", "fetchOnFirstLink", "syncSchedule", "syncOrder", "isLocked"}
    since = {"syncFromUtc", "syncFromWindow", "monthsToSync"}
    for one in rows:
        assert always <= set(one) <= always | since
    assert since & {name for one in rows for name in one}


def test_there_are_forty_three_types(codat: Codat) -> None:
    """Of accounting, banking and commerce (contract C9.8)."""
    settings = codat("GET", "/profile/syncSettings").json()["settings"]
    types = [one["dataType"] for one in settings]
    banking, commerce = (
        sum(one.startswith(kind) for one in types) for kind in ("banking-", "commerce-")
    )
    assert (len(set(types)), banking, commerce) == (43, 4, 11)


def test_a_type_that_is_left_out_keeps_its_settings(
    rehearsal: RehearsalDescription, http: httpx.Client
) -> None:
    """A change is of what it names (contract C9.19)."""
    codat = Codat(http, key_of(rehearsal, "Larkfield Books"))
    before = codat("GET", "/profile/syncSettings").json()
    changed = {**before["settings"][0], "syncSchedule": 48}
    body = {"clientId": before["clientId"], "settings": [changed], "overridesDefaults": True}
    assert codat("POST", "/profile/syncSettings", body).status_code == 204
    after = {
        one["dataType"]: one for one in codat("GET", "/profile/syncSettings").json()["settings"]
    }
    assert after == {
        **{one["dataType"]: one for one in before["settings"]},
        changed["dataType"]: changed,
    }


def test_a_consumer_may_want_events_of_any_name(codat: Codat) -> None:
    """The older names among them (contract C13.2)."""
    body = {
        "url": "https://hooks.millrace.example/e",
        "eventTypes": ["DataConnectionStatusChanged"],
    }
    made = codat("POST", "/webhooks", body)
    assert made.status_code == 201
    assert codat("DELETE", f"/webhooks/{made.json()['id']}").status_code == 204


def test_a_sync_goes_through_its_states_in_order(once: tuple[Codat, SetClock]) -> None:
    """Each stage of work after one of waiting (contract C9.10)."""
    codat, clock = once
    company = codat.company()["id"]
    codat.http.get(str(codat.connection(company, SANDBOX)["linkUrl"]))
    pull = codat("GET", f"/companies/{company}/data/history").json()["results"][0]
    seen: list[str] = []
    for _ in range(50):
        state = codat("GET", f"/companies/{company}/data/history/{pull['id']}").json()["status"]
        seen += [] if seen[-1:] == [state] else [state]
        clock.pass_(0.1)
    assert seen == [
        *("Initial", "Queued", "Fetching", "MapQueued", "Mapping", "ProcessingQueued"),
        *("Processing", "ValidationQueued", "Validating", "Complete"),
    ]


# --- one-time links -------------------------------------------------------------------------------


@pytest.fixture
def once(tmp_path: Path) -> Iterator[tuple[Codat, SetClock]]:
    """An instance whose links work once, on a clock that the test sets."""
    with open_cloud(tmp_path) as (cloud, clock), client_within(cloud) as http:
        (instance,) = (one for one in world.INSTANCES.values() if one.name == "Millrace Software")
        yield Codat(http, cloud.secret(world.api_key_name(instance))), clock


def test_the_reads_of_a_minute_share_a_password(once: tuple[Codat, SetClock]) -> None:
    """Later ones have another (contract C8.21)."""
    codat, clock = once
    company = codat.company()["id"]
    made = codat.connection(company, SANDBOX)
    path = f"/companies/{company}/connections/{made['id']}"

    def link() -> str:
        return str(codat("GET", path).json()["linkUrl"])

    first = link()
    assert link() == first
    clock.pass_(61)
    assert link() != first
