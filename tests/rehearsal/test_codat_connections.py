"""Connections, refreshes of their data, and the settings around them."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.codat_support import (
    BUSINESS_CENTRAL_PLATFORM,
    NOBODY,
    Codat,
    check_refusal,
    key_of,
)
from tests.rehearsal.support import client_of, lines, wait_for
from tests.support.clock import pass_time


@pytest.fixture(scope="module")
def codat(rehearsal: RehearsalDescription, http: httpx.Client) -> Codat:
    """The API of Codat, as the first instance's key opens it."""
    return Codat(http, rehearsal.codat["api_key"])


def test_a_connection_as_it_is_made(codat: Codat) -> None:
    """A new connection waits for the customer under an address of its own.

    contract C2.2, C8.1, C8.2 and C8.17
    """
    company = codat.company()["id"]
    made = codat.connection(company, BUSINESS_CENTRAL_PLATFORM)
    integration = codat("GET", "/integrations/trji").json()
    assert made["status"] == "PendingAuth" and "lastSync" not in made
    for name in ("integrationId", "sourceId", "sourceType"):
        assert made[name] == integration[name]
    assert (made["integrationKey"], made["platformName"]) == ("trji", integration["name"])
    end = f"/companies/{company}/connections/{made['id']}"
    assert made["linkUrl"] == f"https://link-api.codat.io{end}/start"
    assert codat("GET", end).json() == made
    assert codat("GET", f"/companies/{company}/connections").json()["results"] == [made]
    assert codat("GET", f"/companies/{company}").json()["dataConnections"] == [made]


def test_platforms_of_connections(codat: Codat) -> None:
    """A platform that does not exist is 404, none at all 400, one that is not enabled is taken.

    contract C8.12
    """
    company = codat.company()["id"]
    path = f"/companies/{company}/connections"
    check_refusal(codat("POST", path, {"platformKey": "zzzz"}), 404, "zzzz")
    check_refusal(codat("POST", path, {}), 400, "platformKey")
    check_refusal(codat("POST", path, {"platformKey": 5}), 400, "platformKey")
    check_refusal(
        codat("POST", f"/companies/{NOBODY}/connections", {"platformKey": "mqjo"}), 404, NOBODY
    )
    assert codat("GET", "/integrations/trji").json()["enabled"] is False
    assert codat.connection(company, BUSINESS_CENTRAL_PLATFORM)["status"] == "PendingAuth"


def test_unlinking(codat: Codat) -> None:
    """Only a Linked connection is unlinked, by nothing but its status; its data stays.

    contract C8.7, C8.8 and C9.6
    """
    company, connection = codat.linked()
    path = f"/companies/{company}/connections/{connection}"
    assert codat("GET", path).json()["status"] == "Linked"
    codat.settled(company)
    for body in ({"status": "Linked"}, {"status": "Deauthorized"}, {"status": "unlinked"}):
        check_refusal(codat("PATCH", path, body), 400, "status")
    check_refusal(codat("PATCH", path, {"status": "Unlinked", "x": 1}), 400, "status")
    assert codat("PATCH", path, {"status": None}).json()["status"] == "Linked"
    unlinked = codat("PATCH", path, {"status": "Unlinked"})
    assert unlinked.status_code == 200 and unlinked.json()["status"] == "Unlinked"
    check_refusal(codat("PATCH", path, {"status": "Unlinked"}), 400, "Linked")
    status = codat("GET", f"/companies/{company}/dataStatus").json()
    assert status["company"]["currentStatus"] == "Complete"
    check_refusal(codat("POST", f"/companies/{company}/data/all"), 400, "linked")
    assert codat.http.get(unlinked.json()["linkUrl"]).status_code == 200
    assert codat("GET", path).json()["status"] == "Linked"


