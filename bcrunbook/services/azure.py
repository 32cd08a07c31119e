"""Azure's list of the tenants that the signed-in identity can see.

Source: Azure REST API reference, Tenants - List.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from bcrunbook.errors import ReportBug
from bcrunbook.http import Http, Repeat, Response
from bcrunbook.services.authorized import send_authorized
from bcrunbook.services.graph_errors import Reply
from bcrunbook.signin import SignIn, Token

URL = "https://management.azure.com/tenants"
API_VERSION = "2022-12-01"


@dataclass(frozen=True)
class Tenant:
    """A tenant that the identity can see; everything but the id may be missing."""

    id: str
    name: str
    domain: str
    category: str


async def tenants(http: Http, sign_in: SignIn) -> tuple[Tenant, ...]:
    """The tenants that the signed-in identity can see.

    Raises:
        RunbookError: no token for Azure, or the list was refused.
    """
    found: list[Tenant] = []
    url, params = URL, {"api-version": API_VERSION}
    while url:
        send = partial(_send, http, url, params)
        reply = Reply.of(await send_authorized(sign_in.azure, send))
        if not reply.ok:
            raise reply.refusal("list of tenants", "Azure", by_person=not sign_in.is_application)
        try:
            found += [_tenant(one) for one in reply.body["value"]]
            # The next link is complete: its own query parameters must not be replaced.
            url, params = str(reply.body.get("nextLink") or ""), {}
        except (KeyError, TypeError, AttributeError):
            raise ReportBug(
                "Azure answered in a form that is not known here.",
                where="list of tenants",
                next="run again; if it stays, report this",
                request_id=reply.request_id,
            ) from None
    return tuple(found)


async def _send(http: Http, url: str, params: dict[str, str], token: Token) -> Response:
    return await http.send(
        "GET",
        url,
        repeat=Repeat.SAFE,
        params=params or None,
        headers={"Authorization": f"Bearer {token.value.reveal()}"},
    )


def _tenant(one: dict[str, Any]) -> Tenant:
    domains = one.get("domains") or [""]
    return Tenant(
        id=str(one["tenantId"]),
        name=str(one.get("displayName") or ""),
        domain=str(one.get("defaultDomain") or domains[0]),
        category=str(one.get("tenantCategory") or ""),
    )
