"""Microsoft Graph: just the calls that the steps need.

Reads of one step travel together as one JSON batch: what a step examines, the check of the tenant
included, costs one call. A batch answers 200 even when parts of it fail, so each part is read on
its own: 404 is absent, 403 is unknown, a throttled part is asked for again.

Writes to something new wait out what Graph answers until it has spread (`Reply.means_not_yet`),
within a deadline and with growing pauses. A write whose answer is lost raises AnswerLost; whoever
called looks again before doing anything twice.

Source: Microsoft Graph v1.0 reference; JSON batching; throttling guidance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bcrunbook.core.backoff import Backoff, next_pause
from bcrunbook.core.written import note_answer, note_sender
from bcrunbook.errors import AnswerLost, RunbookError, WaitAndRetry
from bcrunbook.hosts import GRAPH
from bcrunbook.http.authorization import Authorization
from bcrunbook.http.repeat import Repeat
from bcrunbook.limits import WRITES_PER_MINUTE
from bcrunbook.secrets import Secret
from bcrunbook.services.authorized import send_authorized
from bcrunbook.services.cooldown import Cooldown
from bcrunbook.services.graph.errors import Reply
from bcrunbook.services.graph.models import (
    Application,
    GraphObject,
    PasswordCredential,
    ServicePrincipal,
)
from bcrunbook.services.graph.reads import Read, literal
from bcrunbook.services.paging import Pages
from bcrunbook.services.rate_limit import Limiter, RateLimit, RateLimiter
from bcrunbook.services.wire import Seen
from bcrunbook.signin import SignIn, Token

if TYPE_CHECKING:
    from bcrunbook.http.client import Http
    from bcrunbook.http.response import Response

BASE: Final = f"{GRAPH}/v1.0"
_SERVICE: Final = "Microsoft Graph"
_SEVERAL: Final = "reading several things at once"

WRITES: Final = RateLimit(max_requests=WRITES_PER_MINUTE - 5, seconds=60.0, burst=10)
"""A little less than a tenant has for applications with this audience (contract G14.1)."""

T = TypeVar("T")
G = TypeVar("G", bound=GraphObject)


@dataclass(frozen=True)
class NewSecret:
    """A client secret at the only moment when its value can be read."""

    key_id: str
    value: Secret
    ends: datetime | None


class Graph:
    """A client of Microsoft Graph for one account.

    Args:
        http: the HTTP stack.
        sign_in: where tokens come from.
        backoff: how long what was written may take to spread.
        write_limiter: what keeps the limit on writes to a tenant's applications, given its id;
            without it, this client keeps it alone.
        check_tenant: refuses to write with a token, given its tenant.
        guard: refuses a write; called right before each try leaves.
        sender: as whom writes leave where a token names no person; empty where that is not known.
    """

    def __init__(
        self,
        http: Http,
        sign_in: SignIn,
        *,
        backoff: Backoff | None = None,
        write_limiter: Callable[[str], Limiter] | None = None,
        check_tenant: Callable[[str], None] | None = None,
        guard: Callable[[], None] | None = None,
        sender: str = "",
    ) -> None:
        self._http = http
        self._sender = sender
        self._check_tenant = check_tenant
        self._guard = guard
        self._sign_in = sign_in
        self._backoff = backoff or Backoff()
        self._write_limiter = cache(
            write_limiter or (lambda _: RateLimiter(http.cloud.pace, WRITES))
        )
        self._cooldown = Cooldown(http.cloud.pace, _SERVICE)

    @property
    def now(self) -> datetime:
        """Now (UTC), by the service's clock where this machine's differs from it."""
        return self._http.now(BASE)

    async def identity(self) -> str:
        """As whom this client writes; empty where it is not known."""
        return self._identity(await self._sign_in.graph())

    def _identity(self, token: Token) -> str:
        return token.username or self._sender

    async def look(self, *reads: Read[Any]) -> list[Seen[Any]]:
        """Read several things in one call, each answered on its own.

        Args:
            reads: at most 20 (Microsoft Graph: JSON batching).

        Returns:
            What each read showed, in the order of `reads`.

        Raises:
            RunbookError: the batch as a whole was refused, or a part stayed throttled or broken.
        """
        replies = [
            await self._whole(read.path, reply)
            for read, reply in zip(reads, await self._replies(reads), strict=True)
        ]
        return [self._seen(reply, read) for reply, read in zip(replies, reads, strict=True)]

    async def wait_for(self, read: Read[T]) -> T:
        """Read until there is something, for what is known to exist but may not have spread.

        Raises:
            WaitAndRetry: it did not show within the deadline.
        """
        for pause in (0.0, *self._backoff.pauses()):
            await self._http.cloud.pace.sleep(pause)
            seen: Seen[T] = (await self.look(read))[0]
            if seen.value is not None:
                return seen.value
        raise WaitAndRetry(
            "What was made does not show yet.",
            where=_reading(read.path),
            why=seen.unknown or "it has not spread within Microsoft Entra",
            next="run again in a few minutes",
        )

    def _seen(self, reply: Reply, read: Read[T]) -> Seen[T]:
        if reply.status == 404:
            return Seen(None)
        if reply.status == 403 and not reply.claims_demanded:
            return Seen(None, unknown=f"may not be read: {reply.message}")
        if not reply.ok:
            raise self._refusal(reply, _reading(read.path))
        try:
            return Seen(read.parse(reply.body))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise reply.unexpected(_SERVICE, _reading(read.path)) from None

    async def _whole(self, path: str, reply: Reply) -> Reply:
        """A list with its further pages: a page may even be empty and yet not be the last."""
        pages = Pages(f"{BASE}{path}", service=_SERVICE, where=_reading(path))
        while reply.ok and isinstance(reply.body, dict) and reply.body.get("@odata.nextLink"):
            link = pages.follow(reply.body["@odata.nextLink"], reply.request_id)
            more = await self._call("GET", link, repeat=Repeat.SAFE)
            if not more.ok:
                return more
            try:
                values = [*reply.body["value"], *more.body["value"]]
            except (KeyError, TypeError):
                raise more.unexpected(_SERVICE, _reading(path)) from None
            reply = Reply(more.status, more.headers, {**more.body, "value": values})
        return reply

    async def _replies(self, reads: Sequence[Read[Any]]) -> list[Reply]:
        if len(reads) == 1:
            return [await self._call("GET", reads[0].path, repeat=Repeat.SAFE)]
        replies: dict[int, Reply] = {}
        pauses = iter(self._backoff.pauses())
        is_challenged = False
        while True:
            missing = [index for index in range(len(reads)) if index not in replies]
            again = await self._batch({index: reads[index].path for index in missing}, replies)
            demanded = {one: reply for one, reply in replies.items() if reply.claims_demanded}
            if demanded and not is_challenged:
                # The batch was let in and its parts were not: from here on with a better token.
                is_challenged = True
                await self._sign_in.graph(claims=next(iter(demanded.values())).claims_demanded)
                replies = {one: replies[one] for one in replies.keys() - demanded.keys()}
                continue
            if not again:
                return [replies[index] for index in range(len(reads))]
            slowest = max(again, key=lambda reply: reply.retry_after)
            pause = next_pause(pauses, slowest.retry_after, self._backoff.deadline)
            if pause is None:
                self._cooldown.note(slowest)
                raise self._refusal(slowest, _SEVERAL)
            await self._http.cloud.pace.sleep(pause)

    async def _batch(self, paths: dict[int, str], replies: dict[int, Reply]) -> list[Reply]:
        """Send one batch; fill `replies`, return the parts to ask for again."""
        body = {
            "requests": [
                {"id": str(index), "method": "GET", "url": path} for index, path in paths.items()
            ]
        }
        outer = await self._call("POST", "/$batch", json=body, repeat=Repeat.SAFE)
        if not outer.ok:
            raise self._refusal(outer, _SEVERAL)
        again = []
        try:
            for part in outer.body["responses"]:
                headers = {str(k).lower(): str(v) for k, v in (part.get("headers") or {}).items()}
                reply = Reply(int(part["status"]), headers, part.get("body"))
                if reply.status == 429 or reply.status >= 500:
                    again.append(reply)
                else:
                    replies[int(part["id"])] = reply
        except (KeyError, TypeError, ValueError, AttributeError):
            raise outer.unexpected(_SERVICE, _SEVERAL) from None
        if not again and not paths.keys() <= replies.keys():
            raise outer.unexpected(_SERVICE, _SEVERAL)
        return again

    async def upsert_application(
        self, unique_name: str, body: dict[str, Any]
    ) -> Application | None:
        """Create the application that bears `unique_name`, or update it where it exists.

        Returns:
            The new application, or None when it existed: the service then sends no body
            (contract G6.1).
        """
        reply = await self._write(
            "PATCH",
            f"/applications(uniqueName='{literal(unique_name)}')",
            body,
            "creating or updating the application",
            repeat=Repeat.SAFE,
            headers={"Prefer": "create-if-missing"},
        )
        return _made(Application, reply) if reply.status == 201 else None

    async def create_application(self, body: dict[str, Any]) -> Application:
        """Create an application with POST: not repeatable."""
        reply = await self._write(
            "POST", "/applications", body, "creating the application", repeat=Repeat.ONCE
        )
        return _made(Application, reply)

    async def update_application(self, object_id: str, body: dict[str, Any]) -> None:
        """Change an application. Collections in `body` replace what is there: merge first."""
        await self._write(
            "PATCH",
            f"/applications/{literal(object_id)}",
            body,
            "changing the application",
            repeat=Repeat.SAFE,
        )

    async def add_password(self, object_id: str, description: str, ends: datetime) -> NewSecret:
        """Make a client secret; its value is in this answer and nowhere else."""
        credential = {
            "displayName": description,
            "endDateTime": ends.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        reply = await self._write(
            "POST",
            f"/applications/{literal(object_id)}/addPassword",
            {"passwordCredential": credential},
            "making the client secret",
            repeat=Repeat.ONCE,
        )
        value = reply.body.get("secretText") if isinstance(reply.body, dict) else None
        if not isinstance(value, Secret):
            raise _lost("making the client secret", "Its value was not in the answer.", reply)
        made = _made(PasswordCredential, reply)
        return NewSecret(made.key_id, value, made.end_date_time)

    async def remove_password(self, object_id: str, key_id: str) -> None:
        """Remove a client secret. Whether it is gone is for the next look to say."""
        await self._write(
            "POST",
            f"/applications/{literal(object_id)}/removePassword",
            {"keyId": key_id},
            "removing a client secret",
            repeat=Repeat.SAFE,
            # After a lost answer the second try finds nothing to remove; the next look decides
            # (contract G7.8).
            accept=lambda reply: reply.status in (400, 404),
        )

    async def create_service_principal(
        self, client_id: str, *, is_ours: bool = True
    ) -> ServicePrincipal | None:
        """Create an application's service principal in this tenant; None when it existed.

        Args:
            client_id: the application's client id.
            is_ours: whether the application was registered in this tenant, moments ago perhaps;
                then refusals that pass with time are waited out.
        """
        reply = await self._write(
            "POST",
            "/servicePrincipals",
            # The tag makes it show up under Enterprise applications, as the portal's own do.
            {"appId": client_id, "tags": ["WindowsAzureActiveDirectoryIntegratedApp"]},
            "creating the service principal",
            repeat=Repeat.ONCE,
            accept=_exists,
            is_new=is_ours,
        )
        return _made(ServicePrincipal, reply) if reply.ok else None

    async def create_grant(self, client: str, resource: str, scopes: frozenset[str]) -> bool:
        """Grant scopes tenant-wide; False when a grant for this pair exists already.

        Args:
            client: object id of the client's service principal.
            resource: object id of the API's service principal.
            scopes: scope values.
        """
        reply = await self._write(
            "POST",
            "/oauth2PermissionGrants",
            {
                "clientId": client,
                "consentType": "AllPrincipals",
                "resourceId": resource,
                "scope": " ".join(sorted(scopes)),
            },
            "granting admin consent",
            repeat=Repeat.ONCE,
            accept=_exists,
            consent=True,
        )
        return reply.ok

    async def update_grant(self, grant_id: str, scopes: frozenset[str]) -> None:
        """Set the scopes of a grant: all that are wanted, since they replace what is there."""
        await self._write(
            "PATCH",
            f"/oauth2PermissionGrants/{literal(grant_id)}",
            {"scope": " ".join(sorted(scopes))},
            "extending the admin consent",
            repeat=Repeat.SAFE,
            consent=True,
        )

    async def delete_grant(self, grant_id: str) -> None:
        """Take a grant back; tokens that were issued live on until they end (contract G10.13)."""
        await self._remove(
            f"/oauth2PermissionGrants/{literal(grant_id)}",
            "taking back the admin consent",
            consent=True,
        )

    async def delete_service_principal(self, object_id: str) -> None:
        """Delete a service principal, with all that it was granted."""
        await self._remove(
            f"/servicePrincipals/{literal(object_id)}", "deleting the service principal"
        )

    async def delete_application(self, object_id: str) -> None:
        """Delete an application; it can be restored for 30 days (contract G6.8)."""
        await self._remove(f"/applications/{literal(object_id)}", "deleting the application")

    async def restore(self, object_id: str) -> None:
        """Bring a deleted application or service principal back, with its ids (contract G6.8)."""
        await self._write(
            "POST",
            f"/directory/deletedItems/{literal(object_id)}/restore",
            None,
            "restoring what was deleted",
            repeat=Repeat.SAFE,
            # After a lost answer there is nothing left to restore; the next look decides.
            accept=lambda reply: reply.status == 404,
            is_new=False,
        )

    async def _remove(self, path: str, what: str, *, consent: bool = False) -> None:
        """Delete something; one that is gone already is no error, and the next look decides."""
        await self._write(
            "DELETE",
            path,
            None,
            what,
            repeat=Repeat.SAFE,
            accept=lambda reply: reply.status == 404,
            is_new=False,
            consent=consent,
        )

    async def _write(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        what: str,
        *,
        repeat: Repeat,
        headers: dict[str, str] | None = None,
        accept: Callable[[Reply], bool] = lambda _: False,
        is_new: bool = True,
        consent: bool = False,
    ) -> Reply:
        """Send a write and wait out the refusals that only mean "not yet".

        Args:
            method: the HTTP method.
            path: below the base URL.
            body: what is sent as JSON; None for nothing.
            what: what is done, in words.
            repeat: what may be repeated.
            headers: further headers.
            accept: which refusals are as good as success.
            consent: whether the token has to bear the right to grant permissions.
            is_new: whether it is about something that may not have spread yet.
        """
        pauses = iter(self._backoff.pauses())
        while True:
            reply = await self._call(
                method,
                path,
                json=body,
                repeat=repeat,
                headers=headers,
                consent=consent,
                is_write=True,
            )
            if reply.ok or accept(reply):
                note_answer(reply.request_id)
                return reply
            if reply.status >= 500 and repeat is Repeat.ONCE:
                raise _lost(what, f"Microsoft Graph failed ({reply.status}).", reply)
            pause = (
                next_pause(pauses, reply.retry_after, self._backoff.deadline)
                if is_new and reply.means_not_yet
                else None
            )
            if pause is None:
                raise self._refusal(reply, what)
            await self._http.cloud.pace.sleep(pause)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        repeat: Repeat,
        json: Any = None,
        headers: dict[str, str] | None = None,
        consent: bool = False,
        is_write: bool = False,
    ) -> Reply:
        """Send one call with a token; one that was refused is replaced by a better one.

        Args:
            method: the HTTP method.
            path: below the base URL, or a whole address of this service.
            repeat: what may be repeated.
            json: what is sent as JSON.
            headers: further headers.
            consent: whether the token has to bear the right to grant permissions.
            is_write: whether it changes something: then tenant and guard are asked first.
        """

        async def send(token: Token) -> Response:
            if is_write:
                note_sender(self._identity(token))
                if self._check_tenant is not None:
                    self._check_tenant(token.tenant)
            if method != "GET" and path.startswith("/applications"):
                await self._write_limiter(token.tenant.lower()).acquire()
            return await self._http.send(
                method,
                BASE + path if path.startswith("/") else path,
                repeat=repeat,
                authorization=Authorization("Bearer", token.value, BASE),
                headers={"Accept": "application/json", **(headers or {})},
                json=json,
                guard=self._guard if is_write else None,
            )

        self._cooldown.check()
        get_token = partial(self._sign_in.graph, consent=consent)
        reply = Reply.of(await send_authorized(get_token, send))
        self._cooldown.note(reply)
        return reply.check(_SERVICE, f"{method} {path.split('?')[0]}", repeat)

    def _refusal(self, reply: Reply, what: str) -> RunbookError:
        return reply.refusal(what, by_person=not self._sign_in.is_application)


def _exists(reply: Reply) -> bool:
    return "Request_MultipleObjectsWithSameKeyValue" in (reply.code, reply.outer_code)


def _lost(what: str, happened: str, reply: Reply) -> RunbookError:
    if reply.says_nothing:
        return reply.foreign(_SERVICE, what, may_be_done=True)
    return AnswerLost(
        happened,
        where=what,
        why="the service had a fault; what was asked for may have been done",
        next="run again: what was done is found and nothing is done twice",
        code=reply.code,
        request_id=reply.request_id,
    )


def _made(model: type[G], reply: Reply) -> G:
    """What a write made, read from its answer; it is made even when the answer cannot be read."""
    try:
        return model.model_validate(reply.body)
    except ValueError:
        raise _lost("a write", "What was made cannot be read from the answer.", reply) from None


def _reading(path: str) -> str:
    return f"reading {path.split('?')[0]}"
