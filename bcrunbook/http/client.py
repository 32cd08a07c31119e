"""The one HTTP stack: every request of the program, MSAL's included, leaves through here.

It owns request ids and each request's way: what may be repeated and when is in `repeat` and
`retries`, what a fault means to a person in `faults`, and the way out in `network`.
Only this package imports httpx, so that a successor of it is a change in one place.

Nothing that is raised here has frames of the libraries below in its traceback: they hold the
request with its token, and a notebook in verbose mode shows what frames hold.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx
from httpx_retries import RetryTransport

from bcrunbook import __version__
from bcrunbook.cloud import Cloud
from bcrunbook.errors import RunbookError, without_frames
from bcrunbook.http.answers import ASKING, ENCODINGS, FAULTS, Asking, Whole
from bcrunbook.http.authorization import Authorization, Form, body_arguments
from bcrunbook.http.faults import no_answer, unforeseen
from bcrunbook.http.header import add_authorization, refuse_elsewhere
from bcrunbook.http.network import BESIDE_PROXY, Network
from bcrunbook.http.recorded import Recorded
from bcrunbook.http.repeat import Repeat
from bcrunbook.http.retries import AskedToWait, retry_policies
from bcrunbook.journal.recorder import JournalRecorder
from bcrunbook.secrets import Secret
from bcrunbook.skipped import dates

log = logging.getLogger(__name__)

USER_AGENT: Final = f"bcrunbook/{__version__}"

_HEADERS: Final = {
    "Accept": "*/*",
    "Accept-Encoding": ENCODINGS,
    "Connection": "keep-alive",
    "User-Agent": USER_AGENT,
}
_TIMEOUT: Final = httpx.Timeout(60.0, connect=15.0).as_dict()
_SAME_TIME: Final = timedelta(seconds=30)


class Http:
    """An HTTP client for one cloud; use it as an async context manager.

    It has no use for httpx's own client, whose cookies no service here needs, and whose redirects
    none of them sends: what a transport answers is the answer.

    Args:
        cloud: where requests go.
        transport: stands in for the network in tests.
        journal: where the shapes of requests and answers are kept; None for nowhere.

    Raises:
        FixInput: a setting of the network cannot be used; names it.
    """

    def __init__(
        self,
        cloud: Cloud,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        journal: JournalRecorder | None = None,
    ) -> None:
        self.cloud = cloud
        self._ahead: dict[str, timedelta] = {}
        self._network = Network(cloud)
        self._policies = retry_policies(cloud.pace)
        whole: httpx.AsyncBaseTransport = Whole(transport or self._network.transport(), cloud.pace)
        self._transport = RetryTransport(
            transport=whole if journal is None else Recorded(whole, journal),
            retry=self._policies[Repeat.ONCE],
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._transport.aclose()

    async def send(
        self,
        method: str,
        url: str | Secret,
        *,
        repeat: Repeat,
        authorization: Authorization | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Form | None = None,
        guard: Callable[[], None] | None = None,
        beside_proxy: bool = False,
    ) -> httpx.Response:
        """Send one request and return the answer, whatever its status.

        Args:
            method: the HTTP method.
            url: the real service's URL; a secret where whoever knows it may use it.
            repeat: what may be repeated.
            authorization: by what the service knows the caller.
            headers: further headers, which hold no secret; `client-request-id` is added, a fresh
                GUID.
            params: query parameters.
            json: a body to send as JSON, which holds no secret.
            form: a body that may hold secrets.
            guard: raises what is in the way of a write; called right before each try leaves.
            beside_proxy: whether no proxy may carry it, as what is asked is this machine's own.

        Raises:
            Unreachable: nothing was sent, or the request was safe to repeat and no try got through.
            AnswerLost: the request was sent, may not be repeated, and no answer came.
            ReportBug: the URL is not of the service that the authorization is for.
        """
        plain = url.reveal() if isinstance(url, Secret) else url
        address = httpx.URL(plain)
        where = f"{method} {address.host}"
        if authorization is not None:
            refuse_elsewhere(authorization, address)
        started = time.monotonic()
        asking = Asking(guard=guard)
        failed: BaseException | None = None
        try:
            # Names of headers are the same in any case.
            sent = httpx.Headers({**_HEADERS, "client-request-id": str(uuid.uuid4())})
            sent.update(headers)
            request = httpx.Request(
                method,
                address,
                params=params or None,
                headers=sent,
                json=json,
                extensions={
                    "timeout": _TIMEOUT,
                    "retry": self._policies[repeat],
                    ASKING: asking,
                    **({BESIDE_PROXY: True} if beside_proxy else {}),
                },
                **body_arguments(form),
            )
            if authorization is not None:
                add_authorization(request, authorization)
            response = await self._transport.handle_async_request(request)
            response.request = request
        except AskedToWait as asked:
            response = asked.response
        except FAULTS as error:
            may_be_done = asking.lost and not repeat.is_harmless
            failed = no_answer(self._network, error, where, plain, may_be_done=may_be_done)
        except RunbookError as error:
            failed = without_frames(error)
        except Exception as error:
            failed = unforeseen(error, where, may_be_done=not repeat.is_harmless)
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
            "" if isinstance(url, Secret) else address.path,
            response.status_code,
            (time.monotonic() - started) * 1000,
            response.headers.get("request-id", response.headers.get("x-ms-request-id", "none")),
        )
        return response

    def now(self, url: str) -> datetime:
        """Now (UTC) by the clock of a service, as far as its last answer dated itself.

        Every answer bears a Date (RFC 9110, section 6.6.1), in whole seconds: a difference of a few
        is none.
        """
        return dates.now() + self._ahead.get(httpx.URL(url).host, timedelta())

    def _compare_clocks(self, host: str, response: httpx.Response) -> None:
        try:
            date = parsedate_to_datetime(response.headers.get("date", ""))
        except (ValueError, TypeError):
            return
        ahead = (date if date.tzinfo else date.replace(tzinfo=UTC)) - dates.now()
        self._ahead[host] = ahead if abs(ahead) > _SAME_TIME else timedelta()
