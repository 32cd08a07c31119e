"""The pages on which a person sees in a portal what a step has made.

The Azure portal's addresses are those that its own links lead to; Microsoft documents none of them
as a contract, so nothing but a person's click depends on one. The rehearsal cloud has no Azure
portal, and so no such page.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.hosts import AZURE_PORTAL
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    CODAT_KEYS,
    ENABLE_INTEGRATION,
    REGISTER_APPLICATION,
)
from bcrunbook.steps.application import remembered_client_id
from bcrunbook.steps.codat_portal import accounting_page
from bcrunbook.steps.context import Context

_BLADES: Final = {
    REGISTER_APPLICATION: ("Overview", "the application in the Azure portal"),
    CLIENT_SECRET: ("Credentials", "Certificates & secrets in the Azure portal"),
    API_PERMISSIONS: ("CallAnAPI", "API permissions in the Azure portal"),
}


def pages_of(context: Context, step: str) -> tuple[tuple[str, str], ...]:
    """Labels and addresses of the pages that show what a step is about; none where there is none.

    Args:
        context: what the step works with.
        step: the step's id.
    """
    if step in (CODAT_KEYS, ENABLE_INTEGRATION):
        return (("the integration in the Codat Portal", accounting_page(context.cloud)),)
    client_id = context.account.client_id or remembered_client_id(context)
    if step not in _BLADES or not client_id or not context.cloud.is_live:
        return ()
    blade, label = _BLADES[step]
    address = (
        f"{AZURE_PORTAL}/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/{blade}"
        f"/appId/{client_id}"
    )
    return ((label, address),)
