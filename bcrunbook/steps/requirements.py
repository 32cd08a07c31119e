"""The values that the setup page asks for, and the ids they stand for.

Sources: Codat's setup page for Dynamics 365 Business Central (audience, redirect URI, the two
delegated permissions: contract C10.1, C10.2 and C10.3); Business Central's service principal (ids
of its scopes, read again at run time and compared with these). The facts: contract G2 and G3. How
much of each an application may have stands in `bcrunbook.limits`.
"""

from __future__ import annotations

from typing import Final

AUDIENCE: Final = "AzureADandPersonalMicrosoftAccount"
TOKEN_VERSION: Final = 2
REDIRECT_URI: Final = "https://dynamics365businesscentral.codat.io/oauth/callback"

BUSINESS_CENTRAL_APP_ID: Final = "996def3d-b36c-4153-8607-a6fd3c01b89f"
SCOPES: Final[dict[str, str]] = {
    "user_impersonation": "bce0976a-cb0b-473b-8800-84eda9f8e447",
    "Financials.ReadWrite.All": "2fb13c28-9d89-417f-9af2-ec3065bc16e6",
}

_ACCOUNT_TYPES: Final[dict[str, str]] = {
    "AzureADMyOrg": "Single tenant only",
    "AzureADMultipleOrgs": "Multiple Entra ID tenants",
    AUDIENCE: "Any Entra ID Tenant + Personal Microsoft accounts",
    "PersonalMicrosoftAccount": "Personal Microsoft accounts only",
}


def account_types(audience: str | None) -> str:
    """What the portal calls an application's audience (contract G3.2); as it is where not known.

    Args:
        audience: the value of `signInAudience`; None where there is none.
    """
    return _ACCOUNT_TYPES.get(audience or "none", audience or "none")
