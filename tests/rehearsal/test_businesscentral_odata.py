"""Addresses and queries of Business Central's business and automation APIs."""

from __future__ import annotations

import pytest

from tests.rehearsal.businesscentral_support import API, NOBODY, BusinessCentral, bc, error_code

__all__ = ["bc"]


def test_select_top_and_filter(bc: BusinessCentral) -> None:
    """A query gets the rows and the properties that it asks for (contract B3.11)."""
    one = bc.environment("Normal")
    everything = one.of_company("customers").json()["value"]
    assert len(everything) > 2
    (row,) = one.of_company("customers?$top=1&$select=id,number").json()["value"]
    assert {name for name in row if not name.startswith("@")} == {"id", "number"}
    for name in ("number", "displayName", "id"):
        value = everything[1][name]
        quoted = value if name == "id" else f"'{value}'"
        found = one.of_company(f"customers?$filter={name} eq {quoted}").json()["value"]
        assert [row["id"] for row in found] == [everything[1]["id"]]
    both = "publisher eq 'Microsoft' and displayName eq 'Base Application'"
    assert len(one.managed(f"extensions?$filter={both}").json()["value"]) == 1
    assert one.managed("extensions?$filter=publisher eq 'O''Neill'").json()["value"] == []
    assert one.managed("extensionDeploymentStatus?$filter=name eq 'x'").json()["value"] == []


@pytest.mark.parametrize(
    "query",
    [
        "$filter=isInstalled eq true",
        "$filter=nothing eq 'x'",
        "$filter=publisher ne 'Codat'",
        "$filter=publisher eq 'Codat' and ",
        "$select=nothing",
        "$top=-1",
        "$top=many",
        "$expand=companies",
    ],
)
def test_queries_that_cannot_be(bc: BusinessCentral, query: str) -> None:
    """Refused, not guessed at (contract B3.12)."""
    answer = bc.environment("Normal").managed(f"extensions?{query}")
    assert answer.status_code == 400 and error_code(answer).startswith("BadRequest")


def test_pages(bc: BusinessCentral) -> None:
    """Following the links finds every row once, whatever else the query says.

    contract B3.1, B3.2 and B3.3
    """
    one = bc.environment("Normal")
    wanted = [row["number"] for row in one.of_company("accounts").json()["value"]]
    found: list[str] = []
    url = f"{API}{one.data}/companies({one.company})/accounts?$select=number"
    preferred = {"Prefer": "odata.maxpagesize=2"}
    while url:
        page = bc("GET", url, headers=preferred).json()
        assert len(page["value"]) <= 2
        found += [row["number"] for row in page["value"]]
        url = page.get("@odata.nextLink", "")
    assert found == wanted and len(wanted) > 2
    limited = bc(
        "GET", f"{one.data}/companies({one.company})/accounts?$top=2", headers=preferred
    ).json()
    assert "@odata.nextLink" not in limited
    answer = bc("GET", f"{one.data}/companies", headers={"Prefer": "odata.maxpagesize=20001"})
    assert answer.status_code == 413


def test_forms_of_an_address(bc: BusinessCentral) -> None:
    """Names in any case, the company in the query, one row by its key, an API's own list.

    contract B1.5, B1.7, B1.8, B1.15, B1.16 and B5.3
    """
    one = bc.environment("Normal")
    rows = one.of_company("accounts").json()["value"]
    upper = bc("GET", f"/v2.0/NORMAL/api/v2.0/companies({one.company.upper()})/accounts")
    assert upper.json()["value"] == rows
    named = bc("GET", f"{one.data}/accounts?company={one.company}")
    assert named.json()["value"] == rows
    assert one.of_company(f"accounts({rows[0]['id']})").json()["number"] == rows[0]["number"]
    assert bc("GET", f"{one.data}/companies({one.company})").json()["id"] == one.company
    for base, name in ((one.data, "customers"), (one.automation, "extensions")):
        listed = bc("GET", base).json()["value"]
        assert name in {entry["url"] for entry in listed}
    companies = one.managed("automationCompanies").json()["value"]
    assert [row["evaluationCompany"] for row in companies] == [True]
    assert bc("GET", f"{one.automation}/companies").json()["value"][0]["id"] == one.company


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v2.0/Nowhere/api/v2.0/companies", "NoEnvironment"),
        ("/v2.0/Normal/api/v9.0/companies", "BadRequest_NotFound"),
        ("/v2.0/Normal/api/v2.0/companies(x)/accounts", "BadRequest_NotFound"),
        (f"/v2.0/Normal/api/v2.0/companies({NOBODY})/accounts", "Internal_CompanyNotFound"),
        ("/v2.0/Normal/api/v2.0/accounts", "Internal_CompanyNotFound"),
        ("/v3.0/Normal", "BadRequest_NotFound"),
        ("/", "BadRequest_NotFound"),
    ],
)
def test_addresses_that_lead_nowhere(bc: BusinessCentral, path: str, code: str) -> None:
    """Each says what is not there (contract B11.7, B11.14, B11.15 and B11.16)."""
    answer = bc("GET", path)
    assert (answer.status_code, error_code(answer)) == (404, code)


def test_what_is_not_there_or_not_done(bc: BusinessCentral) -> None:
    """Unknown sets and rows, methods that do not exist, and what the admin centre does not have.

    contract B1.9, B1.10, B9.1, B11.5, B11.15 and B11.23
    """
    one = bc.environment("Normal")
    for answer in (
        one.of_company("nothing"),
        one.of_company(f"accounts({NOBODY})"),
        one.managed("nothing"),
        one.managed(f"extensions({NOBODY})"),
    ):
        assert (answer.status_code, error_code(answer)) == (404, "BadRequest_ResourceNotFound")
    for answer in (
        bc("POST", f"{one.data}/companies", {}),
        bc("DELETE", "/environments/v1.2"),
        bc("PUT", one.admin, {}),
        one.managed("extensions", "POST"),
    ):
        assert answer.status_code == 405
    environments = "/admin/v2.29/applications/businesscentral/environments"
    assert bc("GET", f"{environments}/NORMAL").json()["value"][0]["name"] == "Normal"
    for path, code in (
        ("/admin/v2.99/applications/BusinessCentral/environments", "ResourceDoesNotExist"),
        ("/admin/v2.29/applications/Other/environments", "ApplicationTypeDoesNotExist"),
        (f"{environments}/Normal/settings/nothing", "ResourceDoesNotExist"),
        (f"{environments}/Normal/operations/{NOBODY}", "ResourceDoesNotExist"),
    ):
        missing = bc("GET", path)
        assert (missing.status_code, missing.json()["code"]) == (404, code)
