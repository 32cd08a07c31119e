"""Checks of facts about Business Central (docs/contracts/businesscentral.md)."""

from __future__ import annotations

from typing import Final

from bcrunbook.fidelity.checks import (
    ADMIN,
    BUSINESS_CENTRAL,
    DATA,
    DATES,
    TEXTS,
    FactCheck,
    code_comes_with,
    has_fields,
    has_header,
    has_kinds,
    is_ordered,
    lacks_field,
    refused_with,
)
from bcrunbook.journal.entry import JournalEntry

_AUTOMATION: Final = f"GET {DATA}/microsoft/automation/v2.0"
_EXTENSIONS: Final = f"{_AUTOMATION}/companies({{}})/extensions"
_DEPLOYMENTS: Final = f"{_AUTOMATION}/companies({{}})/extensionDeploymentStatus"
_COMPANIES: Final = f"GET {DATA}/v2.0/companies"
_ENVIRONMENTS: Final = f"GET {ADMIN}/*/applications/*environments"
_LOG: Final = f"GET {ADMIN}/*/environments/operations"
_ERRORS: Final = (400, 401, 403, 404, 409, 503)
# Dates that are not there come in several ways (contract B3.10).
_DATES: Final = frozenset({*DATES, "null", "empty"})


def _is_moving(entry: JournalEntry) -> bool:
    return "Internal_TenantUnavailable" in entry.codes


def _is_dated(entry: JournalEntry) -> bool:
    return "$/value/[]" in entry.got


BUSINESS_CENTRAL_FACTS: Final[tuple[FactCheck, ...]] = (
    has_fields("B1.11", f"GET {BUSINESS_CENTRAL}/environments/v1.2", "$/value/[]/ringName"),
    *(
        has_fields("B3.1", route, "$/value", kinds={"array", "empty array"})
        for route in (
            f"GET {BUSINESS_CENTRAL}/environments/v1.2",
            _ENVIRONMENTS,
            _LOG,
            _EXTENSIONS,
            _DEPLOYMENTS,
            _COMPANIES,
        )
    ),
    has_kinds("B3.2", f"GET {BUSINESS_CENTRAL}/*", "$/@odata.nextLink", "address"),
    *(
        has_kinds("B3.10", _LOG, f"$/value/[]/{name}", *_DATES)
        for name in ("createdOn", "startedOn", "completedOn")
    ),
    has_kinds("B3.10", _DEPLOYMENTS, "$/value/[]/startedOn", *_DATES),
    has_kinds("B3.13", _COMPANIES, "$/value/[]/@odata.etag", "text"),
    has_fields(
        "B4.1",
        f"GET {BUSINESS_CENTRAL}/environments/v1.2",
        "$/value/[]/name",
        "$/value/[]/type",
        "$/value/[]/countryCode",
        "$/value/[]/ringName",
        "$/value/[]/aadTenantId",
        "$/value/[]/applicationFamily",
        "$/value/[]/webClientLoginUrl",
        "$/value/[]/webServiceUrl",
    ),
    lacks_field("B4.1", f"GET {BUSINESS_CENTRAL}/environments/v1.2", "$/value/[]/status"),
    has_fields("B4.3", _ENVIRONMENTS, "$/value/[]/status", "$/value/[]/name"),
    has_fields("B4.4", _ENVIRONMENTS, "$/value/[]/versionDetails/version"),
    has_fields(
        "B6.1",
        _COMPANIES,
        "$/value/[]/id",
        "$/value/[]/name",
        "$/value/[]/displayName",
        "$/value/[]/systemVersion",
    ),
    has_fields(
        "B6.2",
        f"{_COMPANIES}({{}})/companyInformation",
        "$/value/[]/currencyCode",
        "$/value/[]/experience",
    ),
    has_fields(
        "B7.2",
        _EXTENSIONS,
        *(
            f"$/value/[]/{name}"
            for name in (
                "id",
                "packageId",
                "publisher",
                "displayName",
                "versionMajor",
                "versionMinor",
                "versionBuild",
                "versionRevision",
                "publishedAs",
                "isInstalled",
            )
        ),
    ),
    lacks_field("B7.3", _EXTENSIONS, "$/value/[]/scope"),
    has_fields(
        "B8.1",
        _DEPLOYMENTS,
        *(
            f"$/value/[]/{name}"
            for name in (
                "operationID",
                "name",
                "publisher",
                "operationType",
                "status",
                "schedule",
                "appVersion",
                "startedOn",
            )
        ),
    ),
    is_ordered("B8.1", _DEPLOYMENTS, "$/value", "newest first startedOn"),
    has_fields("B9.12", _LOG, "$/value/[]/type", "$/value/[]/status", kinds={"text"}),
    has_kinds("B9.16", _LOG, "$/value/[]/parameters/appId", "guid"),
    *(
        has_kinds("B9.17", _LOG, f"$/value/[]/parameters/{name}", *TEXTS, "null")
        for name in ("sourceAppVersion", "targetAppVersion")
    ),
    has_fields("B9.18", _LOG, "$/value/[]/environmentName", which=_is_dated),
    has_kinds("B9.20", _LOG, "$/value/[]/createdOn", *DATES),
    has_kinds("B9.21", _LOG, "$/value/[]/createdBy", *TEXTS, "null"),
    has_kinds("B9.22", _LOG, "$/value/[]/errorMessage", *TEXTS, "null"),
    has_fields(
        "B9.25",
        _LOG,
        "$/value/[]/creatorPrincipalType",
        "$/value/[]/canceledBy",
        "$/value/[]/canBeCanceled",
    ),
    *(
        has_fields("B11.1", f"* {DATA}/*", "$/error/code", "$/error/message", status=status)
        for status in _ERRORS
    ),
    *(
        has_fields("B11.1", f"* {ADMIN}/*", "$/code", "$/message", status=status)
        for status in _ERRORS
    ),
    *(
        has_header("B11.3", f"* {DATA}/*", "ms-correlation-x", "guid", status=status)
        for status in _ERRORS
    ),
    code_comes_with("B11.7", "Internal_TenantUnavailable", 503),
    code_comes_with("B11.7", "Internal_ServerError", 500),
    code_comes_with("B11.7", "Internal_CompanyNotFound", 404),
    code_comes_with("B11.7", "Authorization_RequestDenied", 403, host=BUSINESS_CENTRAL),
    code_comes_with("B11.8", "Authentication_InvalidCredentials", 401),
    code_comes_with("B11.12", "Application_DialogException", 400),
    code_comes_with("B11.14", "NoEnvironment", 404),
    code_comes_with("B11.14", "EnvironmentNotFound", 404),
    code_comes_with("B11.15", "BadRequest_NotFound", 404),
    code_comes_with("B11.15", "BadRequest_ResourceNotFound", 404),
    code_comes_with("B11.20", "Application_ServiceUnavailable", 503),
    code_comes_with("B11.23", "ApplicationTypeDoesNotExist", 404),
    code_comes_with("B11.23", "ResourceDoesNotExist", 404),
    code_comes_with("B11.24", "EntityValidationFailed", 400),
    code_comes_with("B11.25", "Request_EntityChanged", 409),
    *(
        has_header("B11.27", f"* {DATA}/*", "retry-after", status=status, which=_is_moving)
        for status in (502, 503)
    ),
    code_comes_with("B16.4", "Application_TooManyRequests", 429),
    refused_with("B16.6", f"* {ADMIN}/*", 401, "Unauthorized"),
    refused_with("B16.6", f"* {ADMIN}/*", 403, "Forbidden"),
)
"""In the order of the page."""
