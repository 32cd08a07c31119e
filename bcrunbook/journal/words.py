"""What a journal may say: the names, codes and headers that the services publish, and nothing else.

It is a list of what is let through, not of what is kept back. A name that is on no list may still
be told if each of its words is a word of the lists (`isDisabled` is made of `is` and `disabled`):
that is how a field shows that a service has added. What a customer, a person or a tenant is called
is no such word.

Source of the names: the pages that docs/contracts name.
"""

from __future__ import annotations

import re
from typing import Final


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIELDS: Final = _listed(
    """
@odata.context @odata.count @odata.etag @odata.id @odata.nextLink @odata.type _links aadTenantId
acceptIsvEula acceptLanguage acceptMappedClaims access_token accessToken account_type
accountEnabled accountTransactions accountType acct addedDateTime addIn addIns
additionalProperties addPassword addressLine1 addressLine2 admin_consent adminConsentDescription
adminConsentDisplayName aliases allowedMemberTypes allowedOrigins allowedWeakAlgorithms
allProperties alternativeNames api api-version apiApplication apiKey app app_displayname
appDescription appDisplayName appId appid appidacr appInsightsKey application applicationFamily
applicationRestrictions applications applicationTemplateId applicationVersion
appManagementPolicy appManagementPolicyInPortal appOwnerOrganizationId appRole appRoleAssignment
appRoleAssignmentRequired appRoleId appRoles AppSourceAppsUpdateCadence appType appVersion
assignedDateTime assignedPlans attempts attributes aud audiences authenticationBehaviors
authenticationType authority authorization_endpoint autoReconcileProxyConflict azp azpacr
balanceDue balanceSheet bankAccounts banking-accountBalances banking-accounts
banking-transactionCategories banking-transactions bankTransactions billCreditNotes billPayments
bills blockAzureADGraphAccess blocked body businessPhones businessProfileId canBeCanceled
canBeRetried canBeUninstalled canceledBy capabilities cashFlowStatement category certification
certificationDetailsUrl certificationExpirationDateTime challenge chartOfAccounts city claims
claims_supported client client-request-id client_assertion client_assertion_type client_id
client_info client_secret clientId cloud_graph_host_name cloud_instance_name code code_challenge
code_challenge_method code_verifier commerce-companyInfo commerce-customers commerce-disputes
commerce-locations commerce-orders commerce-paymentMethods commerce-payments
commerce-productCategories commerce-products commerce-taxComponents commerce-transactions
companies company companyId companyInformation companyName companyTags completed completedOn
connection connectionId consentType consumer contentType correlation_id correlationId count
countriesBlockedForMinors country countryCode countryLetterCode created createdBy createdByAppId
createdByUserName createdDate createdDateTime createdOn creatorPrincipalType
credentialsWithUsageSign credentialsWithUsageVerify creditLimit creditNotes currencyCode current
currentFiscalYearStartDate currentStatus customers customKeyIdentifier customPasswordAddition
data dataCenter dataConnectionErrors dataConnections dataProvidedBy dataType datatype
datatypeFeatures date default defaultDomain defaultRedirectUri defaultUsageLocation
delegatedPermissionIds deleteData deletedDate deletedDateTime dependsOn description destination
detailedCode detailedErrorCode details device_authorization_endpoint device_code directCosts
directIncomes directoryObject directoryRole directPosting disabled disabledByMicrosoftStatus
displayName domain domain_name domains email email_verified enableAccessTokenIssuance enabled
enableIdTokenIssuance end_session_endpoint endDateTime enforcedUpdatePeriodStartDate
environmentName environmentType error error_codes error_description error_subcode error_uri
errorCode erroredOnUtc errorMessage errors essential evaluationCompany eventTypes excludeActors
exp experience expires_in expires_on expiresIn expiryTime exportable ext_expires_in
extensionData externalReleaseId family_name faxNumber featureState featureType
federatedIdentityCredential fetchOnFirstLink friendlyName frontchannel_logout_supported geoName
given_name givenName gracePeriodStartDate grant_type groupMembershipClaims headers hint homepage
homePageUrl href http_logout_supported iat iconUrl id id_token
id_token_signing_alg_values_supported identifierUris idp idToken idtyp implicitGrantSettings
index industry info informationalUrl innerError innererror install integrationId integrationKey
interval invoices isBeta isCertifiedByMicrosoft isCompleted isDefault isDeviceOnlyAuthSupported
isDisabled isEnabled isErrored isFallbackPublicClient isInitial isInstalled isLocked
isOfflineConnector isPublisherAttested isRoot iss isSignedRequestRequired issuer
isSupportedForSignIn isVerified itemId itemReceipts items jobTitle journalEntries journals
jwks_uri key keyCredential keyCredentials keyId keys keyValue keyvaultId kid kind
knownClientApplications lastCertificationDateTime lastModifiedDateTime lastOperationId
lastSuccessfulSync lastSync lastUninstallOperationAttemptResult lastUpdateAttemptResult
latestSuccessfulSyncId latestSyncId legalAgeGroupRule links linkUrl linuxAvailability
locationName login_hint loginUrl logo logoUrl logoutUrl mail managed marketingNotificationEmails
marketingUrl maxLifetime maxresults message metadata method mobilePhone modifiedDate
monthsToSync msgraph_host name nativeAuthenticationApisEnabled nbf netChange newEnvironmentName
next nextLink nonce not_before notes notificationEmailAddresses oAuth2PermissionGrant
oauth2PermissionScopes oauth2RequirePostResponse officeLocation oid oldEnvironmentName
onPremisesLastSyncDateTime onPremisesSyncEnabled operation operationID operationType
optionalClaim optionalClaims orderBy organization origin overridesDefaults owner owners
packageId pageNumber pageSize parameters parentalControlSettings partnerTenantType password
passwordAddition passwordCredential passwordCredentials passwordLifetime paymentMethods payments
permissionScope phoneNumber platform platformKey platformName platformVersion
post_logout_redirect_uri postalCode preAuthorizedApplication preAuthorizedApplications
preferred_cache preferred_network preferred_username preferredLanguage preferredSingleSignOnMode
preferredTokenSigningKeyThumbprint previous principalDisplayName principalId principalType
privacyStatementUrl productFamily products profitAndLoss progress prompt properties propertyName
provisionedPlans publicClient publicClientApplication publishedAs publisher publisherDomain
purchaseOrders query rbac_url recoverableDays recoveryId recoveryLevel redirect redirect_uri
redirectUris redirectUriSettings redirectUrl reference referenceSubsidiaryCompanies refresh_in
refresh_token region relayState removePassword removeUnverifiedEmailClaim replyUrls request-id
request_uri_parameter_supported requested requestedAccessTokenVersion requestedOn requestId
requests requestSignatureVerification requireClientServicePrincipal requiredResourceAccess
requirements resolvedOnUtc resource resourceAccess resourceAppId resourceDisplayName resourceId
resourceSpecificApplicationPermissions resourceSpecificPermission response_mode
response_modes_supported response_type response_types_supported responses restore
restrictForAppsCreatedAfterDateTime restrictions restrictionType results ringName roles
roleTemplateId salesOrders salespersonCode saml2Token samlMetadataUrl samlSingleSignOnSettings
schedule scheduledFor scheduledPurgeDate scope scopes_supported scopeType scp secretText
securityComplianceNotificationMails securityComplianceNotificationPhones self service
serviceManagementReference servicePlanId servicePlans servicePrincipal
servicePrincipalLockConfiguration servicePrincipalNames servicePrincipalRestrictions
servicePrincipals servicePrincipalType session_state settings setVerifiedPublisher
signInAudience since skuId skuPartNumber source sourceAppVersion sourceId sourceType
sourceVersion spa spaApplication startDateTime startedOn startsOn startTime state status
statusCode statusDescription statusText street sub subCategory suberror subject
subject_types_supported subscribedSkus suppliers supportedFeatures supportedServices supportUrl
surname symmetricKeyAddition symmetricKeyLifetime syncFromUtc syncFromWindow syncOrder
syncSchedule systemCreatedAt systemCreatedBy systemModifiedAt systemModifiedBy systemVersion
tags target targetAppVersion targetVersion taxLiable taxRates taxRegistrationNumber
technicalNotificationMails tenant tenant_discovery_endpoint tenant_region_scope
tenantAppManagementPolicy tenantCategory tenantId tenantType termsOfServiceUrl ticket tid
timestamp token_endpoint token_endpoint_auth_methods_supported token_type tokenEncryptionKeyId
tokenType totalResults trace_id trackingCategories transfers type uid uninstall
uninstallDependents unique_name uniqueName unpublish update updated upn uri url usage user
user_code userConsentDescription userConsentDisplayName userinfo_endpoint username
userPrincipalName userType uti utid validation value values ver verification_uri
verification_url verifiedDomains verifiedPublisher verifiedPublisherId version versionBuild
versionDetails versionMajor versionMinor versionRevision versions web webApplication
webClientLoginUrl webServiceUrl website whiteListUrls wids
"""
)
"""Names of fields of JSON, and of the forms that are sent to sign in."""

