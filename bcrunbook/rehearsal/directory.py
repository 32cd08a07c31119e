"""The directory as Entra and Graph share it: documents of applications, principals, grants.

A document is what Graph would print, plus keys that begin with an underscore, which never leave
the directory (`_secrets`, `_owners`, `_fics`, `_created`, `_creator`).
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from bcrunbook.rehearsal import first_party_apps, world
from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.state import Document

APPLICATION: Final = "application"
SERVICE_PRINCIPAL: Final = "servicePrincipal"
GRANT: Final = "oauth2PermissionGrant"
ASSIGNMENT: Final = "appRoleAssignment"
DELETED: Final = "deletedItem"

CONSUMER_AUDIENCES: Final = ("AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")
DEFAULT_AUDIENCE: Final = "AzureADMyOrg"
"""Of an application that is registered without one (contract G3.6)."""
MULTI_TENANT_AUDIENCES: Final = ("AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount")


@dataclass(frozen=True)
class Registered:
    """An application and the tenant it is registered in."""

    tenant: str
    id: str
    document: Document

    @property
    def multi_tenant(self) -> bool:
        """Whether other organisations may use it."""
        return self.document.get("signInAudience") in MULTI_TENANT_AUDIENCES


def new_application(
    cloud: RehearsalCloud,
    tenant: world.Tenant,
    given: Document,
    *,
    key: str,
    app_id: str,
    creator: str | None,
) -> Document:
    """The full document of a new application: what was given over the defaults."""
    now = cloud.clock.now()
    document: Document = {
        "id": key,
        "deletedDateTime": None,
        "appId": app_id,
        "applicationTemplateId": None,
        "disabledByMicrosoftStatus": tenant.microsoft_status,
        "createdDateTime": timestamp(now, fraction=False),
        "displayName": None,
        "description": None,
        "groupMembershipClaims": None,
        "identifierUris": [],
        "isDisabled": None,
        "isDeviceOnlyAuthSupported": None,
        "isFallbackPublicClient": None,
        "nativeAuthenticationApisEnabled": None,
        "notes": None,
        "optionalClaims": None,
        "publisherDomain": tenant.domain,
        "samlMetadataUrl": None,
        "serviceManagementReference": None,
        "signInAudience": DEFAULT_AUDIENCE,
        "tags": [],
        "tokenEncryptionKeyId": None,
        "uniqueName": None,
        "defaultRedirectUri": None,
        "certification": None,
        "verifiedPublisher": _unverified(),
        "addIns": [],
        "api": _api(),
        "appRoles": [],
        "info": _info(),
        "keyCredentials": [],
        "parentalControlSettings": {
            "countriesBlockedForMinors": [],
            "legalAgeGroupRule": "Allow",
        },
        "passwordCredentials": [],
        "publicClient": {"redirectUris": []},
        "requestSignatureVerification": None,
        "requiredResourceAccess": [],
        "servicePrincipalLockConfiguration": None,
        "spa": {"redirectUris": []},
        "web": _web(),
        "_created": now,
        "_creator": creator,
        "_owners": [creator] if creator else [],
        "_secrets": {},
        "_fics": [],
        "_keys": {},
    }
    return merged(document, given)


def merged(document: Document, given: Document) -> Document:
    """The document with the given properties in it.

    A collection takes the place of the stored one; a complex property is merged into it, and what
    it holds is filled up with defaults (contract G6.4, G6.5, G6.17).
    """
    blanks: dict[str, Callable[[], Document]] = {
        "api": _api,
        "web": _web,
        "info": _info,
        "spa": _redirects,
        "publicClient": _redirects,
    }
    result = dict(document)
    for name, value in given.items():
        if name in blanks and value is None:
            result[name] = blanks[name]()
        else:
            result[name] = _into(document.get(name), value)
    if isinstance(given.get("web"), dict):
        result["web"] = _with_settings(result["web"], given["web"])
    if result.get("optionalClaims") is not None and "optionalClaims" in given:
        result["optionalClaims"] = _claims(result["optionalClaims"])
    if isinstance(given.get("appRoles"), list):
        result["appRoles"] = [{**role, "origin": "Application"} for role in given["appRoles"]]
    return result


def _into(stored: Any, given: Any) -> Any:
    """A given value in the place of the stored one, or merged into it where both are complex."""
    if not (isinstance(stored, dict) and isinstance(given, dict)):
        return given
    return {**stored, **{name: _into(stored.get(name), value) for name, value in given.items()}}


def _with_settings(web: Document, given: Document) -> Document:
    """The web platform with as many settings of redirect URIs as it has redirect URIs."""
    settings = web["redirectUriSettings"] or []
    uris = given.get("redirectUris") or [
        entry["uri"] for entry in given.get("redirectUriSettings") or () if entry.get("uri")
    ]
    if "redirectUris" not in given and "redirectUriSettings" not in given:
        uris = web["redirectUris"]
    indices = {entry.get("uri"): entry.get("index") for entry in settings}
    return {
        **web,
        "redirectUris": uris,
        "redirectUriSettings": [{"uri": uri, "index": indices.get(uri)} for uri in uris],
    }


def _claims(given: Document) -> Document:
    """Optional claims with all their kinds, and each with all its properties."""
    blank: Document = {"source": None, "essential": False, "additionalProperties": []}
    return {
        kind: [{**blank, **claim} for claim in given.get(kind) or ()]
        for kind in ("idToken", "accessToken", "saml2Token")
    }


def new_service_principal(
    cloud: RehearsalCloud,
    registered: Registered,
    *,
    key: str,
    creator: str | None,
    owner: str | None = None,
) -> Document:
    """The service principal of a registered application in the tenant that asks for it."""
    now = cloud.clock.now()
    return {
        **_blank_principal(key),
        "createdDateTime": timestamp(now, fraction=False),
        "appOwnerOrganizationId": registered.tenant,
        "displayName": registered.document["displayName"],
        "verifiedPublisher": registered.document["verifiedPublisher"],
        "info": registered.document["info"],
        "_created": now,
        "_creator": creator,
        "_owners": [owner] if owner else [],
        **mirrored(registered.document),
    }


def is_switched_off(application: Document) -> bool:
    """Whether its owner or Microsoft has disabled it: no new tokens, in any directory."""
    return bool(application["isDisabled"] or application["disabledByMicrosoftStatus"])


def mirrored(application: Document) -> Document:
    """What a service principal copies from its application, and goes on copying."""
    redirects = [
        uri
        for platform in ("web", "publicClient", "spa")
        for uri in (application.get(platform) or {}).get("redirectUris", [])
    ]
    return {
        "appId": application["appId"],
        "appDisplayName": application["displayName"],
        "appDescription": application.get("description"),
        "appRoles": application["appRoles"],
        "oauth2PermissionScopes": application["api"]["oauth2PermissionScopes"],
        "replyUrls": redirects,
        "servicePrincipalNames": [application["appId"], *application["identifierUris"]],
        "signInAudience": application["signInAudience"],
        "isDisabled": application.get("isDisabled"),
        "disabledByMicrosoftStatus": application.get("disabledByMicrosoftStatus"),
    }


def first_party_principal(tenant: str, application: first_party_apps.FirstParty) -> Document:
    """The service principal of one of Microsoft's own applications."""
    blank: Document = {
        "appId": application.app_id,
        "displayName": application.name,
        "description": None,
        "appRoles": [
            {
                "allowedMemberTypes": ["Application"],
                "description": role.about,
                "displayName": role.about,
                "id": role.id,
                "isEnabled": True,
                "origin": "Application",
                "value": role.value,
            }
            for role in application.roles
        ],
        "api": {
            "oauth2PermissionScopes": [
                {
                    "adminConsentDescription": scope.about,
                    "adminConsentDisplayName": scope.about,
                    "id": scope.id,
                    "isEnabled": True,
                    "type": "Admin" if scope.admin else "User",
                    "userConsentDescription": scope.about,
                    "userConsentDisplayName": scope.about,
                    "value": scope.value,
                }
                for scope in application.scopes
            ]
        },
        "identifierUris": list(application.names),
        "signInAudience": "AzureADMultipleOrgs",
    }
    return {
        **_blank_principal(world.derived_id("servicePrincipal", tenant, application.app_id)),
        "createdDateTime": "2024-01-15T09:00:00Z",
        "appOwnerOrganizationId": first_party_apps.MICROSOFT_TENANT,
        "displayName": application.name,
        "_created": 0.0,
        "_creator": None,
        "_owners": [],
        **mirrored(blank),
    }


