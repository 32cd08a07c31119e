"""Codat's answers against its own description and documented examples, and its own client."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.codat_support import (
    API,
    NOBODY,
    Codat,
    basic,
    key_of,
)
from tests.rehearsal.test_third_party import ROOT, environment
from tests.support.conformance import CONTRACTS, Description, read_codat_description

EXAMPLES = CONTRACTS / "examples" / "codat.jsonl"
HOOK = {"url": "https://hooks.millrace.example/c", "eventTypes": ["connection.connected"]}


@pytest.fixture(scope="module")
def description() -> Description:
    """Codat's own description of its API."""
    return read_codat_description()


@pytest.fixture(scope="module")
def codat(rehearsal: RehearsalDescription, http: httpx.Client) -> Codat:
    """The API of Codat, as the first instance's key opens it."""
    return Codat(http, rehearsal.codat["api_key"])


def test_answers_fit_the_description(
    description: Description, rehearsal: RehearsalDescription, codat: Codat
) -> None:
    """Every kind of answer validates against the official description."""
    company, connection = codat.linked()
    running = codat("GET", f"/companies/{company}/data/history")
    codat.settled(company)
    one = f"/companies/{company}"
    pull = codat("POST", f"{one}/data/queue/company")
    codat.settled(company)
    pending = codat.connection(codat.company()["id"], "gbol")["linkUrl"]
    failed = pending.removeprefix("https://link-api.codat.io").removesuffix("/start")
    codat.http.get(pending)
    hook = codat("POST", "/webhooks", HOOK)
    key = codat("POST", "/apiKeys", {"name": "conformance"})
    unnamed = codat("POST", "/apiKeys", {})
    sync = codat("GET", "/profile/syncSettings")
    of_company = codat("GET", f"{one}/syncSettings")
    ended = Codat(codat.http, key_of(rehearsal, "Fernhill Workshop"))
    foreign = Codat(codat.http, key_of(rehearsal, "Millrace Software"))
    answers = [
        running,
        pull,
        hook,
        key,
        unnamed,
        sync,
        of_company,
        codat("GET", "/integrations"),
        codat("GET", "/integrations?page=2&pageSize=3"),
        codat("GET", "/integrations/trji"),
        codat("GET", "/integrations/trji/branding"),
        codat("GET", "/integrations/zzzz"),
        codat("GET", "/integrations?query=%26%26"),
        codat("POST", "/companies", {"name": "Conformance", "tags": {"a": "b"}}),
        codat("POST", "/companies", {"name": ""}),
        codat("GET", "/companies?page=1&pageSize=2&orderBy=-created"),
        codat("GET", "/companies?page=0"),
        codat("GET", one),
        codat("PATCH", one, {"description": "x"}),
        codat("PUT", one, {"name": "Conformance"}),
        codat("GET", f"/companies/{NOBODY}"),
        foreign("GET", one),
        ended("GET", one),
        Codat(codat.http, "wrong")("GET", one),
        codat("GET", f"{one}/accessToken"),
        codat("GET", f"{one}/connections"),
        codat("GET", f"{one}/connections/{connection}"),
        codat("GET", f"{one}/connections/{NOBODY}"),
        codat("GET", failed),
        codat("POST", f"{one}/connections", {"platformKey": "trji"}),
        codat("POST", f"{one}/connections", {"platformKey": "zzzz"}),
        codat("PUT", f"{one}/connections/{connection}/authorization", {"token": "abcdefgh"}),
        codat("GET", f"{one}/dataStatus"),
        codat("GET", f"{one}/data/history"),
        codat("GET", f"{one}/data/history/{pull.json()['id']}"),
        codat("GET", f"{one}/data/history/{NOBODY}"),
        codat("POST", f"{one}/data/all"),
        codat("POST", f"{one}/data/queue/company"),
        codat("POST", f"{one}/data/queue/banking-accounts"),
        codat("PATCH", f"{one}/connections/{connection}", {"status": "Unlinked"}),
        codat("POST", f"{one}/data/all"),
        codat("DELETE", f"{one}/connections/{connection}"),
        codat("POST", f"{one}/syncSettings", of_company.json()),
        codat("DELETE", one),
        codat("GET", "/webhooks"),
        codat("POST", "/webhooks", {}),
        codat("DELETE", f"/webhooks/{hook.json()['id']}"),
        codat("DELETE", f"/webhooks/{NOBODY}"),
        codat("GET", "/corsSettings"),
        codat("POST", "/corsSettings", {"allowedOrigins": ["https://c.example"]}),
        codat("GET", "/profile"),
        codat("PUT", "/profile", codat("GET", "/profile").json()),
        codat("POST", "/profile/syncSettings", sync.json()),
        codat("GET", "/apiKeys"),
        codat("POST", "/apiKeys", {"name": "x" * 51}),
        codat("DELETE", f"/apiKeys/{key.json()['id']}"),
        codat("DELETE", f"/apiKeys/{unnamed.json()['id']}"),
        codat("DELETE", f"/apiKeys/{NOBODY}"),
    ]
    for answer in answers:
        description.check_answer(answer)
    assert {one.status_code for one in answers} == {200, 201, 204, 400, 401, 402, 403, 404}