FREE: Final = frozenset({"tags"})
"""Fields whose own fields are called as somebody likes."""

CODES: Final = _listed(
    """
access_denied AccessDenied Application_DialogException Application_ServiceUnavailable
Application_TooManyRequests ApplicationTypeDoesNotExist applicationTypeDoesNotExist
Authentication_InvalidCredentials AuthenticationFailed authorization_declined
Authorization_IdentityNotFound authorization_pending Authorization_RequestDenied bad_token
bad_verification_code BadParameter BadRequest BadRequest_InvalidPageSize
BadRequest_MethodNotAllowed BadRequest_NotFound BadRequest_ResourceNotFound basic_action
consent_required CredentialInvalidLifetimeAsPerAppPolicy CredentialTypeNotAllowedAsPerAppPolicy
Directory_ConcurrencyViolation Directory_ExpiredPageToken Directory_ObjectNotFound
Directory_QuotaExceeded DuplicateValue EntityValidationFailed EnvironmentAppOperationFailed
EnvironmentNotFound environmentNotFound Error_MsaAppDoesNotExist expired_token
ExpiredAuthenticationToken ExtensionChangeFailed FailedDependency Forbidden
ForbiddenByConnection ForbiddenByFirewall ForbiddenByGovernancePolicy ForbiddenByRbac
GenericError HttpMethodNotAllowed insufficient_claims interaction_required
Internal_CompanyNotFound Internal_MetadataSyncError Internal_ServerError
Internal_TenantUnavailable InternalServerError invalid_client invalid_grant invalid_instance
invalid_request invalid_resource invalid_scope invalid_tenant invalid_token
InvalidAccessTokenVersion InvalidAuthenticationToken InvalidAuthenticationTokenAudience
InvalidKeyEndDate InvalidLength InvalidRedirectUri InvalidResourceType InvalidValue
KeyCredentialsInvalidEndDate login_required message_only MethodNotAllowed
MissingApiVersionParameter NoBackingApplicationObject NoEnvironment NotAcceptable ObjectConflict
ObjectIsBeingDeleted ObjectIsBeingRecovered ObjectIsDeletedButRecoverable ObjectMissing
PreconditionFailed PropertyConflict Request_BadRequest Request_EntityChanged
Request_MultipleObjectsWithSameKeyValue Request_ResourceNotFound Request_UnsupportedQuery
RequestNotAllowedOnNonDeletedObject ResourceDoesNotExist ResourceNotFound SecretDisabled
SecretNotFound server_error serviceNotAvailable ServiceUnavailable
SignInAudienceNotAllowedAsPerAppPolicy slow_down temporarily_unavailable TenantSyncFailure
token_expired TooManyAppPasswords TooManyRedirectUris TooManyRequests Unauthorized
unauthorized_client Unknown UnknownError unsupported_grant_type
"""
)
"""Codes of errors: of Graph, Azure, Key Vault and Business Central, and of OAuth."""

