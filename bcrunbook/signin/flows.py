"""Sign-in: MSAL in its six forms behind one small class, one instance per account.

Invariants: tokens live in memory and, for a person's sign-in, in msal-extensions' encrypted cache;
access tokens are opaque and never parsed. MSAL's blocking calls run in a thread and send through
`bcrunbook.http.client`. MSAL's answers, which report failure as a dict, become errors here and
nowhere else. Which tenant a token belongs to is read from the id token (a person) or from the token
endpoint that Entra named (an application): the caller compares it before any write.
"""

from __future__ import annotations

import asyncio
import logging
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bcrunbook.accounts import Account
from bcrunbook.errors import (
    FixInput,
    RunbookError,
    SignInAgain,
    WaitAndRetry,
    without_frames,
)
from bcrunbook.hosts import AZURE_MANAGEMENT, BUSINESS_CENTRAL_API, GRAPH, LOGIN, VAULT
from bcrunbook.order import START_HERE, notebook_name
from bcrunbook.secrets import Secret, VaultOpener, Veiled, read
from bcrunbook.signin.authority import authority_error
from bcrunbook.signin.az import ask_az
from bcrunbook.signin.cache import (
    KEPT_LONGER_THAN,
    kept_claims,
    kept_token,
    likeliest_first,
    short_scopes,
    tenant_of,
    token_cache,
)
from bcrunbook.signin.credentials import assertion_of, certificate_of
from bcrunbook.signin.from_thread import FromThread
from bcrunbook.signin.model import (
    AZURE_SCOPES,
    BUSINESS_CENTRAL_SCOPES,
    CONSENT_SCOPES,
    GRAPH_SCOPES,
    VAULT_SCOPES,
    DeviceCode,
    Person,
    Token,
)
from bcrunbook.signin.msal_http import MsalHttpClient
from bcrunbook.signin.platform_tokens import assertion_from
from bcrunbook.signin.refusals import BROWSER_TIMEOUT, fault, in_thread, sign_in_error
from bcrunbook.signin.vault import Vaults

if TYPE_CHECKING:
    import msal

    from bcrunbook.http.client import Http

_APPLICATION_METHODS: Final = frozenset({"client_secret", "certificate", "federated"})

_HEADLESS_ADVICE: Final = (
    f"open notebook {notebook_name(START_HERE)} and sign in there, or give the account an"
    " application's sign-in (client_secret, certificate, federated) for headless runs"
)

log = logging.getLogger(__name__)

R = TypeVar("R")


@dataclass
class MsalApplications:
    """MSAL's applications of one sign-in, with the tokens that they have in memory.

    What signs in for the next notebook of the same job may go on with them: it is told how to sign
    in to a tenant, and given a token, once.

    Args:
        by_tenant: the applications, by the tenant's id or domain.
        http_caches: what MSAL remembers of answers, by the same.
        client: what all of them send through; None until there is something to send.
    """

    by_tenant: dict[str, Any] = field(default_factory=dict)
    http_caches: dict[str, dict[str, Any]] = field(default_factory=dict)
    client: MsalHttpClient | None = None


