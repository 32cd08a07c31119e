"""What `$metadata` says of the business and of the automation API: just what is stood in for.

Source: contract B1.16 and B1.18; properties as in the documented entities. Enumerations are written
as texts, which is how they come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bcrunbook.rehearsal.csdl import Type, document
from bcrunbook.rehearsal.messages import Answer

_NAMESPACE: Final = "Microsoft.NAV"
_ACTIONS: Final = ("install", "uninstall", "uninstallAndDeleteExtensionData", "unpublish")


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "Edm.String")


_ID: Final = {"id": "Edm.Guid"}
_CHANGED: Final = {"lastModifiedDateTime": "Edm.DateTimeOffset"}
_ADDRESS: Final = _texts("addressLine1", "addressLine2", "city", "state", "country", "postalCode")

TYPES: Final = {
    "companyInformation": Type(
        "companyInformation",
        {
            **_ID,
            **_texts("displayName"),
            **_ADDRESS,
            **_texts("phoneNumber", "faxNumber", "email", "website", "taxRegistrationNumber"),
            **_texts("currencyCode", "industry", "experience"),
            "currentFiscalYearStartDate": "Edm.Date",
            **_CHANGED,
        },
        "id",
    ),
    "accounts": Type(
        "account",
        {
            **_ID,
            **_texts("number", "displayName", "category", "subCategory", "accountType"),
            **dict.fromkeys(("blocked", "directPosting"), "Edm.Boolean"),
            "netChange": "Edm.Decimal",
            **_CHANGED,
        },
        "id",
    ),
    "customers": Type(
        "customer",
        {
            **_ID,
            **_texts("number", "displayName", "type"),
            **_ADDRESS,
            **_texts("phoneNumber", "email", "website", "salespersonCode"),
            **_texts("taxRegistrationNumber", "currencyCode", "blocked"),
            **dict.fromkeys(("balanceDue", "creditLimit"), "Edm.Decimal"),
            "taxLiable": "Edm.Boolean",
            **_CHANGED,
        },
        "id",
    ),
    "automationCompanies": Type(
        "automationCompany",
        {
            **_ID,
            **_texts("name", "displayName", "businessProfileId"),
            "evaluationCompany": "Edm.Boolean",
        },
        "id",
    ),
    "extensions": Type(
        "extension",
        {
            "packageId": "Edm.Guid",
            **_ID,
            **_texts("displayName", "publisher", "publishedAs"),
            **dict.fromkeys(
                ("versionMajor", "versionMinor", "versionBuild", "versionRevision"), "Edm.Int32"
            ),
            "isInstalled": "Edm.Boolean",
        },
        "packageId",
        actions=_ACTIONS,
    ),
    "extensionDeploymentStatus": Type(
        "extensionDeploymentStatus",
        {
            "operationID": "Edm.Guid",
            **_texts("name", "publisher", "operationType", "status", "schedule", "appVersion"),
            "startedOn": "Edm.DateTimeOffset",
        },
        "operationID",
    ),
}
"""The type of what is in each entity set of a company, by the set's name."""

_COMPANY: Final = {
    **_ID,
    **_texts("systemVersion", "name", "displayName", "businessProfileId"),
    "timestamp": "Edm.Int64",
    **dict.fromkeys(("systemCreatedAt", "systemModifiedAt"), "Edm.DateTimeOffset"),
    **dict.fromkeys(("systemCreatedBy", "systemModifiedBy"), "Edm.Guid"),
}


def describing(*names: str) -> Callable[[str], Answer]:
    """What describes the entity sets of an API."""
    types = [TYPES[name] for name in names]
    inside = {name: TYPES[name].name for name in names}
    company = Type("company", _COMPANY, "id", contained=inside)

    def serve(base: str) -> Answer:
        return document(_NAMESPACE, [company, *types], {"companies": "company", **inside}, {})

    return serve
