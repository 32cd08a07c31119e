"""`$metadata`: what describes an OData service says what the service answers."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.businesscentral_support import API, BusinessCentral, bc
from tests.rehearsal.support import GRAPH, client_of

__all__ = ["bc"]

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
PRIMITIVE: dict[str, tuple[type, ...]] = {
    "Edm.String": (str,),
    "Edm.Guid": (str,),
    "Edm.Date": (str,),
    "Edm.DateTimeOffset": (str,),
    "Edm.Boolean": (bool,),
    "Edm.Int32": (int,),
    "Edm.Int64": (int,),
    "Edm.Decimal": (int, float),
    "Edm.Binary": (str,),
}


class Schema:
    """A description as a client reads it."""

    def __init__(self, answer: httpx.Response) -> None:
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/xml")
        (self.root,) = ElementTree.fromstring(answer.content).iter(f"{EDM}Schema")
        self.namespace = self.root.attrib["Namespace"]
        kinds = (f"{EDM}EntityType", f"{EDM}ComplexType")
        self.types = {one.attrib["Name"]: one for one in self.root if one.tag in kinds}

    def sets(self) -> dict[str, str]:
        """The entity sets and singletons, with the name of the type of what is in each."""
        (container,) = self.root.iter(f"{EDM}EntityContainer")
        return {
            one.attrib["Name"]: (one.get("EntityType") or one.attrib["Type"]).split(".")[-1]
            for one in container
        }

    def properties(self, kind: str) -> dict[str, str]:
        """The properties of a type, with their types."""
        return {
            one.attrib["Name"]: one.attrib["Type"]
            for one in self.types[kind].iter(f"{EDM}Property")
        }

    def check(self, kind: str, row: dict[str, Any]) -> None:
        """Fail unless each property of a row is described, as what it is."""
        properties = self.properties(kind)
        for name, value in row.items():
            if "@odata." not in name and value is not None:
                expected = PRIMITIVE.get(properties[name], (dict, list))
                assert isinstance(value, expected), (name, properties[name], value)

    def check_references(self) -> None:
        """Fail unless every type that is named is there, and every entity has its key."""
        for one in self.root.iter():
            named = one.get("Type") or one.get("EntityType") or ""
            name = named.removeprefix("Collection(").removesuffix(")")
            if name and not name.startswith("Edm."):
                assert name.startswith(f"{self.namespace}.")
                assert name.removeprefix(f"{self.namespace}.") in self.types, name
            assert not name.startswith("Edm.") or name in PRIMITIVE, name
        for kind in set(self.sets().values()):
            (key,) = self.types[kind].iter(f"{EDM}PropertyRef")
            assert key.attrib["Name"] in self.properties(kind)


@pytest.mark.parametrize("tenant", ["", "/{tenant}"])
def test_business_central_describes_what_it_answers(bc: BusinessCentral, tenant: str) -> None:
    """The address that each answer names is served, and fits every row.

    contract B1.16 and B1.18
    """
    one = bc.environment("Normal")
    for listing, sets in (
        (one.of_company, ("companyInformation", "accounts", "customers")),
        (one.managed, ("automationCompanies", "extensions", "extensionDeploymentStatus")),
    ):
        context = listing(sets[0]).json()["@odata.context"]
        schema = Schema(bc("GET", context.partition("#")[0]))
        schema.check_references()
        assert schema.namespace == "Microsoft.NAV"
        assert set(schema.sets()) == {"companies", *sets}
        for name in sets:
            for row in listing(name).json()["value"]:
                schema.check(schema.sets()[name], row)
    (company, *_) = bc("GET", f"{API}{one.data}/companies").json()["value"]
    schema.check("company", company)
    address = f"/v2.0{tenant.format(tenant=bc.tenant)}/NORMAL/api/v2.0/%24metadata"
    assert Schema(bc("GET", address)).sets() == {
        "companies": "company",
        "companyInformation": "companyInformation",
        "accounts": "account",
        "customers": "customer",
    }


def test_business_central_s_description_is_not_for_everybody(bc: BusinessCentral) -> None:
    """It takes a token, and the right to read what it describes; nothing is written to it."""
    address = f"{API}/v2.0/Normal/api/v2.0/$metadata"
    assert bc("POST", address, {}).status_code == 405
    assert bc.http.get(address).status_code == 401


@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_graph_describes_what_it_answers(rehearsal: RehearsalDescription, version: str) -> None:
    """To everybody, without a token (contract G1.13)."""
    with client_of(rehearsal) as http:
        schema = Schema(http.get(f"https://graph.microsoft.com/{version}/$metadata"))
        schema.check_references()
        assert {"applications", "servicePrincipals", "users", "me"} <= set(schema.sets())
        assert schema.properties("application")["web"] == "microsoft.graph.webApplication"
        assert http.post(f"{GRAPH}/$metadata").status_code == 401
        identity = rehearsal.batch_identity
        form = {
            "grant_type": "client_credentials",
            "client_id": identity["client_id"],
            "client_secret": identity["client_secret"],
            "scope": "https://graph.microsoft.com/.default",
        }
        url = f"https://login.microsoftonline.com/{identity['tenant']}/oauth2/v2.0/token"
        token = http.post(url, data=form).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        for name in ("applications", "servicePrincipals", "users", "organization"):
            for row in http.get(f"{GRAPH}/{name}").json()["value"][:5]:
                schema.check(schema.sets()[name], row)
