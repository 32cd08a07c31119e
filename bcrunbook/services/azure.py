"""Azure's list of the tenants that the signed-in identity can see.

Source: Azure REST API reference, Tenants - List.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bcrunbook.errors import ReportBug
from bcrunbook.http import Http, Repeat
from bcrunbook.services.graph_errors import Reply
from bcrunbook.signin import SignIn

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
    token = await sign_in.azure()
    found: list[Tenant] = []
    url, params = URL, {"api-version": API_VERSION}
    while url:
        response = await http.send(
            "GET",
            url,
            repeat=Repeat.SAFE,
            params=params or None,
            headers={"Authorization": f"Bearer {token.value.reveal()}"},
        )
        try:
            body: dict[str, Any] = response.json()
        except ValueError:
            raise ReportBug(
                f"Azure answered {response.status_code} in a form that is not known here.",
                where="list of tenants",
                next="run again; if it stays, report this",
            ) from None
        if response.status_code != 200:
            headers = {name.lower(): value for name, value in response.headers.items()}
            raise Reply(response.status_code, headers, body).refusal("list of tenants")
        found += [_tenant(one) for one in body.get("value", [])]
        # The next link is complete: its own query parameters must not be replaced.
        url, params = str(body.get("nextLink") or ""), {}
    return tuple(found)


def _tenant(one: dict[str, Any]) -> Tenant:
    domains = one.get("domains") or [""]
    return Tenant(
        id=str(one["tenantId"]),
        name=str(one.get("displayName") or ""),
        domain=str(one.get("defaultDomain") or domains[0]),
        category=str(one.get("tenantCategory") or ""),
    )
