"""Codat's Platform API: the integration, companies, connections, data status and refresh.

There is no supported call that saves an integration's keys or enables it; those are a person's
work in the Codat Portal, and `integration` reads what can be read of it.

Every POST bears an `Idempotency-Key`. A lost answer and a 429 are repeated under the same
key, which makes nothing twice. Any other answer is kept by Codat for 90 minutes, a 500 too
(contract C3.10): what may be done twice is then sent again under a new key, what may not
raises AnswerLost, and whoever called looks before doing it again. A new instance has 1,000 calls a
day (contract C3.1), so what polls asks `check_spare` first.

Source: Codat Platform API 3.0.0; Codat documentation, "Authentication", "Idempotency", "Paging" and
"Rate limits".
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from bcrunbook.core.backoff import Backoff, next_pause
from bcrunbook.core.written import note_answer, note_sender
from bcrunbook.errors import AnswerLost, FixInput, RunbookError, WaitAndRetry
from bcrunbook.hosts import CODAT_HOST
from bcrunbook.http.authorization import Authorization
from bcrunbook.http.repeat import Repeat
from bcrunbook.secrets import Secret
from bcrunbook.services.codat.errors import CodatReply, DailyQuota
from bcrunbook.services.codat.models import (
    Company,
    Connection,
    DataStatus,
    Integration,
    Profile,
    PullOperation,
)
from bcrunbook.services.cooldown import Cooldown
from bcrunbook.services.paging import Pages
from bcrunbook.services.rate_limit import Limiter, RateLimit, RateLimiter
from bcrunbook.services.wire import WireObject

if TYPE_CHECKING:
    from bcrunbook.http.client import Http

BASE: Final = f"https://{CODAT_HOST}"
_SERVICE: Final = "Codat"
BUSINESS_CENTRAL_PLATFORM: Final = "trji"
"""Codat's platform key of Dynamics 365 Business Central (contract C5.1)."""

RESERVE: Final = 0.1
"""The share of a day's calls that is left to others: no poll goes on below it."""

AT_ONCE: Final = 10
"""How many requests are served at once even to a single company (contract C3.4)."""

REQUESTS: Final = RateLimit(max_requests=950, seconds=60.0, burst=AT_ONCE)
"""A little less than the 1,000 a minute that one address has (contract C3.3)."""

PAGE_SIZE: Final = 100
"""How many companies or connections one request of a list shows."""
_UNLINKED: Final = "Unlinked"
_PROFILE: Final = "/profile"
_CLIENT: Final = "x-codat-client"
_SAME_KEY: Final = Backoff(first=2.0, longest=8.0, deadline=30.0)
_AGAIN: Final = Backoff(first=2.0, longest=16.0, deadline=60.0)

W = TypeVar("W", bound=WireObject)
Key = Callable[[], Awaitable[Secret]]