def test_deleting_a_connection(codat: Codat) -> None:
    """The answer is a 200 without a body, and the connection is gone (contract C2.1 and C8.9)."""
    company, connection = codat.linked()
    path = f"/companies/{company}/connections/{connection}"
    gone = codat("DELETE", path)
    assert (gone.status_code, gone.content) == (200, b"")
    check_refusal(codat("GET", path), 404, f"Data connection {connection} not found")
    check_refusal(codat("DELETE", path), 404, connection)
    assert codat("GET", f"/companies/{company}").json()["dataConnections"] == []


def test_tokens_that_are_brought_along(rehearsal: RehearsalDescription, codat: Codat) -> None:
    """Tokens link a connection without a first sync, and are canaries (contract C8.25)."""
    company = codat.company()["id"]
    connection = codat.connection(company)["id"]
    path = f"/companies/{company}/connections/{connection}/authorization"
    for platform in ("gbol", "trji"):  # not enabled; and one that only a real link can prove
        other = codat.connection(company, platform)["id"]
        other_path = f"/companies/{company}/connections/{other}/authorization"
        check_refusal(codat("PUT", other_path, {"token": "0123456789"}), 400, "Authorization")
    for body in ({}, {"token": 5}, {"token": None}, {"token": ""}):
        check_refusal(codat("PUT", path, body), 400, "authorization")
    token = uuid.uuid4().hex
    assert codat("PUT", path, {"refreshToken": token}).json()["status"] == "Linked"
    assert codat("GET", f"/companies/{company}/data/history").json()["totalResults"] == 0
    assert token in lines(rehearsal.canaries)


def test_the_first_sync(codat: Codat) -> None:
    """Linking starts a pull of every type that is fetched on first link (contract C9.1)."""
    company, connection = codat.linked()
    pulls = codat.settled(company)
    types = {one["dataType"] for one in pulls}
    assert {"company", "invoices"} <= types and not any("-" in one for one in types)
    assert {one["connectionId"] for one in pulls} == {connection}
    found = codat("GET", f"/companies/{company}").json()
    assert found["lastSync"] and found["dataConnections"][0]["lastSync"] == found["lastSync"]


def test_states_of_a_pull(slow: RehearsalDescription) -> None:
    """A pull moves through its states with the clock, and nothing but the clock.

    contract C9.10 and C9.14
    """
    with client_of(slow) as http:
        codat = Codat(http, slow.codat["api_key"])
        company = codat.company()["id"]
        connection = codat.connection(company)
        codat.http.get(connection["linkUrl"])
        pull = codat("GET", f"/companies/{company}/data/history").json()["results"][0]
        path = f"/companies/{company}/data/history/{pull['id']}"
        seen: list[tuple[str, int]] = []
        for _ in range(30):
            now = codat("GET", path).json()
            assert now["isCompleted"] is (now["status"] == "Complete") is ("completed" in now)
            if not seen or seen[-1][0] != now["status"]:
                seen.append((now["status"], now["progress"]))
            pass_time(slow, 0.2)
        progress = [number for _, number in seen]
        assert progress == sorted(progress) and progress[-1] == 100
        assert {"Fetching", "Mapping", "Processing", "Validating"} <= {state for state, _ in seen}


def test_a_type_on_its_way(slow: RehearsalDescription) -> None:
    """A type that is being synced is refused by itself, and left alone by a refresh of all.

    contract C9.2 and C9.5
    """
    with client_of(slow) as http:
        codat = Codat(http, slow.codat["api_key"])
        company, _ = codat.linked()
        history = f"/companies/{company}/data/history?page=1"
        total = codat("GET", history).json()["totalResults"]
        again = codat("POST", f"/companies/{company}/data/queue/company")
        check_refusal(again, 400, "DatasetAlreadyInProgressException")
        assert codat("POST", f"/companies/{company}/data/all").status_code == 204
        assert codat("GET", history).json()["totalResults"] == total


