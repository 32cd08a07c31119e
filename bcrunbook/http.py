"""The one HTTP stack: every request of the program, MSAL's included, leaves through here.

It owns what may be repeated and when, request ids, and the mapping of transport faults to errors a
person can act on; proxy and trusted certificates are those of `network`. The two are the only
modules that import httpx, so that a successor of it is a change in one place.

What may be repeated is the caller's to say (`Repeat`), because only the caller knows whether a
second POST makes a second thing. A 429 is always repeated: the service did nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from types import TracebackType
from typing import Any, Self

import httpx
from httpx_retries import Retry, RetryTransport

from bcrunbook import __version__, throttled
from bcrunbook.cloud import Cloud, Pace
from bcrunbook.errors import AnswerLost, Unreachable
from bcrunbook.network import Network
from bcrunbook.secrets import scrub

log = logging.getLogger(__name__)

USER_AGENT = f"bcrunbook/{__version__}"

# Faults that arise before a single byte of the request has left: repeating is always safe.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# An answer that cannot be unpacked is as good as none.
_FAULTS = (httpx.TransportError, httpx.DecodingError)
_TIMEOUT = httpx.Timeout(60.0, connect=15.0)
_RETRIES = 6
_CONNECTION_TRIES = 2
_LOOKS = 2
_LONGEST_WAIT = 120.0
_TOTAL_WAIT = 300.0
_SAME_TIME = timedelta(seconds=30)

Response = httpx.Response


class Repeat(Enum):
    """What may be repeated when an answer is bad or missing."""

    SAFE = "safe"
    """A read, or a write that says the same thing twice: repeat on 429, 5xx and lost answers."""
    LOOK = "look"
    """A read whose caller comes back anyway: repeat only what a broken connection swallowed."""
    ONCE = "once"
    """A write that would make a second thing: repeat only what certainly had no effect."""
    KEYED = "keyed"
    """A write that bears an idempotency key: repeat on 429 and lost answers; the service keeps
    any other answer under the key, 5xx included, and would only tell it again."""


class _PacedRetry(Retry):
    """httpx-retries' policy, with fractional Retry-After and waits at the cloud's pace."""

    pace = Pace()

    @classmethod
    def at(cls, pace: Pace, **policy: Any) -> Self:
        retry = cls(**policy)
        retry.pace = pace
        return retry

    def is_retryable_exception(self, exception: Exception) -> bool:
        # Where nobody listens, waiting for long only hides it from the person.
        if isinstance(exception, _NOT_SENT) and self.attempts_made >= _CONNECTION_TRIES:
            return False
        return super().is_retryable_exception(exception)

    def increment(self) -> Self:
        retry = super().increment()
        retry.pace = self.pace  # type: ignore[attr-defined]
        return retry  # type: ignore[return-value]

    def parse_retry_after(self, retry_after: str) -> float:
        # Microsoft Graph has documented both integers and values like 2.128.
        try:
            return max(0.0, float(retry_after))
        except ValueError:
            return super().parse_retry_after(retry_after)

    async def asleep(self, response: httpx.Response | Exception) -> None:
        headers = response.headers if isinstance(response, httpx.Response) else {}
        seconds = self._calculate_sleep(headers)
        log.info("waiting %.1f s before repeating", seconds)
        if isinstance(response, httpx.Response) and response.status_code == 429:
            throttled.tell(seconds / self.pace.speed, "the service answered 429")
        await self.pace.sleep(seconds)
        self.elapsed_sleep += seconds


_LOST = "bcrunbook.lost"
"""The request extension that counts answers which were lost after the request had left."""


_GUARD = "bcrunbook.guard"
"""The request extension that is asked before each try of a write."""


async def _read_whole(response: httpx.Response) -> None:
    """Read the body while a connection that breaks in the middle of it can still be repeated."""
    try:
        await response.aread()
    except _FAULTS:
        response.extensions[_LOST].append(response.status_code)
        raise


class _Noting(httpx.AsyncBaseTransport):
    """Notes that a request had left when its answer was lost: a later try may fail otherwise.

    Before each try it asks the request's guard: a pause between two tries may have been long.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        lost = request.extensions.setdefault(_LOST, [])
        guard = request.extensions.get(_GUARD)
        if guard is not None:
            guard()
        try:
            response = await self._inner.handle_async_request(request)
        except (*_NOT_SENT, httpx.ProxyError):
            raise
        except _FAULTS as error:
            lost.append(error)
            raise
        response.extensions[_LOST] = lost
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def _policies(pace: Pace) -> dict[Repeat, Retry]:
    every = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"]
    shared: dict[str, Any] = {
        "total": _RETRIES,
        "backoff_factor": 1.0,
        "backoff_jitter": 0.5,
        "max_backoff_wait": _LONGEST_WAIT,
        "total_timeout": _TOTAL_WAIT,
        "allowed_methods": every,
        "validate_response": _read_whole,
    }
    return {
        Repeat.SAFE: _PacedRetry.at(
            pace,
            status_forcelist=[429, 500, 502, 503, 504],
            retry_on_exceptions=_FAULTS,
            **shared,
        ),
        Repeat.LOOK: _PacedRetry.at(
            pace,
            # No answer has this status; an empty list would mean the library's own.
            status_forcelist=[0],
            retry_on_exceptions=_FAULTS,
            **{**shared, "total": _LOOKS},
        ),
        Repeat.ONCE: _PacedRetry.at(
            pace, status_forcelist=[429], retry_on_exceptions=_NOT_SENT, **shared
        ),
        Repeat.KEYED: _PacedRetry.at(
            pace, status_forcelist=[429], retry_on_exceptions=_FAULTS, **shared
        ),
    }


