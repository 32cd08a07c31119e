"""What Microsoft Graph has and the rehearsal does not, as far as programs about applications ask.

Source: Graph v1.0 reference: the entity container, and the navigation properties and actions of the
resources that are stood in for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bcrunbook.rehearsal.not_stood_in import NotStoodIn

_AT_THE_TOP: Final = """
admin agreementAcceptances agreements applicationTemplates appCatalogs appRoleAssignments auditLogs
authenticationMethodConfigurations authenticationMethodsPolicy certificateBasedAuthConfiguration
chats communications connections contacts contracts copilot dataPolicyOperations deviceAppManagement
deviceManagement devices directoryRoleTemplates drive drives education employeeExperience external
filterOperators functions groupLifecyclePolicies groups groupSettings groupSettingTemplates identity
identityGovernance identityProtection identityProviders informationProtection invitations
permissionGrants places planner print privacy reports roleManagement schemaExtensions
scopedRoleMemberships search security shares sites solutions storage subscribedSkus subscriptions
teams teamsTemplates teamwork tenantRelationships
"""
_OF_AN_APPLICATION: Final = """
addKey checkMemberGroups checkMemberObjects createdOnBehalfOf extensionProperties getMemberGroups
getMemberObjects homeRealmDiscoveryPolicies logo removeKey synchronization tokenIssuancePolicies
tokenLifetimePolicies
"""
_OF_A_PRINCIPAL: Final = """
addKey addPassword addTokenSigningCertificate checkMemberGroups checkMemberObjects
claimsMappingPolicies createdObjects delegatedPermissionClassifications endpoints
getMemberGroups getMemberObjects homeRealmDiscoveryPolicies memberOf ownedObjects
remoteDesktopSecurityConfiguration removeKey removePassword synchronization tokenIssuancePolicies
tokenLifetimePolicies transitiveMemberOf
"""
_OF_A_USER: Final = """
activities appRoleAssignments authentication calendar calendars chats contacts createdObjects
directReports drive drives events joinedTeams licenseDetails mailFolders manager messages
oauth2PermissionGrants onenote ownedDevices ownedObjects photo planner presence registeredDevices
sendMail settings sponsors todo
"""
_OF_POLICIES: Final = """
activityBasedTimeoutPolicies adminConsentRequestPolicy authenticationFlowsPolicy
authenticationMethodsPolicy authenticationStrengthPolicies authorizationPolicy
claimsMappingPolicies conditionalAccessPolicies crossTenantAccessPolicy deviceRegistrationPolicy
featureRolloutPolicies homeRealmDiscoveryPolicies identitySecurityDefaultsEnforcementPolicy
permissionGrantPolicies roleManagementPolicies roleManagementPolicyAssignments tokenIssuancePolicies
tokenLifetimePolicies
"""
_OF_THE_DIRECTORY: Final = """
administrativeUnits attributeSets customSecurityAttributeDefinitions deviceLocalCredentials
federationConfigurations onPremisesSynchronization publicKeyInfrastructure subscriptions
"""
_BELOW: Final = {
    "applications/*": _OF_AN_APPLICATION,
    "applications": "delta getByIds validateProperties",
    "servicePrincipals/*": _OF_A_PRINCIPAL,
    "servicePrincipals": "delta getByIds validateProperties",
    "users/*": f"{_OF_A_USER} memberOf transitiveMemberOf",
    "users": "delta",
    "me": _OF_A_USER,
    "organization/*": "branding certificateBasedAuthConfiguration extensions",
    "policies": _OF_POLICIES,
    "directory": _OF_THE_DIRECTORY,
    "directory/deletedItems": "administrativeUnit device group user",
    "domains/*": "federationConfiguration serviceConfigurationRecords verificationDnsRecords",
    "directoryRoles/*": "members scopedMembers",
    "directoryObjects": "getByIds validateProperties delta",
}


def _addresses() -> Iterator[str]:
    yield from (f"*/{name}/**" for name in _AT_THE_TOP.split())
    for above, names in _BELOW.items():
        yield from (f"*/{above}/{name}/**" for name in names.split())
        # With a key in brackets the name stands alone.
        if above.endswith("s/*"):
            yield from (f"*/{above[:-2]}/{name}/**" for name in names.split())
    yield from ("POST */users", "PATCH */users/*", "DELETE */users/*", "PATCH */organization/*")


ELSEWHERE: Final = NotStoodIn(_addresses())
"""Below the root of the host, whatever the version."""
