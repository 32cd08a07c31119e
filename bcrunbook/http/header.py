"""The caller's authorization on its way into a request."""

from __future__ import annotations

from functools import cache

import httpx

from bcrunbook.errors import ReportBug
from bcrunbook.http.authorization import Authorization


def refuse_elsewhere(authorization: Authorization, address: httpx.URL) -> None:
    """Refuse any address that is not the service's own.

    Args:
        authorization: by what the service knows the caller.
        address: where a request with it is to go.

    Raises:
        ReportBug: it is another host or port, or not encrypted.
    """
    service = _address(authorization.service)
    own = (service.scheme, service.host, service.port, b"")
    if (address.scheme, address.host, address.port, address.userinfo) != own:
        raise ReportBug(
            f"A request to {address.scheme}://{address.netloc.decode(errors='replace')[-80:]}"
            f" was to bear the sign-in of {authorization.service}.",
            where=f"a request to {service.host}",
            why="an address that a service gave leads elsewhere",
            next="nothing was sent; report this",
        )


def add_authorization(request: httpx.Request, authorization: Authorization) -> None:
    """Write the authorization into a request that is about to leave.

    That is the only place where it stands as it is.

    Args:
        request: the request.
        authorization: by what the service knows the caller.
    """
    request.headers["Authorization"] = f"{authorization.scheme} {authorization.value.reveal()}"


@cache
def _address(service: str) -> httpx.URL:
    """The address of a service; there are few of them."""
    return httpx.URL(service)
