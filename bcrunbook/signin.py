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
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bcrunbook import aadsts
from bcrunbook.accounts import Account
from bcrunbook.errors import (
    AskAdministrator,
    FixInput,
    ReportBug,
    RunbookError,
    SignInAgain,
    Unreachable,
    WaitAndRetry,
)
from bcrunbook.http import Http, Repeat
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
_AZ_TIMEOUT = 120
_KEPT_LONGER_THAN = 300  # seconds that a kept token must still be good for; MSAL's own margin

_HEADLESS_ADVICE = (
    "open notebook 00_start_here and sign in there, or give the account an application's sign-in"
    " (client_secret, certificate, federated) for headless runs"
)

R = TypeVar("R")


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
        self._from_az_until: dict[str, tuple[Token, float]] = {}
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
        """A token for Azure's list of tenants. Raises as `graph` does.

        The list is worth knowing and not worth a question: a person is never asked for it.
        """
        return await self._token(AZURE, AZURE_SCOPES, self._account.tenant, may_ask=False)

    async def _token(
        self,
        resource: str,
        scopes: tuple[str, ...],
        tenant: str,
        *,
        fresh: bool = False,
        may_ask: bool = True,
    ) -> Token:
        method = self._account.sign_in.method
        async with self._lock:
            if method == "az":
                return await self._by_az(resource, fresh)
            if tenant not in self._apps:
                self._apps[tenant] = await self._application(tenant)
            app = self._apps[tenant]
            if self.is_application:
                if fresh:
                    await self._run(app.remove_tokens_for_client)
                answer = await self._run(app.acquire_token_for_client, [f"{resource}/.default"])
                return self._checked(answer, app)
            return await self._persons_token(app, list(scopes), fresh, may_ask)

    async def _persons_token(
        self, app: msal.PublicClientApplication, scopes: list[str], fresh: bool, may_ask: bool
    ) -> Token:
        settings = self._account.sign_in
        known = await self._run(app.get_accounts, settings.username)
        refusal: RunbookError | None = None
        # The cache is shared by all accounts of this machine, and so may know several people.
        for one in _likeliest_first(app, known):
            answer = await self._run(
                app.acquire_token_silent_with_error, scopes, one, force_refresh=fresh
            )
            if answer and "access_token" in answer:
                return self._checked(answer, app, one["home_account_id"], scopes)
            if answer and refusal is None:
                refusal = self._error(answer)
                if isinstance(refusal, WaitAndRetry):
                    raise refusal
        if self._person is None or not may_ask:
            raise self._nobody_here(refusal)
        if settings.method == "device_code":
            answer = await self._by_device_code(app, scopes)
        else:
            answer = await self._by_browser(app, scopes)
        return self._checked(answer, app)

    def _nobody_here(self, refusal: RunbookError | None) -> RunbookError:
        """Why nothing kept would do, for a run in which nobody can be asked."""
        if refusal is None:
            return SignInAgain(
                "Nobody is signed in, and nobody is here to sign in.",
                where=self._where,
                why="a browser or a device code needs a person; the kept sign-in is missing, has"
                " expired, or could not be kept on this machine",
                next=_HEADLESS_ADVICE,
                section="00_start_here#sign-in",
            )
        if isinstance(refusal, SignInAgain):
            refusal.next = _HEADLESS_ADVICE
        return refusal

    async def _by_browser(
        self, app: msal.PublicClientApplication, scopes: list[str]
    ) -> dict[str, Any]:
        assert self._person is not None
        if not _can_open_a_browser():
            raise FixInput(
                "There is no browser on the machine where this runs.",
                where=self._where,
                why="the notebook's kernel runs on a server or in a container",
                next='set method = "device_code": a browser anywhere will do then',
                section="00_start_here#sign-in",
            )
        self._person.say_browser_opens()
        answer: dict[str, Any] = await self._run(
            app.acquire_token_interactive,
            scopes,
            prompt="select_account",
            login_hint=self._account.sign_in.username,
            timeout=_BROWSER_TIMEOUT,
        )
        return answer

    async def _by_device_code(
        self, app: msal.PublicClientApplication, scopes: list[str]
    ) -> dict[str, Any]:
        assert self._person is not None
        flow = await self._run(app.initiate_device_flow, scopes)
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
            answer: dict[str, Any] = await self._run(
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
        except ValueError:
            # All that MSAL says when it could not learn about the tenant.
            raise await self._no_authority(tenant) from None
        except RunbookError:
            raise
        except Exception as error:
            raise _fault(error, self._where) from None

    async def _no_authority(self, tenant: str) -> RunbookError:
        """Why the tenant's sign-in configuration could not be had."""
        address = f"{LOGIN}/{tenant}/v2.0/.well-known/openid-configuration"
        response = await self._http.send("GET", address, repeat=Repeat.SAFE)
        try:
            told = response.json()
        except ValueError:
            return _not_entra(self._where)
        if response.status_code in (400, 404) and isinstance(told, dict) and told.get("error"):
            number = aadsts.code_in(str(told.get("error_description", "")))
            return FixInput(
                f'Entra does not know the tenant "{tenant}".',
                where=f'account "{self._account.name}", tenant',
                why="the id or domain is misspelt, or belongs to another national cloud",
                next="copy the Tenant ID from Microsoft Entra ID, Overview, in the Azure portal",
                code=f"AADSTS{number}" if number is not None else str(told["error"]),
                request_id=str(told.get("correlation_id", "")),
            )
        return WaitAndRetry(
            f"Entra did not tell how to sign in to this tenant ({response.status_code}).",
            where=self._where,
            next="wait a minute and run again",
        )

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

    async def _by_az(self, resource: str, fresh: bool) -> Token:
        """A token of the Azure CLI, kept while it lasts: each call of az takes about a second."""
        kept = self._from_az_until.get(resource)
        if kept is not None and not fresh and kept[1] - _KEPT_LONGER_THAN > time.time():
            return kept[0]
        token, ends = await asyncio.to_thread(self._ask_az, resource)
        self._from_az_until[resource] = (token, ends)
        return token

    def _ask_az(self, resource: str) -> tuple[Token, float]:
        where = "az account get-access-token"
        program = shutil.which("az")
        if program is None:
            raise FixInput(
                "The Azure CLI is not on this machine's PATH.",
                where=f'account "{self._account.name}", sign_in.method = "az"',
                next="install it and run az login, or choose method browser",
            )
        tenant = self._account.tenant
        kind = "ms-graph" if resource == GRAPH else "arm"
        command = [program, "account", "get-access-token", "--resource-type", kind]
        command += ["--tenant", tenant, "--output", "json"]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_AZ_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unreachable(
                f"The Azure CLI could not be asked ({type(error).__name__}).",
                where=where,
                next="run az account show in a terminal: it has to answer there",
            ) from None
        if done.returncode != 0:
            raise _az_refusal(done.stderr, where, tenant)
        try:
            told = json.loads(done.stdout)
            value, issuer = told["accessToken"], told["tenant"]
            if not (isinstance(value, str) and value and isinstance(issuer, str)):
                raise ValueError
            ends = float(told.get("expires_on") or 0)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SignInAgain(
                "The Azure CLI answered in a form that is not known here.",
                where=where,
                next="update the Azure CLI, or choose method browser",
            ) from None
        return Token(Secret(value), issuer, "", frozenset(), None), ends

    def _checked(
        self, answer: dict[str, Any], app: Any, kept_for: str = "", asked: Sequence[str] = ()
    ) -> Token:
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
            scopes=_short_scopes(answer.get("scope") or asked),
            directory_roles=frozenset(wids) if isinstance(wids, list) else None,
        )

    @property
    def _where(self) -> str:
        return f'account "{self._account.name}", sign_in.method = "{self._account.sign_in.method}"'

    def _error(self, answer: dict[str, Any]) -> RunbookError:
        return sign_in_error(answer, self._where)

    async def _run(self, call: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        return await _in_thread(self._where, call, *args, **kwargs)


# OAuth errors (RFC 6749, RFC 8628, Entra's own); any other is answered by signing in again.
_KINDS: dict[str, type[RunbookError]] = {
    "consent_required": AskAdministrator,
    "access_denied": AskAdministrator,
    "authorization_declined": AskAdministrator,
    "invalid_client": FixInput,
    "unauthorized_client": FixInput,
    "invalid_request": FixInput,
    "invalid_resource": FixInput,
    "invalid_scope": ReportBug,
    "unsupported_grant_type": ReportBug,
    "temporarily_unavailable": WaitAndRetry,
    "server_error": WaitAndRetry,
}


def sign_in_error(answer: dict[str, Any], where: str) -> RunbookError:
    """Turn MSAL's failure dict into an error with advice.

    Args:
        answer: what MSAL returned (`error`, `error_description`, `error_codes`, ...).
        where: which sign-in it was.
    """
    error = str(answer.get("error", ""))
    description = scrub(str(answer.get("error_description", "")), where="sign-in error")
    first = (description.splitlines() or [error])[0]
    kind = _KINDS.get(error, SignInAgain)
    # MSAL calls the suberror of a kept sign-in its classification.
    if "consent_required" in (answer.get("suberror"), answer.get("classification")):
        kind = AskAdministrator
    return _advised(
        kind,
        f"Entra refused the sign-in: {first}",
        where=where,
        text=description,
        request_id=str(answer.get("correlation_id", "")),
        code=error,
    )


def _advised(
    kind: Callable[..., RunbookError],
    what: str,
    *,
    where: str,
    text: str,
    next: str = "",
    code: str = "",
    request_id: str = "",
) -> RunbookError:
    number, advice = aadsts.code_in(text), aadsts.advice_in(text)
    return kind(
        what,
        where=where,
        why=advice.meaning if advice else "",
        next=next or (advice.next if advice else "sign in again"),
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

    Raises:
        WaitAndRetry, Unreachable: Entra did not answer the question.
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

    where = f"token request of application {client_id}"
    answer = await _in_thread(where, ask)
    if "access_token" in answer:
        Secret(answer["access_token"])  # known to the scrubber from here on
        return None
    refusal = sign_in_error(answer, where)
    if isinstance(refusal, WaitAndRetry):
        raise refusal
    return refusal


async def _in_thread(where: str, call: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    """Make one of MSAL's blocking calls; whatever it raises comes out as an error with advice."""
    try:
        return await asyncio.to_thread(call, *args, **kwargs)
    except RunbookError:
        raise
    except Exception as error:
        raise _fault(error, where) from None


def _fault(error: Exception, where: str) -> RunbookError:
    """What an exception of MSAL means: it raises for service, network and browser alike."""
    from msal.exceptions import MsalError
    from msal.oauth2cli.oauth2 import BrowserInteractionTimeoutError

    if isinstance(error, BrowserInteractionTimeoutError):
        return SignInAgain(
            "Nobody finished the sign-in in the browser.",
            where=where,
            why=f"the window was closed, or {_BROWSER_TIMEOUT // 60} minutes went by",
            next="run again and sign in, or choose method device_code",
            section="00_start_here#sign-in",
        )
    if isinstance(error, MsalError):
        text = scrub(str(error), where="sign-in error")
        return WaitAndRetry(
            f"Entra is out of order: {text}.", where=where, next="wait a minute and run again"
        )
    if isinstance(error, json.JSONDecodeError):
        return _not_entra(where)
    if isinstance(error, OSError):
        return Unreachable(
            f"This machine is in the way of the sign-in ({type(error).__name__}).",
            where=where,
            why="a port for the browser's answer, or the kept sign-in's file, cannot be used",
            next="run again; if it stays, choose method device_code and cache memory",
        )
    return ReportBug(
        f"The sign-in failed in a way nobody expected ({type(error).__name__}).",
        where=where,
        why=scrub(str(error), where="sign-in error"),
        next="run again; if it stays, report this",
    )


def _not_entra(where: str) -> RunbookError:
    return Unreachable(
        "Something other than Entra answered the sign-in.",
        where=where,
        why="a proxy, or the sign-on page of this network, stands in between",
        next="check the connection and [network] proxy in accounts.toml, then run again",
        who="you, or whoever keeps the network",
    )


def _az_refusal(text: str, where: str, tenant: str) -> RunbookError:
    said = [line.removeprefix("ERROR:").strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in said if aadsts.code_in(line) is not None] or said
    advice = aadsts.advice_in(text)
    login = f"run: az login --tenant {tenant}"
    return _advised(
        SignInAgain,
        "The Azure CLI gave no token: "
        + scrub(telling[0] if telling else "no message", where="az error"),
        where=where,
        next=f"{advice.next}; then {login}" if advice else login,
        text=text,
    )


def _can_open_a_browser() -> bool:
    import webbrowser

    try:
        webbrowser.get()
    except webbrowser.Error:
        # In a Linux on Windows, MSAL opens the browser of Windows.
        return "microsoft" in platform.uname().release.lower()
    return True


def _likeliest_first(app: Any, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The people that the cache knows, those who have signed in to this tenant before first."""
    tenant = _tenant_of(app).lower()
    here = {
        entry.get("home_account_id")
        for entry in app.token_cache.search("IdToken")
        if entry.get("realm", "").lower() == tenant
    }
    return sorted(known, key=lambda one: one["home_account_id"] not in here)


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


def _short_scopes(scope: str | Sequence[str]) -> frozenset[str]:
    names = scope.split() if isinstance(scope, str) else scope
    return frozenset(name.rsplit("/", 1)[-1] for name in names)


def _reader(path: Path) -> Callable[[], str]:
    def assertion() -> str:
        try:
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            value, why = "", type(error).__name__
        else:
            why = "it is empty"
        if value:
            return Secret(value).reveal()
        raise FixInput(
            f"The federated token cannot be read ({why}).",
            where=str(path),
            next="check sign_in.token_file and that the platform has written the file",
        )

    return assertion


def _certificate(path: Path, password: str | None) -> dict[str, Any]:
    """A certificate and its key as MSAL takes them, loaded here so that a slip is told as one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FixInput(
            f"The certificate cannot be read ({type(error).__name__}).",
            where=str(path),
            next="check sign_in.certificate in accounts.toml",
        ) from None
    try:
        if path.suffix.lower() in (".pfx", ".p12"):
            return _pfx(path, content, password)
        return _pem(content, password)
    except (ValueError, TypeError) as error:
        # cryptography raises TypeError for a password that is missing or not needed.
        raise FixInput(
            f"The certificate cannot be used: {scrub(str(error), where='certificate error')}",
            where=str(path),
            next="name a PFX file, or a PEM file that holds the certificate and its private RSA"
            " key, and give sign_in.certificate_password where there is one",
        ) from None


def _pfx(path: Path, content: bytes, password: str | None) -> dict[str, Any]:
    from cryptography.hazmat.primitives.serialization import pkcs12

    secret = password.encode() if password else None
    key, certificate, _ = pkcs12.load_key_and_certificates(content, secret)
    if certificate is None:
        raise ValueError("the PFX file holds no certificate")
    _check_key(key)
    return {"private_key_pfx_path": str(path), "passphrase": password}


def _pem(content: bytes, password: str | None) -> dict[str, Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    certificate = x509.load_pem_x509_certificate(content)
    key = serialization.load_pem_private_key(content, password.encode() if password else None)
    _check_key(key)
    text = content.decode("ascii", errors="replace")
    return {
        "private_key": text,
        "thumbprint": certificate.fingerprint(hashes.SHA1()).hex(),
        "public_certificate": text[text.find("-----BEGIN CERTIFICATE-----") :],
        **({"passphrase": password} if password else {}),
    }


def _check_key(key: object) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("the file holds no private RSA key, and Entra takes no other")


def _token_cache(kind: str) -> msal.TokenCache:
    """A person's token cache: encrypted where this machine can, otherwise in memory only."""
    import msal

    if kind == "memory":
        return msal.TokenCache()
    import msal_extensions
    import platformdirs

    folder = Path(platformdirs.user_cache_dir("bcrunbook", appauthor=False))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if kind == "file":
            return _plain_cache(folder / "tokens.json")
        encrypted = msal_extensions.build_encrypted_persistence(str(folder / "tokens.bin"))
        cache = msal_extensions.PersistedTokenCache(encrypted)
        list(cache.search(cache.CredentialType.ACCOUNT))  # LibSecret may fail only at first use
    except Exception as error:
        # msal-extensions lets errors of D-Bus, LibSecret and its imports through unmapped.
        log.warning(
            "This machine cannot keep the sign-in %s (%s): it is kept in memory only.",
            "in a file" if kind == "file" else "encrypted",
            type(error).__name__,
        )
        return msal.TokenCache()
    return cache


def _plain_cache(file: Path) -> msal.TokenCache:
    import msal_extensions

    file.touch(mode=0o600)
    file.chmod(0o600)  # it may be there already, made by something less careful
    text = file.read_bytes()
    try:
        json.loads(text or "{}")
    except ValueError:
        log.warning("The kept sign-in cannot be read and is begun anew.")
        file.write_bytes(b"")
    return msal_extensions.PersistedTokenCache(msal_extensions.FilePersistence(str(file)))