class SignIn:
    """Gets tokens for one account.

    Args:
        account: the account, whose `sign_in` says how.
        http: the HTTP stack that MSAL sends through.
        root: the workspace folder; references and paths are relative to it.
        person: who can answer a browser or a device code; None when nobody can.
        applications: those of an earlier sign-in of the same account in the same way, which has
            ended; None to begin with none.
    """

    def __init__(
        self,
        account: Account,
        http: Http,
        root: Path,
        *,
        person: Person | None = None,
        applications: MsalApplications | None = None,
    ) -> None:
        self._account = account
        self._http = http
        self._root = root
        self._person = person
        self._msal = applications or MsalApplications()
        self._cache: msal.TokenCache | None = None
        self._from_az_until: dict[tuple[str, str], tuple[Token, float]] = {}
        self._lock = asyncio.Lock()

    @property
    def is_application(self) -> bool:
        """Whether an application signs in rather than a person."""
        return self._account.sign_in.method in _APPLICATION_METHODS

    @property
    def _client(self) -> MsalHttpClient:
        """What MSAL sends through, while a token is asked for."""
        assert self._msal.client is not None
        return self._msal.client

    async def graph(self, *, consent: bool = False, fresh: bool = False, claims: str = "") -> Token:
        """A token for Microsoft Graph.

        Args:
            consent: also ask for the right to grant permissions.
            fresh: ask Entra again even when a kept token looks valid.
            claims: what the service demands of the token (JSON); a kept one lacks it.

        Raises:
            SignInAgain, AskAdministrator, FixInput, WaitAndRetry: with advice from the code.
        """
        scopes = GRAPH_SCOPES + CONSENT_SCOPES if consent else GRAPH_SCOPES
        return await self._token(GRAPH, scopes, fresh=fresh, claims=claims)

    async def azure(self, *, fresh: bool = False, claims: str = "") -> Token:
        """A token for Azure's list of tenants. Takes and raises what `graph` does.

        The list is worth knowing and not worth a question: a person is never asked for it.
        """
        return await self._token(
            AZURE_MANAGEMENT, AZURE_SCOPES, fresh=fresh, claims=claims, may_ask=False
        )

    async def vault(self, *, claims: str = "") -> Token:
        """A token for Azure Key Vault. Takes and raises what `graph` does."""
        return await self._token(VAULT, VAULT_SCOPES, claims=claims)

    async def business_central(
        self, tenant: str, *, fresh: bool = False, claims: str = ""
    ) -> Token:
        """A token for Business Central in a tenant, which may be a customer's.

        Nobody is asked: where no kept sign-in and no application reaches the tenant, that is so.
        Takes and raises what `graph` does.

        Args:
            tenant: the tenant's id or domain.
            fresh: as for `graph`.
            claims: as for `graph`.
        """
        return await self._token(
            BUSINESS_CENTRAL_API,
            BUSINESS_CENTRAL_SCOPES,
            fresh=fresh,
            claims=claims,
            may_ask=False,
            tenant=tenant,
        )

    @property
    def vaults(self) -> VaultOpener:
        """Opens Key Vaults with this sign-in, for `secrets.open_store` and `secrets.read`."""
        return Vaults(self, self._http)

    async def _token(
        self,
        resource: str,
        scopes: tuple[str, ...],
        *,
        fresh: bool = False,
        claims: str = "",
        may_ask: bool = True,
        tenant: str = "",
    ) -> Token:
        method = self._account.sign_in.method
        where = tenant or self._account.tenant
        async with self._lock:
            if method == "az":
                return await self._by_az(resource, where, fresh or bool(claims))
            if self._msal.client is None:
                self._msal.client = MsalHttpClient(FromThread(self._http))
            else:
                self._msal.client.sender.go_on_with(self._http)
            if where not in self._msal.by_tenant:
                self._msal.by_tenant[where] = await self._application(where)
            app = self._msal.by_tenant[where]
            try:
                if self.is_application:
                    return await self._applications_token(app, resource, fresh, claims)
                return await self._persons_token(app, list(scopes), fresh, claims, may_ask)
            except RunbookError:
                # MSAL would go on telling a refusal for a minute after it has been mended
                # (contract G17.2).
                self._msal.http_caches[where].clear()
                # Its secret may have been replaced since it was read.
                del self._msal.by_tenant[where]
                raise

    async def _applications_token(
        self, app: msal.ConfidentialClientApplication, resource: str, fresh: bool, claims: str
    ) -> Token:
        scopes = [f"{resource}/.default"]
        if fresh:
            await self._run(app.remove_tokens_for_client)
        # One that the service has refused is no help.
        kept = None if fresh or claims else kept_token(app, scopes, None)
        answer = await self._bridged(
            kept, app.acquire_token_for_client, scopes, claims_challenge=claims or None
        )
        return self._checked(answer, app)

    async def _bridged(
        self, kept: Secret | None, call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Ask for a token; one that is kept and still good bridges an outage of Entra.

        Entra may have tokens renewed long before they end. MSAL then asks at each call, and goes
        back to the kept one by itself only for a refusal in words (contract G17.7).

        Args:
            kept: the access token that will do; None without one.
            call: what asks.
            *args: what it takes.
            **kwargs: what it takes by name.
        """
        client = self._client
        client.is_hurried = kept is not None
        try:
            return await self._run(call, *args, **kwargs)
        except RunbookError as error:
            if kept is None:
                raise
            log.info("the token is not renewed, the kept one is used: %s", error.what)
            return {"access_token": kept}
        finally:
            client.is_hurried = False

    async def _persons_token(
        self,
        app: msal.PublicClientApplication,
        scopes: list[str],
        fresh: bool,
        claims: str,
        may_ask: bool,
    ) -> Token:
        settings = self._account.sign_in
        known = await self._run(app.get_accounts, settings.username)
        refusal: RunbookError | None = None
        # The cache is shared by all accounts of this machine, and so may know several people.
        for one in likeliest_first(app, known):
            own = one["home_account_id"]
            answer = await self._bridged(
                None if fresh or claims else kept_token(app, scopes, own),
                app.acquire_token_silent_with_error,
                scopes,
                one,
                force_refresh=fresh,
                claims_challenge=claims or None,
            )
            if answer and "access_token" in answer:
                return self._checked(answer, app, own, scopes)
            if answer and refusal is None:
                refusal = self._error(answer)
                if isinstance(refusal, WaitAndRetry):
                    raise refusal
        if self._person is None or not may_ask:
            raise self._nobody_here(refusal)
        if settings.method == "device_code":
            answer = await self._by_device_code(app, scopes, claims)
        else:
            answer = await self._by_browser(app, scopes, claims)
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
                section="start_here#sign-in",
            )
        if isinstance(refusal, SignInAgain):
            refusal.next = _HEADLESS_ADVICE
        return refusal

    async def _by_browser(
        self, app: msal.PublicClientApplication, scopes: list[str], claims: str
    ) -> dict[str, Any]:
        assert self._person is not None
        if not _can_open_a_browser():
            raise FixInput(
                "There is no browser on the machine where this runs.",
                where=self._where,
                why="the notebook's kernel runs on a server or in a container",
                next='set method = "device_code": a browser anywhere will do then',
                section="start_here#sign-in",
            )
        self._person.say_browser_opens()
        answer: dict[str, Any] = await self._run(
            app.acquire_token_interactive,
            scopes,
            prompt="select_account",
            login_hint=self._account.sign_in.username,
            timeout=BROWSER_TIMEOUT,
            claims_challenge=claims or None,
        )
        return answer

    async def _by_device_code(
        self, app: msal.PublicClientApplication, scopes: list[str], claims: str
    ) -> dict[str, Any]:
        assert self._person is not None
        flow = await self._run(lambda: Veiled(app.initiate_device_flow(scopes)))
        if (refused := _refused(flow)) is not None:
            raise self._error(refused)
        code, interval = _device_code(flow)
        self._person.show_device_code(code)
        pace = self._http.cloud.pace
        # The codes live by our own time, as the person does.
        give_up = time.monotonic() + code.expires_in
        while True:
            # One poll per call, so that the cell stays interruptible while the person types.
            answer: dict[str, Any] = await self._run(
                lambda: app.acquire_token_by_device_flow(
                    flow.reveal(),
                    exit_condition=lambda _: True,
                    claims_challenge=claims or None,
                )
            )
            pending = answer.get("error") in ("authorization_pending", "slow_down")
            if not pending or time.monotonic() > give_up:
                return answer
            interval += 5 if answer.get("error") == "slow_down" else 0
            await pace.sleep_beside_person(interval)

    async def _application(self, tenant: str) -> Any:
        settings = self._account.sign_in
        credential = await self._credential()
        client = self._client
        http_cache: dict[str, Any] = {}

        def build() -> Any:
            import msal

            common: dict[str, Any] = {
                "client_id": settings.client_id,
                "authority": f"{LOGIN}/{tenant}",
                "http_client": client,
                "http_cache": http_cache,
            }
            if credential is None:
                # One for all tenants: what a person gave in one may do in another as well.
                self._cache = self._cache or token_cache(settings.cache)
                return msal.PublicClientApplication(**common, token_cache=self._cache)
            return msal.ConfidentialClientApplication(
                **common, client_credential=credential.reveal()
            )

        try:
            app = await asyncio.to_thread(build)
        except ValueError:
            # All that MSAL says when it could not learn about the tenant.
            failed: BaseException | None = client.asked_to_wait(self._where)
        except RunbookError as error:
            failed = without_frames(error)
        except Exception as error:
            failed = fault(error, self._where)
        else:
            self._msal.http_caches[tenant] = http_cache
            return app
        raise failed or await self._no_authority(tenant)

    async def _no_authority(self, tenant: str) -> RunbookError:
        """Why the tenant's sign-in configuration could not be had."""
        error = await authority_error(
            self._http, tenant, where=self._where, account=self._account.name
        )
        # It is there now, or MSAL does not take it as it is.
        return error or WaitAndRetry(
            "Entra did not tell how to sign in to this tenant.",
            where=self._where,
            next="wait a minute and run again",
        )

    async def _credential(self) -> Veiled[Any] | None:
        settings = self._account.sign_in
        if settings.method == "client_secret":
            assert settings.secret is not None
            return Veiled((await read(settings.secret, self._root)).reveal())
        if settings.method == "certificate":
            assert settings.certificate is not None
            password = (
                await read(settings.certificate_password, self._root)
                if settings.certificate_password
                else None
            )
            return certificate_of(self._root / settings.certificate, password)
        if settings.method == "federated":
            # A callable, so that a token is read or asked for again whenever one is needed.
            if settings.token_from is not None:
                sender, name = self._client.sender, self._account.name
                asked = assertion_from(settings.token_from, sender, name)
                return Veiled({"client_assertion": asked})
            assert settings.token_file is not None
            return Veiled({"client_assertion": assertion_of(self._root / settings.token_file)})
        return None

    async def _by_az(self, resource: str, tenant: str, fresh: bool) -> Token:
        """A token of the Azure CLI, kept while it lasts: each call of az takes about a second."""
        kept = self._from_az_until.get((resource, tenant))
        if kept is not None and not fresh and kept[1] - KEPT_LONGER_THAN > time.time():
            return kept[0]
        token, ends = await asyncio.to_thread(ask_az, resource, self._account.name, tenant)
        self._from_az_until[resource, tenant] = (token, ends)
        return token

    def _checked(
        self, answer: dict[str, Any], app: Any, kept_for: str = "", asked: Sequence[str] = ()
    ) -> Token:
        if "access_token" not in answer:
            raise self._error(answer)
        claims: dict[str, Any] = answer.get("id_token_claims") or {}
        if not claims and kept_for:
            claims = kept_claims(app, kept_for)
        wids = claims.get("wids")
        return Token(
            value=answer["access_token"],
            tenant=str(claims.get("tid") or tenant_of(app)),
            username=str(claims.get("preferred_username", "")),
            scopes=short_scopes(answer.get("scope") or asked),
            directory_roles=frozenset(wids) if isinstance(wids, list) else None,
        )

    @property
    def _where(self) -> str:
        return f'account "{self._account.name}", sign_in.method = "{self._account.sign_in.method}"'

    def _error(self, answer: dict[str, Any]) -> RunbookError:
        return sign_in_error(answer, self._where, by_person=not self.is_application)

    async def _run(self, call: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        return await in_thread(self._client, self._where, call, *args, **kwargs)


def _refused(flow: Veiled[dict[str, Any]]) -> dict[str, Any] | None:
    """What Entra says instead of giving a device code."""
    return None if "user_code" in flow.reveal() else flow.reveal()


def _device_code(flow: Veiled[dict[str, Any]]) -> tuple[DeviceCode, float]:
    """What a person needs of a device code, and how often to ask whether they are done."""
    answer = flow.reveal()
    code = DeviceCode(
        url=answer["verification_uri"],
        code=answer["user_code"],
        expires_in=int(answer["expires_in"]),
    )
    return code, float(answer.get("interval", 5))


def _can_open_a_browser() -> bool:
    import webbrowser

    try:
        webbrowser.get()
    except webbrowser.Error:
        # In a Linux on Windows, MSAL opens the browser of Windows.
        return "microsoft" in platform.uname().release.lower()
    return True