def find_application(cloud: RehearsalCloud, app_id: str) -> Registered | None:
    """The registered application of that client id, in whichever tenant, replicated or not."""
    wanted = app_id.lower()
    for tenant in cloud.store.tenants_of(APPLICATION):
        for key, document in cloud.store.all_latest(APPLICATION, tenant):
            if document["appId"] == wanted:
                return Registered(tenant, key, document)
    return None


def find_principal(cloud: RehearsalCloud, tenant: str, app_id: str) -> Document | None:
    """The newest version of an application's service principal in a tenant."""
    wanted = app_id.lower()
    for _, document in cloud.store.all_latest(SERVICE_PRINCIPAL, tenant):
        if document["appId"] == wanted:
            return document
    return None


def find_resource(cloud: RehearsalCloud, tenant: str, name: str) -> Document | None:
    """The service principal that answers to an application id or one of its names."""
    wanted = name.lower().rstrip("/")
    for _, document in cloud.store.all_latest(SERVICE_PRINCIPAL, tenant):
        names = (document["appId"], *document["servicePrincipalNames"])
        if any(known.lower().rstrip("/") == wanted for known in names):
            return document
    return None


def granted_scopes(
    cloud: RehearsalCloud, tenant: str, client: str, resource: str, user: str
) -> list[str]:
    """The delegated permissions that a client's principal holds on a resource for a person."""
    scopes: dict[str, None] = {}
    for _, grant in cloud.store.all_latest(GRANT, tenant):
        if (
            grant["clientId"] == client
            and grant["resourceId"] == resource
            and (grant["consentType"] == "AllPrincipals" or grant["principalId"] == user)
        ):
            scopes.update(dict.fromkeys((grant["scope"] or "").split()))
    return list(scopes)


