"""The clients keep below the services' limits, however much is asked of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.http.client import Http
from bcrunbook.secrets import Secret
from bcrunbook.services.businesscentral.client import BusinessCentral
from bcrunbook.services.codat.client import Codat
from bcrunbook.signin import Token

Ask = Callable[[], Awaitable[object]]


def codat(http: Http) -> Ask:
    """A read of Codat's."""

    async def key() -> Secret:
        return Secret("a-key-of-the-test")

    return Codat(http, key).companies


def business_central(http: Http) -> Ask:
    """A read of Business Central's."""

    async def token(**_: object) -> Token:
        return Token(Secret("a-token-of-the-test"), "a.example", "", frozenset(), None)

    return BusinessCentral(http, token, "a.example").environments


@pytest.mark.parametrize(
    ("client", "limit", "seconds"), [(codat, 1000, 60.0), (business_central, 6000, 300.0)]
)
async def test_no_span_has_more_requests_than_the_service_allows(
    client: Callable[[Http], Ask], limit: int, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand a minute to Codat, 6,000 in five minutes to Business Central; not far less.

    contract B12.1 and C3.3
    """
    now, moments = [1000.0], []
    monkeypatch.setattr(Pace, "now", lambda _: now[0])

    async def sleep(_: Pace, pause: float) -> None:
        now[0] += pause

    monkeypatch.setattr(Pace, "sleep", sleep)

    def answer(_: httpx.Request) -> httpx.Response:
        moments.append(now[0])
        return httpx.Response(200, json={"results": [], "value": [], "_links": {}})

    asked = limit + limit // 10
    async with Http(Cloud(kind="live"), transport=httpx.MockTransport(answer)) as http:
        ask = client(http)
        for _ in range(asked):
            await ask()
            await asyncio.sleep(0)
    assert len(moments) == asked
    spans = [last - first for first, last in zip(moments, moments[limit:], strict=False)]
    assert min(spans) >= seconds
    assert now[0] - 1000.0 < 1.25 * asked / limit * seconds
