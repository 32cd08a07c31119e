"""The caller's authorization on its way into a request."""

from __future__ import annotations

from collections.abc import Generator

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
    service = httpx.URL(authorization.service)
    own = (service.scheme, service.host, service.port, b"")
    if (address.scheme, address.host, address.port, address.userinfo) != own:
        raise ReportBug(
            f"A request to {address.scheme}://{address.netloc.decode(errors='replace')[-80:]}"
            f" was to bear the sign-in of {authorization.service}.",
            where=f"a request to {service.host}",
            why="an address that a service gave leads elsewhere",
            next="nothing was sent; report this",
        )


class AuthorizationHeader(httpx.Auth):
    """Writes the authorization into the request, the only place where it stands as it is."""

    def __init__(self, authorization: Authorization) -> None:
        self._authorization = authorization

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header to a request right before it leaves."""
        request.headers["Authorization"] = (
            f"{self._authorization.scheme} {self._authorization.value.reveal()}"
        )
        yield request
