"""What a company's books hold: a few rows of sample data, the same everywhere.

Source: contract B6; properties as in the documented entities.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral.collections import Row

ENTITIES: Final = ("companyInformation", "accounts", "customers")

_CHANGED: Final = "2026-01-04T16:55:47.367Z"
_BLANK: Final = "_x0020_"
"""A blank member of an enumeration as the service spells it."""
_ACCOUNTS: Final = (
    ("10100", "Checking account", "Assets", "Cash"),
    ("10400", "Trade debtors", "Assets", "Accounts Receivable"),
    ("40100", "Sales", "Income", "Income, Product Sales"),
)
_CUSTOMERS: Final = (
    ("C00010", "Adatum Corporation", "Leeds"),
    ("C00020", "Trey Research", "York"),
    ("C00030", "School of Fine Art", "Bath"),
)


def of_company(one: world.Environment, company: str, entity: str) -> list[Row]:
    """The rows of an entity set of a company.

    Args:
        one: the environment.
        company: the company's name.
        entity: the set's name.

    Raises:
        LookupError: there is no such set.
    """

    def row(name: str, /, **values: object) -> Row:
        key = world.derived_id(entity, one.tenant, one.name, company, name)
        etag = f'W/"{world.derived_id("etag", key)}"'
        return {"@odata.etag": etag, "id": key, **values, "lastModifiedDateTime": _CHANGED}

    country = world.TENANTS[one.tenant].country
    match entity:
        case "companyInformation":
            return [row("", **_company_information(company, country))]
        case "accounts":
            return [row(account[0], **_account(*account)) for account in _ACCOUNTS]
        case "customers":
            return [row(customer[0], **_customer(*customer, country)) for customer in _CUSTOMERS]
    raise LookupError(entity)


def _company_information(company: str, country: str) -> Row:
    return {
        "displayName": company,
        "addressLine1": "1 Market Place",
        "addressLine2": "",
        "city": "Ripon",
        "state": "",
        "country": country,
        "postalCode": "HG4 1BN",
        "phoneNumber": "",
        "faxNumber": "",
        "email": "",
        "website": "",
        "taxRegistrationNumber": "",
        "currencyCode": "GBP",
        "currentFiscalYearStartDate": "2026-01-01",
        "industry": "",
        "experience": "Essential",
    }


def _account(number: str, name: str, category: str, sub_category: str) -> Row:
    return {
        "number": number,
        "displayName": name,
        "category": category,
        "subCategory": sub_category,
        "blocked": False,
        "accountType": "Posting",
        "directPosting": True,
        "netChange": 0,
    }


def _customer(number: str, name: str, city: str, country: str) -> Row:
    return {
        "number": number,
        "displayName": name,
        "type": "Company",
        "addressLine1": "",
        "addressLine2": "",
        "city": city,
        "state": "",
        "country": country,
        "postalCode": "",
        "phoneNumber": "",
        "email": "",
        "website": "",
        "salespersonCode": "",
        "balanceDue": 0,
        "creditLimit": 0,
        "taxLiable": False,
        "taxRegistrationNumber": "",
        "currencyCode": "GBP",
        "blocked": _BLANK,
    }
