"""Proof that an application's id and secret work together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bcrunbook.errors import RunbookError, WaitAndRetry
from bcrunbook.hosts import GRAPH, LOGIN
from bcrunbook.secrets import Secret
from bcrunbook.signin.from_thread import FromThread
from bcrunbook.signin.msal_http import MsalHttpClient
from bcrunbook.signin.refusals import in_thread, sign_in_error

if TYPE_CHECKING:
    from bcrunbook.http.client import Http


async def prove_client_secret(
    http: Http, *, tenant: str, client_id: str, secret: Secret
) -> RunbookError | None:
    """Ask Entra for a token with an application's id and secret; None when it gave one.

    A new MSAL application each time, because MSAL keeps refused requests for a while
    (contract G17.2).

    Raises:
        WaitAndRetry, Unreachable: Entra did not answer the question.
    """
    client = MsalHttpClient(FromThread(http))

    def ask() -> dict[str, Any]:
        import msal

        app = msal.ConfidentialClientApplication(
            client_id,
            authority=f"{LOGIN}/{tenant}",
            client_credential=secret.reveal(),
            http_client=client,
        )
        return dict(app.acquire_token_for_client([f"{GRAPH}/.default"]))

    where = f"token request of application {client_id}"
    answer = await in_thread(client, where, ask)
    if "access_token" in answer:
        return None
    refusal = sign_in_error(answer, where, by_person=False)
    if isinstance(refusal, WaitAndRetry):
        raise refusal
    return refusal
