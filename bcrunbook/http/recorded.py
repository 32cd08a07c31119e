"""Shows each try of a request to a journal of shapes, and changes nothing."""

from __future__ import annotations

import time

import httpx

from bcrunbook.journal.recorder import Exchange, JournalRecorder


class Recorded(httpx.AsyncBaseTransport):
    """Notes what goes out and what comes back, each try for itself.

    Args:
        inner: sends, and reads answers whole.
        journal: where shapes are kept.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, journal: JournalRecorder) -> None:
        self._inner = inner
        self._journal = journal

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One try."""
        began = time.monotonic()
        try:
            response = await self._inner.handle_async_request(request)
        except httpx.HTTPError:
            self._journal.note(_exchange(request), began=began)
            raise
        self._journal.note(_exchange(request, response), began=began)
        return response

    async def aclose(self) -> None:
        """Close the connections, and the journal with them."""
        self._journal.close()
        await self._inner.aclose()


def _exchange(request: httpx.Request, response: httpx.Response | None = None) -> Exchange:
    sent = request.content if isinstance(request.stream, httpx.ByteStream) else b""
    address = str(request.url)
    if response is None:
        return Exchange(request.method, address, request.headers, sent)
    return Exchange(
        request.method,
        address,
        request.headers,
        sent,
        response.status_code,
        response.headers,
        response.content,
    )
