"""What Codat's API has and the rehearsal does not.

Source: Codat's OpenAPI descriptions (Platform, Accounting, Lending, Sync for Payables), by address.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.not_stood_in import NotStoodIn

ELSEWHERE: Final = NotStoodIn(
    (
        *("groups/**", "rules/**", "meta/**", "sync/**", "payables/**", "assess/**", "data/**"),
        "GET webhooks/*",
        "integrations/*/dataTypes/**",
        *(
            f"companies/*/{name}/**"
            for name in (
                *("assess", "data", "files", "groups", "payables", "products", "push", "reports"),
                *("sync", "expenses"),
            )
        ),
        *(
            f"companies/*/connections/*/{name}/**"
            for name in ("assess", "bankFeeds", "data", "options", "payables", "push")
        ),
    )
)
"""Below the root of the API."""