def held_roles(cloud: RehearsalCloud, tenant: str, principal: str, resource: Document) -> list[str]:
    """The application permissions that a principal holds on a resource."""
    names = {role["id"]: role["value"] for role in resource["appRoles"]}
    return [
        names[assignment["appRoleId"]]
        for _, assignment in cloud.store.all_latest(ASSIGNMENT, tenant)
        if assignment["principalId"] == principal
        and assignment["resourceId"] == resource["id"]
        and assignment["appRoleId"] in names
    ]


def grant_id(client: str, resource: str, principal: str | None) -> str:
    """The id of a delegated grant: its parties, which is why there can be only one."""
    parties = [client, resource, *([principal] if principal else [])]
    return _packed(uuid.UUID(party) for party in parties)


def assignment_id(principal: str) -> str:
    """A new id for an app role assignment."""
    return _packed((uuid.UUID(principal), uuid.uuid4()))


def put_grant(
    cloud: RehearsalCloud,
    tenant: str,
    client: str,
    resource: str,
    scopes: Iterable[str],
    principal: str | None = None,
    *,
    lag: str = "grant_created",
) -> Document:
    """Write a delegated grant, new or in the place of the one between the same parties."""
    key = grant_id(client, resource, principal)
    document: Document = {
        "clientId": client,
        "consentType": "Principal" if principal else "AllPrincipals",
        "id": key,
        "principalId": principal,
        "resourceId": resource,
        "scope": " ".join(scopes),
    }
    cloud.store.put(GRANT, tenant, key, document, lag)
    return document


def put_assignment(
    cloud: RehearsalCloud,
    tenant: str,
    principal: Document,
    resource: Document,
    role: str,
    *,
    lag: str = "grant_created",
) -> Document:
    """Give a service principal an application permission on a resource."""
    key = assignment_id(principal["id"])
    document: Document = {
        "id": key,
        "deletedDateTime": None,
        "appRoleId": role,
        "createdDateTime": timestamp(cloud.clock.now()),
        "principalDisplayName": principal["displayName"],
        "principalId": principal["id"],
        "principalType": "ServicePrincipal",
        "resourceDisplayName": resource["displayName"],
        "resourceId": resource["id"],
    }
    cloud.store.put(ASSIGNMENT, tenant, key, document, lag)
    return document


def public(document: Document) -> Document:
    """The document without what never leaves the directory."""
    return {name: value for name, value in document.items() if not name.startswith("_")}


def _blank_principal(key: str) -> Document:
    return {
        "id": key,
        "deletedDateTime": None,
        "accountEnabled": True,
        "alternativeNames": [],
        "createdDateTime": None,
        "appOwnerOrganizationId": None,
        "appRoleAssignmentRequired": False,
        "applicationTemplateId": None,
        "description": None,
        "disabledByMicrosoftStatus": None,
        "displayName": None,
        "homepage": None,
        "isDisabled": None,
        "loginUrl": None,
        "logoutUrl": None,
        "notes": None,
        "notificationEmailAddresses": [],
        "preferredSingleSignOnMode": None,
        "preferredTokenSigningKeyThumbprint": None,
        "resourceSpecificApplicationPermissions": [],
        "samlSingleSignOnSettings": None,
        "servicePrincipalType": "Application",
        "tags": [],
        "tokenEncryptionKeyId": None,
        "verifiedPublisher": _unverified(),
        "addIns": [],
        "info": _info(),
        "keyCredentials": [],
        "passwordCredentials": [],
        "_keys": {},
        "_secrets": {},
    }


def _packed(ids: Iterable[uuid.UUID]) -> str:
    raw = b"".join(part.bytes_le for part in ids)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _api() -> Document:
    return {
        "acceptMappedClaims": None,
        "knownClientApplications": [],
        "requestedAccessTokenVersion": None,
        "oauth2PermissionScopes": [],
        "preAuthorizedApplications": [],
    }


def _redirects() -> Document:
    return {"redirectUris": []}


def _unverified() -> Document:
    return {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None}


def _info() -> Document:
    return {
        "termsOfServiceUrl": None,
        "supportUrl": None,
        "privacyStatementUrl": None,
        "marketingUrl": None,
        "logoUrl": None,
    }


def _web() -> dict[str, Any]:
    return {
        "homePageUrl": None,
        "logoutUrl": None,
        "redirectUris": [],
        "implicitGrantSettings": {
            "enableAccessTokenIssuance": False,
            "enableIdTokenIssuance": False,
        },
        "redirectUriSettings": [],
    }
