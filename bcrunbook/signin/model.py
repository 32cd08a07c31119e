"""What a sign-in is asked for, what it gives, and who can answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from bcrunbook.hosts import AZURE_MANAGEMENT, BUSINESS_CENTRAL_API, GRAPH, VAULT
from bcrunbook.secrets import Secret

# What a person's sign-in asks for: Microsoft Graph permission reference, least privilege for
# the application and its secret. The consent asks for its own scope when it gets there (incremental
# consent).
GRAPH_SCOPES: Final = (f"{GRAPH}/User.Read", f"{GRAPH}/Application.ReadWrite.All")
CONSENT_SCOPES: Final = (f"{GRAPH}/DelegatedPermissionGrant.ReadWrite.All",)
AZURE_SCOPES: Final = (f"{AZURE_MANAGEMENT}/user_impersonation",)
VAULT_SCOPES: Final = (f"{VAULT}/user_impersonation",)
BUSINESS_CENTRAL_SCOPES: Final = (f"{BUSINESS_CENTRAL_API}/.default",)


@dataclass(frozen=True)
class DeviceCode:
    """What a person needs to finish a device code sign-in: where to go and what to type."""

    url: str
    code: str
    expires_in: int


class Person(Protocol):
    """Somebody who can answer a sign-in; absent in a headless run."""

    def show_device_code(self, code: DeviceCode) -> None:
        """Show where to go and which code to type."""

    def say_browser_opens(self) -> None:
        """Tell that a browser window opens for the sign-in."""


@dataclass(frozen=True)
class Token:
    """An access token and what Entra said about it.

    Args:
        value: the token.
        tenant: id of the tenant that issued it.
        username: the person's sign-in name; empty for an application.
        scopes: the delegated permissions it carries (short names), of a kept token those that
            were asked for; empty for an application.
        directory_roles: template ids of the person's directory roles; None when Entra does not say.
    """

    value: Secret
    tenant: str
    username: str
    scopes: frozenset[str]
    directory_roles: frozenset[str] | None


class VaultSignIn(Protocol):
    """Whoever can sign in to Azure Key Vault."""

    async def vault(self, *, claims: str = "") -> Token:
        """A token for Azure Key Vault.

        Args:
            claims: what a claims challenge demanded; empty without one.
        """