class Codat:
    """A client of Codat's API for one instance.

    Args:
        http: the HTTP stack.
        key: reads the API key, from wherever it is kept; called once, when it is first needed.
        limiter: keeps Codat's rate limit; without it, this client keeps it alone.
        client: the instance's GUID, which each request names where the instance insists on mutual
            TLS (contract C1.13); empty where it does not.
        check: refuses the instance that the key belongs to. With it, nothing else is asked of any
            instance before it has been asked.
        guard: refuses a write; called right before each try leaves.
        sender: as whom writes leave: which key it is, never the key.
    """

    def __init__(
        self,
        http: Http,
        key: Key,
        limiter: Limiter | None = None,
        *,
        client: str = "",
        check: Callable[[Profile], None] | None = None,
        guard: Callable[[], None] | None = None,
        sender: str = "",
    ) -> None:
        self._http = http
        self._sender = sender
        self._key = key
        self._headers = {"Accept": "application/json"} | ({_CLIENT: client} if client else {})
        self._check = check
        self._guard = guard
        self._checking = asyncio.Lock()
        self._authorization: Authorization | None = None
        self._profile: Profile | None = None
        self._cooldown = Cooldown(http.cloud.pace, _SERVICE)
        self._limiter = limiter or RateLimiter(http.cloud.pace, REQUESTS)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.quota: DailyQuota | None = None
        """What the last answer said about calls left; None before the first."""

    def check_spare(self) -> None:
        """Refuse to go on polling when few of the day's calls are left.

        Raises:
            WaitAndRetry: says how many are left and when there are new ones.
        """
        quota = self.quota
        if quota is not None and quota.remaining < quota.limit * RESERVE:
            raise WaitAndRetry(
                f"Codat's calls of today are nearly used up: {quota}.",
                where="polling Codat's API",
                why="every program that uses this instance's keys shares one daily number",
                next="run again after that time; waiting now would use up the rest",
            )

    async def instance(self) -> Profile:
        """The instance that the API key belongs to; asked once."""
        async with self._checking:
            if self._profile is None:
                reply = await self._call("GET", _PROFILE, repeat=Repeat.SAFE)
                where = "reading the instance's profile"
                if not reply.ok:
                    raise reply.refusal(where)
                profile = _parsed(Profile, reply, where)
                if self._check is not None:
                    self._check(profile)
                self._profile = profile
        return self._profile

    async def integration(self, platform: str) -> Integration | None:
        """One platform by its key; None when this instance does not know it."""
        return await self._one(
            Integration, f"/integrations/{quote(platform, safe='')}", "reading the integration"
        )

    async def companies(self, tags: Mapping[str, str] | None = None) -> tuple[Company, ...]:
        """The companies that bear all of `tags`; every company without tags given.

        Codat is asked to filter, and the answer is filtered again: its own pages differ on what a
        query may do.
        """
        wanted = dict(tags or {})
        found = await self._companies([f"{name}={value}" for name, value in wanted.items()])
        return tuple(one for one in found if wanted.items() <= (one.tags or {}).items())

    async def companies_tagged(self, name: str, beginning: str) -> tuple[Company, ...]:
        """The companies whose tag `name` has a value that begins so.

        Codat is asked for what contains it (contract C4.9), and the answer is filtered again.
        """
        found = await self._companies([f"{name}~{beginning}"])
        return tuple(one for one in found if (one.tags or {}).get(name, "").startswith(beginning))

    async def company(self, company: str) -> Company | None:
        """One company by its id; None when it is not there."""
        return await self._one(Company, _company(company), "reading the company")

    async def create_company(
        self,
        name: str,
        *,
        tags: Mapping[str, str],
        description: str = "",
        products: Sequence[str] = (),
    ) -> Company:
        """Make a company. Names are not unique, so tag it with what it is found again by.

        Args:
            name: its name, of the characters that Codat keeps (contract C7.5).
            tags: what it is found again by.
            description: any text about it; none if empty.
            products: the identifiers of its products; none are sent where the instance has default
                products of its own (contract C7.12).

        Raises:
            AnswerLost: it may have been made; look for the tags before making it again.
            FixInput: Codat wants a product, or does not know one of these.
        """
        body: dict[str, Any] = {"name": name, "tags": dict(tags)}
        if description:
            body["description"] = description
        if products:
            body["products"] = list(products)
        reply = await self._write(
            "/companies", body, "creating the company", refusal=CodatReply.refusal_of_company
        )
        return _made(Company, reply, "the company")

    async def connections(self, company: str) -> tuple[Connection, ...]:
        """A company's connections."""
        path = f"{_company(company)}/connections"
        return await self._every(Connection, path, "listing connections")

    async def connection(self, company: str, connection: str) -> Connection | None:
        """One connection; None when it is not there."""
        path = _connection(company, connection)
        return await self._one(Connection, path, "reading the connection")

    async def create_connection(self, company: str, platform: str) -> Connection:
        """Make a connection to a platform, for the customer to link.

        Raises:
            AnswerLost: it may have been made; look before making it again.
        """
        reply = await self._write(
            f"{_company(company)}/connections",
            {"platformKey": platform},
            "creating the connection",
        )
        return _made(Connection, reply, "the connection")

    async def unlink(self, company: str, connection: str) -> None:
        """Cut a connection that is Linked. What was read through it stays readable (contract C8.7).

        What Codat answers where it is not Linked is not published (contract C8.8): a refusal
        counts only if the connection is not cut afterwards, as a try before this one may have.
        """
        where = "unlinking the connection"
        reply = await self._change("PATCH", _connection(company, connection), {"status": _UNLINKED})
        if reply.ok:
            return
        seen = await self.connection(company, connection)
        if seen is not None and seen.status != _UNLINKED:
            raise reply.refusal(where)

    async def delete_connection(self, company: str, connection: str) -> None:
        """Remove a connection for good (contract C8.9); one that is gone already is no error."""
        await self._remove(_connection(company, connection), "deleting the connection")

    async def delete_company(self, company: str) -> None:
        """Remove a company for good, with its connections and all that was read of it.

        One that is gone already is no error (contract C7.11).
        """
        await self._remove(_company(company), "deleting the company")

    async def refresh(self, company: str, data_type: str, connection: str) -> PullOperation:
        """Queue one data type of one connection."""
        reply = await self._write(
            f"{_company(company)}/data/queue/{quote(data_type, safe='')}",
            None,
            f"refreshing {data_type}",
            params={"connectionId": connection},
            may_be_repeated=True,
        )
        return _made(PullOperation, reply, "the refresh")

    async def data_status(self, company: str) -> dict[str, DataStatus]:
        """How each data type of a company stands; types that say nothing are left out."""
        where = "reading the data status"
        reply = await self._read(f"{_company(company)}/dataStatus", where)
        if not isinstance(reply.body, dict):
            raise reply.unexpected(_SERVICE, where)
        return {
            name: _parsed(DataStatus, CodatReply(reply.status, reply.headers, value), where)
            for name, value in reply.body.items()
            if value is not None
        }

    async def _companies(self, tags: Sequence[str]) -> tuple[Company, ...]:
        asked = {"tags": "&&".join(tags)}
        return await self._every(Company, "/companies", "listing companies", asked)

    async def _one(self, model: type[W], path: str, where: str) -> W | None:
        reply = await self._call("GET", path, repeat=Repeat.SAFE)
        if reply.status == 404:
            return None
        if not reply.ok:
            raise reply.refusal(where)
        return _parsed(model, reply, where)

    async def _read(
        self, path: str, where: str, params: Mapping[str, str] | None = None
    ) -> CodatReply:
        reply = await self._call("GET", path, repeat=Repeat.SAFE, params=params)
        if not reply.ok:
            raise reply.refusal(where)
        return reply

    async def _every(
        self, model: type[W], path: str, where: str, params: Mapping[str, str] | None = None
    ) -> tuple[W, ...]:
        """All pages of a list, by the relative links that lead from one to the next."""
        asked: dict[str, str] | None = {
            "page": "1",
            "pageSize": str(PAGE_SIZE),
            **{name: value for name, value in (params or {}).items() if value},
        }
        pages = Pages(f"{BASE}{path}", service=_SERVICE, where=where)
        found: list[W] = []
        while True:
            reply = await self._read(path, where, asked)
            try:
                found += [model.model_validate(one) for one in reply.body["results"]]
                link = ((reply.body.get("_links") or {}).get("next") or {}).get("href")
            except (KeyError, TypeError, AttributeError, ValueError):
                raise reply.unexpected(_SERVICE, where) from None
            if not link:
                return tuple(found)
            # The link carries the query already.
            path, asked = pages.follow(link, reply.request_id).removeprefix(BASE), None

    async def _remove(self, path: str, where: str) -> None:
        reply = await self._change("DELETE", path, None)
        if not reply.ok and reply.status != 404:
            raise reply.refusal(where)

    async def _change(self, method: str, path: str, body: Any) -> CodatReply:
        """Send a write that says the same when it is said twice; needs no key for that."""
        note_sender(self._sender)
        reply = await self._call(method, path, repeat=Repeat.SAFE, json=body)
        if reply.ok:
            note_answer(reply.request_id)
        return reply

    async def _write(
        self,
        path: str,
        body: Any,
        where: str,
        *,
        params: Mapping[str, str] | None = None,
        may_be_repeated: bool = False,
        refusal: Callable[[CodatReply, str], RunbookError] = CodatReply.refusal,
    ) -> CodatReply:
        """Send a POST under a key of its own.

        Args:
            path: below the base URL.
            body: what is sent as JSON; None for nothing.
            where: the call, in words.
            params: query parameters.
            may_be_repeated: whether doing it twice is as good as once, so that after a fault of
                Codat's it is sent again under a new key.
            refusal: what an answer that refuses it comes to, given `where`.
        """
        again = iter(_AGAIN.pauses() if may_be_repeated else ())
        while True:
            note_sender(self._sender)
            reply = await self._under_one_key(path, body, params)
            if reply.ok:
                note_answer(reply.request_id)
                return reply
            if reply.status < 500:
                raise refusal(reply, where)
            pause = next_pause(again, reply.retry_after, _AGAIN.deadline)
            if pause is None:
                raise reply.refusal(where) if may_be_repeated else _lost(where, reply)
            await self._http.cloud.pace.sleep(pause)

    async def _under_one_key(
        self, path: str, body: Any, params: Mapping[str, str] | None
    ) -> CodatReply:
        """Send until there is an answer: 409 says that the first try is still under way."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        pauses = iter(_SAME_KEY.pauses())
        while True:
            reply = await self._call(
                "POST", path, repeat=Repeat.KEYED, json=body, params=params, headers=headers
            )
            pause = next_pause(pauses, reply.retry_after, _SAME_KEY.deadline)
            if reply.status != 409 or pause is None:
                return reply
            await self._http.cloud.pace.sleep(pause)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        repeat: Repeat,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> CodatReply:
        if self._check is not None and path != _PROFILE:
            await self.instance()
        self._cooldown.check()
        if self._authorization is None:
            self._authorization = _authorization(await self._key())
        await self._limiter.acquire()
        async with self._slots:
            response = await self._http.send(
                method,
                BASE + path,
                repeat=repeat,
                authorization=self._authorization,
                headers={**self._headers, **(headers or {})},
                params=params,
                json=json,
                guard=None if method == "GET" else self._guard,
            )
        reply = CodatReply.of(response)
        self.quota = reply.quota or self.quota
        self._cooldown.note(reply)
        return reply.check(_SERVICE, f"{method} {path.split('?')[0]}", repeat)


def _authorization(key: Secret) -> Authorization:
    """The header for a bare key: no user name and no colon (contract C1.3)."""
    if not _is_bare(key):
        raise FixInput(
            "What codat_api_key points to is not an API key: it contains a blank.",
            where="codat_api_key",
            why="the portal shows the key and, beside it, the ready authorization header",
            next="put the raw key there, without Basic and without blanks",
        )
    return Authorization("Basic", _encoded(key), BASE)


def _is_bare(key: Secret) -> bool:
    text = key.reveal()
    return not (text.lower().startswith("basic ") or any(one.isspace() for one in text))


def _encoded(key: Secret) -> Secret:
    return Secret(base64.b64encode(key.reveal().encode()).decode())


def _company(company: str) -> str:
    return f"/companies/{quote(company, safe='')}"


def _connection(company: str, connection: str) -> str:
    return f"{_company(company)}/connections/{quote(connection, safe='')}"


def _parsed(model: type[W], reply: CodatReply, where: str) -> W:
    try:
        return model.model_validate(reply.body)
    except ValueError:
        raise reply.unexpected(_SERVICE, where) from None


def _made(model: type[W], reply: CodatReply, what: str) -> W:
    """What a write made; it is made even when the answer cannot be read."""
    try:
        return model.model_validate(reply.body)
    except ValueError:
        raise _lost(f"reading {what} from the answer", reply) from None


def _lost(where: str, reply: CodatReply) -> RunbookError:
    if reply.says_nothing:
        return reply.foreign(_SERVICE, where, may_be_done=True)
    return AnswerLost(
        f"Codat's answer does not tell whether it was done ({reply.status}).",
        where=where,
        why="Codat had a fault; what was asked for may have been done",
        next="run again: what was done is found and nothing is done twice",
        code=str(reply.status),
        request_id=reply.request_id,
    )
