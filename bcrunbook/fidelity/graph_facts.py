"""Checks of facts about Graph, Entra, Azure and Key Vault (docs/contracts/graph.md)."""

from __future__ import annotations

from typing import Final

from bcrunbook.fidelity.checks import (
    AZURE,
    DATES,
    GRAPH,
    KEY_VAULT,
    LOGIN,
    TEXTS,
    FactCheck,
    answers_with,
    code_comes_with,
    has_fields,
    has_header,
    has_kinds,
    is_ordered,
    refused_with,
)
from bcrunbook.journal.entry import JournalEntry

_GRAPH_HOST: Final = GRAPH.partition("/")[0]
_APPLICATION: Final = f"GET {GRAPH}/applications*"
_UPSERT: Final = f"PATCH {GRAPH}/applications(uniqueName={{}})"
_TOKEN: Final = f"POST {LOGIN}/{{}}/oauth2/v2.0/token"
_CONFIGURATION: Final = f"GET {LOGIN}/{{}}/v2.0/.well-known/openid-configuration"
_SECRETS: Final = f"{KEY_VAULT}/secrets/{{}}"


def _is_upsert(entry: JournalEntry) -> bool:
    return entry.sent_headers.get("prefer") == "create-if-missing"


def _names_audience(entry: JournalEntry) -> bool:
    return _is_upsert(entry) and "$/signInAudience" in entry.sent


def _made(entry: JournalEntry) -> bool:
    return entry.status == 201


def _is_alone(entry: JournalEntry) -> bool:
    return not entry.is_part


def _has_own_id(entry: JournalEntry) -> bool:
    return _is_alone(entry) and "client-request-id" in entry.sent_headers


def _is_of_person(entry: JournalEntry) -> bool:
    return bool({"$/device_code", "$/code", "$/refresh_token"} & entry.sent.keys())


def _is_of_application(entry: JournalEntry) -> bool:
    return not _is_of_person(entry)


def _is_part(entry: JournalEntry) -> bool:
    return entry.is_part


def _is_from_browser(entry: JournalEntry) -> bool:
    return "$/code_verifier" in entry.sent


def _bears_assertion(entry: JournalEntry) -> bool:
    return "$/client_assertion" in entry.sent