class Http:
    """An HTTP client for one cloud; use it as an async context manager.

    Args:
        cloud: where requests go.
        transport: stands in for the network in tests.

    Raises:
        FixInput: a setting of the network cannot be used; names it.
    """

    def __init__(self, cloud: Cloud, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.cloud = cloud
        self._ahead: dict[str, timedelta] = {}
        self._network = Network(cloud)
        self._policies = _policies(cloud.pace)
        self._client = httpx.AsyncClient(
            transport=RetryTransport(
                transport=_Noting(transport or self._network.transport()),
                retry=self._policies[Repeat.ONCE],
            ),
            timeout=_TIMEOUT,
            headers={"User-Agent": USER_AGENT},
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def send(
        self,
        method: str,
        url: str,
        *,
        repeat: Repeat,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str | bytes] | str | None = None,
        guard: Callable[[], None] | None = None,
    ) -> httpx.Response:
        """Send one request and return the answer, whatever its status.

        Args:
            method: the HTTP method.
            url: the real service's URL; never holds a secret.
            repeat: what may be repeated.
            headers: further headers; `client-request-id` is added, a fresh GUID.
            params: query parameters.
            json: a body to send as JSON.
            data: form fields, or a body that is encoded already.
            guard: raises what is in the way of a write; called right before each try leaves.

        Raises:
            Unreachable: nothing was sent, or the request was safe to repeat and no try got through.
            AnswerLost: the request was sent, may not be repeated, and no answer came.
        """
        host = httpx.URL(url).host
        where = f"{method} {host}"
        started = time.monotonic()
        sent_headers = {"client-request-id": str(uuid.uuid4()), **(headers or {})}
        body: dict[str, Any] = {}
        if json is not None:
            body["json"] = json
        elif isinstance(data, str):
            body["content"] = data
            sent_headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif data is not None:
            # MSAL signs assertions into bytes, which httpx would spell out as b'...'.
            body["data"] = {
                key: value.decode() if isinstance(value, bytes) else value
                for key, value in data.items()
                if value is not None
            }
        lost: list[object] = []
        try:
            response = await self._client.request(
                method,
                url,
                params=params,
                headers=sent_headers,
                extensions={"retry": self._policies[repeat], _LOST: lost, _GUARD: guard},
                **body,
            )
        except _FAULTS as error:
            may_be_done = bool(lost) and repeat not in (Repeat.SAFE, Repeat.LOOK)
            raise self._unreachable(error, where, url, may_be_done=may_be_done) from None
        self._compare_clocks(host, response)
        log.info(
            "%s %s%s -> %d in %.0f ms, request-id %s",
            method,
            host,
            response.request.url.path,
            response.status_code,
            (time.monotonic() - started) * 1000,
            response.headers.get("request-id", response.headers.get("x-ms-request-id", "none")),
        )
        return response

    def now(self, url: str) -> datetime:
        """Now (UTC) by the clock of a service, as far as its last answer told it.

        Every answer bears a Date (RFC 9110, section 6.6.1), in whole seconds: a difference of a few
        is none.
        """
        return datetime.now(UTC) + self._ahead.get(httpx.URL(url).host, timedelta())

    def _compare_clocks(self, host: str, response: httpx.Response) -> None:
        try:
            told = parsedate_to_datetime(response.headers.get("date", ""))
        except (ValueError, TypeError):
            return
        ahead = (told if told.tzinfo else told.replace(tzinfo=UTC)) - datetime.now(UTC)
        self._ahead[host] = ahead if abs(ahead) > _SAME_TIME else timedelta()

    def _unreachable(
        self, error: httpx.RequestError, where: str, url: str, *, may_be_done: bool
    ) -> Unreachable:
        if isinstance(error, httpx.ProxyError) and not may_be_done:
            return self._network.refused(error, where, url)
        if isinstance(error, _NOT_SENT) and not may_be_done:
            return self._network.not_connected(error, where, url)
        detail = scrub(str(error), where="transport error") or type(error).__name__
        kind = AnswerLost if may_be_done else Unreachable
        return kind(
            f"No answer came: {detail}.",
            where=where,
            why="the connection broke, or the service was too slow",
            next="run again: what was done is found and nothing is done twice",
        )

    def for_msal(self) -> MsalHttpClient:
        """The client that MSAL sends through; call it on the running event loop."""
        return MsalHttpClient(self, asyncio.get_running_loop())


class MsalHttpClient:
    """MSAL's `http_client` contract (get, post, close) on top of `Http`.

    MSAL is synchronous, so it runs in a thread; each of its requests is handed to the event loop
    that owns the connection pool, and the thread waits for the answer.

    While `is_hurried`, there is something to fall back to, and what fails is not repeated for long.
    """

    def __init__(self, http: Http, loop: asyncio.AbstractEventLoop) -> None:
        self._http = http
        self._loop = loop
        self.is_hurried = False

    def _send(self, method: str, url: str, **kwargs: Any) -> httpx.Response:
        # An authorization code and a device code are good for one answer; client credentials and
        # refresh tokens may be asked for again.
        data = kwargs.get("data")
        grant = data.get("grant_type", "") if isinstance(data, dict) else ""
        once = grant in ("authorization_code",) or grant.endswith("device_code")
        safe = Repeat.LOOK if self.is_hurried else Repeat.SAFE
        future = asyncio.run_coroutine_threadsafe(
            self._http.send(
                method,
                url,
                repeat=Repeat.ONCE if once else safe,
                headers=kwargs.get("headers"),
                params=kwargs.get("params"),
                data=data,
            ),
            self._loop,
        )
        return future.result()

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> httpx.Response:
        """MSAL's GET."""
        return self._send("GET", url, params=params, headers=headers)

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str | bytes] | str | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> httpx.Response:
        """MSAL's POST."""
        return self._send("POST", url, params=params, data=data, headers=headers)

    def close(self) -> None:
        """Nothing to do: the connection pool belongs to `Http`."""
