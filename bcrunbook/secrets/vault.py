"""Azure Key Vault as a secret store, and every refusal of it as an error with advice.

Microsoft's own library (azure-keyvault-secrets, an extra of this package, imported when first
used) does the talking. Who signs in, and by which way requests leave, is known only above this
layer: a `VaultOpener` brings both.

A store's name `trial/3f2a9c` is the secret `bcrunbook-trial--3f2a9c`: a vault's names have no
slashes. Names from which the way back would not be clear are refused.

Sources: Azure REST reference, Key Vault, "Secrets"; Key Vault docs, "Soft-delete overview" and
"REST API error codes".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from bcrunbook import throttled
from bcrunbook.aadsts import Advice
from bcrunbook.errors import (
    AskAdministrator,
    FixInput,
    NotFound,
    ReportBug,
    RunbookError,
    SignInAgain,
    Unreachable,
    WaitAndRetry,
    not_the_service,
    without_frames,
)
from bcrunbook.secrets import addresses
from bcrunbook.secrets.names import SecretReference, checked
from bcrunbook.secrets.scrubbing import scrub
from bcrunbook.secrets.stores import round_trip
from bcrunbook.secrets.value import Secret

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.exceptions import HttpResponseError
    from azure.core.pipeline.transport import AsyncHttpTransport
    from azure.keyvault.secrets import KeyVaultSecret
    from azure.keyvault.secrets.aio import SecretClient

_T = TypeVar("_T")

OFFICER: Final = "Key Vault Secrets Officer"
READER: Final = "Key Vault Secrets User"

_PREFIX: Final = "bcrunbook-"
_PART: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_NAME: Final = 127
_TAGS: Final = {"made-by": "bcrunbook"}
_CONTENT_TYPE: Final = "text/plain"
"""Policies of Azure commonly demand that every secret has a content type, and an end
(contract G22.12)."""

_PAUSE: Final = 2.0  # seconds of the cloud's time between two tries
_TRIES: Final = 30
_POLLING_SECONDS: Final = 900.0  # real seconds, for polling that the library itself never gives up

_ELSEWHERE: Final = 'keep secrets elsewhere: "keyring:SERVICE" or "file:DIR"'


_FIREWALL: Final = Advice(
    "the vault takes requests only from networks that its firewall names",
    "allow this machine's address, or its private endpoint, under Networking",
    "whoever manages the vault",
)

ADVICE: Final[dict[str, Advice]] = {
    "ForbiddenByRbac": Advice(
        "the sign-in lacks the role, or was given it only minutes ago",
        f'give it the role "{OFFICER}" at this vault (to read only: "{READER}"); under the older'
        " access policies, the secret permissions Get, Set, Delete and Recover",
        "an Owner or User Access Administrator of the vault",
    ),
    "ForbiddenByFirewall": _FIREWALL,
    "ForbiddenByConnection": _FIREWALL,
    "ForbiddenByGovernancePolicy": Advice(
        "each secret is stored with a content type, and with the end of its life where it has one;"
        " the policy of Azure that the vault names wants something else",
        "exempt this vault from the policy, or name another vault in accounts.toml; where it limits"
        " how long a secret may live, shorten secret_lifetime there",
        "you, or whoever keeps Azure Policy for the vault's subscription",
    ),
    "SecretDisabled": Advice(
        "somebody has switched the secret off",
        "enable it in the Azure portal, or name another one",
    ),
}
"""What a vault's refusals (403) mean, by the code within; any other is about rights."""

_WHAT: Final = {
    "SecretDisabled": "This secret is disabled in the vault.",
    "ForbiddenByFirewall": "The vault's firewall refuses this machine.",
    "ForbiddenByConnection": "The vault's firewall refuses this machine.",
    "ForbiddenByGovernancePolicy": "A policy of Azure does not let the vault keep this secret:"
    " {message}",
}


class VaultOpener(Protocol):
    """What it takes to open a vault. Both are called only once the library is known to be there."""

    def credential(self) -> AsyncTokenCredential:
        """Who signs in."""

    def transport(self) -> AsyncHttpTransport[Any, Any]:
        """By which way requests leave; its `sleep` waits at the cloud's pace."""


