"""The token of an Azure machine's managed identity, as an application's proof of itself.

A managed identity is used in this way only, also in its own tenant: it exists in that one tenant
and cannot be told of in another, while an application that trusts it (contract G26.9) signs in
wherever it is known, as for any other account.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bcrunbook.errors import FixInput, RunbookError, Unreachable
from bcrunbook.hosts import TOKEN_EXCHANGE
from bcrunbook.http.repeat import Repeat
from bcrunbook.http.response import address_of, is_of_this_machine
from bcrunbook.secrets import Secret, scrub
from bcrunbook.signin.from_thread import FromThread

if TYPE_CHECKING:
    from bcrunbook.http.response import Response

# What the platform gives a program to be known by at this machine's own endpoint (contract G26.11).
_PROOFS: Final = ("IDENTITY_HEADER", "MSI_SECRET")


class ManagedIdentity:
    """Gives the managed identity's token at each call; call it in a thread.

    MSAL finds out which kind of Azure machine this is, and keeps a token while it lasts, as the
    endpoint itself does (contract G26.10).

    Args:
        client_id: which of several identities; empty for the machine's own.
        sender: sends for the thread that it is called in.
        where: the account and its setting, for messages.
    """

    def __init__(self, client_id: str, sender: FromThread, where: str) -> None:
        self._client_id = client_id
        self._where = where
        self._sender = OfThisMachine(sender, where)
        self._client: Any = None
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """The token.

        Raises:
            FixInput: this machine has no such identity, or its endpoint is elsewhere.
        """
        for value in filter(None, map(os.environ.get, _PROOFS)):
            Secret(value)  # known to the scrubber before it is sent
        try:
            with self._lock:
                answer = self._made().acquire_token_for_client(resource=TOKEN_EXCHANGE)
        except Unreachable as error:
            raise self._none("nothing answers where Azure has them", error.what) from None
        except RunbookError:
            raise
        except Exception as error:
            raise self._none(
                "what answers is no Azure machine's", scrub(str(error), where="identity error")
            ) from None
        if token := answer.get("access_token"):
            return Secret(token).reveal()
        described = scrub(
            str(answer.get("error_description") or answer.get("error") or "no reason given"),
            where="identity error",
        )
        raise self._none("the identity is not assigned to this machine", described)

    def _made(self) -> Any:
        import msal

        if self._client is None:
            which = (
                msal.UserAssignedManagedIdentity(client_id=self._client_id)
                if self._client_id
                else msal.SystemAssignedManagedIdentity()
            )
            self._client = msal.ManagedIdentityClient(which, http_client=self._sender)
        return self._client

    def _none(self, why: str, said: str) -> FixInput:
        which = f" {self._client_id}" if self._client_id else ""
        return FixInput(
            f"This machine gave no token of its managed identity{which}: {said}",
            where=self._where,
            why=why,
            next="run this on the Azure machine or app whose identity is meant, switch the identity"
            " on there (Settings, Identity), and with several give its client id:"
            ' token_from = "managed-identity:CLIENT_ID"',
            who="you, or whoever keeps the machine in Azure",
        )


class OfThisMachine:
    """MSAL's `http_client` contract for the endpoint that gives this machine its tokens.

    The environment may say where it is; a token for whoever asks is never asked for elsewhere.

    Args:
        sender: sends.
        where: the account and its setting, for messages.
    """

    def __init__(self, sender: FromThread, where: str) -> None:
        self._sender = sender
        self._where = where

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> Response:
        """MSAL's GET.

        Raises:
            FixInput: the address is not this machine's, or in a rehearsal not the cloud's.
        """
        if not is_of_this_machine(address_of(url)):
            raise FixInput(
                f"The endpoint of the managed identity is at {address_of(url).host}, and that is"
                " not this machine.",
                where=self._where,
                why="IDENTITY_ENDPOINT, MSI_ENDPOINT or AZURE_POD_IDENTITY_AUTHORITY_HOST in the"
                " environment names it",
                next="unset the variable, unless Azure has set it; nothing was sent",
            )
        pages = self._sender.cloud.pages
        if pages is not None and not url.startswith(f"{pages}/"):
            raise FixInput(
                "In a rehearsal the token of a managed identity comes from the rehearsal cloud, and"
                " this one would be a real one. It was not asked for.",
                where=self._where,
                why="no variable in the environment leads to the rehearsal cloud's own endpoint",
                next="set what rehearsal.json of the rehearsal cloud has for this identity under"
                ' "jobs", "environment"',
            )
        return self._sender.send(
            "GET", url, repeat=Repeat.LOOK, headers=headers, params=params, beside_proxy=True
        )
