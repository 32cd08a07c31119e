"""Checks of facts: each is about a row of a contract, and can come out either way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bcrunbook.fidelity.result import CHECKS, judge
from bcrunbook.journal.entry import Fields, JournalEntry
from tests.support.citations import CONTRACTS
from tests.test_docs import facts

ENTRY = JournalEntry(
    cloud="live",
    after=0.0,
    took=0.1,
    method="GET",
    host="graph.microsoft.com",
    path="/v1.0/applications(uniqueName={})",
    status=200,
)
CODAT = replace(ENTRY, host="api.codat.io", path="/companies")
BUSINESS_CENTRAL = replace(ENTRY, host="api.businesscentral.dynamics.com")
LOG = replace(BUSINESS_CENTRAL, path="/admin/v2.29/environments/operations")
TOKEN = replace(
    ENTRY,
    method="POST",
    host="login.microsoftonline.com",
    path="/{}/oauth2/v2.0/token",
    sent={"$": ("form",), "$/client_assertion": ("text",)},
)
DATA = replace(BUSINESS_CENTRAL, path="/v2.0/{}/{}/api/v2.0/companies")

OBJECT: Fields = {"$": ("object",)}


def test_each_check_is_about_a_fact() -> None:
    """Its id is a row of a contract."""
    known = {fact.id for letter in CONTRACTS for fact in facts(letter)}
    assert {check.fact for check in CHECKS} <= known
    assert len({check.fact for check in CHECKS}) > 100


def shape(**fields: str) -> Fields:
    """An object with these fields."""
    return {f"$/{name}": (kind,) for name, kind in fields.items()}


def rows(*names: str, **others: str) -> Fields:
    """A list whose elements have these fields, and others of certain kinds."""
    places = {**dict.fromkeys(names, "text"), **others}
    return {
        "$/value/[]": ("object",),
        **{f"$/value/[]/{name}": tuple(kinds.split(", ")) for name, kinds in places.items()},
    }


def refused(status: int, *codes: str, of: JournalEntry = ENTRY) -> JournalEntry:
    """A refusal."""
    return replace(of, status=status, codes=codes, got=OBJECT)


PATCHED = replace(ENTRY, method="PATCH", path="/v1.0/applications/{}")
ADDED = replace(ENTRY, method="POST", path="/v1.0/applications/{}/addPassword")
MADE = shape(keyId="guid", secretText="text", startDateTime="date 7 Z", endDateTime="date 7 Z")
COMPANY = replace(CODAT, path="/companies/{}")
DISCOVERY = replace(BUSINESS_CENTRAL, path="/environments/v1.2")
SECRET = "$/passwordCredentials/[]/secretText"
URIS = "$/web/redirectUris"
DISCOVERED = (
    "name",
    "type",
    "countryCode",
    "ringName",
    "aadTenantId",
    "applicationFamily",
    "webClientLoginUrl",
    "webServiceUrl",
)

EITHER_WAY: dict[str, tuple[str, JournalEntry, JournalEntry]] = {
    "a status and a body": ("G6.6", replace(PATCHED, status=204), replace(PATCHED, got=OBJECT)),
    "a code and its status": (
        "G12.7",
        refused(409, "Error_MsaAppDoesNotExist"),
        refused(404, "Error_MsaAppDoesNotExist"),
    ),
    "a status and its code": (
        "G12.4",
        refused(401, "InvalidAuthenticationToken"),
        refused(401, "Unauthorized"),
    ),
    "a code in any case of letters": (
        "B11.14",
        refused(404, "environmentNotFound", of=DATA),
        refused(400, "environmentNotFound", of=DATA),
    ),
    "fields": (
        "C7.2",
        replace(COMPANY, got=OBJECT | shape(id="guid", name="text", redirect="address")),
        replace(COMPANY, got=OBJECT | shape(id="guid")),
    ),
    "fields of every element": (
        "B9.12",
        replace(LOG, got=rows("type", "status")),
        replace(LOG, got=rows("status", type="absent, text")),
    ),
    "no such field": (
        "B4.1",
        replace(DISCOVERY, got=rows(*DISCOVERED)),
        replace(DISCOVERY, got=rows(*DISCOVERED, "status")),
    ),
    "a kind": (
        "G7.2",
        replace(ENTRY, got={SECRET: ("null",)}),
        replace(ENTRY, got={SECRET: ("text",)}),
    ),
    "a text of three signs, which may be digits": (
        "G7.1",
        replace(ADDED, got=OBJECT | MADE | shape(hint="digits")),
        replace(ADDED, got=OBJECT | MADE | shape(hint="number")),
    ),
    "the form of a date": (
        "B3.10",
        replace(LOG, got=rows(completedOn="date 3 Z, empty, null")),
        replace(LOG, got=rows(completedOn="date 3 offset")),
    ),
    "a status of some requests alone": (
        "G18.3",
        replace(TOKEN, got=OBJECT),
        replace(TOKEN, status=201, got=OBJECT),
    ),
    "a part that is throttled": (
        "G11.3",
        replace(ENTRY, status=429, is_part=True, headers={"retry-after": "3 seconds"}),
        replace(ENTRY, status=429, is_part=True),
    ),
    "a code of the admin centre": (
        "B16.6",
        refused(403, "Forbidden", of=LOG),
        refused(403, "Unauthorized", of=LOG),
    ),
    "an order": (
        "G5.10",
        replace(ENTRY, order={URIS: "reversed"}),
        replace(ENTRY, order={URIS: "as sent"}),
    ),
    "a header": (
        "C3.7",
        replace(CODAT, status=429, headers={"retry-after": "3 seconds"}),
        replace(CODAT, status=429),
    ),
}


@pytest.mark.parametrize(("fact", "good", "bad"), EITHER_WAY.values(), ids=EITHER_WAY)
def test_a_check_comes_out_either_way(fact: str, good: JournalEntry, bad: JournalEntry) -> None:
    """By one answer; one that refutes outweighs any number that confirm."""

    def verdict(*entries: JournalEntry) -> str:
        return next(one.verdict for one in judge(entries, {}).facts if one.fact == fact)

    assert verdict() == "not met"
    assert verdict(good) == "confirmed"
    assert verdict(bad) == "refuted"
    assert verdict(good, bad, good) == "refuted"
