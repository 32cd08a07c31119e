"""Who may call Codat, what is strict about a request, and how refusals look."""

from __future__ import annotations

import base64
from collections.abc import Callable

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.codat_support import (
    API,
    BUSINESS_CENTRAL_PLATFORM,
    NOBODY,
    Codat,
    basic,
    check_refusal,
    key_of,
)
from tests.rehearsal.support import client_of, lines


@pytest.fixture(scope="module")
def codat(rehearsal: RehearsalDescription, http: httpx.Client) -> Codat:
    """The API of Codat, as the first instance's key opens it."""
    return Codat(http, rehearsal.codat["api_key"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: "",
        lambda key: f"Basic {key}",
        lambda key: f"Bearer {base64.b64encode(key.encode()).decode()}",
        lambda key: basic(f"{key}:"),
        lambda key: basic(f"user:{key}"),
        lambda key: basic(f"{key}\n"),
        lambda key: basic(key[:-1]),
        lambda key: basic("ключ"),
        lambda key: "Basic %%%",
    ],
)
def test_the_key_alone_is_encoded(
    rehearsal: RehearsalDescription, http: httpx.Client, spoil: Callable[[str], str]
) -> None:
    """A missing key, a raw one, one with a colon, another scheme and a wrong key are all 401.

    contract C1.3 and C2.8
    """
    value = spoil(rehearsal.codat["api_key"])
    headers = {"Authorization": value} if value else {}
    check_refusal(http.get(f"{API}/integrations", headers=headers), 401, "Unauthorized")


def test_the_key_chooses_the_instance(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """Every key opens the instance it belongs to (contract C1.9, C2.5 and C2.9)."""
    for instance in rehearsal.codat["instances"]:
        answer = Codat(http, instance["api_key"])("GET", "/profile")
        if instance["plan"] == "Free, ended":
            check_refusal(answer, 402, "plan", within=429)
        elif instance["mtls"]:
            check_refusal(answer, 403, "certificate")
        else:
            assert answer.json()["name"] == instance["name"]


def test_a_company_of_another_instance(
    rehearsal: RehearsalDescription, http: httpx.Client, codat: Codat
) -> None:
    """Its own key reads it, another instance's is told that it does not fit (contract C2.10)."""
    other = Codat(http, key_of(rehearsal, "Millrace Software"))
    company = other.company()["id"]
    assert other("GET", f"/companies/{company}").status_code == 200
    for path in ("", "/connections", "/dataStatus", f"/connections/{NOBODY}"):
        check_refusal(codat("GET", f"/companies/{company}{path}"), 403, "not associated")


def test_what_is_not_there(codat: Codat) -> None:
    """Unknown addresses and ids are 404 in Codat's envelope, with a new correlation id each.

    contract C2.3, C2.4, C2.6, C2.11, C2.19, C5.3 and C13.6
    """
    company = codat.company()["id"]
    answers = {
        "/nothing": "NotFound",
        f"/companies/{company}/connectionManagement/accessToken": "NotFound",
        f"/companies/{NOBODY}": f"No company was found with ID {NOBODY}",
        "/companies/nonsense": "No company was found with ID nonsense",
        f"/companies/{company}/connections/{NOBODY}": f"Data connection {NOBODY} not found",
        f"/companies/{company}/data/history/{NOBODY}": NOBODY,
        "/integrations/zzzz": "zzzz",
        "/integrations/zzzz/branding": "zzzz",
    }
    seen = set()
    for path, error in answers.items():
        answer = codat("GET", path)
        check_refusal(answer, 404, error)
        seen.add(answer.json()["correlationId"])
    assert len(seen) == len(answers)


def test_wrong_methods(codat: Codat) -> None:
    """A known address with another method is 405 (contract C2.20 and C5.9)."""
    for method, path in [
        ("PUT", "/integrations/trji"),
        ("DELETE", "/profile"),
        ("PUT", "/webhooks"),
    ]:
        check_refusal(codat(method, path), 405, "")


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b'{"name": "x"', "application/json", 400),
        (b"", "application/json", 400),
        (b'["x"]', "application/json", 400),
        (b'"x"', "application/json", 400),
        (b'{"name": "x", "description": "\\ud800"}', "application/json", 400),
        (b'{"name": "\xff"}', "application/json", 400),
        (b'{"name": ' + b"[" * 100_000, "application/json", 400),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b'{"name": "x"}', "", 415),
    ],
)
def test_bodies_are_json_objects(
    codat: Codat, content: bytes, content_type: str, status: int
) -> None:
    """Anything but a JSON object that says that it is one is refused (contract C2.20)."""
    headers = {"Authorization": basic(codat.key)}
    if content_type:
        headers["Content-Type"] = content_type
    answer = codat.http.post(f"{API}/companies", content=content, headers=headers)
    check_refusal(answer, status, "")


def test_rate_limits_are_told(codat: Codat) -> None:
    """Every answer, refusals included, tells the day's limit, what is left and when it ends.

    contract C3.5 and C3.6
    """
    first, second = codat("GET", "/profile"), codat("GET", "/nothing")
    left = [int(one.headers["X-Rate-Limit-Remaining"]) for one in (first, second)]
    assert left[1] == left[0] - 1
    assert int(first.headers["X-Rate-Limit-Limit"]) % 1000 == 0
    assert first.headers["X-Rate-Limit-Reset"].endswith("T00:00:00Z")