def test_queueing(codat: Codat) -> None:
    """One type is queued on a linked connection that has it.

    contract C2.11, C4.13, C9.3 and C9.6
    """
    company, connection = codat.linked()
    codat.settled(company)
    path = f"/companies/{company}/data/queue"
    queued = codat("POST", f"{path}/company?connectionId={connection}")
    assert queued.status_code == 200
    pull = queued.json()
    assert (pull["companyId"], pull["connectionId"]) == (company, connection)
    assert (pull["dataType"], pull["status"], pull["progress"]) == ("company", "Initial", 0)
    assert (
        codat("GET", f"/companies/{company}/data/history").json()["results"][0]["id"]
        == (pull["id"])
    )
    codat.settled(company)
    check_refusal(codat("POST", f"{path}/nonsense"), 400, "nonsense")
    check_refusal(codat("POST", f"{path}/banking-accounts"), 404, "not supported")
    check_refusal(codat("POST", f"{path}/company?connectionId={NOBODY}"), 404, NOBODY)
    pending = codat.connection(company)["id"]
    check_refusal(codat("POST", f"{path}/company?connectionId={pending}"), 400, "linked")


def test_the_status_of_data(codat: Codat) -> None:
    """Types that were never synced are left out; others tell their last sync and last success.

    contract C9.7, C9.9 and C9.20
    """
    company, _ = codat.linked()
    codat.settled(company)
    pull = codat("POST", f"/companies/{company}/data/queue/company").json()["id"]
    codat.settled(company)
    status = codat("GET", f"/companies/{company}/dataStatus").json()
    assert "banking-accounts" not in status and None not in status.values()
    assert status["company"]["latestSyncId"] == status["company"]["latestSuccessfulSyncId"] == pull
    assert status["company"]["lastSuccessfulSync"]


def test_querying_the_history(codat: Codat) -> None:
    """The history is filtered by type and status; `isCompleted` cannot be asked for.

    contract C2.19
    """
    company, _ = codat.linked()
    codat.settled(company)
    path = f"/companies/{company}/data/history?page=1&query="
    (only,) = codat("GET", f"{path}dataType%3Dbills%26%26status%3DComplete").json()["results"]
    assert only["dataType"] == "bills"
    total = codat("GET", f"/companies/{company}/data/history").json()["totalResults"]
    assert codat("GET", f"{path}progress>=100").json()["totalResults"] == total
    answer = codat("GET", f"{path}isCompleted%3Dtrue")
    check_refusal(answer, 400, "Could not resolve property isCompleted on Dataset")
    assert answer.json()["service"] == "PullApi"


def test_sync_settings(codat: Codat) -> None:
    """A company has the instance's settings until it has its own, which decide what is fetched.

    contract C9.1 and C9.18
    """
    company = codat.company()["id"]
    path = f"/companies/{company}/syncSettings"
    before = codat("GET", path).json()
    assert before["overridesDefaults"] is False and before["companyId"] == company
    mine = [{**one, "fetchOnFirstLink": one["dataType"] == "company"} for one in before["settings"]]
    body: dict[str, Any] = {"companyId": company, "settings": mine, "overridesDefaults": True}
    set_ = codat("POST", path, body)
    assert (set_.status_code, set_.content) == (204, b"")
    assert codat("GET", path).json() == body
    codat.http.get(codat.connection(company)["linkUrl"])
    assert [one["dataType"] for one in codat.settled(company)] == ["company"]
    good = mine[0]
    for wrong in (
        {**body, "companyId": NOBODY},
        {**body, "settings": None},
        {**body, "overridesDefaults": None},
        {**body, "settings": [{**good, "dataType": "nonsense"}]},
        {**body, "settings": [{**good, "syncSchedule": "24"}]},
        {**body, "settings": [{**good, "syncFromUtc": "2020-01-01T00:00:00Z"}]},
        {**body, "settings": [{"dataType": "company"}]},
    ):
        check_refusal(codat("POST", path, wrong), 400, "")


