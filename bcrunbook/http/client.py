"""The one HTTP stack: every request of the program, MSAL's included, leaves through here.

It owns what may be repeated and when, request ids, and the mapping of transport faults to errors a
person can act on; proxy and trusted certificates are those of `network`. Only these two modules and
`answers`, which reads what comes, import httpx, so that a successor of it is a change in one place.

What may be repeated is the caller's to say (`Repeat`), because only the caller knows whether a
second POST makes a second thing. A 429 is always repeated: the service did nothing. How long a
service asks to be left alone is kept to the second: waited out, or where that is long, left to
whoever asked.

Nothing that is raised here has frames of the libraries below in its traceback: they hold the
request with its token, and a notebook in verbose mode shows what frames hold.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from types import TracebackType
from typing import Any, Self

import httpx
from httpx_retries import Retry, RetryTransport

from bcrunbook import __version__, throttled
from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.errors import (
    AnswerLost,
    FixInput,
    ReportBug,
    RunbookError,
    Unreachable,
    WaitAndRetry,
    not_the_service,
    without_frames,
)
from bcrunbook.http.answers import (
    ASKING,
    ENCODINGS,
    FAULTS,
    NOT_SENT,
    Asking,
    ProxySilent,
    TooLarge,
    TooLong,
    Whole,
)
from bcrunbook.http.network import Network
from bcrunbook.secrets import Secret, Veiled, scrub

log = logging.getLogger(__name__)

USER_AGENT = f"bcrunbook/{__version__}"

_TIMEOUT = httpx.Timeout(60.0, connect=15.0)
_RETRIES = 6
_CONNECTION_TRIES = 2
_LOOKS = 2
_LONGEST_WAIT = 120.0
_TOTAL_WAIT = 300.0
_SAME_TIME = timedelta(seconds=30)

_LOGINS = frozenset(
    ("https", host)
    for host in (
        "login.microsoftonline.com",
        "login.microsoft.com",
        "login.windows.net",
        "sts.windows.net",
    )
)
"""Where Entra's public cloud takes a sign-in: its own names for itself (MSAL's list)."""

Response = httpx.Response


def is_elsewhere(status: int) -> bool:
    """Whether a status says that something other than the service answered.

    None of the services sends its caller elsewhere, and 511 ("Network Authentication Required") is
    for those in between.
    """
    return 300 <= status < 400 or status == 511


def is_strange(response: Response) -> bool:
    """Whether an answer is none of a service that always speaks JSON."""
    if is_elsewhere(response.status_code) or not response.is_success:
        return is_elsewhere(response.status_code)
    try:
        response.json()
    except (ValueError, RecursionError):
        return True
    return False


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

    @property
    def is_harmless(self) -> bool:
        """Whether it does not matter if a request had its effect although no answer came."""
        return self in (Repeat.SAFE, Repeat.LOOK)


@dataclass(frozen=True)
class Authorization:
    """By what a service knows the caller. It goes to that service only, and only encrypted.

    Args:
        scheme: `Bearer` or `Basic`.
        value: the token or key, as the header takes it.
        service: the service's address.

    Raises:
        FixInput: no header may hold the value.
    """

    scheme: str
    value: Secret
    service: str

    def __post_init__(self) -> None:
        # The code that sends it would show it in what it raises.
        if not _may_be_sent(self.value):
            raise FixInput(
                "The token or key holds characters that none has.",
                where=f"{self.scheme} authorization for {self.service}",
                why="it was copied together with something else, or put into a file by a program"
                " that changes quotes",
                next="get it anew from where it is made",
            )

    def check(self, address: httpx.URL) -> None:
        """Refuse any address that is not the service's own.

        Raises:
            ReportBug: it is another host or port, or not encrypted.
        """
        service = httpx.URL(self.service)
        own = (service.scheme, service.host, service.port, b"")
        if (address.scheme, address.host, address.port, address.userinfo) != own:
            raise ReportBug(
                f"A request to {address.scheme}://{address.netloc.decode(errors='replace')[-80:]}"
                f" was to bear the sign-in of {self.service}.",
                where=f"a request to {service.host}",
                why="an address that a service gave leads elsewhere",
                next="nothing was sent; report this",
            )


def _may_be_sent(value: Secret) -> bool:
    return all("!" <= one <= "~" for one in value.reveal())


Form = Veiled[Mapping[str, str | bytes] | str]
"""Form fields, or a body that is encoded already; it may hold secrets, and so shows nothing."""


def _body(form: Form | None) -> dict[str, Any]:
    """The arguments that httpx takes a body in."""
    content = form.reveal() if form is not None else None
    if content is None or isinstance(content, str):
        return {"content": content}
    # MSAL signs assertions into bytes, which httpx would spell out as b'...'.
    return {
        "data": {
            key: value.decode() if isinstance(value, bytes) else value
            for key, value in content.items()
            if value is not None
        }
    }


class _Shown(httpx.Auth):
    """Writes the authorization into the request, the only place where it stands as it is."""

    def __init__(self, authorization: Authorization) -> None:
        self._authorization = authorization

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = (
            f"{self._authorization.scheme} {self._authorization.value.reveal()}"
        )
        yield request


def _unforeseen(error: Exception, where: str, *, may_be_done: bool) -> RunbookError:
    """What nobody expected, with its place and without its frames."""
    log.debug("%s", scrub("".join(traceback.format_exception(error)), where="the log"))
    place = traceback.extract_tb(error.__traceback__)[-1]
    kind = AnswerLost if may_be_done else ReportBug
    return kind(
        f"Something unforeseen happened while a request was sent ({type(error).__name__}).",
        where=f"{where}; {place.name}, line {place.lineno}",
        why="what was asked for may have been done" if may_be_done else "",
        next="run again: what was done is found and nothing is done twice; if it stays, run with"
        " --debug and report what that shows",
    )


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
        if isinstance(exception, NOT_SENT) and self.attempts_made >= _CONNECTION_TRIES:
            return False
        if isinstance(exception, (TooLong, TooLarge)):
            return False
        return super().is_retryable_exception(exception)

    def increment(self) -> Self:
        retry = super().increment()
        retry.pace = self.pace  # type: ignore[attr-defined]
        return retry  # type: ignore[return-value]

    def parse_retry_after(self, retry_after: str) -> float:
        return throttled.asked_wait(retry_after)

    async def asleep(self, response: httpx.Response | Exception) -> None:
        headers = response.headers if isinstance(response, httpx.Response) else {}
        told = throttled.asked_wait(headers.get("Retry-After", ""))
        if told > min(_LONGEST_WAIT / self.pace.haste, _TOTAL_WAIT - self.elapsed_sleep):
            # The library would wait for less than the service asks for.
            assert isinstance(response, httpx.Response)
            raise _AskedToWait(response)
        seconds = self._calculate_sleep(headers)
        log.info("waiting %.1f s before repeating", seconds)
        if isinstance(response, httpx.Response) and response.status_code == 429:
            throttled.tell(seconds / self.pace.speed, "the service answered 429")
        await (self.pace.sleep_in_full if told else self.pace.sleep)(seconds)
        self.elapsed_sleep += seconds


class _AskedToWait(Exception):
    """The service asks for a longer wait than is made here: the answer goes to whoever asked."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.response = response


