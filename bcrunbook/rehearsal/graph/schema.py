"""The properties of the resources, their types, and the check of a body against them.

Source: Graph v1.0 reference, resource types. A type is written as: `str`, `bool`, `int`, `guid`,
`date`, `base64`, `@name` for a complex type, `[x]` for a collection. Collections are never null.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Final

from bcrunbook.rehearsal.clock import parse_timestamp
from bcrunbook.rehearsal.graph.errors import GraphError, bad_request

GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
INT32: Final = range(-(2**31), 2**31)

TYPES: Final[dict[str, dict[str, str]]] = {
    "application": {
        "id": "str",
        "deletedDateTime": "date",
        "addIns": "[@addIn]",
        "api": "@apiApplication",
        "appId": "str",
        "appRoles": "[@appRole]",
        "applicationTemplateId": "str",
        "authenticationBehaviors": "@authenticationBehaviors",
        "certification": "@certification",
        "createdByAppId": "str",
        "createdDateTime": "date",
        "defaultRedirectUri": "str",
        "description": "str",
        "disabledByMicrosoftStatus": "str",
        "displayName": "str",
        "groupMembershipClaims": "str",
        "identifierUris": "[str]",
        "info": "@informationalUrl",
        "isDeviceOnlyAuthSupported": "bool",
        "isDisabled": "bool",
        "isFallbackPublicClient": "bool",
        "keyCredentials": "[@keyCredential]",
        "logo": "base64",
        "nativeAuthenticationApisEnabled": "str",
        "notes": "str",
        "oauth2RequirePostResponse": "bool",
        "optionalClaims": "@optionalClaims",
        "parentalControlSettings": "@parentalControlSettings",
        "passwordCredentials": "[@passwordCredential]",
        "publicClient": "@publicClientApplication",
        "publisherDomain": "str",
        "requestSignatureVerification": "@requestSignatureVerification",
        "requiredResourceAccess": "[@requiredResourceAccess]",
        "samlMetadataUrl": "str",
        "serviceManagementReference": "str",
        "servicePrincipalLockConfiguration": "@servicePrincipalLockConfiguration",
        "signInAudience": "str",
        "spa": "@spaApplication",
        "tags": "[str]",
        "tokenEncryptionKeyId": "guid",
        "uniqueName": "str",
        "verifiedPublisher": "@verifiedPublisher",
        "web": "@webApplication",
    },
    "servicePrincipal": {
        "id": "str",
        "deletedDateTime": "date",
        "accountEnabled": "bool",
        "addIns": "[@addIn]",
        "alternativeNames": "[str]",
        "appDescription": "str",
        "appDisplayName": "str",
        "appId": "str",
        "appOwnerOrganizationId": "guid",
        "appRoleAssignmentRequired": "bool",
        "appRoles": "[@appRole]",
        "applicationTemplateId": "str",
        "createdDateTime": "date",
        "description": "str",
        "disabledByMicrosoftStatus": "str",
        "displayName": "str",
        "homepage": "str",
        "info": "@informationalUrl",
        "isDisabled": "bool",
        "keyCredentials": "[@keyCredential]",
        "loginUrl": "str",
        "logoutUrl": "str",
        "notes": "str",
        "notificationEmailAddresses": "[str]",
        "oauth2PermissionScopes": "[@permissionScope]",
        "passwordCredentials": "[@passwordCredential]",
        "preferredSingleSignOnMode": "str",
        "preferredTokenSigningKeyThumbprint": "str",
        "replyUrls": "[str]",
        "resourceSpecificApplicationPermissions": "[@resourceSpecificPermission]",
        "samlSingleSignOnSettings": "@samlSingleSignOnSettings",
        "servicePrincipalNames": "[str]",
        "servicePrincipalType": "str",
        "signInAudience": "str",
        "tags": "[str]",
        "tokenEncryptionKeyId": "guid",
        "verifiedPublisher": "@verifiedPublisher",
    },
    "oAuth2PermissionGrant": {
        "id": "str",
        "clientId": "str",
        "consentType": "str",
        "principalId": "str",
        "resourceId": "str",
        "scope": "str",
        # Older clients still send these two; the service takes and forgets them.
        "startTime": "date",
        "expiryTime": "date",
    },
    "appRoleAssignment": {
        "id": "str",
        "deletedDateTime": "date",
        "appRoleId": "guid",
        "createdDateTime": "date",
        "principalDisplayName": "str",
        "principalId": "guid",
        "principalType": "str",
        "resourceDisplayName": "str",
        "resourceId": "guid",
    },
    "federatedIdentityCredential": {
        "id": "str",
        "audiences": "[str]",
        "description": "str",
        "issuer": "str",
        "name": "str",
        "subject": "str",
    },
    "organization": {
        "id": "str",
        "deletedDateTime": "date",
        "assignedPlans": "[@assignedPlan]",
        "businessPhones": "[str]",
        "city": "str",
        "country": "str",
        "countryLetterCode": "str",
        "createdDateTime": "date",
        "defaultUsageLocation": "str",
        "directorySizeQuota": "@directorySizeQuota",
        "displayName": "str",
        "isMultipleDataLocationsForServicesEnabled": "bool",
        "marketingNotificationEmails": "[str]",
        "onPremisesLastSyncDateTime": "date",
        "onPremisesSyncEnabled": "bool",
        "onPremisesSyncStatus": "[@onPremisesSyncStatus]",
        "partnerTenantType": "str",
        "postalCode": "str",
        "preferredLanguage": "str",
        "privacyProfile": "@privacyProfile",
        "provisionedPlans": "[@provisionedPlan]",
        "securityComplianceNotificationMails": "[str]",
        "securityComplianceNotificationPhones": "[str]",
        "state": "str",
        "street": "str",
        "technicalNotificationMails": "[str]",
        "tenantType": "str",
        "verifiedDomains": "[@verifiedDomain]",
    },
    "user": {
        "id": "str",
        "deletedDateTime": "date",
        "accountEnabled": "bool",
        "businessPhones": "[str]",
        "displayName": "str",
        "givenName": "str",
        "jobTitle": "str",
        "mail": "str",
        "mobilePhone": "str",
        "officeLocation": "str",
        "preferredLanguage": "str",
        "surname": "str",
        "userPrincipalName": "str",
        "userType": "str",
    },
    "domain": {
        "id": "str",
        "authenticationType": "str",
        "isDefault": "bool",
        "isInitial": "bool",
        "isRoot": "bool",
        "isVerified": "bool",
        "supportedServices": "[str]",
    },
    "directoryRole": {
        "id": "str",
        "deletedDateTime": "date",
        "description": "str",
        "displayName": "str",
        "roleTemplateId": "str",
    },
    "directoryObject": {"id": "str", "deletedDateTime": "date"},
    "appManagementPolicy": {
        "id": "str",
        "displayName": "str",
        "description": "str",
        "isEnabled": "bool",
        "restrictions": "@appManagementConfiguration",
    },
    "tenantAppManagementPolicy": {
        "id": "str",
        "deletedDateTime": "date",
        "displayName": "str",
        "description": "str",
        "isEnabled": "bool",
        "applicationRestrictions": "@appManagementConfiguration",
        "servicePrincipalRestrictions": "@appManagementConfiguration",
    },
    "appManagementConfiguration": {
        "keyCredentials": "[@credentialConfiguration]",
        "passwordCredentials": "[@credentialConfiguration]",
    },
    "credentialConfiguration": {
        "restrictionType": "str",
        "state": "str",
        "maxLifetime": "str",
        "restrictForAppsCreatedAfterDateTime": "date",
    },
    "addIn": {"id": "guid", "properties": "[@keyValue]", "type": "str"},
    "keyValue": {"key": "str", "value": "str"},
    "apiApplication": {
        "acceptMappedClaims": "bool",
        "knownClientApplications": "[guid]",
        "oauth2PermissionScopes": "[@permissionScope]",
        "preAuthorizedApplications": "[@preAuthorizedApplication]",
        "requestedAccessTokenVersion": "int",
    },
    "appRole": {
        "allowedMemberTypes": "[str]",
        "description": "str",
        "displayName": "str",
        "id": "guid",
        "isEnabled": "bool",
        "origin": "str",
        "value": "str",
    },
    "authenticationBehaviors": {
        "blockAzureADGraphAccess": "bool",
        "removeUnverifiedEmailClaim": "bool",
        "requireClientServicePrincipal": "bool",
    },
    "certification": {
        "certificationDetailsUrl": "str",
        "certificationExpirationDateTime": "date",
        "isCertifiedByMicrosoft": "bool",
        "isPublisherAttested": "bool",
        "lastCertificationDateTime": "date",
    },
    "informationalUrl": {
        "logoUrl": "str",
        "marketingUrl": "str",
        "privacyStatementUrl": "str",
        "supportUrl": "str",
        "termsOfServiceUrl": "str",
    },
    "keyCredential": {
        "customKeyIdentifier": "str",
        "displayName": "str",
        "endDateTime": "date",
        "key": "base64",
        "keyId": "guid",
        "startDateTime": "date",
        "type": "str",
        "usage": "str",
    },
    "passwordCredential": {
        "customKeyIdentifier": "str",
        "displayName": "str",
        "endDateTime": "date",
        "hint": "str",
        "keyId": "guid",
        "secretText": "str",
        "startDateTime": "date",
    },
    "optionalClaims": {
        "accessToken": "[@optionalClaim]",
        "idToken": "[@optionalClaim]",
        "saml2Token": "[@optionalClaim]",
    },
    "optionalClaim": {
        "additionalProperties": "[str]",
        "essential": "bool",
        "name": "str",
        "source": "str",
    },
    "parentalControlSettings": {
        "countriesBlockedForMinors": "[str]",
        "legalAgeGroupRule": "str",
    },
    "permissionScope": {
        "adminConsentDescription": "str",
        "adminConsentDisplayName": "str",
        "id": "guid",
        "isEnabled": "bool",
        "origin": "str",
        "type": "str",
        "userConsentDescription": "str",
        "userConsentDisplayName": "str",
        "value": "str",
    },
    "preAuthorizedApplication": {"appId": "str", "delegatedPermissionIds": "[str]"},
    "publicClientApplication": {"redirectUris": "[str]"},
    "spaApplication": {"redirectUris": "[str]"},
    "redirectUriSettings": {"index": "int", "uri": "str"},
    "requestSignatureVerification": {
        "allowedWeakAlgorithms": "str",
        "isSignedRequestRequired": "bool",
    },
    "requiredResourceAccess": {
        "resourceAccess": "[@resourceAccess]",
        "resourceAppId": "guid",
    },
    "resourceAccess": {"id": "guid", "type": "str"},
    "resourceSpecificPermission": {
        "description": "str",
        "displayName": "str",
        "id": "guid",
        "isEnabled": "bool",
        "value": "str",
    },
    "samlSingleSignOnSettings": {"relayState": "str"},
    "servicePrincipalLockConfiguration": {
        "allProperties": "bool",
        "credentialsWithUsageSign": "bool",
        "credentialsWithUsageVerify": "bool",
        "isEnabled": "bool",
        "tokenEncryptionKeyId": "bool",
    },
    "verifiedPublisher": {
        "addedDateTime": "date",
        "displayName": "str",
        "verifiedPublisherId": "str",
    },
    "webApplication": {
        "homePageUrl": "str",
        "implicitGrantSettings": "@implicitGrantSettings",
        "logoutUrl": "str",
        "redirectUriSettings": "[@redirectUriSettings]",
        "redirectUris": "[str]",
    },
    "implicitGrantSettings": {
        "enableAccessTokenIssuance": "bool",
        "enableIdTokenIssuance": "bool",
    },
    "removePassword": {"keyId": "guid"},
    "addPassword": {"passwordCredential": "@passwordCredential"},
    "setVerifiedPublisher": {"verifiedPublisherId": "str"},
    "restore": {"autoReconcileProxyConflict": "bool"},
    "reference": {"@odata.id": "str"},
}

TYPES["owner"] = {**TYPES["application"], **TYPES["servicePrincipal"], **TYPES["user"]}
"""Whatever may stand in a collection of directory objects."""

READ_ONLY: Final = {
    "application": (
        "id",
        "appId",
        "deletedDateTime",
        "applicationTemplateId",
        "certification",
        "createdByAppId",
        "createdDateTime",
        "disabledByMicrosoftStatus",
        "publisherDomain",
        "verifiedPublisher",
    ),
    "servicePrincipal": (
        "id",
        "deletedDateTime",
        "appDescription",
        "appDisplayName",
        "appOwnerOrganizationId",
        "applicationTemplateId",
        "createdDateTime",
        "disabledByMicrosoftStatus",
        "signInAudience",
        "verifiedPublisher",
    ),
}


def checked(type_name: str, value: Any) -> dict[str, Any]:
    """The body, once it is known to fit the type; annotations are left out."""
    if not isinstance(value, Mapping):
        raise bad_request("Empty Payload. JSON content expected.")
    body = _complex(type_name, value, "")
    for name in READ_ONLY.get(type_name, ()):
        if body.get(name) is not None:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.", target=name)
        body.pop(name, None)
    return body


def _complex(type_name: str, value: Mapping[str, Any], path: str) -> dict[str, Any]:
    properties = TYPES[type_name]
    result: dict[str, Any] = {}
    for name, item in value.items():
        if "@odata." in name and name not in properties:
            continue
        if name not in properties:
            raise bad_request(f"Invalid property '{name}'.", target=f"{path}{name}")
        result[name] = _typed(properties[name], item, f"{path}{name}")
    return result


def _typed(kind: str, value: Any, path: str) -> Any:
    if kind.startswith("["):
        if not isinstance(value, list):
            raise _wrong(path, "a collection")
        return [_present(kind[1:-1], item, path) for item in value]
    if value is None:
        return None
    if kind.startswith("@"):
        if not isinstance(value, Mapping):
            raise _wrong(path, "an object")
        return _complex(kind[1:], value, f"{path}.")
    return _primitive(kind, value, path)


def _present(kind: str, value: Any, path: str) -> Any:
    if value is None:
        raise bad_request(
            f"A null value was found in the collection property '{path}'.", target=path
        )
    return _typed(kind, value, path)


def _primitive(kind: str, value: Any, path: str) -> Any:
    if kind == "bool":
        if not isinstance(value, bool):
            raise _wrong(path, "a Boolean value")
        return value
    if kind == "int":
        if isinstance(value, bool) or not isinstance(value, int) or value not in INT32:
            raise _wrong(path, "an Int32 value")
        return value
    if not isinstance(value, str):
        raise _wrong(path, "a string")
    if kind == "guid" and not GUID.fullmatch(value):
        raise _wrong(path, "a GUID")
    if kind == "date":
        try:
            parse_timestamp(value)
        except ValueError as problem:
            raise _wrong(path, "a date and time with an offset") from problem
    if kind == "base64":
        try:
            # Line breaks are no fault of a certificate (contract G7.15).
            base64.b64decode("".join(value.split()), validate=True)
        except ValueError as problem:
            raise _wrong(path, "a Base64 value") from problem
    return value


def _wrong(path: str, wanted: str) -> GraphError:
    return bad_request(
        f"Cannot convert the value of property '{path}': {wanted} was expected.", target=path
    )
