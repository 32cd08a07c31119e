"""The sign-in and the HTTP stack in the forms that Microsoft's Azure libraries take.

Both forms are azure-core's public interfaces for this purpose: `AsyncTokenCredential`, and
`AsyncHttpTransport` with `azure.core.rest.AsyncHttpResponse`. The asynchronous ones, because both
the sign-in and the HTTP stack belong to the event loop. Import this only where azure-core is known
to be installed: it comes with an extra.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, MutableMapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest

from bcrunbook.errors import FixInput, not_the_service
from bcrunbook.hosts import VAULT
from bcrunbook.http.authorization import Authorization, Form
from bcrunbook.http.client import USER_AGENT, Http
from bcrunbook.http.repeat import Repeat
from bcrunbook.http.response import is_strange
from bcrunbook.secrets import Secret
from bcrunbook.secrets.addresses import vault_url
from bcrunbook.signin.model import VaultSignIn

if TYPE_CHECKING:
    from bcrunbook.http.response import Response as Answer

_ASKED_EACH_TIME: Final = 300
"""Seconds: azure-core asks anew for a token that ends sooner, and MSAL keeps it anyway."""


# What the library logs goes to whoever has set up a log, and not to stderr.
logging.getLogger("azure").addHandler(logging.NullHandler())


class TokenCredential:
    """An account's sign-in as an `AsyncTokenCredential` for Key Vault.

    Args:
        sign_in: the account's sign-in.
    """

    def __init__(self, sign_in: VaultSignIn) -> None:
        self._sign_in = sign_in

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """A token for Key Vault, whatever scope a challenge names.

        Args:
            scopes: what the challenge asks for; only Key Vault's is ever given.
            claims: further claims that the vault demands of a new token.
            tenant_id: the vault's tenant, as its challenge names it.
            enable_cae: not needed; tokens that can be revoked at once are not asked for.
            kwargs: what later versions of the protocol may add.

        Raises:
            FixInput: the vault belongs to another tenant.
            SignInAgain, AskAdministrator, WaitAndRetry: as `SignIn.vault` does.
        """
        token = await self._sign_in.vault(claims=claims or "")
        if tenant_id and tenant_id.lower() != token.tenant.lower():
            raise FixInput(
                f"This vault belongs to tenant {tenant_id}, and the account to {token.tenant}.",
                where="secret_store, or the reference to a secret, in accounts.toml",
                next="name a vault of the account's own tenant",
            )
        return AccessToken(token.value.reveal(), int(time.time()) + _ASKED_EACH_TIME)

    async def close(self) -> None:
        """Nothing to do: the sign-in is the account's."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


class Transport(AsyncHttpTransport[HttpRequest, AsyncHttpResponse]):
    """The HTTP stack as azure-core's transport: proxy, trusted certificates, pace and log are ours.

    Every request is safe to repeat: reading is, a secret's new version says the same thing twice,
    and a second deletion or recovery is refused without harm.

    Args:
        http: the HTTP stack.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    async def send(self, request: HttpRequest, **kwargs: Any) -> AsyncHttpResponse:
        """Send a request of the library's; connection settings of its own are left aside."""
        # The length is counted anew: the library counts characters.
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in ("content-length", "authorization")
        }
        headers["User-Agent"] = f"{USER_AGENT} {headers.get('User-Agent', '')}".rstrip()
        answer = await self._http.send(
            request.method,
            request.url,
            repeat=Repeat.SAFE,
            authorization=_authorization(request),
            headers=headers,
            form=Form(request.content) if request.content else None,
        )
        if is_strange(answer):
            raise not_the_service("Key Vault", f"{request.method} {urlsplit(request.url).hostname}")
        return Response(request, answer)

    async def sleep(self, duration: float) -> None:
        """Wait at the cloud's pace."""
        await self._http.cloud.pace.sleep(duration)

    async def open(self) -> None:
        """Nothing to do: the connection pool belongs to `Http`."""

    async def close(self) -> None:
        """Nothing to do: the connection pool belongs to `Http`."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


def _authorization(request: HttpRequest) -> Authorization | None:
    """What the library puts into its header, for vaults and nobody else."""
    header = request.headers.get("Authorization")
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    host = urlsplit(request.url).hostname or ""
    return Authorization(scheme, Secret(token), vault_url(f"https://{host}") or VAULT)


class Response(AsyncHttpResponse):
    """An answer that has been read to its end, as azure-core takes it."""

    def __init__(self, request: HttpRequest, answer: Answer) -> None:
        self._request = request
        self._answer = answer

    @property
    def request(self) -> HttpRequest:
        """The request that was answered."""
        return self._request

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self._answer.status_code

    @property
    def headers(self) -> MutableMapping[str, str]:
        """The headers; names in any letter case."""
        return self._answer.headers

    @property
    def reason(self) -> str:
        """The words beside the status."""
        return self._answer.reason_phrase

    @property
    def content_type(self) -> str | None:
        """The header Content-Type; None without one."""
        kind: str | None = self._answer.headers.get("Content-Type")
        return kind

    @property
    def is_closed(self) -> bool:
        """Always: the answer has been read."""
        return True

    @property
    def is_stream_consumed(self) -> bool:
        """Always: the answer has been read."""
        return True

    @property
    def encoding(self) -> str | None:
        """The encoding of the body's text."""
        return self._answer.encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._answer.encoding = value or "utf-8"

    @property
    def url(self) -> str:
        """The address that was asked."""
        return self._request.url

    @property
    def content(self) -> bytes:
        """The body."""
        return self._answer.content

    def text(self, encoding: str | None = None) -> str:
        """The body as text.

        Args:
            encoding: its encoding; None for the one that the answer names.
        """
        return self.content.decode(encoding, "replace") if encoding else self._answer.text

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text())

    def raise_for_status(self) -> None:
        """Refuse an answer that is an error.

        Raises:
            HttpResponseError: the status is 400 or more.
        """
        if self.status_code >= 400:
            raise HttpResponseError(response=self)

    async def read(self) -> bytes:
        """The body."""
        return self.content

    async def iter_raw(self, **kwargs: Any) -> AsyncIterator[bytes]:
        """The body in one piece."""
        yield self.content

    async def iter_bytes(self, **kwargs: Any) -> AsyncIterator[bytes]:
        """The body in one piece."""
        yield self.content

    async def close(self) -> None:
        """Nothing to do: the answer has been read."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