class VaultStore:
    """Secrets in one vault, each under a name of its own.

    Args:
        url: the vault's address, without a slash at its end.
        opener: opens the vault; None where only names are of interest.
    """

    writable = True

    def __init__(self, url: str, opener: VaultOpener | None) -> None:
        self._url = url
        self._opener = opener

    def reference(self, name: str) -> SecretReference:
        """The address of a secret: `keyvault:URL/secrets/NAME`."""
        return SecretReference("keyvault", f"{self._url}/secrets/{name_in_vault(name)}")

    async def put(
        self, name: str, value: Secret, *, ends: datetime | None = None
    ) -> SecretReference:
        """Keep a value as a new version, and see that it is kept.

        Raises:
            FixInput: somebody else wrote at the same moment.
        """
        reference, own = self.reference(name), name_in_vault(name)
        kept = await _ask(
            self._url, self._opener, lambda client, sleep: _keep(client, sleep, own, value, ends)
        )
        if kept != value:
            raise FixInput(
                "The vault took a secret and did not keep it.",
                where=str(reference),
                why="somebody else wrote it at the same moment",
                next=f"see who else writes to this vault, or {_ELSEWHERE}",
            )
        return reference

    async def get(self, name: str) -> Secret | None:
        """The value, or None when there is none of this name."""
        return await read_from_vault(self.reference(name).rest, self._opener)

    async def delete(self, name: str) -> None:
        """Remove the value; it is no error when there is none."""
        own = name_in_vault(name)
        await _ask(self._url, self._opener, lambda client, sleep: _drop(client, sleep, own))

    async def probe(self, *, ends: datetime | None = None) -> None:
        """Write a random value, read it back and remove it."""
        await round_trip(self, ends, _ELSEWHERE)


def name_in_vault(name: str) -> str:
    """The name under which a vault keeps a store's secret.

    Raises:
        FixInput: a store has no such names, or a vault could not tell this one from another.
    """
    parts = checked(name).split("/")
    own = _PREFIX + "--".join(parts)
    if len(own) > _LONGEST_NAME or not all(_PART.fullmatch(part) for part in parts):
        raise FixInput(
            "In a vault, no part of a secret's name (such as the account's) may begin or end with "
            "a dash, or hold two in a row.",
            where=scrub(name, "an error"),
            why=f"parts are joined by two dashes there, {_LONGEST_NAME} characters in all",
            next=f"choose another name, or {_ELSEWHERE}",
        )
    return own


async def read_from_vault(address: str, opener: VaultOpener | None) -> Secret | None:
    """The value of a secret, the newest version unless the address names one; None if none.

    Args:
        address: the secret's address, https://VAULT.vault.azure.net/secrets/NAME[/VERSION].
        opener: opens the vault.

    Raises:
        FixInput: there is no opener, no library, or the secret is disabled.
        AskAdministrator, SignInAgain, WaitAndRetry, Unreachable: the vault says no, or nothing.
    """
    url, name, version = addresses.parts_of(address)

    async def get(client: SecretClient, _: _Sleep) -> Secret | None:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return _value_of(await client.get_secret(name, version))
        except ResourceNotFoundError:
            return None

    return await _ask(url, opener, get)


def _value_of(kept: KeyVaultSecret) -> Secret | None:
    return Secret(kept.value) if kept.value else None


_Sleep = Callable[[float], Awaitable[None]]


async def _keep(
    client: SecretClient, sleep: _Sleep, name: str, value: Secret, ends: datetime | None
) -> Secret | None:
    """Write a version and read it back; a deleted secret of the name is recovered first."""
    from azure.core.exceptions import ResourceExistsError

    for _ in range(_TRIES):
        try:
            made = await client.set_secret(
                name,
                value.reveal(),
                tags=_TAGS,
                content_type=_CONTENT_TYPE,
                expires_on=ends,
            )
        except ResourceExistsError as error:
            if _codes(error)[1] == "ObjectIsDeletedButRecoverable":
                await _recover(client, name)
            await sleep(_PAUSE)
        else:
            return _value_of(await client.get_secret(name, made.properties.version))
    raise _busy(f"secret {name}")


async def _recover(client: SecretClient, name: str) -> None:
    """Recover a deleted secret, unless somebody else has recovered or purged it meanwhile."""
    from azure.core.exceptions import (
        HttpResponseError,
        ResourceExistsError,
        ResourceNotFoundError,
    )

    try:
        await client.recover_deleted_secret(name)
    except (ResourceNotFoundError, ResourceExistsError):
        return
    except HttpResponseError as error:
        # It is not deleted any more (contract G23.7).
        if _codes(error)[1] != "RequestNotAllowedOnNonDeletedObject":
            raise


async def _drop(client: SecretClient, sleep: _Sleep, name: str) -> None:
    from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

    for _ in range(_TRIES):
        try:
            await client.delete_secret(name)
        except ResourceNotFoundError:
            return
        except ResourceExistsError:
            await sleep(_PAUSE)  # it is being deleted or recovered
        else:
            return
    raise _busy(f"secret {name}")


