"""Companies: names, tags, replacing and changing, and the lists of them."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.codat_support import Codat, check_refusal, key_of


@pytest.fixture(scope="module")
def codat(rehearsal: RehearsalDescription, http: httpx.Client) -> Codat:
    """The API of Codat, as the first instance's key opens it."""
    return Codat(http, rehearsal.codat["api_key"])


@pytest.fixture
def tag() -> str:
    """A tag's value that only the companies of one test have."""
    return uuid.uuid4().hex[:12]


def test_a_company_as_it_is_made(codat: Codat) -> None:
    """The answer to a creation is what a read answers, with a link of its own.

    contract C2.2, C7.1, C7.2, C7.15 and C8.16
    """
    made = codat("POST", "/companies", {"name": "Ash & Elm, Ltd.", "description": "first"})
    assert made.status_code == 200
    company = made.json()
    assert company["name"] == "Ash & Elm, Ltd." and company["description"] == "first"
    assert company["redirect"] == f"https://link.codat.io/company/{company['id']}"
    assert company["dataConnections"] == [] and "tags" not in company and company["products"]
    assert company["createdByUserName"] == "Dana Reyes"
    assert codat("GET", f"/companies/{company['id']}").json() == company


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Elm [2] (north)", "Elm 2 north"),
        ("Björk/Ash", "BjrkAsh"),
        ("What's on? Yes - @home!", "What's on? Yes - @home!"),
    ],
)
def test_characters_are_dropped(codat: Codat, given: str, kept: str) -> None:
    """A name keeps the characters that it may have; the others go without a word.

    contract C7.5 and C7.6
    """
    assert codat("POST", "/companies", {"name": given}).json()["name"] == kept


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": None},
        {"name": ""},
        {"name": "[]"},
        {"name": 7},
        {"name": "x", "description": 7},
        {"name": "x", "tags": ["a"]},
        {"name": "x", "tags": {"": "a"}},
        {"name": "x", "tags": {"k" * 28: "a"}},
        {"name": "x", "tags": {"k": "v" * 101}},
        {"name": "x", "tags": {"k": 1}},
        {"name": "x", "tags": {"k": None}},
        {"name": "x", "tags": {f"k{number}": "v" for number in range(11)}},
    ],
)
def test_bodies_that_are_refused(codat: Codat, body: Any) -> None:
    """A company needs a name, and tags have their limits (contract C7.1, C7.7 and C7.8)."""
    check_refusal(codat("POST", "/companies", body), 400, "")
    check_refusal(codat("PUT", f"/companies/{codat.company()['id']}", body), 400, "")


def test_tags_at_their_limits(codat: Codat) -> None:
    """Ten tags with keys of 27 and values of 100 characters are taken (contract C7.8)."""
    tags = {f"{number}{'k' * 26}": "v" * 100 for number in range(10)}
    assert codat.company(tags=tags)["tags"] == tags


def test_replacing_clears(codat: Codat) -> None:
    """A PUT clears what it does not give, and needs the name (contract C7.10)."""
    company = codat.company(description="old", tags={"a": "b"})
    path = f"/companies/{company['id']}"
    replaced = codat("PUT", path, {"name": "New"}).json()
    assert replaced == {
        **{name: value for name, value in company.items() if name != "tags"},
        "name": "New",
        "description": "",
    }


def test_changing_leaves_the_rest(codat: Codat) -> None:
    """A PATCH leaves what it gives as null or not at all, but null or empty tags remove all.

    contract C7.9
    """
    company = codat.company(description="old", tags={"a": "b"})
    path = f"/companies/{company['id']}"
    assert codat("PATCH", path, {}).json() == company
    assert codat("PATCH", path, {"name": None, "description": None}).json() == company
    assert codat("PATCH", path, {"description": "new"}).json()["description"] == "new"
    assert codat("PATCH", path, {"tags": {"c": "d"}}).json()["tags"] == {"c": "d"}
    assert "tags" not in codat("PATCH", path, {"tags": None}).json()
    assert codat("PATCH", path, {"tags": {"c": "d"}}).json()["name"] == company["name"]
    assert "tags" not in codat("PATCH", path, {"tags": {}}).json()
    check_refusal(codat("PATCH", path, {"name": ""}), 400, "name")


