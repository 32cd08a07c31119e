"""Sign-in: MSAL in its six forms behind one small class, one instance per account.

Invariants: tokens live in memory and, for a person's sign-in, in msal-extensions' encrypted cache;
access tokens are opaque and never parsed. MSAL's blocking calls run in a thread and send through
`bcrunbook.http`. MSAL's answers, which report failure as a dict, become errors here and nowhere
else. Which tenant a token belongs to is read from the id token (a person) or from the token
endpoint that Entra named (an application): the caller compares it before any write.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bcrunbook import aadsts
from bcrunbook.accounts import Account
from bcrunbook.errors import AskAdministrator, FixInput, RunbookError, SignInAgain, WaitAndRetry
from bcrunbook.http import Http
from bcrunbook.secrets import Secret, read, scrub

if TYPE_CHECKING:
    import msal

log = logging.getLogger(__name__)

LOGIN = "https://login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com"
AZURE = "https://management.azure.com"

# What a person's sign-in asks for: Microsoft Graph permission reference, least privilege for
# steps 0 to 3. The consent step asks for its own scope when it gets there (incremental consent).
GRAPH_SCOPES = (f"{GRAPH}/User.Read", f"{GRAPH}/Application.ReadWrite.All")
CONSENT_SCOPES = (f"{GRAPH}/DelegatedPermissionGrant.ReadWrite.All",)
AZURE_SCOPES = (f"{AZURE}/user_impersonation",)

_APPLICATION_METHODS = frozenset({"client_secret", "certificate", "federated"})
_BROWSER_TIMEOUT = 300


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
        scopes: the delegated permissions it carries (short names); empty for an application.
        directory_roles: template ids of the person's directory roles; None when not told.
    """

    value: Secret
    tenant: str
    username: str
    scopes: frozenset[str]
    directory_roles: frozenset[str] | None