async def _ask(
    url: str,
    opener: VaultOpener | None,
    call: Callable[[SecretClient, _Sleep], Awaitable[_T]],
) -> _T:
    """Make calls of the library; whatever it raises comes out as an error with advice."""
    if opener is None:
        raise FixInput(
            "A vault cannot be opened here, before anybody has signed in.",
            where=url,
            next=_ELSEWHERE,
        )
    # The first import reads some hundred files.
    library = await asyncio.to_thread(_library, url)

    from azure.core.exceptions import AzureError, HttpResponseError

    transport = opener.transport()
    # What may be repeated, and when, is the transport's business.
    client = library(
        url, opener.credential(), transport=transport, retry_total=0, permit_redirects=False
    )
    failed: BaseException
    try:
        async with asyncio.timeout(_POLLING_SECONDS), client:
            return await call(client, transport.sleep)
    except HttpResponseError as error:
        failed = _explain(error, url)
    except AskAdministrator as error:
        # No token for the vault: that is about the way to it, not about what is to be kept there.
        error.by_hand = False
        failed = error
    except (AzureError, ValueError, AttributeError, TypeError):
        # ValueError: a challenge that no vault would send. The others: an answer that is empty, or
        # of another form.
        failed = not_the_service("Key Vault", url)
    except TimeoutError:
        failed = _busy(url)
    except Unreachable as error:
        # A vault that does not exist has no address in the network either.
        error.next = f"check the vault's name, {url}; {error.next}"
        failed = without_frames(error)
    except BaseException as error:
        # Frames of the library hold the token, and the value that is to be kept.
        failed = without_frames(error)
    raise failed


def _library(url: str) -> type[SecretClient]:
    try:
        from azure.keyvault.secrets.aio import SecretClient
    except ImportError:
        raise FixInput(
            "Azure Key Vault needs a package that is not installed here.",
            where=url,
            why="azure-keyvault-secrets is an extra of bcrunbook",
            next='run: pip install "bcrunbook[keyvault]"',
        ) from None
    return SecretClient


def _busy(where: str) -> WaitAndRetry:
    return WaitAndRetry(
        "The vault is still busy with this secret.",
        where=where,
        why="a deletion or a recovery has not come to its end",
        next="wait a minute and run again",
    )


def _codes(error: HttpResponseError) -> tuple[str, str, str]:
    """The service's code, the one within, and the first line of its message."""
    body = error.error
    if body is None:
        return "", "", error.reason or "no message"
    message = scrub(str(body.message or ""), where="a Key Vault error").splitlines()
    return str(body.code or ""), str((body.innererror or {}).get("code", "")), "".join(message[:1])


def _explain(error: HttpResponseError, url: str) -> RunbookError:
    """What a refusal means; none of the texts holds a secret."""
    code, inner, message = _codes(error)
    status = error.status_code or 0
    headers = getattr(error.response, "headers", {})
    about: dict[str, Any] = {
        "where": url,
        "code": inner or code or str(status),
        "request_id": headers.get("x-ms-request-id", ""),
    }
    if status == 401:
        return SignInAgain(
            f"The vault does not accept this sign-in: {message}",
            **about,
            why="the token is for another tenant, or this machine's clock is wrong",
            next="check that the vault belongs to the account's tenant, and the clock; then run"
            " again",
            section="start_here#sign-in",
        )
    if status == 403:
        return _forbidden(inner, message, about)
    if status == 404:
        return NotFound(f"The vault does not have this: {message}", **about)
    if status == 409:
        return WaitAndRetry(
            f"The vault is busy: {message}", **about, next="wait a minute and run again"
        )
    if status == 429 or status >= 500:
        said = f"Key Vault does not serve this request now ({status})."
        return throttled.busy(said, headers.get("Retry-After", ""), **about)
    return ReportBug(
        f"Key Vault refused a request ({status}): {message}",
        **about,
        next="run again; if it stays, report this",
    )


def _forbidden(inner: str, message: str, about: dict[str, Any]) -> RunbookError:
    advice = ADVICE.get(inner, ADVICE["ForbiddenByRbac"])
    kind = FixInput if inner == "SecretDisabled" else AskAdministrator
    what = _WHAT.get(inner, "This sign-in may not use the secrets of this vault.")
    return kind(
        what.format(message=message),
        **about,
        why=advice.meaning,
        next=advice.next,
        who=advice.who,
    )
