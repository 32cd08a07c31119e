"""Where the services are: Microsoft's hosts, audiences and portals in the public cloud, and Codat.

The national clouds (China, US Government) have other names for every one of these, and are not
supported. The rehearsal cloud keeps a list of its own: it stands for the services, and must not
follow a mistake that is made here.

Source: Microsoft Learn, "National clouds"; Microsoft Graph, "National cloud deployments"; MSAL's
list of the public cloud's names for itself.
"""

from __future__ import annotations

from typing import Final

LOGIN_HOST: Final = "login.microsoftonline.com"
LOGIN: Final = f"https://{LOGIN_HOST}"
LOGIN_ADDRESSES: Final = frozenset(
    ("https", host)
    for host in (LOGIN_HOST, "login.microsoft.com", "login.windows.net", "sts.windows.net")
)
"""Where Entra takes a sign-in, by scheme and host: its own names for itself."""

TOKEN_EXCHANGE: Final = "api://AzureADTokenExchange"
"""The audience of a platform's token that Entra takes for a proof of an application."""
GITHUB_ACTIONS_HOST: Final = "actions.githubusercontent.com"
"""Below it GitHub gives jobs their tokens (contract G26.2)."""
AZURE_DEVOPS_HOSTS: Final = ("dev.azure.com", "visualstudio.com")
"""Where Azure DevOps has its organizations (contract G26.7)."""

GRAPH: Final = "https://graph.microsoft.com"
AZURE_MANAGEMENT: Final = "https://management.azure.com"

CODAT_HOST: Final = "api.codat.io"

BUSINESS_CENTRAL_API: Final = "https://api.businesscentral.dynamics.com"
"""Also the audience of its tokens, and the identifier URI that its scopes begin with."""
BUSINESS_CENTRAL_CLIENT: Final = "https://businesscentral.dynamics.com"
"""Where people open it."""

VAULT_SUFFIX: Final = "vault.azure.net"
"""What follows a vault's name in its address."""
VAULT: Final = f"https://{VAULT_SUFFIX}"
"""The audience of tokens for every vault."""
OTHER_VAULT_SUFFIXES: Final = (
    "vault.azure.cn",
    "vault.usgovcloudapi.net",
    "vault.microsoftazure.de",
)
"""Those of the national clouds, which are refused by name."""

AZURE_PORTAL: Final = "https://portal.azure.com"
ENTRA_CODES: Final = f"{LOGIN}/error"
"""Where Entra explains its codes."""
OWN_ACCOUNT: Final = "https://myaccount.microsoft.com"
"""Where people keep their own password and sign-in methods."""
