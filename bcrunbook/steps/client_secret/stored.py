"""The account's client secret as the secret store has it, and how to find it again.

The ledger tells which secret was stored last. A ledger that does not know (a colleague's, a new
machine's) is helped out by the application itself, whose secrets bear our marker.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bcrunbook.accounts import Account, Identity
from bcrunbook.errors import FixInput, RunbookError
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Fact, Ledger
from bcrunbook.order import CLIENT_SECRET, ref
from bcrunbook.secrets import Secret
from bcrunbook.services.graph.models import PasswordCredential
from bcrunbook.signin import prove_client_secret
from bcrunbook.steps.application import own_application, remembered_client_id
from bcrunbook.steps.client_secret.findings import SecretCredential
from bcrunbook.steps.context import Context

_MARKER: Final = re.compile(r"\(bcrunbook ([0-9a-f]{8})\)$")


@dataclass(frozen=True)
class StoredSecret:
    """A client secret whose value is in the secret store.

    Args:
        client_id: the application's client id.
        marker: our marker in the secret's description, which tells two secrets apart.
        reference: where the value is kept.
        value: the value itself.
        ends: when it ends (UTC); None when that is not known.
    """

    client_id: str
    marker: str
    reference: str
    value: Secret
    ends: datetime | None


def name_in_store(account: Account, client_id: str, marker: str) -> str:
    """Under which name the secret store keeps a secret: that of one application's, whoever asks."""
    return f"{account.name}/{client_id.lower()}/{marker}"


def _names(account: Account, client_id: str, marker: str) -> tuple[str, str]:
    """The same, and the name under which it was kept before names held the application."""
    return name_in_store(account, client_id, marker), f"{account.name}/{marker}"


async def kept_value(context: Context, client_id: str, marker: str) -> tuple[str, Secret] | None:
    """A secret of the account's application as the store has it.

    Returns:
        Where it is kept and its value; None when it is not there.
    """
    for name in _names(context.account, client_id, marker):
        value = await context.store.get(name)
        if value is not None:
            return str(context.store.reference(name)), value
    return None


async def forget_value(context: Context, client_id: str, marker: str) -> None:
    """Remove a secret of the account's application from the store."""
    for name in _names(context.account, client_id, marker):
        await context.store.delete(name)


def marker_by_hand(seen: PasswordCredential) -> str:
    """The marker of a secret that was made by hand, whose description bears none."""
    return seen.key_id[:8].lower()


async def credential_of(
    context: Context, client_id: str, seen: PasswordCredential
) -> SecretCredential:
    """One secret on the application, with what store and ledger know of it."""
    found = _MARKER.search(seen.display_name or "")
    if found is None:
        # One that was made by hand counts as ours once its value was adopted.
        marker = marker_by_hand(seen)
        is_stored = await kept_value(context, client_id, marker) is not None
        return SecretCredential(seen, marker if is_stored else "", is_stored)
    marker = found.group(1)
    is_stored = await kept_value(context, client_id, marker) is not None

    def is_noted(kind: str) -> bool:
        return (
            context.ledger.latest(Scope(context.identity, CLIENT_SECRET), kind, marker) is not None
        )

    is_orphan = (
        not is_stored and is_noted(FactKind.SECRET_INTENT) and not is_noted(FactKind.SECRET_STORED)
    )
    return SecretCredential(seen, marker, is_stored, is_orphan)


def newest(credentials: tuple[SecretCredential, ...], now: datetime) -> SecretCredential | None:
    """The newest of ours that is stored and has not expired."""
    good = [one for one in credentials if one.is_stored and not one.expired(now)]
    oldest = datetime.min.replace(tzinfo=UTC)
    return max(good, key=lambda one: one.seen.start_date_time or oldest, default=None)


async def is_refused(context: Context, tenant: str, client_id: str, value: Secret) -> bool:
    """Whether Entra gives no token for a value."""
    refusal = await prove_client_secret(
        context.http, tenant=tenant, client_id=client_id, secret=value
    )
    return refusal is not None


async def ended(
    context: Context,
    tenant: str,
    client_id: str,
    credentials: tuple[SecretCredential, ...],
    now: datetime,
) -> frozenset[str]:
    """Key ids of our stored secrets whose end is past and that Entra refuses as well.

    What Entra gives a token for has not ended, whatever a clock says.

    Args:
        context: what the steps work with.
        tenant: the tenant's id.
        client_id: the application's client id.
        credentials: the secrets on the application.
        now: the time (UTC) by Microsoft Graph's clock.
    """
    key_ids = set()
    for credential in credentials:
        if not (credential.marker and credential.is_stored and credential.expired(now)):
            continue
        kept = await kept_value(context, client_id, credential.marker)
        if kept is None or await is_refused(context, tenant, client_id, kept[1]):
            key_ids.add(credential.seen.key_id)
    return frozenset(key_ids)


