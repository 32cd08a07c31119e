"""Which handler serves which address. Source: Azure REST reference, Resource Management."""

from __future__ import annotations

from bcrunbook.rehearsal.azure import tenants
from bcrunbook.rehearsal.routing import Known, Router, at

HOST = "management.azure.com"

ROUTER = Router(
    f"https://{HOST}",
    (
        *at("tenants", Known.DOCUMENTED, GET=tenants.list_tenants),
        *at("subscriptions", Known.DOCUMENTED, GET=tenants.list_subscriptions),
    ),
)
