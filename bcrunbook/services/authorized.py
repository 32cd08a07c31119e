"""Sending with a token: one that is refused is renewed, and claims that are demanded are brought.

A service that evaluates access while it lasts (CAE), or a Conditional Access policy of its own,
refuses a token that has not expired, and says what a new one must bring: in the header
WWW-Authenticate, while the body tells of an invalid token.

Source: Microsoft Learn, "Claims challenges, claims requests and client capabilities" and "How to
use Continuous Access Evaluation enabled APIs".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from bcrunbook.signin import Token

if TYPE_CHECKING:
    from bcrunbook.http.response import Response

_PARAMETER: Final = re.compile(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


class GetToken(Protocol):
    """Gets an access token."""

    async def __call__(self, *, fresh: bool, claims: str) -> Token:
        """A token.

        Args:
            fresh: ask Entra again even when a kept token looks valid.
            claims: what the service demands of it, JSON; empty for nothing.
        """


async def send_authorized(
    get_token: GetToken, send: Callable[[Token], Awaitable[Response]]
) -> Response:
    """Send a request with a token; what a new token can mend is mended, once each.

    A request that was refused for its token had no effect, so any may be repeated.

    Args:
        get_token: gets the token.
        send: sends the request with it.
    """
    fresh, claims = False, ""
    while True:
        response = await send(await get_token(fresh=fresh, claims=claims))
        demanded = claims_demanded(response.status_code, response.headers)
        if demanded and not claims:
            claims = demanded
        elif response.status_code == 401 and not (fresh or claims):
            fresh = True
        else:
            return response


def claims_demanded(status: int, headers: Mapping[str, str]) -> str:
    """The claims, as JSON, that a refusal demands of a new token; empty when it demands none.

    Args:
        status: the answer's status.
        headers: its headers, names in lower case or in any.
    """
    if status not in (401, 403):
        return ""
    for name, quoted, bare in _PARAMETER.findall(headers.get("www-authenticate", "")):
        if name.lower() == "claims" and (claims := _decoded(quoted or bare)):
            return claims
    return ""


def names_in(claims: str) -> str:
    """The names of the claims that a challenge demands, for a person who keeps the policy."""
    challenge = json.loads(claims)
    inner = [part for part in challenge.values() if isinstance(part, dict)]
    return ", ".join(dict.fromkeys(str(name) for part in inner for name in part))


def _decoded(text: str) -> str:
    """A challenge's JSON object from base64, with or without padding and in either alphabet."""
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        claims = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
        challenge = json.loads(claims)
    except (binascii.Error, ValueError, RecursionError):
        return ""
    return claims if isinstance(challenge, dict) else ""
