"""Which handler serves which address. Source: Azure REST reference, Resource Management."""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.azure import tenants
from bcrunbook.rehearsal.routing import Known, Router, at

HOST: Final = "management.azure.com"

ROUTER: Final = Router(
    f"https://{HOST}",
    (
        *at("tenants", Known.DOCUMENTED, GET=tenants.list_tenants),
        *at("subscriptions", Known.DOCUMENTED, GET=tenants.list_subscriptions),
    ),
)