def _policies(pace: Pace) -> dict[Repeat, Retry]:
    every = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"]
    shared: dict[str, Any] = {
        "total": _RETRIES,
        "backoff_factor": 1.0,
        "backoff_jitter": 0.5,
        "max_backoff_wait": _LONGEST_WAIT,
        "total_timeout": _TOTAL_WAIT,
        "allowed_methods": every,
    }
    return {
        Repeat.SAFE: _PacedRetry.at(
            pace,
            status_forcelist=[429, 500, 502, 503, 504],
            retry_on_exceptions=FAULTS,
            **shared,
        ),
        Repeat.LOOK: _PacedRetry.at(
            pace,
            # No answer has this status; an empty list would mean the library's own.
            status_forcelist=[0],
            retry_on_exceptions=FAULTS,
            **{**shared, "total": _LOOKS},
        ),
        Repeat.ONCE: _PacedRetry.at(
            pace, status_forcelist=[429], retry_on_exceptions=NOT_SENT, **shared
        ),
        Repeat.KEYED: _PacedRetry.at(
            pace, status_forcelist=[429], retry_on_exceptions=FAULTS, **shared
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
                transport=Whole(transport or self._network.transport()),
                retry=self._policies[Repeat.ONCE],
            ),
            timeout=_TIMEOUT,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": ENCODINGS},
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
        authorization: Authorization | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Form | None = None,
        guard: Callable[[], None] | None = None,
    ) -> httpx.Response:
        """Send one request and return the answer, whatever its status.

        Args:
            method: the HTTP method.
            url: the real service's URL; never holds a secret.
            repeat: what may be repeated.
            authorization: by what the service knows the caller.
            headers: further headers, which hold no secret; `client-request-id` is added, a fresh
                GUID.
            params: query parameters.
            json: a body to send as JSON, which holds no secret.
            form: a body that may hold secrets.
            guard: raises what is in the way of a write; called right before each try leaves.

        Raises:
            Unreachable: nothing was sent, or the request was safe to repeat and no try got through.
            AnswerLost: the request was sent, may not be repeated, and no answer came.
            ReportBug: the URL is not of the service that the authorization is for.
        """
        address = httpx.URL(url)
        where = f"{method} {address.host}"
        if authorization is not None:
            authorization.check(address)
        started = time.monotonic()
        asking = Asking(guard=guard)
        failed: BaseException | None = None
        try:
            response = await self._client.send(
                self._client.build_request(
                    method,
                    url,
                    params=params,
                    headers={"client-request-id": str(uuid.uuid4()), **(headers or {})},
                    json=json,
                    extensions={"retry": self._policies[repeat], ASKING: asking},
                    **_body(form),
                ),
                auth=_Shown(authorization) if authorization else None,
            )
        except _AskedToWait as asked:
            response = asked.response
        except FAULTS as error:
            may_be_done = asking.lost and not repeat.is_harmless
            failed = self._unreachable(error, where, url, may_be_done=may_be_done)
        except RunbookError as error:
            failed = without_frames(error)
        except Exception as error:
            failed = _unforeseen(error, where, may_be_done=not repeat.is_harmless)
        except BaseException as error:
            failed = without_frames(error)
        if failed is not None:
            # Not raised above: it would bear the other one, and its frames, as its context.
            raise failed
        self._compare_clocks(address.host, response)
        log.info(
            "%s %s%s -> %d in %.0f ms, request-id %s",
            method,
            address.host,
            address.path,
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
        detail = scrub(str(error), where="transport error") or type(error).__name__
        if isinstance(error, ProxySilent) and not may_be_done:
            return self._network.silent(error, where, url)
        if isinstance(error, httpx.ProxyError) and not may_be_done:
            return self._network.refused(error, where, url)
        if isinstance(error, NOT_SENT) and not may_be_done:
            return self._network.not_connected(error, where, url)
        kind = AnswerLost if may_be_done else Unreachable
        if isinstance(error, TooLarge):
            return kind(
                f"The answer was not read to its end: {detail}.",
                where=where,
                why="something other than the service answered, or the service has a fault",
                next="run again; if it stays, check [network] proxy in accounts.toml",
            )
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
        self._not_before = 0.0

    def asked_to_wait(self, where: str) -> WaitAndRetry | None:
        """Entra's wish to be left alone for a while, which MSAL keeps to itself; None without one.

        Args:
            where: which sign-in it was.
        """
        seconds = self._not_before - self._http.cloud.pace.now()
        if seconds <= 0:
            return None
        return WaitAndRetry(
            "Entra has too much to do, and asks to be left alone for"
            f" {throttled.in_words(seconds)}.",
            where=where,
            next="run again after that time",
        )

    def _send(self, method: str, url: str, form: Form | None, **kwargs: Any) -> httpx.Response:
        address = httpx.URL(url)
        # What MSAL posts proves who signs in, and where to is what Entra's answers say.
        if form is not None and (address.scheme, address.host) not in _LOGINS:
            raise ReportBug(
                f"The sign-in was to be sent to {address.scheme}://{address.host}, and belongs to"
                " login.microsoftonline.com.",
                where="the addresses that Entra gave for this tenant",
                why="a proxy, or the sign-on page of this network, stands in between",
                next="nothing was sent; check the connection, run again, and report this if it"
                " stays",
            )
        # An authorization code and a device code are good for one answer; client credentials and
        # refresh tokens may be asked for again.
        grant = _grant(form)
        once = grant in ("authorization_code",) or grant.endswith("device_code")
        safe = Repeat.LOOK if self.is_hurried else Repeat.SAFE
        future = asyncio.run_coroutine_threadsafe(
            self._http.send(
                method,
                url,
                repeat=Repeat.ONCE if once else safe,
                headers=kwargs.get("headers"),
                params=kwargs.get("params"),
                form=form,
            ),
            self._loop,
        )
        response = future.result()
        if is_strange(response):
            raise not_the_service("Entra", f"{method} {address.host}")
        told = throttled.asked_wait(response.headers.get("Retry-After", ""))
        is_told = response.status_code == 429 or response.status_code >= 500
        self._not_before = self._http.cloud.pace.now() + told if is_told else 0.0
        return response

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> httpx.Response:
        """MSAL's GET."""
        return self._send("GET", url, None, params=params, headers=headers)

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str | bytes] | str | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> httpx.Response:
        """MSAL's POST."""
        return self._send("POST", url, Form(data or {}), params=params, headers=headers)

    def close(self) -> None:
        """Nothing to do: the connection pool belongs to `Http`."""


def _grant(form: Form | None) -> str:
    fields = form.reveal() if form is not None else None
    return str(fields.get("grant_type", "")) if isinstance(fields, Mapping) else ""
