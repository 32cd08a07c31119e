"""Requests of a thread that waits, sent by the event loop that owns the connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bcrunbook.skipped.waiting import resting

if TYPE_CHECKING:
    from bcrunbook.cloud import Cloud
    from bcrunbook.http.client import Http
    from bcrunbook.http.response import Response


class FromThread:
    """Sends one request at a time for a thread, which waits for the answer.

    Args:
        http: the HTTP stack; make this on the event loop that owns it.
    """

    def __init__(self, http: Http) -> None:
        self.go_on_with(http)

    def go_on_with(self, http: Http) -> None:
        """Send through this one from now on, on the event loop that this is called on.

        Args:
            http: the HTTP stack.
        """
        self._http = http
        self._loop = asyncio.get_running_loop()

    @property
    def cloud(self) -> Cloud:
        """The cloud that is asked."""
        return self._http.cloud

    def send(self, method: str, url: str, **kwargs: Any) -> Response:
        """What `Http.send` does, for whoever is not on its event loop."""
        future = asyncio.run_coroutine_threadsafe(
            self._http.send(method, url, **kwargs), self._loop
        )
        with resting():
            return future.result()
