"""Adopting a client secret that a person made by hand in the Azure portal.

The value goes straight into the secret store. Which of the application's secrets it is shows by its
first characters, which Microsoft Graph gives as a hint; that it works shows by a token.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bcrunbook.errors import FixInput
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.order import CLIENT_SECRET
from bcrunbook.secrets import Secret
from bcrunbook.services.graph.models import Application, PasswordCredential
from bcrunbook.signin import prove_client_secret
from bcrunbook.steps.application import own_application
from bcrunbook.steps.client_secret.stored import (
    credential_of,
    marker_by_hand,
    name_in_store,
)
from bcrunbook.steps.context import Context


async def adopt(context: Context, secret: Secret) -> str:
    """Prove a secret that was made by hand, and keep it in the account's secret store.

    Args:
        context: what the steps work with.
        secret: the value, as the portal showed it once.

    Returns:
        Where it is kept.

    Raises:
        FixInput: it is not a secret of this account's application, or it does not work.
    """
    account = context.account
    app = await own_application(context)
    seen = await _which(context, app, secret)
    refusal = await prove_client_secret(
        context.http, tenant=account.tenant, client_id=app.app_id, secret=secret
    )
    if refusal is not None:
        raise FixInput(
            f"Microsoft refuses this secret: {refusal.why or refusal.what}",
            where=f'account "{account.name}", a token request to Entra',
            next="wait a minute if it was made just now; otherwise make another one in the portal"
            " and copy its Value",
            code=refusal.code,
            request_id=refusal.request_id,
            section="client_secret#what-can-go-wrong",
        )
    await context.store.probe(ends=seen.end_date_time)
    marker = marker_by_hand(seen)
    reference = await context.store.put(
        name_in_store(account, app.app_id, marker), secret, ends=seen.end_date_time
    )
    data = {
        "key_id": seen.key_id,
        "reference": str(reference),
        "ends": (seen.end_date_time or datetime.max.replace(tzinfo=UTC)).isoformat(),
        "client_id": app.app_id,
        "by": "hand",
    }
    context.ledger.record(
        Scope(context.identity, CLIENT_SECRET), FactKind.SECRET_STORED, marker, "done", data
    )
    return str(reference)


async def _which(context: Context, app: Application, secret: Secret) -> PasswordCredential:
    """The application's secret that has this value, as far as its first characters tell."""
    credentials = [
        await credential_of(context, app.app_id, one) for one in app.password_credentials
    ]
    found = [
        one.seen
        for one in credentials
        if one.seen.hint and secret.reveal().startswith(one.seen.hint) and not one.marker
    ]
    if len(found) == 1:
        return found[0]
    raise FixInput(
        "None of the application's secrets begins like this one."
        if not found
        else "Two secrets of the application begin like this one, so which it is cannot be told.",
        where=f'account "{context.account.name}", application {app.app_id}',
        why="the Secret ID was copied instead of the Value, or the secret belongs to another"
        " application"
        if not found
        else "",
        next="in the portal, under Certificates & secrets, make a new one and copy its Value",
        section="client_secret#the-same-by-hand",
    )