GRAPH_FACTS: Final[tuple[FactCheck, ...]] = (
    code_comes_with("G3.3", "InvalidAccessTokenVersion", 400),
    refused_with("G5.1", f"{_APPLICATION}={{}})", 404, "Request_ResourceNotFound"),
    has_fields("G5.2", f"{_APPLICATION}={{}})", "$/id", "$/appId", kinds={"guid"}),
    has_kinds("G5.3", _APPLICATION, "$/uniqueName", *TEXTS, "null"),
    answers_with("G5.4", f"GET {GRAPH}/applications", 200, body=True),
    code_comes_with("G5.7", "Request_UnsupportedQuery", 400),
    has_kinds("G5.9", f"GET {GRAPH}*", "$/@odata.nextLink", "address"),
    is_ordered("G5.10", _APPLICATION, "$/web/redirectUris", "reversed"),
    is_ordered("G5.10", _APPLICATION, "$/requiredResourceAccess", "reversed"),
    is_ordered("G5.10", _APPLICATION, "$/passwordCredentials", "newest first startDateTime"),
    is_ordered("G5.10", f"* {GRAPH}/applications*", "$/web/redirectUris", "as sent", status=201),
    has_kinds("G5.12", _APPLICATION, "$/createdDateTime", "date 0 Z"),
    has_kinds(
        "G5.12", f"GET {GRAPH}*", "$/passwordCredentials/[]/endDateTime", *DATES - {"date year 1"}
    ),
    has_fields(
        "G5.13",
        f"GET {GRAPH}/directory/deletedItems/*",
        "$/value/[]/deletedDateTime",
        "$/value/[]/uniqueName",
    ),
    answers_with("G6.1", _UPSERT, 201, 204, which=_is_upsert),
    has_fields("G6.1", _UPSERT, "$/id", "$/appId", kinds={"guid"}, which=_made),
    answers_with("G6.2", _UPSERT, 201, 204, which=_names_audience),
    answers_with("G6.3", f"POST {GRAPH}/applications", 201, body=True),
    answers_with("G6.6", f"PATCH {GRAPH}/applications/{{}}", 204, body=False),
    code_comes_with("G6.9", "ObjectConflict", 400),
    answers_with("G6.12", f"POST {GRAPH}/applications/{{}}/owners/$ref", 204, body=False),
    code_comes_with("G6.13", "Directory_QuotaExceeded", 403),
    refused_with("G6.15", f"POST {GRAPH}/applications", 403, "Authorization_", "Directory_"),
    has_fields("G6.17", _UPSERT, "$/certification", "$/defaultRedirectUri", which=_made),
    answers_with("G7.1", f"POST {GRAPH}/applications/{{}}/addPassword", 200, body=True),
    has_fields(
        "G7.1",
        f"POST {GRAPH}/applications/{{}}/addPassword",
        "$/keyId",
        "$/secretText",
        "$/hint",
        "$/endDateTime",
        "$/startDateTime",
        kinds={"guid", "text", "digits", *DATES},
    ),
    has_kinds("G7.2", _APPLICATION, "$/passwordCredentials/[]/secretText", "null"),
    has_kinds("G7.4", _APPLICATION, "$/passwordCredentials/[]/hint", "text", "digits"),
    code_comes_with("G7.7", "TooManyAppPasswords", 400),
    answers_with("G7.8", f"POST {GRAPH}/applications/{{}}/removePassword", 204, body=False),
    has_fields("G8.1", f"GET {GRAPH}/policies/defaultAppManagementPolicy", "$/isEnabled"),
    has_fields(
        "G8.1",
        f"GET {GRAPH}/policies/defaultAppManagementPolicy",
        "$/applicationRestrictions/passwordCredentials/[]/restrictionType",
        "$/applicationRestrictions/passwordCredentials/[]/maxLifetime",
        "$/applicationRestrictions/passwordCredentials/[]/restrictForAppsCreatedAfterDateTime",
    ),
    refused_with(
        "G8.2",
        f"GET {GRAPH}/policies/defaultAppManagementPolicy",
        403,
        "Authorization_",
        "AccessDenied",
    ),
    code_comes_with("G8.5", "CredentialInvalidLifetimeAsPerAppPolicy", 400),
    code_comes_with("G8.7", "CredentialTypeNotAllowedAsPerAppPolicy", 400),
    code_comes_with("G8.9", "SignInAudienceNotAllowedAsPerAppPolicy", 400),
    has_kinds("G8.12", _APPLICATION, "$/isDisabled", "boolean", "null"),
    refused_with(
        "G9.1", f"GET {GRAPH}/servicePrincipals(appId={{}})", 404, "Request_ResourceNotFound"
    ),
    has_fields(
        "G9.1",
        f"GET {GRAPH}/servicePrincipals(appId={{}})",
        "$/oauth2PermissionScopes/[]/id",
        "$/oauth2PermissionScopes/[]/value",
        "$/oauth2PermissionScopes/[]/type",
        "$/oauth2PermissionScopes/[]/isEnabled",
    ),
    answers_with("G9.2", f"POST {GRAPH}/servicePrincipals", 201, body=True),
    refused_with(
        "G9.2", f"POST {GRAPH}/servicePrincipals", 409, "Request_MultipleObjectsWithSameKeyValue"
    ),
    has_fields(
        "G10.1",
        f"GET {GRAPH}/oauth2PermissionGrants",
        "$/value/[]/clientId",
        "$/value/[]/resourceId",
        "$/value/[]/scope",
        "$/value/[]/consentType",
    ),
    answers_with("G10.3", f"POST {GRAPH}/oauth2PermissionGrants", 201, body=True),
    refused_with(
        "G10.4",
        f"POST {GRAPH}/oauth2PermissionGrants",
        409,
        "Request_MultipleObjectsWithSameKeyValue",
    ),
    answers_with("G10.5", f"PATCH {GRAPH}/oauth2PermissionGrants/{{}}", 204, body=False),
    refused_with("G10.9", f"POST {GRAPH}/oauth2PermissionGrants", 403, "Authorization_"),
    refused_with("G10.10", f"GET {GRAPH}/oauth2PermissionGrants", 403, "Authorization_"),
    answers_with("G11.2", f"POST {GRAPH}/$batch", 200, body=True),
    has_fields(
        "G11.2",
        f"POST {GRAPH}/$batch",
        "$/responses/[]/id",
        "$/responses/[]/status",
        "$/responses/[]/headers",
        "$/responses/[]/body",
    ),
    has_header("G11.3", f"* {GRAPH}*", "retry-after", status=429, which=_is_part),
    has_header("G11.5", f"* {GRAPH}*", "client-request-id", "as sent", which=_has_own_id),
    has_header("G11.5", f"* {GRAPH}*", "request-id", "guid", which=_is_alone),
    has_header("G11.8", f"* {GRAPH}*", "date", "http date", which=_is_alone),
    *(
        has_header(
            "G11.9",
            f"* {GRAPH}*",
            "content-type",
            "application/json",
            status=status,
            which=_is_alone,
        )
        for status in (400, 401, 403, 404, 409)
    ),
    *(
        has_fields(
            "G12.1",
            f"* {GRAPH}*",
            "$/error/code",
            "$/error/message",
            "$/error/innerError",
            status=status,
        )
        for status in (400, 401, 403, 404, 409)
    ),
    code_comes_with("G12.3", "Request_BadRequest", 400),
    refused_with("G12.4", f"* {GRAPH}*", 401, "InvalidAuthenticationToken"),
    code_comes_with("G12.5", "Authorization_RequestDenied", 403, host=_GRAPH_HOST),
    refused_with("G12.6", f"* {GRAPH}*", 404, "Request_ResourceNotFound", "ResourceNotFound"),
    code_comes_with("G12.7", "Error_MsaAppDoesNotExist", 409),
    code_comes_with("G12.8", "Directory_ConcurrencyViolation", 409),
    code_comes_with("G12.9", "Request_MultipleObjectsWithSameKeyValue", 409),
    refused_with("G12.11", f"* {GRAPH}*", 429, "TooManyRequests"),
    has_header(
        "G14.3",
        f"{_APPLICATION}={{}})",
        "x-ms-resource-unit",
        "1",
        status=200,
    ),
    has_fields(
        "G15.3",
        f"GET {GRAPH}/organization",
        "$/value/[]/id",
        "$/value/[]/displayName",
        "$/value/[]/verifiedDomains",
    ),
    has_fields(
        "G16.2",
        _CONFIGURATION,
        "$/token_endpoint",
        "$/authorization_endpoint",
        "$/issuer",
        kinds={"address"},
    ),
    refused_with("G16.2", _CONFIGURATION, 400, "invalid_tenant"),
    answers_with("G16.5", _TOKEN, 200, body=True, which=_is_from_browser),
    has_fields(
        "G16.6",
        f"POST {LOGIN}/{{}}/oauth2/v2.0/devicecode",
        "$/user_code",
        "$/device_code",
        "$/verification_uri",
        "$/message",
        "$/expires_in",
    ),
    code_comes_with("G16.7", "authorization_pending", 400),
    code_comes_with("G16.14", "invalid_client", 401, host=LOGIN),
    *(
        code_comes_with("G16.14", code, 400, host=LOGIN)
        for code in ("invalid_grant", "invalid_request", "unauthorized_client", "invalid_scope")
    ),
    *(
        has_fields(
            "G16.14",
            _TOKEN,
            "$/error",
            "$/error_description",
            "$/error_codes",
            "$/correlation_id",
            status=status,
        )
        for status in (400, 401)
    ),
    answers_with("G18.3", _TOKEN, 200, body=True, which=_bears_assertion),
    has_fields(
        "G19.1",
        f"GET {GRAPH}/organization",
        "$/value/[]/verifiedDomains/[]/name",
        "$/value/[]/verifiedDomains/[]/isDefault",
        "$/value/[]/verifiedDomains/[]/isInitial",
    ),
    has_fields("G19.3", f"GET {AZURE}/tenants", "$/value", kinds={"array"}),
    has_fields("G19.4", f"GET {AZURE}/tenants", "$/value/[]/tenantId", kinds={"guid"}),
    refused_with(
        "G19.5",
        f"GET {AZURE}/tenants",
        401,
        "InvalidAuthenticationToken",
        "ExpiredAuthenticationToken",
        "InvalidAuthenticationTokenAudience",
    ),
    has_header(
        "G22.5",
        f"* {_SECRETS}*",
        "www-authenticate",
        "Bearer authorization resource",
        status=401,
    ),
    refused_with("G22.11", f"* {_SECRETS}*", 403, "Forbidden"),
    has_header("G22.13", f"* {_SECRETS}*", "x-ms-request-id"),
    answers_with("G23.1", f"PUT {_SECRETS}", 200, body=True),
    has_fields(
        "G23.2",
        f"DELETE {_SECRETS}",
        "$/recoveryId",
        "$/deletedDate",
        "$/scheduledPurgeDate",
        kinds={"address", "integer"},
    ),
    code_comes_with("G23.3", "ObjectIsDeletedButRecoverable", 409),
    code_comes_with("G23.4", "ObjectIsBeingDeleted", 409),
    code_comes_with("G23.4", "ObjectIsBeingRecovered", 409),
    code_comes_with("G23.7", "RequestNotAllowedOnNonDeletedObject", 400),
    refused_with("G23.10", f"GET {_SECRETS}*", 404, "SecretNotFound"),
    has_fields("G24.1", _CONFIGURATION, "$/device_authorization_endpoint", kinds={"address"}),
    has_fields(
        "G24.2",
        f"GET {LOGIN}/common/discovery/instance",
        "$/metadata/[]/aliases",
        "$/metadata/[]/preferred_network",
        "$/metadata/[]/preferred_cache",
    ),
    has_fields(
        "G24.3",
        _TOKEN,
        "$/token_type",
        "$/scope",
        "$/expires_in",
        "$/ext_expires_in",
        "$/access_token",
        "$/refresh_token",
        "$/id_token",
        "$/client_info",
        which=_is_of_person,
    ),
    has_fields(
        "G24.3",
        _TOKEN,
        "$/token_type",
        "$/expires_in",
        "$/ext_expires_in",
        "$/access_token",
        which=_is_of_application,
    ),
)
"""In the order of the page."""