def test_deleting(codat: Codat) -> None:
    """A deleted company is gone with everything below it, without a body in the answer.

    contract C2.1, C2.2 and C7.11
    """
    company, connection = codat.linked()
    gone = codat("DELETE", f"/companies/{company}")
    assert (gone.status_code, gone.content) == (204, b"")
    paths = ("", f"/connections/{connection}", "/connections", "/dataStatus", "/data/history")
    for path in paths:
        check_refusal(codat("GET", f"/companies/{company}{path}"), 404, company)
    check_refusal(codat("DELETE", f"/companies/{company}"), 404, company)


def test_pages(codat: Codat, tag: str) -> None:
    """Pages follow each other by relative links that keep the filter; the total is the filtered.

    contract C4.1, C4.3, C4.4, C4.5, C4.13 and C13.9
    """
    made = [codat.company(tags={"page": tag})["id"] for _ in range(5)]
    filtered = urlencode({"tags": f"page={tag}"})
    answer = codat("GET", f"/companies?page=1&pageSize=2&{filtered}").json()
    assert (answer["pageNumber"], answer["pageSize"], answer["totalResults"]) == (1, 2, 5)
    assert "previous" not in answer["_links"]
    assert answer["_links"]["self"]["href"] == "/companies"
    seen = [one["id"] for one in answer["results"]]
    while "next" in answer["_links"]:
        assert answer["_links"]["next"]["href"].startswith("/companies?page=")
        answer = codat("GET", answer["_links"]["next"]["href"]).json()
        seen += [one["id"] for one in answer["results"]]
    assert seen == made and answer["pageNumber"] == 3
    before = codat("GET", answer["_links"]["previous"]["href"]).json()
    assert [one["id"] for one in before["results"]] == made[2:4]
    assert codat("GET", f"/companies?page=9&{filtered}").json()["results"] == []
    whole = codat("GET", f"/companies?{filtered}").json()
    assert (whole["pageNumber"], whole["pageSize"]) == (1, 100)


@pytest.mark.parametrize(
    "options",
    [
        "page=0",
        "page=-1",
        "page=x",
        "page=",
        "pageSize=0",
        "pageSize=5001",
        "page=1.0",
        "page=" + "9" * 5000,
    ],
)
def test_pages_that_are_refused(codat: Codat, options: str) -> None:
    """Pages count from 1 and hold at most 5,000 (contract C4.1)."""
    check_refusal(codat("GET", f"/companies?{options}"), 400, options.partition("=")[0])


def test_filtering_by_tags(codat: Codat, tag: str) -> None:
    """Tags are found with = != ~ and &&, white space aside; anything else is malformed.

    contract C4.9
    """
    uk = codat.company(tags={"case": tag, "region": "uk"})["id"]
    us = codat.company(tags={"case": tag, "region": "us"})["id"]

    def found(tags: str) -> list[str]:
        results = codat("GET", f"/companies?page=1&tags={quote(tags)}").json()["results"]
        return [one["id"] for one in results]

    assert found(f"case={tag}") == [uk, us]
    assert found(f"region = uk && case = {tag}") == [uk]
    assert found(f"case={tag}&&region!=uk") == [us]
    assert found(f"case~{tag[2:8]}&&region~u") == [uk, us]
    assert found(f"case={tag}&&other=x") == []
    for broken in ("region", "=uk", "region=", "a=b||c=d", "{a=b}", "a>b", "a=b&&"):
        answer = codat("GET", f"/companies?tags={quote(broken)}")
        check_refusal(answer, 400, "Error parsing query - Malformed query.")