SEGMENTS: Final = _listed(
    """
$batch $count $ref .well-known accessToken accounts addPassword admin adminconsent all api
apiKeys application applications appManagementPolicies appRoleAssignedTo appRoleAssignments apps
authorization authorize automation automationCompanies availableUpdates beta branding
BusinessCentral common companies company companyInformation connectionManagement connections
consumers corsSettings customers data dataStatus defaultAppManagementPolicy deletedItems
deletedsecrets deployment devicecode directory directoryObjects directoryRoles discovery domains
environments extensionDeploymentStatus extensions federatedIdentityCredentials history install
instance integrations keys me memberOf microsoft microsoft.graph.application
microsoft.graph.servicePrincipal Microsoft.NAV.install Microsoft.NAV.uninstall
Microsoft.NAV.uninstallAndDeleteExtensionData Microsoft.NAV.unpublish mqjo oauth2
oauth2PermissionGrants oidc openid-configuration operations organization organizations owners
policies profile pteInstall purge queue recover removePassword restore secrets servicePrincipal
servicePrincipals setVerifiedPublisher start subscriptions syncSettings tenants token
transitiveMemberOf trji uninstall unsetVerifiedPublisher update url userinfo userrealm users
v2.0 versions webhooks
"""
)
"""Parts of an address that are the same for everybody."""