class SignIn:
    """Gets tokens for one account.

    Args:
        account: the account, whose `sign_in` says how.
        http: the HTTP stack that MSAL sends through.
        root: the workspace folder; references and paths are relative to it.
        person: who can answer a browser or a device code; None when nobody can.
    """

    def __init__(
        self, account: Account, http: Http, root: Path, *, person: Person | None = None
    ) -> None:
        self._account = account
        self._http = http
        self._root = root
        self._person = person
        self._apps: dict[str, Any] = {}
        self._lock = asyncio.Lock()

    @property
    def is_application(self) -> bool:
        """Whether an application signs in rather than a person."""
        return self._account.sign_in.method in _APPLICATION_METHODS

    async def graph(self, *, consent: bool = False, fresh: bool = False) -> Token:
        """A token for Microsoft Graph.

        Args:
            consent: also ask for the right to grant permissions.
            fresh: ask Entra again even when a kept token looks valid.

        Raises:
            SignInAgain, AskAdministrator, FixInput, WaitAndRetry: with advice from the code.
        """
        scopes = GRAPH_SCOPES + CONSENT_SCOPES if consent else GRAPH_SCOPES
        return await self._token(GRAPH, scopes, self._account.tenant, fresh=fresh)

    async def azure(self) -> Token:
        """A token for Azure's list of tenants. Raises as `graph` does."""
        return await self._token(AZURE, AZURE_SCOPES, self._account.tenant)

    async def _token(
        self, resource: str, scopes: tuple[str, ...], tenant: str, *, fresh: bool = False
    ) -> Token:
        method = self._account.sign_in.method
        async with self._lock:
            if method == "az":
                return await asyncio.to_thread(self._from_az, resource)
            if tenant not in self._apps:
                self._apps[tenant] = await self._application(tenant)
            app = self._apps[tenant]
            if self.is_application:
                if fresh:
                    await asyncio.to_thread(app.remove_tokens_for_client)
                answer = await asyncio.to_thread(
                    app.acquire_token_for_client, [f"{resource}/.default"]
                )
                return self._checked(answer, app)
            return await self._persons_token(app, list(scopes), fresh)

    async def _persons_token(
        self, app: msal.PublicClientApplication, scopes: list[str], fresh: bool
    ) -> Token:
        settings = self._account.sign_in
        known = await asyncio.to_thread(app.get_accounts, settings.username)
        if known:
            answer = await asyncio.to_thread(
                app.acquire_token_silent_with_error, scopes, known[0], force_refresh=fresh
            )
            if answer and "access_token" in answer:
                return self._checked(answer, app, known[0]["home_account_id"])
        if self._person is None:
            raise SignInAgain(
                "Nobody is signed in, and nobody is here to sign in.",
                where=f'account "{self._account.name}", sign_in.method = "{settings.method}"',
                why="a browser or a device code needs a person; the kept sign-in is missing, has"
                " expired, or could not be kept on this machine",
                next="open notebook 00_start_here and sign in there, or give the account an"
                " application's sign-in (client_secret, certificate, federated) for headless runs",
                section="00_start_here#sign-in",
            )
        if settings.method == "device_code":
            answer = await self._by_device_code(app, scopes)
        else:
            self._person.say_browser_opens()
            answer = await asyncio.to_thread(
                app.acquire_token_interactive,
                scopes,
                prompt="select_account",
                login_hint=settings.username,
                timeout=_BROWSER_TIMEOUT,
            )
        return self._checked(answer, app)

    async def _by_device_code(
        self, app: msal.PublicClientApplication, scopes: list[str]
    ) -> dict[str, Any]:
        assert self._person is not None
        flow = await asyncio.to_thread(app.initiate_device_flow, scopes)
        if "user_code" not in flow:
            raise self._error(flow)
        self._person.show_device_code(
            DeviceCode(
                url=flow["verification_uri"],
                code=flow["user_code"],
                expires_in=int(flow["expires_in"]),
            )
        )
        pace = self._http.cloud.pace
        give_up = pace.now() + int(flow["expires_in"]) * pace.speed
        interval = float(flow.get("interval", 5))
        while True:
            # One poll per call, so that the cell stays interruptible while the person types.
            answer: dict[str, Any] = await asyncio.to_thread(
                app.acquire_token_by_device_flow, flow, exit_condition=lambda _: True
            )
            pending = answer.get("error") in ("authorization_pending", "slow_down")
            if not pending or pace.now() > give_up:
                return answer
            interval += 5 if answer.get("error") == "slow_down" else 0
            await pace.sleep(interval)

    async def _application(self, tenant: str) -> Any:
        settings = self._account.sign_in
        credential = await self._credential()
        client = self._http.for_msal()

        def build() -> Any:
            import msal

            common: dict[str, Any] = {
                "client_id": settings.client_id,
                "authority": f"{LOGIN}/{tenant}",
                "http_client": client,
            }
            if credential is None:
                return msal.PublicClientApplication(
                    **common, token_cache=_token_cache(settings.cache)
                )
            return msal.ConfidentialClientApplication(**common, client_credential=credential)

        try:
            return await asyncio.to_thread(build)
        except ValueError as error:
            # MSAL raises ValueError for an authority whose configuration cannot be had, and for a
            # certificate that it cannot load.
            text = scrub(str(error), where="sign-in error")
            if settings.method == "certificate" and "authority" not in text:
                raise FixInput(
                    f"The certificate cannot be used: {text.splitlines()[0]}",
                    where=f'account "{self._account.name}", sign_in.certificate',
                    next="name a PFX file, or a PEM file with certificate and private key",
                ) from None
            raise FixInput(
                f'Entra does not know the tenant "{tenant}".',
                where=f'account "{self._account.name}", tenant',
                why="the id or domain is misspelt, or belongs to another national cloud",
                next="copy the Tenant ID from Microsoft Entra ID, Overview, in the Azure portal",
                code="AADSTS90002",
            ) from None

    async def _credential(self) -> Any:
        settings = self._account.sign_in
        if settings.method == "client_secret":
            assert settings.secret is not None
            return (await read(settings.secret, self._root)).reveal()
        if settings.method == "certificate":
            assert settings.certificate is not None
            password = (
                (await read(settings.certificate_password, self._root)).reveal()
                if settings.certificate_password
                else None
            )
            return _certificate(self._root / settings.certificate, password)
        if settings.method == "federated":
            assert settings.token_file is not None
            path = self._root / settings.token_file
            # A callable, so that a projected token file is read again whenever it has rotated.
            return {"client_assertion": _reader(path)}
        return None

    def _from_az(self, resource: str) -> Token:
        program = shutil.which("az")
        if program is None:
            raise FixInput(
                "The Azure CLI is not on this machine's PATH.",
                where=f'account "{self._account.name}", sign_in.method = "az"',
                next="install it and run az login, or choose method browser",
            )
        kind = "ms-graph" if resource == GRAPH else "arm"
        done = subprocess.run(
            [
                program,
                "account",
                "get-access-token",
                "--resource-type",
                kind,
                "--tenant",
                self._account.tenant,
                "--output",
                "json",
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            last = scrub(done.stderr.strip(), where="az error").splitlines()[-1:] or ["no message"]
            raise _advised(
                SignInAgain,
                f"The Azure CLI gave no token: {last[0]}",
                where="az account get-access-token",
                next=f"run: az login --tenant {self._account.tenant}",
                text=done.stderr,
            )
        try:
            told = json.loads(done.stdout)
            return Token(
                value=Secret(told["accessToken"]),
                tenant=str(told["tenant"]),
                username="",
                scopes=frozenset(),
                directory_roles=None,
            )
        except (ValueError, KeyError):
            raise SignInAgain(
                "The Azure CLI answered in a form that is not known here.",
                where="az account get-access-token",
                next="update the Azure CLI, or choose method browser",
            ) from None

    def _checked(self, answer: dict[str, Any], app: Any, kept_for: str = "") -> Token:
        if "access_token" not in answer:
            raise self._error(answer)
        claims: dict[str, Any] = answer.get("id_token_claims") or {}
        if not claims and kept_for:
            claims = _kept_claims(app, kept_for)
        wids = claims.get("wids")
        return Token(
            value=Secret(answer["access_token"]),
            tenant=str(claims.get("tid") or _tenant_of(app)),
            username=str(claims.get("preferred_username", "")),
            scopes=_short_scopes(answer.get("scope", "")),
            directory_roles=frozenset(wids) if isinstance(wids, list) else None,
        )

    def _error(self, answer: dict[str, Any]) -> RunbookError:
        where = f'sign-in of account "{self._account.name}" ({self._account.sign_in.method})'
        return sign_in_error(answer, where)


def sign_in_error(answer: dict[str, Any], where: str) -> RunbookError:
    """Turn MSAL's failure dict into an error with advice.

    Args:
        answer: what MSAL returned (`error`, `error_description`, `error_codes`, ...).
        where: which sign-in it was.
    """
    error = str(answer.get("error", ""))
    description = scrub(str(answer.get("error_description", "")), where="sign-in error")
    first = (description.splitlines() or [error])[0]
    kind: Callable[..., RunbookError] = SignInAgain
    if error in ("consent_required", "access_denied"):
        kind = AskAdministrator
    elif error in ("invalid_client", "unauthorized_client", "invalid_request", "invalid_resource"):
        kind = FixInput
    elif error in ("temporarily_unavailable", "server_error"):
        kind = WaitAndRetry
    return _advised(
        kind,
        f"Entra refused the sign-in: {first}",
        where=where,
        next="sign in again",
        text=description,
        request_id=str(answer.get("correlation_id", "")),
        code=error,
    )


def _advised(
    kind: Callable[..., RunbookError],
    what: str,
    *,
    where: str,
    next: str,
    text: str,
    code: str = "",
    request_id: str = "",
) -> RunbookError:
    number = aadsts.code_in(text)
    advice = aadsts.ADVICE.get(number) if number is not None else None
    return kind(
        what,
        where=where,
        why=advice.meaning if advice else "",
        next=advice.next if advice else next,
        who=advice.who if advice else "you",
        code=f"AADSTS{number}" if number is not None else code,
        request_id=request_id,
        section="00_start_here#sign-in",
    )


async def prove_client_secret(
    http: Http, *, tenant: str, client_id: str, secret: Secret
) -> RunbookError | None:
    """Ask Entra for a token with an application's id and secret; None when it gave one.

    A new MSAL application each time, because MSAL keeps refused requests for a while.
    """
    client = http.for_msal()

    def ask() -> dict[str, Any]:
        import msal

        app = msal.ConfidentialClientApplication(
            client_id,
            authority=f"{LOGIN}/{tenant}",
            client_credential=secret.reveal(),
            http_client=client,
        )
        return dict(app.acquire_token_for_client([f"{GRAPH}/.default"]))

    answer = await asyncio.to_thread(ask)
    if "access_token" in answer:
        Secret(answer["access_token"])  # known to the scrubber from here on
        return None
    return sign_in_error(answer, f"token request of application {client_id}")


def _kept_claims(app: Any, home_account_id: str) -> dict[str, Any]:
    """The id token's claims, from the cache: a kept access token brings none with it."""
    tenant = _tenant_of(app)
    for entry in app.token_cache.search("IdToken"):
        same_tenant = entry.get("realm", "").lower() == tenant.lower()
        if same_tenant and entry.get("home_account_id") == home_account_id:
            payload = str(entry["secret"]).split(".")[1]
            padded = payload + "=" * (-len(payload) % 4)
            return dict(json.loads(base64.urlsafe_b64decode(padded)))
    return {}


def _tenant_of(app: Any) -> str:
    # The token endpoint names the tenant's id even when the authority was given by its domain.
    return str(app.authority.token_endpoint).removeprefix(f"{LOGIN}/").split("/", 1)[0]


def _short_scopes(scope: str | list[str]) -> frozenset[str]:
    names = scope.split() if isinstance(scope, str) else scope
    return frozenset(name.rsplit("/", 1)[-1] for name in names)


def _reader(path: Path) -> Callable[[], str]:
    def assertion() -> str:
        try:
            return Secret(path.read_text(encoding="utf-8").strip()).reveal()
        except OSError as error:
            raise FixInput(
                f"The federated token cannot be read ({type(error).__name__}).",
                where=str(path),
                next="check sign_in.token_file and that the platform has written the file",
            ) from None

    return assertion


def _certificate(path: Path, password: str | None) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FixInput(
            f"The certificate cannot be read ({type(error).__name__}).",
            where=str(path),
            next="check sign_in.certificate in accounts.toml",
        ) from None
    if path.suffix.lower() in (".pfx", ".p12"):
        return {"private_key_pfx_path": str(path), "passphrase": password}
    return _pem(content, password, path)


def _pem(content: bytes, password: str | None, path: Path) -> dict[str, Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    try:
        certificate = x509.load_pem_x509_certificate(content)
    except ValueError:
        raise FixInput(
            "The PEM file holds no certificate.",
            where=str(path),
            next="put the certificate and its private key into one PEM file",
        ) from None
    text = content.decode("ascii", errors="replace")
    start = text.find("-----BEGIN CERTIFICATE-----")
    return {
        "private_key": text,
        "thumbprint": certificate.fingerprint(hashes.SHA1()).hex(),
        "public_certificate": text[start:],
        **({"passphrase": password} if password else {}),
    }


def _token_cache(kind: str) -> msal.TokenCache:
    """A person's token cache: encrypted where this machine can, otherwise in memory only."""
    import msal

    if kind == "memory":
        return msal.TokenCache()
    import msal_extensions
    import platformdirs

    folder = Path(platformdirs.user_cache_dir("bcrunbook", appauthor=False))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if kind == "file":
        plain = folder / "tokens.json"
        plain.touch(mode=0o600)
        return msal_extensions.PersistedTokenCache(msal_extensions.FilePersistence(str(plain)))
    try:
        encrypted = msal_extensions.build_encrypted_persistence(str(folder / "tokens.bin"))
        cache = msal_extensions.PersistedTokenCache(encrypted)
        cache.find(cache.CredentialType.ACCOUNT)  # LibSecret may fail only at first use
    except Exception as error:
        # msal-extensions lets errors of D-Bus, LibSecret and its imports through unmapped.
        log.warning(
            "This machine cannot keep the sign-in encrypted (%s): it is kept in memory only.",
            type(error).__name__,
        )
        return msal.TokenCache()
    return cache
