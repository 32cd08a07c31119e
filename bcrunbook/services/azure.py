"""Azure's list of the tenants that the signed-in identity can see.

Source: Azure REST API reference, Tenants - List.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bcrunbook.hosts import AZURE_MANAGEMENT
from bcrunbook.http.authorization import Authorization
from bcrunbook.http.repeat import Repeat
from bcrunbook.services.authorized import send_authorized
from bcrunbook.services.graph.errors import Reply
from bcrunbook.services.paging import Pages
from bcrunbook.signin import SignIn, Token

if TYPE_CHECKING:
    from bcrunbook.http.client import Http
    from bcrunbook.http.response import Response

URL: Final = f"{AZURE_MANAGEMENT}/tenants"
API_VERSION: Final = "2022-12-01"
_WHERE: Final = "list of tenants"


@dataclass(frozen=True)
class Tenant:
    """A tenant that the identity can see; everything but the id may be missing."""

    id: str
    name: str
    domain: str


async def tenants(http: Http, sign_in: SignIn) -> tuple[Tenant, ...]:
    """The tenants that the signed-in identity can see.

    Raises:
        RunbookError: no token for Azure, or the list was refused.
    """
    found: list[Tenant] = []
    pages = Pages(URL, service="Azure", where=_WHERE)
    url, params = URL, {"api-version": API_VERSION}
    while True:
        send = partial(_send, http, url, params)
        reply = Reply.of(await send_authorized(sign_in.azure, send))
        reply.check("Azure", _WHERE, Repeat.SAFE)
        if not reply.ok:
            raise reply.refusal(_WHERE, "Azure", by_person=not sign_in.is_application)
        try:
            found += [_tenant(one) for one in reply.body["value"]]
            link = reply.body.get("nextLink")
        except (KeyError, TypeError, AttributeError, IndexError):
            raise reply.unexpected("Azure", _WHERE) from None
        if not link:
            return tuple(found)
        # The next link is complete: its own query parameters must not be replaced.
        url, params = pages.follow(link, reply.request_id), {}


async def _send(http: Http, url: str, params: dict[str, str], token: Token) -> Response:
    return await http.send(
        "GET",
        url,
        repeat=Repeat.SAFE,
        authorization=Authorization("Bearer", token.value, URL),
        params=params or None,
    )


def _tenant(one: dict[str, Any]) -> Tenant:
    domains = one.get("domains") or [""]
    return Tenant(
        id=str(one["tenantId"]),
        name=str(one.get("displayName") or ""),
        domain=str(one.get("defaultDomain") or domains[0]),
    )