def _examples() -> list[dict[str, Any]]:
    if not EXAMPLES.exists():
        return []
    return [json.loads(line) for line in EXAMPLES.read_text("utf-8").splitlines()]


LEFT_OUT = {
    # Of companies that belong together, and of a pull that is paused: neither is played here.
    "referenceParentCompany",
    "statusDescription",
    # The description's example of a creation says that it was synced before.
    "lastSync",
}
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _why_not(example: dict[str, Any]) -> str:
    """Why an example cannot be played, if so."""
    if not str(example["url"]).startswith(API):
        return "Codat sends this one to a consumer, and the rehearsal sends nothing"
    if example["status"] == 429:
        return "a rate limit takes a cloud of its own; tested with the limits"
    if example["status"] >= 500:
        return "only fault rules make these"
    if example["status"] == 402 and example["response_body"]["statusCode"] == 402:
        return "the description words this refusal in another way, and that one is played"
    return ""


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the documented examples are not at hand")
@pytest.mark.parametrize("number", range(len(_examples())))
def test_documented_examples(rehearsal: RehearsalDescription, codat: Codat, number: int) -> None:
    """A documented request gets the documented status, and a body with the documented keys."""
    example = _examples()[number]
    reason = _why_not(example)
    if reason:
        pytest.skip(reason)
    status, wanted = example["status"], example["response_body"]
    answer = _play(rehearsal, codat, example)
    assert answer.status_code == status, answer.text
    if wanted is None:
        assert answer.content == b""
        return
    found = answer.json()
    if status >= 400:
        assert set(found) == set(wanted)
        for name in ("statusCode", "service", "canBeRetried", "detailedErrorCode"):
            assert found[name] == wanted[name], name
        return
    if str(example["url"]).endswith("/dataStatus"):
        # The example has every type that there is; those of other platforms are never synced here.
        wanted = {name: wanted[name] for name in found}
    _check_keys(wanted, found)


def _check_keys(wanted: Any, found: Any) -> None:
    if isinstance(wanted, dict) and isinstance(found, dict):
        missing = set(wanted) - LEFT_OUT - set(found)
        # These two only where there is something to follow.
        assert missing <= {"next", "previous"}, missing
        for name in set(wanted) & set(found):
            _check_keys(wanted[name], found[name])
    elif isinstance(wanted, list) and isinstance(found, list) and wanted and found:
        _check_keys(wanted[0], found[0])


def _play(rehearsal: RehearsalDescription, codat: Codat, example: dict[str, Any]) -> httpx.Response:
    """Make an example's request, with ids of this cloud where the example has some."""
    method, url, body = example["method"], str(example["url"]), example["request_body"]
    status = example["status"]
    made: list[str] = []
    if status == 401:
        return codat.http.request(method, url, headers={"Authorization": basic("wrong")})
    if status == 402:
        return Codat(codat.http, key_of(rehearsal, "Fernhill Workshop"))(method, url, body)
    if status == 403:
        other = Codat(codat.http, key_of(rehearsal, "Millrace Software"))
        return codat(method, f"/companies/{other.company()['id']}")
    if status == 409:
        while len(codat("GET", "/apiKeys").json()["results"]) < 10:
            made.append(codat("POST", "/apiKeys", {}).json()["id"])
    if not (status == 404 and "/connections/" not in url):
        company, connection = codat.linked()
        codat.settled(company)
        url = re.sub(rf"companies/{UUID}", f"companies/{company}", url)
        if status != 404:
            url = re.sub(rf"(connections/|connectionId=){UUID}", rf"\g<1>{connection}", url)
    if method == "GET" and url.endswith("/webhooks"):
        codat("POST", "/webhooks", HOOK)
    answer = codat(method, url, body)
    if url.endswith("/apiKeys") and status == 201:
        made.append(answer.json()["id"])
    for key in made:
        codat("DELETE", f"/apiKeys/{key}")
    return answer


def test_codats_own_client(rehearsal: RehearsalDescription) -> None:
    """codat-platform, unmodified, with a proxy and a CA bundle as all that it is told.

    contract C9.8, C14.5 and C14.7
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.rehearsal.codat_third_party"],
        cwd=ROOT,
        env=environment(rehearsal),
        input=json.dumps({"api_key": rehearsal.codat["api_key"]}),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    pulls = seen["connections"].pop("pulls")
    assert seen == {
        "integrations": {
            "keys": ["gbol", "qhyg", "vjms", "akxx", "rqwd", "trji", "mqjo"],
            "name": "Dynamics 365 Business Central",
            "enabled": seen["integrations"]["enabled"],
            "same_source": True,
        },
        "companies": {
            "name": "Wickham 1 Ltd",
            "found": True,
            "changed": {"case": "b"},
            "replaced": ["Wickham", None],
            "token": "Bearer",
            "gone": 404,
        },
        "connections": {
            "statuses": ["PendingAuth", "Linked", "Unlinked"],
            "page": 200,
            "pull": ["company", "Complete", True],
            "latest": True,
            "left": 0,
        },
        "settings": {
            "instance": rehearsal.codat["instance"],
            "types": 43,
            "origins": ["https://app.wickham.example"],
            "key": "stranger",
            "key_gone": True,
            "hook": True,
        },
    }
    # The first sync, the refresh of everything, and the one type by itself.
    assert pulls % 2 == 1 and pulls > 2