def test_settings_of_the_instance(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """Profile, origins and sync settings are kept; the profile is replaced as a whole.

    contract C9.18, C13.7 and C13.8
    """
    codat = Codat(http, key_of(rehearsal, "Millrace Software"))
    profile = codat("GET", "/profile").json()
    assert "apiKey" not in profile
    changed = {**profile, "redirectUrl": "https://x.example/{companyId}"}
    assert codat("PUT", "/profile", changed).json() == changed
    assert codat("GET", "/profile").json() == changed
    for name in profile:
        missing = {key: value for key, value in changed.items() if key != name}
        check_refusal(codat("PUT", "/profile", missing), 400, name)
    origins = {"allowedOrigins": ["https://x.example"]}
    assert codat("POST", "/corsSettings", origins).json() == origins
    assert codat("GET", "/connectionManagement/corsSettings").json() == origins
    check_refusal(codat("POST", "/corsSettings", {"allowedOrigins": ["x"]}), 400, "allowedOrigins")
    sync = codat("GET", "/profile/syncSettings").json()
    daily = [{**one, "syncSchedule": 48} for one in sync["settings"]]
    body = {"clientId": sync["clientId"], "settings": daily, "overridesDefaults": True}
    assert codat("POST", "/profile/syncSettings", body).status_code == 204
    assert codat("GET", "/profile/syncSettings").json() == body


def test_webhooks(codat: Codat) -> None:
    """Consumers are made with 201, listed without pages and removed with 204.

    contract C2.2 and C13.1
    """
    body = {
        "url": "https://hooks.millrace.example/codat",
        "eventTypes": ["connection.connected"],
        "companyTags": ["case:x"],
    }
    made = codat("POST", "/webhooks", body)
    assert made.status_code == 201
    hook = made.json()
    assert hook == {"id": hook["id"], "disabled": False, **body}
    assert hook in codat("GET", "/webhooks").json()["results"]
    assert codat("DELETE", f"/webhooks/{hook['id']}").status_code == 204
    check_refusal(codat("DELETE", f"/webhooks/{hook['id']}"), 404, hook["id"])
    for wrong in (
        {"eventTypes": ["a"]},
        {**body, "url": "hooks"},
        {**body, "eventTypes": []},
        {**body, "disabled": "no"},
        {**body, "companyTags": ["plain"]},
        {**body, "companyTags": ["a:b"] * 11},
        {**body, "companyTags": "a:b"},
    ):
        check_refusal(codat("POST", "/webhooks", wrong), 400, "")


def test_fifty_webhooks(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """The fifty-first consumer is refused (contract C13.1)."""
    codat = Codat(http, key_of(rehearsal, "Millrace Software"))
    body = {"url": "https://hooks.millrace.example/a", "eventTypes": ["company.created"]}
    while codat("POST", "/webhooks", body).status_code == 201:
        pass
    hooks = wait_for(lambda: codat("GET", "/webhooks").json()["results"])
    assert len(hooks) == 50
    check_refusal(codat("POST", "/webhooks", body), 400, "50")


def test_fetching_after_linking_again(codat: Codat) -> None:
    """Opening the link of a linked connection again syncs again and changes nothing else.

    contract C8.10 and C8.22
    """
    company, connection = codat.linked()
    before = len(codat.settled(company))
    link = codat("GET", f"/companies/{company}/connections/{connection}").json()["linkUrl"]
    assert codat.http.get(link).status_code == 200
    assert len(codat.settled(company)) == 2 * before


def test_connections_without_the_integration_s_key(
    rehearsal: RehearsalDescription, http: httpx.Client
) -> None:
    """One instance leaves it out; id and name tell the same (contract C8.3)."""
    codat = Codat(http, key_of(rehearsal, "Larkfield Books"))
    integration = codat("GET", "/integrations/trji").json()
    company = codat.company()["id"]
    made = codat.connection(company, "trji")
    (listed,) = codat("GET", f"/companies/{company}/connections").json()["results"]
    for one in (made, listed):
        assert "integrationKey" not in one
        assert one["integrationId"] == integration["integrationId"]
        assert one["platformName"] == integration["name"]
