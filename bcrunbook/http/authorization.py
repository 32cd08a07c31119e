"""What must not be seen in a request: the caller's authorization, and forms that hold secrets."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from bcrunbook.errors import FixInput, ReportBug
from bcrunbook.secrets import Secret, Veiled


@dataclass(frozen=True)
class Authorization:
    """By what a service knows the caller. It goes to that service only, and only encrypted.

    Args:
        scheme: `Bearer` or `Basic`.
        value: the token or key, as the header takes it.
        service: the service's address.

    Raises:
        FixInput: no header may hold the value.
    """

    scheme: str
    value: Secret
    service: str

    def __post_init__(self) -> None:
        # The code that sends it would show it in what it raises.
        if not _may_be_sent(self.value):
            raise FixInput(
                "The token or key holds characters that none has.",
                where=f"{self.scheme} authorization for {self.service}",
                why="it was copied together with something else, or put into a file by a program"
                " that changes quotes",
                next="get it anew from where it is made",
            )

    def check(self, address: httpx.URL) -> None:
        """Refuse any address that is not the service's own.

        Raises:
            ReportBug: it is another host or port, or not encrypted.
        """
        service = httpx.URL(self.service)
        own = (service.scheme, service.host, service.port, b"")
        if (address.scheme, address.host, address.port, address.userinfo) != own:
            raise ReportBug(
                f"A request to {address.scheme}://{address.netloc.decode(errors='replace')[-80:]}"
                f" was to bear the sign-in of {self.service}.",
                where=f"a request to {service.host}",
                why="an address that a service gave leads elsewhere",
                next="nothing was sent; report this",
            )


def _may_be_sent(value: Secret) -> bool:
    return all("!" <= one <= "~" for one in value.reveal())


Form = Veiled[Mapping[str, str | bytes] | str]
"""Form fields, or a body that is encoded already; it may hold secrets, and so shows nothing."""


def body_arguments(form: Form | None) -> dict[str, Any]:
    """The arguments that httpx takes a body in."""
    content = form.reveal() if form is not None else None
    if content is None or isinstance(content, str):
        return {"content": content}
    # MSAL signs assertions into bytes, which httpx would spell out as b'...'.
    return {
        "data": {
            key: value.decode() if isinstance(value, bytes) else value
            for key, value in content.items()
            if value is not None
        }
    }


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
