"""What Business Central's APIs have and the rehearsal does not (contract B6.8, B9.23 and B9.24).

Source: Microsoft docs, the resource pages of the API (v2.0) and of the automation API, and the
pages of the admin centre API.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bcrunbook.rehearsal.not_stood_in import NotStoodIn

_BUSINESS: Final = """
accountingPeriods agedAccountsPayables agedAccountsReceivables apicategoryroutes applyVendorEntries
approvalEntries approvalUserSetups attachments balanceSheets bankAccounts cashFlowStatements
contactInformation contacts countriesRegions currencies currencyExchangeRates customerContacts
customerFinancialDetails customerPaymentJournals customerPayments customerReturnReasons
customerSales defaultDimensions dimensions dimensionSetLines dimensionValues disputeStatus
documentAttachments employees entityDefinitions externalBusinessEventDefinitions
externalEventSubscriptions fixedAssetLocations fixedAssets generalLedgerEntries
generalLedgerEntryAttachments generalLedgerSetup generalProductPostingGroups incomeStatements
inventoryPostingGroups itemCategories itemLedgerEntries items itemVariants jobQueueEntries
jobQueueLogEntries journalLines journals locations opportunities paymentMethods paymentTerms
pdfDocument pictures postedApprovalEntries projects purchaseCreditMemoLines purchaseCreditMemos
purchaseInvoiceLines purchaseInvoices purchaseOrderLines purchaseOrders purchaseReceiptLines
purchaseReceipts retainedEarningsStatements salesCreditMemoLines salesCreditMemos salesInvoiceLines
salesInvoices salesOrderLines salesOrders salespeoplePurchasers salesQuoteLines salesQuotes
salesShipmentLines salesShipments shipmentMethods taxAreas taxGroups timeRegistrationEntries
trialBalances unitsOfMeasure vendorPaymentJournals vendorPayments vendorPurchases vendors
workflowApprovers
"""
_AUTOMATION: Final = """
auditLogs configurationPackages configurationPackageFiles extensionUpload features
permissionSetAssignments permissionSets profiles scheduledJobs securityGroupMembers securityGroups
userGroupMembers userGroupPermissions userGroups userPermissions users userSettings
"""
_ADMIN_OF_AN_ENVIRONMENT: Final = (
    *("apps/pteInstall", "apps/scheduledPteOperations", "apps/*/removeScheduledPteVersion"),
    *("apps/*/uninstallRequirements", "apps/*/update/cancel"),
    *("availableRestorePeriods", "copy", "recover", "rename", "restart", "restore"),
    *("sessions/**", "settings/**", "telemetry", "updates/**", "upgrade/**"),
    "usedstorage",
)
_WRITES: Final = ("POST", "PATCH", "PUT", "DELETE")


def _addresses() -> Iterator[str]:
    yield "v1.0/**"
    # The tenant may stand before the environment.
    for environment in ("v2.0/*", "v2.0/*/*"):
        yield f"{environment}/ODataV4/**"
        yield f"{environment}/WS/**"
        business = f"{environment}/api/v2.0"
        yield f"{business}/subscriptions/**"
        yield f"{environment}/api/v1.0/**"
        yield f"{environment}/api/microsoft/runtime/**"
        for name in _BUSINESS.split():
            yield f"{business}/{name}/**"
            yield f"{business}/companies/{name}/**"
            yield f"{business}/companies/customers/{name}/**"
        yield from (f"{method} {business}/companies/customers" for method in _WRITES)
        yield f"PATCH {business}/companies/companyInformation"
        automation = f"{environment}/api/microsoft/automation/v2.0"
        for name in _AUTOMATION.split():
            yield f"{automation}/{name}/**"
            yield f"{automation}/companies/{name}/**"
    admin = "admin/*/applications/*/environments/*"
    yield from (f"{admin}/{path}" for path in _ADMIN_OF_AN_ENVIRONMENT)
    yield from (f"{method} {admin}" for method in ("PUT", "DELETE"))
    for path in ("authorizedAadApps", "exports", "settings", "support", "transfers"):
        yield f"admin/*/{path}/**"
    yield "admin/*/applications"
    yield from ("admin/*/environments/quotas", "admin/*/environments/usedstorage")
    yield "admin/*/applications/*/Countries/**"


ELSEWHERE: Final = NotStoodIn(_addresses())
"""Below the root of the host."""