def test_a_connected_company_raises_the_limit(codat: Codat) -> None:
    """The day's limit grows by 1,000 with a connected company and shrinks when it is not.

    contract C3.1, C3.2 and C8.11
    """

    def limit() -> int:
        return int(codat("GET", "/profile").headers["X-Rate-Limit-Limit"])

    before = limit()
    company, connection = codat.linked()
    assert limit() == before + 1000
    other = codat.connection(company)
    # One accounting connection of a company can be linked, the second only after the first is gone.
    assert codat.http.get(other["linkUrl"]).status_code == 400
    errors = codat("GET", f"/companies/{company}/connections/{other['id']}").json()
    assert errors["status"] == "PendingAuth" and errors["dataConnectionErrors"]
    codat("DELETE", f"/companies/{company}/connections/{connection}")
    assert limit() == before
    codat.http.get(other["linkUrl"])
    assert limit() == before + 1000
    codat("DELETE", f"/companies/{company}")
    assert limit() == before


def test_the_last_api_key_stays(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """Of several keys any can be deleted, but never the last: nobody could make another.

    contract C1.7
    """
    codat = Codat(http, key_of(rehearsal, "Millrace Software"))
    (only,) = codat("GET", "/apiKeys").json()["results"]
    check_refusal(codat("DELETE", f"/apiKeys/{only['id']}"), 400, "last")
    assert codat("GET", "/apiKeys").json()["results"] == [only]


def test_api_keys(rehearsal: RehearsalDescription, codat: Codat) -> None:
    """A new key works at once and is a canary, a deleted one is unknown; ten is the most.

    contract C1.4, C1.6, C2.2, C2.10 and C2.12
    """
    made = codat("POST", "/apiKeys", {"name": "second"})
    assert made.status_code == 201
    key = made.json()
    assert key["apiKey"] in lines(rehearsal.canaries)
    listed = codat("GET", "/apiKeys").json()["results"]
    assert key in listed and codat.key in [one["apiKey"] for one in listed]
    own = Codat(codat.http, key["apiKey"])
    assert own("GET", "/profile").status_code == 200
    more = [
        codat("POST", "/apiKeys", {"name": f"more {number}"}).json()["id"]
        for number in range(10 - len(listed))
    ]
    check_refusal(codat("POST", "/apiKeys", {}), 409, "Maximum number of API keys", within=400)
    check_refusal(codat("POST", "/apiKeys", {"name": "x" * 51}), 400, "(50) for `name`")
    for one in more:
        assert codat("DELETE", f"/apiKeys/{one}").status_code == 204
    assert own("DELETE", f"/apiKeys/{key['id']}").status_code == 204
    check_refusal(own("GET", "/profile"), 401, "Unauthorized")
    check_refusal(codat("DELETE", f"/apiKeys/{key['id']}"), 404, key["id"])


def test_integrations(codat: Codat) -> None:
    """Business Central is known under its key; the Sandbox is enabled without any set-up.

    contract C5.3 and C5.13
    """
    found = {one["key"]: one for one in codat("GET", "/integrations").json()["results"]}
    assert found[BUSINESS_CENTRAL_PLATFORM]["name"] == "Dynamics 365 Business Central"
    assert found["mqjo"]["enabled"] is True and found["suuo"]["sourceType"] == "Banking"
    assert codat("GET", "/integrations/trji").json() == found[BUSINESS_CENTRAL_PLATFORM]
    branding = codat("GET", "/integrations/trji/branding").json()
    assert branding["sourceId"] == found[BUSINESS_CENTRAL_PLATFORM]["sourceId"]


def test_the_browser_token_of_a_company(rehearsal: RehearsalDescription, codat: Codat) -> None:
    """The token for the browser parts is a canary and lasts a day (contract C13.5)."""
    company = codat.company()["id"]
    token = codat("GET", f"/companies/{company}/accessToken").json()
    assert (token["expiresIn"], token["tokenType"]) == (86400, "Bearer")
    assert token["accessToken"] in lines(rehearsal.canaries)


def test_the_log_keeps_the_filter(rehearsal: RehearsalDescription, codat: Codat) -> None:
    """The request log has the options of a list and no key."""
    codat("GET", "/companies?page=7&pageSize=3&orderBy=-name&tags=logged%3Dyes")
    logged = [line for line in lines(rehearsal.requests) if "logged" in line]
    assert any("page=7&pageSize=3&orderBy=-name&tags=logged%3Dyes" in line for line in logged)
    assert not any(codat.key in line or basic(codat.key) in line for line in logged)


def test_an_instance_that_wants_a_certificate(rehearsal: RehearsalDescription) -> None:
    """The key alone is refused, and so is the certificate without the instance's id.

    contract C1.13 and C1.14
    """
    (instance,) = [one for one in rehearsal.codat["instances"] if one["mtls"]]
    mtls, key = instance["mtls"], instance["api_key"]
    named, foreign = {"x-codat-client": mtls["client"]}, {"x-codat-client": NOBODY}
    with client_of(rehearsal, (mtls["certificate"], mtls["private_key"])) as certified:
        codat = Codat(certified, key)
        assert codat("GET", "/profile", headers=named).json()["name"] == instance["name"]
        for headers in ({}, foreign):
            check_refusal(codat("GET", "/profile", headers=headers), 403, "x-codat-client")
        # Other instances, and other hosts, do not mind a certificate.
        assert Codat(certified, rehearsal.codat["api_key"])("GET", "/profile").status_code == 200
    with client_of(rehearsal) as plain:
        answer = Codat(plain, key)("GET", "/profile", headers=named)
        check_refusal(answer, 403, "client certificate")