PARAMETERS: Final = _listed(
    """
$count $expand $filter $orderby $search $select $skip $skiptoken $top api-version
authorization_endpoint company connectionId environmentType maxresults orderBy page pageSize
query tags
"""
)
"""Names of what is asked for behind an address."""

HEADERS: Final = _listed(
    """
accept accept-encoding accept-language authorization cache-control client-request-id
consistencylevel content-type data-access-intent date deprecation etag idempotency-key if-match
link location ms-correlation-x odata-maxversion odata-version prefer preference-applied
request-id retry-after sunset www-authenticate x-ms-ags-diagnostic x-ms-client-request-id
x-ms-correlation-request-id x-ms-keyvault-network-info x-ms-keyvault-region
x-ms-keyvault-service-version x-ms-ratelimit-remaining-tenant-reads x-ms-request-id
x-ms-resource-unit x-ms-throttle-information x-ms-throttle-limit-percentage x-ms-throttle-scope
x-rate-limit-limit x-rate-limit-remaining x-rate-limit-reset
"""
)
"""Headers that are noted, in small letters; no other is."""

_FURTHER: Final = _listed(
    """
aadsts about absent accept acquire active actor address after aged allowed alternate any
approved array as asked assigned at attempt attribute audit available azure backup basic bearer
before begin blank boolean bound bulk businesscentral by bytes cache cause chain change changed
changes charset check cluster codat codes collection com comment complete condition config
configuration conflict consumer content contract copy core cost create cursor custom customer
cycle day days declined default deferred delay delete deleted denied description detail device
digits direct disable display distinct document done duration dynamics edge edition empty en
enable end entity entry env event events eventual exact exceeded exchange excluded exists
expected expire expired expires export extended external extra failure fault feature field file
filter first flag flags flow for force form format fraction from function general generation get
graph group groups guid gzip has hash head hidden hours html http id image import in included
inner input integer internal invalid io is issue json kept kind kinds label language last latest
lease length level limit limits line list live local lock locked log logical login long main
managed management manager map mapping max maximum media member members microsoft
microsoftonline min minimal minimum minutes missing mode model modified module month months must
name native needed net network new newest next no node none not nothing notification null number
object octet of off offset oldest on only open operation option options or order ordinal
organizational other out outcome outer page part partial party patch path pending per percent
permission permissions phase place plain plan point policy pool position possible preview
primary priority private problem process processed product profile project proof property
protocol public purpose put queue quota range rank rate raw read reader ready reason received
record recovered recovery ref refresh region rehearsal relation release remaining remote removed
replaced reply report repository representation request required reset response restricted
result retry return reversed rights rule rules run safe sample schema seconds secret section
secure security seen sent sequence series server session set setting share short sign signed
size skip snapshot soft sort space span special stage standard start started stated step stop
storage stream string sts success successful summary support supported suspended sync system
table tag team temporary term test text time times to token tokens total trace tracking trial
trigger trusted unit units unknown until upload urlencoded us use used user users utc valid
validity variant vault verified view virtual wait warning week weeks window windows with without
work write written www xml year years z zone
"""
)
"""Further words that interfaces make names of, and those that a journal describes forms by."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LONGEST_NUMBER: Final = 7


def _words_of(text: str) -> set[str]:
    return {word.lower() for word in set(_WORD.findall(text))}


_WORDS: Final = frozenset(
    word
    for names in (FIELDS, FREE, CODES, SEGMENTS, PARAMETERS, HEADERS, _FURTHER)
    for name in names
    for word in _words_of(name)
)


def is_told(text: str) -> bool:
    """Whether a text is made of nothing but words of the lists, short numbers and signs.

    Args:
        text: a name, a code, or what describes a form.
    """
    if not text.isascii():
        return False
    # What else JSON says in words.
    strange = _words_of(text) - _WORDS - {"true", "false", "null"}
    return all(word.isdigit() and len(word) <= _LONGEST_NUMBER for word in strange)
