"""What an application may look like, and whether it keeps within the limits of its audience.

Source: Entra docs, "Validation differences by supported account types" and "Redirect URI
restrictions and limitations". Every write checks the whole object as it would be afterwards, since
a change of audience puts what is already there under new limits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from bcrunbook.rehearsal import first_party_apps
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.directory import (
    APPLICATION,
    CONSUMER_AUDIENCES,
    Registered,
    find_application,
)
from bcrunbook.rehearsal.graph.errors import GraphError, bad_request, conflict
from bcrunbook.rehearsal.graph.limits import (
    CONSUMER,
    MAX_DESCRIPTION_LENGTH,
    MAX_ITEMS,
    MAX_TAG_LENGTH,
    MAX_URI_LENGTH,
    WORK_ONLY,
    AudienceLimits,
)
from bcrunbook.rehearsal.state import Document

AUDIENCES: Final = (
    "AzureADMyOrg",
    "AzureADMultipleOrgs",
    "AzureADandPersonalMicrosoftAccount",
    "PersonalMicrosoftAccount",
)
FORBIDDEN_IN_URI: Final = frozenset("!$'(),;")
LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]", "::1")
COLLECTIONS: Final = (
    "addIns",
    "appRoles",
    "identifierUris",
    "keyCredentials",
    "passwordCredentials",
    "requiredResourceAccess",
    "tags",
)


def is_consumer(document: Document) -> bool:
    """Whether the application serves personal accounts too."""
    return document["signInAudience"] in CONSUMER_AUDIENCES


def limits_of(document: Document) -> AudienceLimits:
    """The figures that hold for an application."""
    return CONSUMER if is_consumer(document) else WORK_ONLY


def check_new(cloud: RehearsalCloud, registered: Registered) -> None:
    """Refuse an application that cannot be registered as it is."""
    check(cloud, registered)
    _app_roles(registered.document)


def check(cloud: RehearsalCloud, registered: Registered) -> None:
    """Refuse an application that breaks a limit."""
    document = registered.document
    if document["signInAudience"] not in AUDIENCES:
        raise bad_request(
            "Invalid value specified for property 'signInAudience' of resource 'Application'.",
            target="signInAudience",
            code="InvalidValue",
        )
    limits = limits_of(document)
    _names(document, limits)
    _token_version(document)
    _redirects(document, limits)
    _permissions(cloud, registered, limits)
    _identifier_uris(cloud, registered, limits)
    _tags(document)
    items = sum(len(document[name]) for name in COLLECTIONS) + len(list(_uris(document)))
    items += sum(len(required["resourceAccess"]) for required in document["requiredResourceAccess"])
    if items > MAX_ITEMS:
        raise bad_request(
            f"The total number of items in the collection properties exceeds {MAX_ITEMS}."
        )


def _names(document: Document, limits: AudienceLimits) -> None:
    name = document["displayName"]
    if not name or not name.strip():
        raise bad_request(
            "A value is required for property 'displayName' of resource 'Application'.",
            target="displayName",
            code="ObjectMissing",
        )
    if len(name) > limits.display_name:
        raise bad_request(
            "Invalid value specified for property 'displayName' of resource 'Application': at "
            f"most {limits.display_name} characters are allowed for this audience.",
            target="displayName",
            code="InvalidLength",
        )
    if document["description"] and len(document["description"]) > MAX_DESCRIPTION_LENGTH:
        raise bad_request(
            "Invalid value specified for property 'description' of resource 'Application'.",
            target="description",
            code="InvalidLength",
        )


def _token_version(document: Document) -> None:
    version = document["api"]["requestedAccessTokenVersion"]
    if version not in (None, 1, 2) or (is_consumer(document) and version != 2):
        message = "Property api.requestedAccessTokenVersion is invalid."
        raise GraphError(
            400,
            "InvalidAccessTokenVersion",
            message,
            details=[
                {
                    "code": "GenericError",
                    "message": message,
                    "target": "api.requestedAccessTokenVersion",
                }
            ],
        )


def _uris(document: Document) -> Iterable[tuple[str, str]]:
    for platform in ("web", "publicClient", "spa"):
        for uri in (document[platform] or {}).get("redirectUris", []):
            yield platform, uri


def _redirects(document: Document, limits: AudienceLimits) -> None:
    found = list(_uris(document))
    if len(found) > limits.redirect_uris:
        raise bad_request(
            f"At most {limits.redirect_uris} redirect URIs are allowed for this audience.",
            target="web.redirectUris",
            code="TooManyRedirectUris",
        )
    if len({uri for _, uri in found}) != len(found):
        raise bad_request(
            "A redirect URI may be registered once only.",
            target="web.redirectUris",
            code="DuplicateValue",
        )
    for platform, uri in found:
        reason = _uri_problem(platform, uri, consumer=is_consumer(document))
        if reason:
            raise bad_request(
                f"The redirect URI '{uri}' is not valid: {reason}.",
                target=f"{platform}.redirectUris",
                code="InvalidRedirectUri",
            )


def _uri_problem(platform: str, uri: str, *, consumer: bool) -> str:
    if not uri or len(uri) > MAX_URI_LENGTH:
        return f"it must have 1 to {MAX_URI_LENGTH} characters"
    if FORBIDDEN_IN_URI & set(uri) or any(ord(character) <= 32 for character in uri):
        return "it holds a character that is not allowed"
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "it is no absolute URI"
    if not parts.scheme or (parts.scheme in ("http", "https") and not parts.hostname):
        return "it is no absolute URI"
    if parts.fragment or uri.endswith("#"):
        return "a fragment is not allowed"
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return "http is allowed for localhost only"
    if platform != "publicClient" and parts.scheme not in ("http", "https"):
        return "it must start with https"
    if consumer and parts.query:
        return "a query string is not allowed for this audience"
    if "*" in (parts.hostname or "") and consumer:
        return "a wildcard is not allowed for this audience"
    return ""


def _permissions(cloud: RehearsalCloud, registered: Registered, limits: AudienceLimits) -> None:
    required: list[dict[str, Any]] = registered.document["requiredResourceAccess"]
    target = "requiredResourceAccess"
    ids = [str(entry.get("resourceAppId", "")).lower() for entry in required]
    if any(not app_id for app_id in ids) or len(set(ids)) != len(ids):
        raise bad_request(
            "Property requiredResourceAccess.resourceAppId must be present and unique.",
            target=target,
            code="DuplicateValue",
        )
    if limits.apis is not None and len(ids) > limits.apis:
        raise bad_request(
            f"At most {limits.apis} APIs are allowed for this audience.", target=target
        )
    foreign = [app_id for app_id in ids if _is_foreign(cloud, registered.tenant, app_id)]
    if limits.foreign_apis is not None and len(foreign) > limits.foreign_apis:
        raise bad_request(
            f"At most {limits.foreign_apis} APIs of other tenants are allowed for this audience.",
            target=target,
        )
    total = 0
    for entry in required:
        accesses = entry.get("resourceAccess", [])
        total += len(accesses)
        if limits.permissions_per_api is not None and len(accesses) > limits.permissions_per_api:
            raise bad_request(
                f"At most {limits.permissions_per_api} permissions of one API are allowed for "
                "this audience.",
                target=target,
            )
        seen = {(access.get("id"), access.get("type")) for access in accesses}
        if len(seen) != len(accesses):
            raise bad_request("A permission may be listed once only.", target=target)
        if any(not one or kind not in ("Scope", "Role") for one, kind in seen):
            raise bad_request(
                "Invalid value specified for property 'resourceAccess.type' of resource "
                "'Application': Scope or Role is expected, and an id.",
                target=target,
            )
    if total > limits.permissions:
        raise bad_request(
            f"At most {limits.permissions} permissions are allowed for this audience.",
            target=target,
        )


def _is_foreign(cloud: RehearsalCloud, tenant: str, app_id: str) -> bool:
    if app_id in first_party_apps.BY_APP_ID:
        return False
    registered = find_application(cloud, app_id)
    return registered is None or registered.tenant != tenant


def _app_roles(document: Document) -> None:
    """Not documented for this audience; a PATCH is accepted all the same (contract G4.11)."""
    if document["appRoles"] and is_consumer(document):
        raise bad_request(
            "Property appRoles is not supported for applications that serve personal Microsoft "
            "accounts.",
            target="appRoles",
        )


def _identifier_uris(cloud: RehearsalCloud, registered: Registered, limits: AudienceLimits) -> None:
    uris: list[str] = registered.document["identifierUris"]
    target = "identifierUris"
    if limits.identifier_uris is not None and len(uris) > limits.identifier_uris:
        raise bad_request(
            f"At most {limits.identifier_uris} identifier URIs are allowed for this audience.",
            target=target,
        )
    for uri in uris:
        parts = urlsplit(uri)
        consumer = is_consumer(registered.document)
        if (
            not parts.scheme
            or len(uri) > limits.identifier_uri_length
            or (consumer and parts.scheme == "urn")
            or (uri.endswith("/") and consumer)
        ):
            raise bad_request(
                f"Invalid value '{uri}' specified for property 'identifierUris' of resource "
                "'Application'.",
                target=target,
                code="InvalidValue",
            )
    wanted = {uri.lower() for uri in uris}
    if len(wanted) != len(uris):
        raise bad_request("An identifier URI may be listed once only.", target=target)
    for tenant in cloud.store.tenants_of(APPLICATION):
        for key, other in cloud.store.all_latest(APPLICATION, tenant):
            taken = wanted & {uri.lower() for uri in other["identifierUris"]}
            if key != registered.id and taken:
                raise conflict(
                    "Request_MultipleObjectsWithSameKeyValue",
                    "Another object with the same value for property identifierUris already "
                    "exists.",
                )


def _tags(document: Document) -> None:
    tags: list[str] = document["tags"]
    wrong = [
        tag
        for tag in tags
        if not 1 <= len(tag) <= MAX_TAG_LENGTH or any(character.isspace() for character in tag)
    ]
    if wrong or len(set(tags)) != len(tags):
        raise bad_request(
            "Invalid value specified for property 'tags' of resource 'Application': each tag has "
            "1 to 256 characters, no whitespace, and is listed once.",
            target="tags",
        )
