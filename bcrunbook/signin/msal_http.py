"""MSAL's requests leave through the one HTTP stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bcrunbook import throttled
from bcrunbook.errors import ReportBug, WaitAndRetry, not_the_service
from bcrunbook.hosts import LOGIN_ADDRESSES, LOGIN_HOST
from bcrunbook.http.authorization import Form
from bcrunbook.http.repeat import Repeat
from bcrunbook.http.response import address_of, is_strange
from bcrunbook.signin.from_thread import FromThread

if TYPE_CHECKING:
    from bcrunbook.http.response import Response


class MsalHttpClient:
    """MSAL's `http_client` contract (get, post, close) on top of `Http`.

    MSAL is synchronous, so it runs in a thread; each of its requests is handed to the event loop
    that owns the connection pool, and the thread waits for the answer.

    While `is_hurried`, there is something to fall back to, and what fails is not repeated for long.

    Args:
        sender: sends for the thread that MSAL is called in.
    """

    def __init__(self, sender: FromThread) -> None:
        self.sender = sender
        self.is_hurried = False
        self._not_before = 0.0

    def asked_to_wait(self, where: str) -> WaitAndRetry | None:
        """Entra's wish to be left alone for a while, which MSAL keeps to itself; None without one.

        Args:
            where: which sign-in it was.
        """
        seconds = self._not_before - self.sender.cloud.pace.now()
        if seconds <= 0:
            return None
        return WaitAndRetry(
            "Entra has too much to do, and asks to be left alone for"
            f" {throttled.in_words(seconds)}.",
            where=where,
            next="run again after that time",
        )

    def _send(self, method: str, url: str, form: Form | None, **kwargs: Any) -> Response:
        address = address_of(url)
        # What MSAL posts proves who signs in, and where to is what Entra's answers say.
        if form is not None and (address.scheme, address.host) not in LOGIN_ADDRESSES:
            raise ReportBug(
                f"The sign-in was to be sent to {address.scheme}://{address.host}, and belongs to"
                f" {LOGIN_HOST}.",
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
        response = self.sender.send(
            method,
            url,
            repeat=Repeat.ONCE if once else safe,
            headers=kwargs.get("headers"),
            params=kwargs.get("params"),
            form=form,
        )
        if is_strange(response):
            raise not_the_service("Entra", f"{method} {address.host}")
        retry_after = throttled.asked_wait(response.headers.get("Retry-After", ""))
        is_overload = response.status_code == 429 or response.status_code >= 500
        self._not_before = self.sender.cloud.pace.now() + retry_after if is_overload else 0.0
        return response

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> Response:
        """MSAL's GET."""
        return self._send("GET", url, None, params=params, headers=headers)

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str | bytes] | str | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> Response:
        """MSAL's POST."""
        return self._send("POST", url, Form(data or {}), params=params, headers=headers)

    def close(self) -> None:
        """Nothing to do: the connection pool belongs to `Http`."""


def _grant(form: Form | None) -> str:
    fields = form.reveal() if form is not None else None
    return str(fields.get("grant_type", "")) if isinstance(fields, Mapping) else ""
