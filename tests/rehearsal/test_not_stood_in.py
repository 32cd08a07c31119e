"""What a service has and the rehearsal has not: refused, and told from what does not exist."""

from __future__ import annotations

import json

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.businesscentral_support import NOBODY, BusinessCentral, bc
from tests.rehearsal.codat_support import Codat
from tests.rehearsal.support import (
    GRAPH,
    app_token,
    client_of,
    lines,
    person,
    user_token,
)
from tests.rehearsal.test_keyvault import vault_token

__all__ = ["bc"]

REMARK = "does not stand in for it"


def remarked(answer: httpx.Response) -> bool:
    """Whether an answer says so, in its header and in its text alike."""
    assert answer.status_code in (400, 404, 405), answer.text
    is_marked: bool = answer.headers.get("x-rehearsal") == "not stood in for"
    assert is_marked == (REMARK in answer.text)
    return is_marked


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/auditLogs/signIns", True),
        ("GET", "/groups", True),
        ("GET", "/groups?$top=1", True),
        ("GET", "/policies/authorizationPolicy", True),
        ("GET", f"/applications/{NOBODY}/logo", True),
        ("GET", f"/applications(appId='{NOBODY}')/logo", True),
        ("GET", "/applications/delta()", True),
        ("GET", "/applications/microsoft.graph.delta()", True),
        ("GET", "/directory/deletedItems/microsoft.graph.user", True),
        ("GET", "/policies/ownerlessGroupPolicy", True),
        ("GET", f"/users/{NOBODY}/mailboxSettings", True),
        ("GET", f"/servicePrincipals/{NOBODY}/memberOf", True),
        ("POST", "/users", True),
        ("GET", "/auditLog", False),
        ("GET", "/appRoleAssignments", False),
        ("POST", f"/servicePrincipals/{NOBODY}/addPassword", False),
        ("GET", "/nothing/groups", False),
        ("GET", f"/applications/{NOBODY}", False),
        ("GET", f"/applications/{NOBODY}/nothing", False),
        ("POST", "/organization", False),
    ],
)
def test_graph(rehearsal: RehearsalDescription, method: str, path: str, expected: bool) -> None:
    """Other collections, policies and navigation properties (contract G24.10 and G24.11)."""
    with client_of(rehearsal) as http:
        http.headers["Authorization"] = f"Bearer {app_token(http, rehearsal)}"
        assert remarked(http.request(method, f"{GRAPH}{path}", json={})) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/groups", True),
        ("/rules", True),
        ("/companies/{company}/data/invoices", True),
        ("/companies/{company}/push", True),
        ("/companies/{company}/connections/{company}/options/invoices", True),
        ("/companies/{company}/connections/{company}/bankStatements", True),
        ("/companies/{company}/reports/spendAnalysis/latest/suppliers", True),
        ("/integrations/trji/dataTypes/invoices/supplementalDataConfig", True),
        ("/config/integrations", True),
        ("/intuit/idx/accounts", True),
        ("/companies/{company}/assess", False),
        ("/companies/{company}/payables", False),
        ("/payables", False),
        ("/companies/{company}/nothing", False),
        ("/companies/{company}/data/history/{company}", False),
        ("/nothing", False),
        (f"/companies/{NOBODY}", False),
    ],
)
def test_codat(rehearsal: RehearsalDescription, path: str, expected: bool) -> None:
    """Reading data, pushing it, groups and rules of Codat's API; a missing row is no such thing.

    contract C13.10
    """
    with client_of(rehearsal) as http:
        codat = Codat(http, rehearsal.codat["api_key"])
        address = path.format(company=codat.company()["id"])
        answer = codat("GET", address)
        assert remarked(answer) is expected
        written = map(json.loads, lines(rehearsal.requests))
        line = [one for one in written if one["path"] == address][-1]
        assert line.get("remark") == ("not stood in for" if expected else None)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "{data}/companies({company})/vendors", True),
        ("GET", "{data}/companies({company})/vendors({company})", True),
        ("GET", "{data}/vendors?company={company}", True),
        ("GET", "{data}/companies({company})/approvalEntries", True),
        ("GET", "/v2.0/Normal/api/microsoft/runtime/v1.0/externaleventsubscriptions", True),
        ("GET", "/admin/v2.29/applications", True),
        ("GET", "/admin/v2.29/transfers/outgoing", True),
        ("GET", "/admin/v2.29/support/outageTypes", True),
        ("POST", "{data}/companies({company})/customers", True),
        ("GET", "{automation}/companies({company})/users", True),
        ("GET", "/v2.0/Normal/ODataV4/Company", True),
        (
            "GET",
            "/admin/v2.29/applications/BusinessCentral/environments/Normal/apps/"
            "scheduledPteOperations",
            True,
        ),
        ("GET", "/admin/v2.29/applications/BusinessCentral/environments/Normal/updates", True),
        ("GET", "/admin/v2.29/applications/BusinessCentral/environments/Normal/nothing", False),
        ("GET", "/admin/v2.29/manageableTenants", False),
        ("POST", "{data}/companies({company})/accounts", False),
        ("GET", "{data}/companies({company})/nothing", False),
        ("GET", "{data}/companies({company})/accounts({company})", False),
        ("GET", "/v2.0/Normal/api/codat/link/v1.0/companies", False),
    ],
)
def test_business_central(bc: BusinessCentral, method: str, path: str, expected: bool) -> None:
    """Other entities, web services and the rest of the admin centre's API.

    contract B6.5, B6.8, B9.23 and B9.24
    """
    one = bc.environment("Normal")
    address = path.format(data=one.data, automation=one.automation, company=one.company)
    assert remarked(bc(method, address, {} if method == "POST" else None)) is expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/keys", True),
        ("GET", "//certificates/one", True),
        ("POST", "/secrets/one/backup", True),
        ("POST", "/rng", True),
        ("GET", "/rng", False),
        ("GET", "/secrets/none", False),
        ("POST", "/secrets/one", False),
    ],
)
def test_key_vault(rehearsal: RehearsalDescription, method: str, path: str, expected: bool) -> None:
    """Keys, certificates and backups of a vault; a secret that is not there is no such thing.

    contract G24.12
    """
    vault = rehearsal.accounts["trial"]["vault"]
    with client_of(rehearsal) as http:
        http.headers["Authorization"] = f"Bearer {vault_token(http, rehearsal)}"
        answer = http.request(method, f"{vault}{path}?api-version=7.4", json={})
        assert remarked(answer) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/subscriptions/{NOBODY}", True),
        (f"/subscriptions/{NOBODY}/resourceGroups", True),
        ("/providers/Microsoft.Management/managementGroups", True),
        ("/nothing", False),
    ],
)
def test_azure(rehearsal: RehearsalDescription, path: str, expected: bool) -> None:
    """Subscriptions and providers of Azure Resource Manager (contract G24.12)."""
    user = person(rehearsal, "Global Administrator")
    with client_of(rehearsal) as http:
        token = user_token(http, rehearsal, user, "https://management.azure.com/.default")
        http.headers["Authorization"] = f"Bearer {token}"
        answer = http.get(f"https://management.azure.com{path}?api-version=2022-12-01")
        assert remarked(answer) is expected
