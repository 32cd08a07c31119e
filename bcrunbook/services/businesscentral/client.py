"""Business Central: environments, companies, extensions, deployments, the admin centre, probes.

It only reads: the program never installs, uninstalls or uploads anything. A refusal is a fact that
is unknown, not an error. What passes by itself is raised as `WaitAndRetry`, once and at once: it is
the watch above that knows how long to go on.

Source: contract B1, B3, B11 and B12.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from bcrunbook.errors import (
    FixInput,
    NotFound,
    RunbookError,
    Unreachable,
    WaitAndRetry,
)
from bcrunbook.hosts import BUSINESS_CENTRAL_API
from bcrunbook.http.authorization import Authorization
from bcrunbook.http.repeat import Repeat
from bcrunbook.services.authorized import GetToken, send_authorized
from bcrunbook.services.businesscentral.errors import BusinessCentralReply, Kind
from bcrunbook.services.businesscentral.models import (
    BusinessCentralCompany,
    Deployment,
    Environment,
    Extension,
    Operation,
    Probe,
)
from bcrunbook.services.cooldown import Cooldown
from bcrunbook.services.paging import Pages
from bcrunbook.services.rate_limit import RateLimit, RateLimiter
from bcrunbook.services.wire import Seen, WireObject
from bcrunbook.signin import Token

if TYPE_CHECKING:
    from bcrunbook.http.client import Http
    from bcrunbook.http.response import Response

ADMIN_VERSION: Final = "v2.29"
"""The admin centre API's version: old ones keep answering for years (contract B9.1)."""

AT_ONCE: Final = 5
"""How many requests of one principal are processed at once; more would only queue (contract
B12.2)."""

REQUESTS: Final = RateLimit(max_requests=5700, seconds=300.0, burst=100)
"""A little less than the 6,000 in five minutes that one principal has, which it may share with
other programs (contract B12.1)."""

_BUSY: Final = 5.0
_SERVICE: Final = "Business Central"
_PROBES: Final = (
    ("companyInformation", {"$select": "id,displayName,currencyCode,experience"}),
    ("accounts", {"$top": "1", "$select": "id,number,displayName"}),
    ("customers", {"$top": "1", "$select": "id,number"}),
)

W = TypeVar("W", bound=WireObject)


