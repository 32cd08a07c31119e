"""What opens a Key Vault: an account's sign-in, and the one HTTP stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcrunbook.signin.model import VaultSignIn

if TYPE_CHECKING:
    from bcrunbook.http.client import Http
    from bcrunbook.signin.azure_core import TokenCredential, Transport


class Vaults:
    """Opens Key Vaults; a `secrets.VaultOpener`.

    Args:
        sign_in: who opens them.
        http: the HTTP stack that requests leave through.
    """

    def __init__(self, sign_in: VaultSignIn, http: Http) -> None:
        self._sign_in = sign_in
        self._http = http

    # azure-core comes with an extra, and is there whenever these two are called.

    def credential(self) -> TokenCredential:
        """The sign-in as azure-core takes it."""
        from bcrunbook.signin.azure_core import TokenCredential

        return TokenCredential(self._sign_in)

    def transport(self) -> Transport:
        """The HTTP stack as azure-core takes it."""
        from bcrunbook.signin.azure_core import Transport

        return Transport(self._http)
