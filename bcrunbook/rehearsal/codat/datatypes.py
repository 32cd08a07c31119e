"""The data types, which platforms have them, and when they are fetched.

Source: Codat's OpenAPI description (DataStatus.dataType) and docs, "Data type settings".
"""

from __future__ import annotations

from typing import Any, Final

ACCOUNTING: Final = (
    "accountTransactions",
    "balanceSheet",
    "bankAccounts",
    "bankTransactions",
    "billCreditNotes",
    "billPayments",
    "bills",
    "cashFlowStatement",
    "chartOfAccounts",
    "company",
    "creditNotes",
    "customers",
    "directCosts",
    "directIncomes",
    "invoices",
    "itemReceipts",
    "items",
    "journalEntries",
    "journals",
    "paymentMethods",
    "payments",
    "profitAndLoss",
    "purchaseOrders",
    "salesOrders",
    "suppliers",
    "taxRates",
    "trackingCategories",
    "transfers",
)
BANKING: Final = (
    "banking-accountBalances",
    "banking-accounts",
    "banking-transactionCategories",
    "banking-transactions",
)
COMMERCE: Final = (
    "commerce-companyInfo",
    "commerce-customers",
    "commerce-disputes",
    "commerce-locations",
    "commerce-orders",
    "commerce-paymentMethods",
    "commerce-payments",
    "commerce-productCategories",
    "commerce-products",
    "commerce-taxComponents",
    "commerce-transactions",
)
ALL: Final = (*ACCOUNTING, *BANKING, *COMMERCE)
SUPPORTED: Final = {"Accounting": ACCOUNTING, "Banking": BANKING, "Commerce": COMMERCE}
"""Data types by source type; that a platform has all of its kind is a simplification."""

REPORTS: Final = ("balanceSheet", "profitAndLoss")


def default_setting(data_type: str) -> dict[str, Any]:
    """How an instance fetches a type before anybody has changed that."""
    setting: dict[str, Any] = {
        "dataType": data_type,
        "fetchOnFirstLink": True,
        "syncSchedule": 24,
        "syncOrder": ALL.index(data_type),
        "syncFromWindow": 24,
        "isLocked": False,
    }
    return {**setting, "monthsToSync": 24} if data_type in REPORTS else setting