class BusinessCentral:
    """A client of Business Central for one tenant.

    It keeps below the limits of one principal, so share it among all who ask about the tenant.

    Args:
        http: the HTTP stack.
        token: gets an access token for the tenant.
        tenant: the tenant's id or domain, named in every URL that can.
        admin_version: the admin centre API's version.
    """

    def __init__(
        self,
        http: Http,
        token: GetToken,
        tenant: str,
        *,
        admin_version: str = ADMIN_VERSION,
    ) -> None:
        self._http = http
        self._token = token
        self._tenant = tenant
        self._admin = f"/admin/{admin_version}"
        self._administered = f"{self._admin}/applications/BusinessCentral/environments"
        pace = http.cloud.pace
        self._limiter = RateLimiter(pace, REQUESTS)
        # No limit of the admin centre is published; one a second is safe (contract B12.10).
        self._admin_limiter = RateLimiter(pace, RateLimit(max_requests=1, seconds=1.0))
        self._slots = asyncio.Semaphore(AT_ONCE)
        # Two services behind one name, each with its own limits.
        self._cooldown = Cooldown(pace, _SERVICE)
        self._admin_cooldown = Cooldown(pace, f"{_SERVICE}'s admin centre")

    @property
    def is_busy(self) -> bool:
        """Whether requests queue for some seconds, so that what is not urgent should wait."""
        return self._limiter.backlog > _BUSY

    async def environments(self) -> Seen[tuple[Environment, ...]]:
        """The tenant's environments, as any token may see them."""
        return await self._every(
            Environment.model_validate, "/environments/v1.2", "listing environments"
        )

    async def admin_environments(self) -> Seen[tuple[Environment, ...]]:
        """The environments with their status, for whoever may use the admin centre."""
        return await self._every(
            Environment.model_validate, self._administered, "listing environments with their status"
        )

    async def admin_operations(self) -> Seen[tuple[Operation, ...]]:
        """The log of the last 180 days of all environments."""
        return await self._every(
            Operation.model_validate,
            f"{self._admin}/environments/operations",
            "reading the environments' operations",
        )

    async def companies(self, environment: str) -> Seen[tuple[BusinessCentralCompany, ...]]:
        """The companies that may be opened.

        Raises:
            NotFound: the tenant has no such environment.
        """
        return await self._every(
            BusinessCentralCompany.model_validate,
            f"{self._data(environment)}/companies",
            "listing companies",
        )

    async def extensions(
        self, environment: str, company: str, publisher: str
    ) -> Seen[tuple[Extension, ...]]:
        """A publisher's packages: the truth about what is installed."""
        return await self._every(
            Extension.model_validate,
            f"{self._automation(environment, company)}/extensions",
            "listing extensions",
            {"$filter": f"publisher eq '{publisher.replace(chr(39), chr(39) * 2)}'"},
        )

    async def deployments(self, environment: str, company: str) -> Seen[tuple[Deployment, ...]]:
        """What was deployed, newest first; each answer is one poll behind (contract B8.4)."""
        return await self._every(
            Deployment.model_validate,
            f"{self._automation(environment, company)}/extensionDeploymentStatus",
            "reading the deployment status",
        )

    async def probe(self, environment: str, company: str) -> Probe:
        """Whether a company's data can be read: ids and counts only.

        Raises:
            WaitAndRetry: something that passes by itself.
        """
        path = f"{self._data(environment)}/companies({_key(company)})"
        reads = [
            self._every(lambda row: row, f"{path}/{entity}", f"reading {entity}", params)
            for entity, params in _PROBES
        ]
        empty = []
        answers = await asyncio.gather(*reads, return_exceptions=True)
        for (entity, _), seen in zip(_PROBES, answers, strict=True):
            if isinstance(seen, BaseException):
                raise seen
            if seen.value is None:
                return Probe(failed=f"{entity} cannot be read: {seen.unknown}")
            if not seen.value:
                empty.append(entity)
        return Probe(empty=tuple(empty))

    def _data(self, environment: str) -> str:
        return f"/v2.0/{quote(self._tenant, safe='')}/{_name(environment)}/api/v2.0"

    def _automation(self, environment: str, company: str) -> str:
        base = f"/v2.0/{quote(self._tenant, safe='')}/{_name(environment)}"
        return f"{base}/api/microsoft/automation/v2.0/companies({_key(company)})"

    async def _every(
        self,
        read: Callable[[Any], Any],
        path: str,
        doing: str,
        params: Mapping[str, str] | None = None,
    ) -> Seen[tuple[Any, ...]]:
        """Every row of a collection; an object that is not wrapped is one row."""
        found: list[Any] = []
        url, asked = f"{BUSINESS_CENTRAL_API}{path}", params
        pages = Pages(url, service=_SERVICE, where=f"{_SERVICE}, {doing}")
        while True:
            try:
                reply = await self._get(url, asked, doing)
            except RunbookError as error:
                if isinstance(error, _Refused):
                    return Seen(None, error.what)
                raise
            rows = _rows(reply, read)
            if rows is None:
                raise reply.unexpected(_SERVICE, doing)
            found += rows
            following = reply.body.get("@odata.nextLink")
            if not following:
                return Seen(tuple(found))
            # The link carries the query already.
            url, asked = pages.follow(following, reply.correlation_id), None

    async def _get(
        self, url: str, params: Mapping[str, str] | None, doing: str
    ) -> BusinessCentralReply:
        try:
            is_admin = url.startswith(f"{BUSINESS_CENTRAL_API}/admin/")
            cooldown = self._admin_cooldown if is_admin else self._cooldown
            cooldown.check()
            send = partial(self._send, url, params, is_admin)
            reply = BusinessCentralReply.of(await send_authorized(self._token_or_refused, send))
            if reply.status == 429:
                # A 5xx is about one environment, where something is being installed or upgraded
                # (contract B11.27).
                cooldown.note(reply)
            reply.check(_SERVICE, f"{_SERVICE}, {doing}", Repeat.LOOK)
        except Unreachable as error:
            # Connections break during installations that end well (contract B11.28): it passes.
            raise WaitAndRetry(
                error.what,
                where=error.where,
                why=error.why,
                next=error.next,
                who=error.who,
            ) from None
        if reply.ok:
            return reply
        raise _error_of(reply, doing)

    async def _token_or_refused(self, *, fresh: bool, claims: str) -> Token:
        try:
            return await self._token(fresh=fresh, claims=claims)
        except (Unreachable, WaitAndRetry):
            raise
        except RunbookError as error:
            # Without a token nothing of this tenant can be seen, and nothing follows from that.
            raise _Refused(
                "this account's sign-in does not reach the tenant"
                + (f" ({error.code})" if error.code else f": {error.what}"),
                where=error.where,
                why=error.why,
                next=error.next,
                code=error.code,
                request_id=error.request_id,
            ) from None

    async def _send(
        self, url: str, params: Mapping[str, str] | None, is_admin: bool, token: Token
    ) -> Response:
        if is_admin:
            await self._admin_limiter.acquire()
        await self._limiter.acquire()
        async with self._slots:
            return await self._http.send(
                "GET",
                url,
                repeat=Repeat.LOOK,
                authorization=Authorization("Bearer", token.value, BUSINESS_CENTRAL_API),
                params=params,
                headers={
                    "Accept": "application/json",
                    # Otherwise messages come in the environment's language (contract B3.5).
                    "Accept-Language": "en-US",
                },
            )