async def gone(
    context: Context, tenant: str, client_id: str, credentials: tuple[SecretCredential, ...]
) -> tuple[str, ...]:
    """Markers of values in the store whose secret somebody has removed from the application.

    Args:
        context: what the steps work with.
        tenant: the tenant's id.
        client_id: the application's client id.
        credentials: the secrets on the application.
    """
    ledger, whose = context.ledger, context.identity
    there = {credential.marker for credential in credentials}
    there |= {
        fact.subject for fact in ledger.facts(Scope(whose, CLIENT_SECRET), FactKind.SECRET_REMOVED)
    }
    stored = ledger.facts(Scope(whose, CLIENT_SECRET), FactKind.SECRET_STORED)
    markers = []
    for marker in dict.fromkeys(
        fact.subject for fact in stored if fact.data["client_id"] == client_id
    ):
        kept = None if marker in there else await kept_value(context, client_id, marker)
        if kept is not None and await is_refused(context, tenant, client_id, kept[1]):
            markers.append(marker)
    return tuple(markers)


async def stored_secret(context: Context) -> StoredSecret:
    """The account's client id and a stored secret with which Entra has just given a token.

    Raises:
        FixInput: there is no application, or no secret of it is stored that works.
    """
    account = context.account
    known = await _by_ledger(context)
    refusal = await _refusal(context, known) if known else None
    if known is not None and refusal is None:
        return known
    try:
        # This ledger may not know of a secret that a colleague has made since.
        found = await _by_application(context)
    except RunbookError:
        if refusal is not None:
            raise _no_use(refusal, account) from None
        raise
    if found is None:
        if refusal is not None:
            raise _no_use(refusal, account)
        raise FixInput(
            "No client secret of this account is in the secret store.",
            where=f'account "{account.name}", {account.secret_store}',
            next=f"run {ref(CLIENT_SECRET)} first: bcrunbook run {account.name} {CLIENT_SECRET}",
            section="client_secret",
        )
    refusal = await _refusal(context, found)
    if refusal is not None:
        raise _no_use(refusal, account)
    return found


async def _refusal(context: Context, kept: StoredSecret) -> RunbookError | None:
    return await prove_client_secret(
        context.http, tenant=context.account.tenant, client_id=kept.client_id, secret=kept.value
    )


def _no_use(refusal: RunbookError, account: Account) -> FixInput:
    return FixInput(
        "The stored secret does not work, so Codat could not use it either. Nothing was handed"
        " over.",
        where=f'account "{account.name}", a token request to Entra',
        why=refusal.why or refusal.what,
        next=f"run {ref(CLIENT_SECRET)} again: bcrunbook run {account.name} {CLIENT_SECRET}",
        code=refusal.code,
        request_id=refusal.request_id,
        section="client_secret#what-can-go-wrong",
    )


async def _by_ledger(context: Context) -> StoredSecret | None:
    client_id = context.account.client_id or remembered_client_id(context)
    for fact in reversed(_stored_and_there(context.ledger, context.identity)):
        ends = datetime.fromisoformat(fact.data["ends"])
        of_another = client_id and fact.data["client_id"].lower() != client_id.lower()
        # Whether it has ended is for Entra to say: this machine's clock may be wrong.
        if of_another:
            continue
        found = await _stored(context, fact.data["client_id"], fact.subject, ends)
        if found is not None:
            return found
    return None


def _stored_and_there(ledger: Ledger, whose: Identity) -> list[Fact]:
    """What was stored of an account and is not known to have been removed, oldest first."""
    scope = Scope(whose, CLIENT_SECRET)
    removed = {fact.subject for fact in ledger.facts(scope, FactKind.SECRET_REMOVED)}
    stored = ledger.facts(scope, FactKind.SECRET_STORED)
    return [fact for fact in stored if fact.subject not in removed]


def to_be_replaced(ledger: Ledger, whose: Identity, before: datetime) -> str:
    """The marker of an account's secret whose time has come, as the ledger knows it.

    Where the next one has been made already it is the older one, until that is gone.

    Args:
        ledger: the ledger.
        whose: the account.
        before: a secret that ends before this moment is to be replaced.

    Returns:
        Empty where there is none.
    """
    known = _stored_and_there(ledger, whose)
    if not known:
        return ""
    # Those of an application that the account had before are not this one's.
    client_id = known[-1].data["client_id"]
    ends = {one.subject: one.data["ends"] for one in known if one.data["client_id"] == client_id}
    oldest = next(iter(ends))
    is_due = len(ends) > 1 or datetime.fromisoformat(ends[oldest]) < before
    return oldest if is_due else ""


async def _by_application(context: Context) -> StoredSecret | None:
    app = await own_application(context)
    seen = tuple(
        [await credential_of(context, app.app_id, one) for one in app.password_credentials]
    )
    best = newest(seen, context.graph.now)
    if best is None:
        return None
    return await _stored(context, app.app_id, best.marker, best.seen.end_date_time)


async def _stored(
    context: Context, client_id: str, marker: str, ends: datetime | None
) -> StoredSecret | None:
    kept = await kept_value(context, client_id, marker)
    if kept is None:
        return None
    reference, value = kept
    return StoredSecret(client_id, marker, reference, value, ends)


def stored_last(ledger: Ledger, whose: Identity) -> Fact | None:
    """Which secret of an account was stored last, as the ledger has it; None if it knows none."""
    return ledger.latest(Scope(whose, CLIENT_SECRET), "secret_stored")
