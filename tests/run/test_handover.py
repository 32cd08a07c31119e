"""The handover of a whole rehearsal: two accounts, three customers, and nothing to ask any more."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from jsonschema import Draft202012Validator

from bcrunbook.order import CODAT_KEYS
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.steps.requirements import SCOPES
from tests.run.conftest import Rehearsal, bcrunbook, leaks
from tests.support.independent_client import IndependentClient
from tests.test_schemas import closed
from tests.tools.schemas import events_schema

CUSTOMERS = {"trial": {"millrace"}, "production": {"joinery", "bakery"}}
WRITING = ("POST", "PATCH", "DELETE")


@dataclass(frozen=True)
class HandedOver:
    """A handover that was written: its files, what they hold, and the rehearsal's folder."""

    page: str
    file: Path
    data: dict[str, Any]
    stdout: str
    directory: Path

    def account(self, name: str) -> dict[str, Any]:
        """What is told of an account."""
        return next(one for one in self.data["accounts"] if one["account"] == name)


@pytest.fixture(scope="module")
def handed(rehearsed: Rehearsal, tmp_path_factory: pytest.TempPathFactory) -> HandedOver:
    """`bcrunbook handover` in a copy of the rehearsal's workspace, whose cloud does not run."""
    directory = tmp_path_factory.mktemp("handed") / "rehearsal"
    shutil.copytree(rehearsed.directory, directory)
    done = bcrunbook("handover", "--workspace", str(directory / "workspace"))
    assert done.returncode == 0, done.stderr
    *_, data, page = done.stdout.splitlines()
    file = Path(unquote(urlsplit(page).path))
    assert file.parent == Path(data).parent
    told = json.loads(Path(data).read_text("utf-8"))
    return HandedOver(file.read_text("utf-8"), file, told, done.stdout, directory)


@pytest.fixture(scope="module")
def cloud(handed: HandedOver) -> Iterator[RehearsalDescription]:
    """The rehearsal's cloud, running again: what was really made is asked there."""
    with launch(handed.directory / "cloud", skips=True, lags="worst") as running:
        yield running


def test_the_story_comes_first_and_is_short(handed: HandedOver) -> None:
    """Two or three sentences for each account, on stdout as at the top of the page."""
    for name, count in (("trial", "1 of 1 customer is"), ("production", "2 of 2 customers are")):
        story = handed.account(name)["story"]
        assert f"{name} is set up; {count} linked." in story
        assert "saved in the Codat Portal, says " in story
        assert 2 <= len(re.findall(r"\.(?= |$)", story)) <= 4
        assert story in handed.stdout
        assert handed.page.index(story) < handed.page.index("<table")


@pytest.mark.parametrize("name", CUSTOMERS)
def test_what_there_is_is_what_was_made(
    handed: HandedOver, cloud: RehearsalDescription, name: str
) -> None:
    """Tenant, ids and scopes are those that Entra's own answers name."""
    account = handed.account(name)
    there = {one["what"]: one["value"] for one in account["there"]}
    client = IndependentClient(cloud, cloud.accounts[name]["tenant"])
    try:
        app = client.application(name)
    finally:
        client.http.close()
    assert there["Tenant"] == cloud.accounts[name]["tenant"]
    assert there["Client id"] == app["appId"]
    assert there["Object id of the application"] == app["id"]
    assert there["Application"] == app["displayName"]
    (secret,) = account["secrets"]
    (credential,) = app["passwordCredentials"]
    assert secret["key_id"] == credential["keyId"]
    assert secret["marker"] in credential["displayName"]
    assert secret["ends"][:19] == credential["endDateTime"][:19]
    assert [one["known"] for one in account["consents"]] == ["done", "observed"]
    assert all(set(one["scopes"]) == set(SCOPES) for one in account["consents"])
    for text in (app["appId"], app["id"], secret["reference"], *SCOPES):
        assert text in handed.page


def test_each_customer_is_told_with_its_ids(handed: HandedOver) -> None:
    """Company and connection, each made once; how the extension stood; that they are linked."""
    for name, customers in CUSTOMERS.items():
        told = handed.account(name)["customers"]
        assert {one["customer"] for one in told} == customers
        for one in told:
            assert one["in_file"] and one["state"] in ("done", "changed")
            assert one["extension"] and one["extension_at"]
            writes = handed.account(name)["writes"]
            made = [write["what"] for write in writes if write["customer"] == one["customer"]]
            assert len(made) == 2 and "company" in made[0] and "connection" in made[1]
            assert one["company"] in handed.page and one["connection"] in handed.page
    requests = (handed.directory / "cloud" / "requests.jsonl").read_text("utf-8")
    for one in handed.account("production")["customers"]:
        assert f"/companies/{one['company']}/connections/{one['connection']}" in requests


def test_each_write_says_as_whom_and_under_which_id(handed: HandedOver) -> None:
    """One id for each write that Graph answered well, none twice; every write has a sender."""
    writes = [one for account in handed.data["accounts"] for one in account["writes"]]
    applied = [one for one in writes if one["known"] == "done" and one["run_id"]]
    ids = [id for one in applied for id in one["request_ids"]]
    lines = (handed.directory / "cloud" / "requests.jsonl").read_text("utf-8").splitlines()
    asked = [
        one
        for one in map(json.loads, lines)
        if one["host"] == "graph.microsoft.com"
        and one["method"] in WRITING
        and "$batch" not in one["path"]
        and one["status"] < 300
        and one["client"].startswith("bcrunbook/")
    ]
    assert len(ids) == len(set(ids)) == len(asked) > 0
    assert all(one["identity"] for one in writes)
    signed_in = {one["identity"] for one in writes if one["request_ids"]}
    assert len(signed_in) == 1 and signed_in.pop().startswith("the application ")
    assert all(id in handed.page for id in ids)


def test_what_was_said_stands_apart(handed: HandedOver) -> None:
    """A person's word is marked as one, with their name; nothing else is, and no step's end is."""
    for account in handed.data["accounts"]:
        (said,) = account["said"]
        assert (said["step"], said["by"]) == (CODAT_KEYS, "lee.osei@millrace.example")
        (secret,) = account["secrets"]
        assert secret["saved"] == [{"by": said["by"], "at": said["at"]}]
        known = {one["known"] for key in ("there", "consents", "writes") for one in account[key]}
        assert "said" not in known
    rows = re.findall(r"<tr>.*?</tr>", handed.page, re.DOTALL)
    marked = [row for row in rows if 'class="tag said"' in row]
    assert len(marked) == 4 and all("lee.osei@millrace.example" in row for row in marked)


def test_it_holds_no_secret_and_needs_nothing(handed: HandedOver) -> None:
    """No canary in page, data or output; no script, and nothing to be fetched."""
    canaries = handed.directory / "cloud" / "canaries.txt"
    assert leaks(canaries, [handed.file.parent], handed.stdout) == []
    assert not re.search(r"<script|<link|<img|\bsrc=|@import|url\(|https?://", handed.page)


def test_the_data_fit_their_schema(handed: HandedOver) -> None:
    """The file is what the schema of `handover` says, and it names every account."""
    schema = {**closed(events_schema()), "$ref": "#/$defs/handover"}
    del schema["anyOf"]
    Draft202012Validator(schema).validate(handed.data)
    assert [one["account"] for one in handed.data["accounts"]] == list(CUSTOMERS)
