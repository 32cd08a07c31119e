"""What Microsoft Graph has and the rehearsal does not, as far as programs about applications ask.

Source: Graph v1.0 reference: the entity container, and the navigation properties and actions of the
resources that are stood in for, as Microsoft's SDK has them (contract G24.11).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bcrunbook.rehearsal.not_stood_in import NotStoodIn

_AT_THE_TOP: Final = """
admin agreementAcceptances agreements appCatalogs applicationTemplates auditLogs
authenticationMethodConfigurations authenticationMethodsPolicy certificateBasedAuthConfiguration
chats communications compliance connections contacts contracts copilot dataPolicyOperations
deviceAppManagement deviceManagement devices directoryRoleTemplates domainDnsRecords drive drives
education employeeExperience external filterOperators functions groupLifecyclePolicies groups
groupSettings groupSettingTemplates identity identityGovernance identityProtection identityProviders
informationProtection invitations permissionGrants places planner print privacy reports
roleManagement schemaExtensions scopedRoleMemberships search security shares sites solutions storage
subscribedSkus subscriptions teams teamsTemplates teamwork tenantRelationships
"""
_OF_AN_APPLICATION: Final = """
addKey checkMemberGroups checkMemberObjects createdOnBehalfOf extensionProperties getMemberGroups
getMemberObjects homeRealmDiscoveryPolicies logo removeKey synchronization tokenIssuancePolicies
tokenLifetimePolicies
"""
_OF_A_PRINCIPAL: Final = """
addKey addTokenSigningCertificate appManagementPolicies checkMemberGroups checkMemberObjects
claimsMappingPolicies createdObjects delegatedPermissionClassifications endpoints
federatedIdentityCredentials getMemberGroups getMemberObjects homeRealmDiscoveryPolicies memberOf
oauth2PermissionGrants ownedObjects remoteDesktopSecurityConfiguration removeKey restore
synchronization tokenIssuancePolicies tokenLifetimePolicies transitiveMemberOf
"""
_OF_A_USER: Final = """
activities adhocCalls agreementAcceptances appRoleAssignments assignLicense authentication calendar
calendarGroups calendars calendarView changePassword chats checkMemberGroups checkMemberObjects
cloudClipboard cloudPCs contactFolders contacts createdObjects dataSecurityAndGovernance
deviceManagementTroubleshootingEvents directReports drive drives employeeExperience events
exportDeviceAndAppManagementData exportPersonalData extensions findMeetingTimes followedSites
getMailTips getManagedAppDiagnosticStatuses getManagedAppPolicies getManagedDevicesWithAppFailures
getMemberGroups getMemberObjects inferenceClassification insights joinedTeams licenseDetails
mailboxSettings mailFolders managedAppRegistrations managedDevices manager messages notes
oauth2PermissionGrants onenote onlineMeetings onPremisesSyncBehavior outlook ownedDevices
ownedObjects people permissionGrants photo photos planner presence registeredDevices reminderView
removeAllDevicesFromManagement reprocessLicenseAssignment restore retryServiceProvisioning
revokeSignInSessions scopedRoleMemberOf sendMail serviceProvisioningErrors settings solutions
sponsorOf sponsors teamwork todo translateExchangeIds wipeManagedAppRegistrationsByDeviceTag
"""
_OF_POLICIES: Final = """
activityBasedTimeoutPolicies adminConsentRequestPolicy authenticationFlowsPolicy
authenticationMethodsPolicy authenticationStrengthPolicies authorizationPolicy claimsMappingPolicies
conditionalAccessPolicies crossTenantAccessPolicy deviceRegistrationPolicy featureRolloutPolicies
federatedTokenValidationPolicy homeRealmDiscoveryPolicies identitySecurityDefaultsEnforcementPolicy
ownerlessGroupPolicy permissionGrantPolicies roleManagementPolicies roleManagementPolicyAssignments
tokenIssuancePolicies tokenLifetimePolicies
"""
_OF_THE_DIRECTORY: Final = """
administrativeUnits attributeSets customSecurityAttributeDefinitions deviceLocalCredentials
federationConfigurations onPremisesSynchronization publicKeyInfrastructure recovery
remoteTenantGroups subscriptions tenantGovernance
"""
_OF_A_COLLECTION: Final = "delta getAvailableExtensionProperties getByIds validateProperties"
_BELOW: Final = {
    "applications/*": _OF_AN_APPLICATION,
    "applications": _OF_A_COLLECTION,
    "servicePrincipals/*": _OF_A_PRINCIPAL,
    "servicePrincipals": _OF_A_COLLECTION,
    "users/*": f"{_OF_A_USER} memberOf transitiveMemberOf",
    "users": _OF_A_COLLECTION,
    "me": _OF_A_USER,
    "organization/*": "branding certificateBasedAuthConfiguration extensions"
    " setMobileDeviceManagementAuthority",
    "policies": _OF_POLICIES,
    "directory": _OF_THE_DIRECTORY,
    "directory/deletedItems": "administrativeUnit device group user",
    "domains/*": "domainNameReferences federationConfiguration forceDelete promote rootDomain"
    " serviceConfigurationRecords verificationDnsRecords verify",
    "directoryRoles/*": "members scopedMembers",
    "oauth2PermissionGrants": "delta",
    "directoryObjects": _OF_A_COLLECTION,
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
