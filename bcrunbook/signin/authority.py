"""Whether Entra tells how to sign in to a tenant, and if not, why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcrunbook import aadsts, throttled
from bcrunbook.errors import FixInput, RunbookError, WaitAndRetry, not_the_service
from bcrunbook.hosts import LOGIN
from bcrunbook.http.repeat import Repeat
from bcrunbook.http.response import is_strange

if TYPE_CHECKING:
    from bcrunbook.http.client import Http


async def authority_error(
    http: Http, tenant: str, *, where: str, account: str
) -> RunbookError | None:
    """Why the tenant's sign-in configuration cannot be had; None when it is there.

    Args:
        http: the HTTP stack.
        tenant: the tenant's id or domain.
        where: which sign-in it is, in words.
        account: the account's name.
    """
    address = f"{LOGIN}/{tenant}/v2.0/.well-known/openid-configuration"
    response = await http.send("GET", address, repeat=Repeat.SAFE)
    status = response.status_code
    if is_strange(response):
        return not_the_service("Entra", where)
    if status == 429 or status >= 500:
        said = f"Entra did not tell how to sign in to this tenant ({status})."
        return throttled.busy(said, response.headers.get("Retry-After", ""), where=where)
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return not_the_service("Entra", where)
    if status in (400, 404) and answer.get("error"):
        number = aadsts.code_in(str(answer.get("error_description", "")))
        return FixInput(
            f'Entra does not know the tenant "{tenant}".',
            where=f'account "{account}", tenant',
            why="the id or domain is misspelt, or belongs to another national cloud",
            next="copy the Tenant ID from Microsoft Entra ID, Overview, in the Azure portal",
            code=f"AADSTS{number}" if number is not None else str(answer["error"]),
            request_id=str(answer.get("correlation_id", "")),
        )
    if status == 200 and answer.get("token_endpoint"):
        return None
    return WaitAndRetry(
        f"Entra did not tell how to sign in to this tenant ({status}).",
        where=where,
        next="wait a minute and run again",
    )
