"""An answer comes whole and within bounds, or not at all.

A body is read to its end as soon as its head is there, so that a connection that breaks in the
middle is a fault of that try. Nothing that answers may hold a run up for long, or fill the memory:
not a service that sends a byte now and then, not a proxy that never answers, not a small body that
unpacks to a huge one.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from bcrunbook.core.pace import Pace

ANSWER_SECONDS: Final = 120.0
"""How long all tries of one request together may wait for their answers, from the first byte that
leaves to the last one that comes; the pauses between them come on top. No call that is made here
takes half of it on a bad day, and a person who waits for more has given up."""

ANSWER_BYTES: Final = 32 * 1024 * 1024
"""How large an answer may be, packed or unpacked. Pages of lists, the largest, have some 100 kB."""

PROXY_SECONDS: Final = 15.0
"""How long a proxy may take to say that the way is open: as long as a connection may take."""

ENCODINGS: Final = "gzip"
"""How answers may be packed: what is not asked for is not unpacked."""

ASKING: Final = "bcrunbook.asking"
"""The request extension that holds the `Asking`."""

# Faults that arise before a single byte of the request has left: repeating is always safe.
NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# An answer that cannot be unpacked is as good as none.
FAULTS: Final = (httpx.TransportError, httpx.DecodingError)


class ProxySilent(httpx.ConnectTimeout):
    """The proxy took the connection and never said whether the way is open."""


class TooLong(httpx.ReadTimeout):
    """The answer did not come to its end in time; another try would not either."""


class TooLarge(httpx.ReadError):
    """The answer is larger than any that was asked for; so would be that of another try."""


@dataclass
class Asking:
    """How one request fares, over all its tries.

    Args:
        left: for how many seconds answers may still be waited for.
        lost: whether an answer was lost after the request had left. Not how: the exception may
            tell what was sent.
        guard: raises what is in the way of a write. Asked before each try: a pause between two of
            them may have been long.
    """

    left: float = field(default_factory=lambda: ANSWER_SECONDS)
    lost: bool = False
    guard: Callable[[], None] | None = None


class _Way:
    """How far one try has come, as httpcore's `trace` extension tells it."""

    def __init__(self, limit: asyncio.Timeout) -> None:
        self._limit = limit
        self._until = limit.when()
        self.is_to_proxy = False

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Note what begins; a proxy has less time than an answer."""
        if not event.endswith("send_request_headers.started"):
            return
        self.is_to_proxy = info["request"].method == b"CONNECT"
        until = self._until
        if self.is_to_proxy and until is not None:
            until = min(until, asyncio.get_running_loop().time() + PROXY_SECONDS)
        self._limit.reschedule(until)


class Whole(httpx.AsyncBaseTransport):
    """Reads each answer to its end, within bounds, and notes which were lost on the way."""

    def __init__(self, inner: httpx.AsyncBaseTransport, pace: Pace) -> None:
        self._inner = inner
        self._pace = pace

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One try.

        Raises:
            TransportError, DecodingError: there is no answer, or not a whole one.
        """
        with self._pace.asking():
            return await self._try(request)

    async def _try(self, request: httpx.Request) -> httpx.Response:
        asking = request.extensions.setdefault(ASKING, Asking())
        if asking.guard is not None:
            asking.guard()
        clock = asyncio.get_running_loop().time
        started = clock()
        limit = asyncio.timeout(asking.left)
        try:
            async with limit:
                way = _Way(limit)
                request.extensions["trace"] = way.trace
                try:
                    response = await self._inner.handle_async_request(request)
                    try:
                        body = await _body(response)
                    finally:
                        await response.aclose()
                except FAULTS as error:
                    if way.is_to_proxy and not isinstance(error, (*NOT_SENT, httpx.ProxyError)):
                        # It was not the service that broke off, and nothing had left for it.
                        raise httpx.ProxyError(str(error) or type(error).__name__) from None
                    raise
        except (*NOT_SENT, httpx.ProxyError):
            raise
        except Exception as error:
            # What TLS 1.3 says after the handshake comes past httpx's own errors.
            tls = isinstance(error, ssl.SSLError)
            lost: Exception = httpx.ReadError(str(error)) if tls else error
            if limit.expired():
                if way.is_to_proxy:
                    raise ProxySilent(f"no answer within {PROXY_SECONDS:g} s") from None
                lost = TooLong(f"it was not whole after {ANSWER_SECONDS:g} s")
        else:
            kept = [
                (name, value)
                for name, value in response.headers.multi_items()
                # The body is whole and unpacked now.
                if name not in ("content-encoding", "content-length", "transfer-encoding")
            ]
            return httpx.Response(
                response.status_code, headers=kept, content=body, extensions=response.extensions
            )
        finally:
            asking.left = max(0.0, asking.left - (clock() - started))
        asking.lost = True
        raise lost

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


async def _body(response: httpx.Response) -> bytes:
    """The unpacked body; never more of it is held than may come."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise httpx.DecodingError(f"it is packed in a way that was not asked for ({encoding[:20]})")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in encoding else None
    assert isinstance(response.stream, AsyncIterable)
    body, packed = bytearray(), 0
    async for chunk in response.stream:
        packed += len(chunk)
        try:
            # Beyond what may come, nothing is unpacked.
            body += unpack.decompress(chunk, ANSWER_BYTES + 1 - len(body)) if unpack else chunk
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from None
        if max(len(body), packed) > ANSWER_BYTES:
            raise TooLarge(f"it is larger than {ANSWER_BYTES / 2**20:g} MiB")
    if unpack and packed and not unpack.eof:
        raise httpx.DecodingError("the packed answer has no end")
    return bytes(body)