def test_the_query_language(codat: Codat, tag: str) -> None:
    """Queries compare texts, flags and dates, group, and look into connections.

    contract C4.6, C4.7, C4.8 and C4.14
    """
    first = codat.company(name=f"First {tag}", description="a")["id"]
    second = codat.company(name=f"Second {tag}", description="b")["id"]
    codat.connection(second)

    def found(query: str, path: str = "/companies") -> list[str]:
        answer = codat("GET", f"{path}?page=1&query={quote(query)}")
        assert answer.status_code == 200, answer.text
        return [one["id" if path == "/companies" else "key"] for one in answer.json()["results"]]

    assert found(f"name~{tag}") == [first, second]
    assert found(f"name = First {tag}") == [first]
    assert found(f"name~{tag}&&description!=a") == [second]
    assert found(f"name~{tag}&&{{description=a||description=b}}") == [first, second]
    assert found(f"description=zz||name~{tag}&&description=b") == [second]
    assert found(f"name~{tag}&&dataConnections.status=PendingAuth") == [second]
    assert found(f"name~{tag}&&created>=2020-01-01") == [first, second]
    assert found(f"name~{tag}&&created<2020-01-01T00:00:00Z") == []
    assert found(f"name~{tag}&&lastSync>2020-01-01") == []
    assert found("sourceType=Accounting&&enabled=true", "/integrations") == ["mqjo"]
    assert found("{key=trji||key=mqjo}&&enabled!=true", "/integrations") == ["trji"]


@pytest.mark.parametrize(
    "query",
    [
        "&&",
        "name",
        "name=",
        "=x",
        "name=x&&",
        "{name=x",
        "name=x}",
        "created=soon",
        "||",
        "{" * 600,
    ],
)
def test_malformed_queries(codat: Codat, query: str) -> None:
    """A query that cannot be read is a 400 of the service that lists.

    contract C2.7, C2.19 and C4.12
    """
    answer = codat("GET", f"/companies?query={quote(query)}")
    check_refusal(answer, 400, "Error parsing query - Malformed query.")
    assert answer.json()["service"] == "ClientsApi"


def test_unknown_properties_and_lengths(codat: Codat) -> None:
    """Unknown properties are named, for ordering too, and 2,048 characters are too many.

    contract C4.6 and C4.14
    """
    answer = codat("GET", "/integrations?query=colour%3Dred")
    check_refusal(answer, 400, "Could not resolve property colour on Integration")
    check_refusal(codat("GET", "/companies?orderBy=colour"), 400, "property colour on Company")
    check_refusal(codat("GET", "/companies?query=Name%3Dx"), 400, "property Name on Company")
    check_refusal(codat("GET", f"/companies?query=name%3D{'x' * 2048}"), 400, "2,048")
    check_refusal(codat("GET", "/integrations?query=enabled~t"), 400, "Malformed")
    check_refusal(codat("GET", "/integrations?query=enabled%3Dyes"), 400, "Malformed")


def test_ordering(codat: Codat, tag: str) -> None:
    """Lists are ordered by a field, or by it descending (contract C4.10)."""
    for name in ("b", "c", "a"):
        codat.company(name=name, tags={"order": tag})

    def names(order: str) -> list[str]:
        path = f"/companies?page=1&tags=order%3D{tag}&orderBy={order}"
        return [one["name"] for one in codat("GET", path).json()["results"]]

    assert names("name") == ["a", "b", "c"] and names("-name") == ["c", "b", "a"]
    assert names("created") == ["b", "c", "a"] and sorted(names("lastSync")) == ["a", "b", "c"]


def test_products(rehearsal: RehearsalDescription, http: httpx.Client, codat: Codat) -> None:
    """An instance has default products, or each company is given one that the instance has.

    contract C7.12, C7.13 and C7.16
    """
    assert codat.company()["products"] == ["lending"]
    assert codat.company(products=["expenses", "expenses"])["products"] == ["expenses"]
    without = Codat(http, key_of(rehearsal, "Harbour Desk"))
    for given in ("{}", '{"products": null}', '{"products": []}'):
        body = {"name": "Millpond", **json.loads(given)}
        check_refusal(without("POST", "/companies", body), 400, "product")
    check_refusal(without("POST", "/companies", {"name": "M", "products": ["x"]}), 400, "product x")
    check_refusal(without("POST", "/companies", {"name": "M", "products": "lending"}), 400, "array")
    made = without.company(products=["bank-feeds"])
    assert without("GET", f"/companies/{made['id']}").json()["products"] == ["bank-feeds"]
