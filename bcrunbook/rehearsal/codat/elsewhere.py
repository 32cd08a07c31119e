"""What Codat's API has and the rehearsal does not (contract C13.10).

Source: Codat's OpenAPI descriptions (Platform, Accounting, Banking, Commerce, Assess, Lending,
Files, Bank Feeds, Bill Pay, Spend Insights, Intuit IDX, and the Sync APIs), by address.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.not_stood_in import NotStoodIn

_OF_A_COMPANY: Final = ("data", "files", "groups", "products", "push", "reports", "sync")
_OF_A_CONNECTION: Final = (
    *("bankFeedAccounts", "bankFeeds", "bankStatements", "connectionInfo", "data", "files"),
    *("options", "payables", "push"),
)

ELSEWHERE: Final = NotStoodIn(
    (
        *("groups/**", "rules/**", "meta/**", "sync/**", "data/**", "config/**", "clients/**"),
        "intuit/idx/**",
        "GET webhooks/*",
        "webhooks/integrationKeys/**",
        "integrations/*/dataTypes/**",
        *(f"companies/*/{name}/**" for name in _OF_A_COMPANY),
        *(f"companies/*/connections/*/{name}/**" for name in _OF_A_CONNECTION),
    )
)
"""Below the root of the API."""