def _rows(reply: BusinessCentralReply, read: Callable[[Any], Any]) -> list[Any] | None:
    """The rows of a page, or None when it is none. What came is in no frame that is shown."""
    body = reply.body
    if not isinstance(body, dict):
        return None
    rows = body["value"] if isinstance(body.get("value"), list) else [body]
    try:
        return [read(row) for row in rows]
    except ValidationError:
        return None


class _Refused(RunbookError):
    """Whoever asks may not see it; never leaves this module."""


def _error_of(reply: BusinessCentralReply, doing: str) -> RunbookError:
    """What a refusal or failure means.

    Args:
        reply: an answer that is not a success.
        doing: what was asked, such as "listing companies".
    """
    message = reply.message or f"status {reply.status}"
    about: dict[str, Any] = {
        "where": f"Business Central, {doing}",
        "code": reply.code or str(reply.status),
        "request_id": reply.correlation_id,
    }
    code = reply.code.lower()
    if code in ("noenvironment", "environmentnotfound"):
        return NotFound(
            "The tenant has no environment of that name.",
            **about,
            why="it was renamed or removed, or hidden from partners",
            next="correct environment in accounts.toml",
        )
    match reply.kind:
        case Kind.REFUSED:
            return _Refused(f"{doing} is refused: {message}", **about)
        case Kind.RETRY | Kind.ROUTE:
            return WaitAndRetry(
                f"Business Central is busy with something else: {message}",
                **about,
                next=reply.later(
                    "look again in a minute: it passes by itself, not least while an extension is"
                    " being installed"
                ),
            )
    return FixInput(
        f"Business Central answers: {message}",
        **about,
        next="check tenant, environment and company of the customer in accounts.toml",
    )


def _name(environment: str) -> str:
    return quote(environment, safe="")


def _key(company: str) -> str:
    return quote(company, safe="-")
