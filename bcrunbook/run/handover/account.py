"""An account as it is handed over, put together from what the ledger has of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bcrunbook.core.step import PASSED
from bcrunbook.core.stored import StoredOutcome
from bcrunbook.ledger.scope import FactKind
from bcrunbook.ledger.store import Fact
from bcrunbook.order import ENDING
from bcrunbook.run.handover.cards import Cards
from bcrunbook.run.handover.client_secrets import ends_of, secrets_of
from bcrunbook.run.handover.customers import customers_of
from bcrunbook.run.handover.model import (
    AccountNote,
    ConsentNote,
    OpenNote,
    RunsNote,
    SaidNote,
    ThereIs,
    WriteNote,
)
from bcrunbook.run.handover.records import Records
from bcrunbook.run.handover.story import story
from bcrunbook.steps import EVERY_STEP, SETUP_STEPS, step_named
from bcrunbook.steps.api_permissions import CONSENT
from bcrunbook.steps.link_customer.step import MAKE_COMPANY
from bcrunbook.steps.next_action import command, next_action

_NOT_WRITES: Final = frozenset(
    {
        FactKind.SECRET_HANDED_OVER,
        FactKind.BATCH_BEGAN,
        FactKind.BATCH_ITEM,
        FactKind.BATCH_ENDED,
    }
)


def account_note(records: Records, cards: Cards) -> AccountNote:
    """An account as it is handed over.

    Args:
        records: what the ledger has of it.
        cards: the cards that runs have left.
    """
    account, secrets = records.account, secrets_of(records)
    customers, writes = customers_of(records), _writes(records)
    opened = [*_open(records, cards)]
    return AccountNote(
        account=account.name,
        kind=account.kind,
        cloud=account.cloud,
        story=story(records, secrets, customers, writes, opened),
        there=[*_there(records)],
        consents=_consents(records),
        customers=customers,
        secrets=secrets,
        ends=ends_of(secrets, records.life),
        open=opened,
        writes=writes,
        said=[_said(one) for one in records.said],
        runs=_runs(records),
        retired=records.over.at if records.over is not None else None,
    )


def _there(records: Records) -> Iterator[ThereIs]:
    account = records.account
    yield ThereIs("Tenant", account.tenant, "meant")
    if records.tenant != account.identity.tenant:
        yield ThereIs("Tenant's id", records.tenant, "observed")
    if account.codat_instance:
        yield ThereIs("Codat instance", account.codat_instance, "meant")
    else:
        yield _last_of(records, "Codat instance", FactKind.INSTANCE, "name")
    yield _last_of(records, "Application", FactKind.APPLICATION, "name")
    yield _last_of(records, "Client id", FactKind.APPLICATION)
    yield _last_of(records, "Object id of the application", FactKind.APPLICATION, "object_id")
    yield _last_of(records, "Object id of its service principal", FactKind.SERVICE_PRINCIPAL)
    key = account.codat_api_key
    yield ThereIs("Codat API key is kept in", str(key) if key else None, "meant")
    yield ThereIs("Client secrets are kept in", account.secret_store, "meant")
    yield ThereIs("The program signs in by", account.sign_in.method, "meant")


def _last_of(records: Records, what: str, kind: FactKind, field: str = "") -> ThereIs:
    """What was noted last of a sort: its subject, or a field of it."""
    facts = records.of(kind)
    if not facts:
        return ThereIs(what, None, "observed")
    fact = facts[-1]
    value = fact.data.get(field) if field else fact.subject
    return ThereIs(what, str(value) if value else None, fact.basis, fact.at)


def _consents(records: Records) -> list[ConsentNote]:
    """What the program granted, and what looks showed; a look says with what a grant ended."""
    notes = []
    seen = records.of(FactKind.CONSENT)
    for fact in records.of(FactKind.APPLIED, FactKind.CONSENT):
        if fact.kind == FactKind.CONSENT:
            scopes: list[str] | None = _scopes(fact)
        elif fact.data.get("change") == CONSENT:
            after = next((one for one in seen if one.id > fact.id), None)
            scopes = _scopes(after) if after is not None else None
        else:
            continue
        ids = _request_ids(fact)
        notes.append(ConsentNote(scopes, fact.basis, fact.at, _identity(fact), ids))
    return notes


def _scopes(fact: Fact) -> list[str]:
    return [str(one) for one in fact.data.get("scopes", ())]


def _writes(records: Records) -> list[WriteNote]:
    # The company's own fact stands alone only where the run ended before the change was noted.
    told = {
        one.customer
        for one in records.of(FactKind.APPLIED)
        if one.data.get("change") == MAKE_COMPANY
    }
    return [
        WriteNote(
            at=one.at,
            customer=one.customer,
            step=one.step,
            what=_what(one),
            known=one.basis,
            identity=_identity(one),
            request_ids=_request_ids(one),
            run_id=one.run_id,
        )
        for one in records.written
        if one.kind not in _NOT_WRITES
        and not (one.kind == FactKind.COMPANY and one.customer in told)
    ]


def _what(fact: Fact) -> str:
    """What a fact says was done."""
    told = str(fact.data.get("what", ""))
    match fact.kind:
        case FactKind.APPLIED:
            return told
        case FactKind.ANSWER_LOST:
            return f"no answer came, so it may or may not have been done: {told}"
        case FactKind.SECRET_INTENT:
            return f"about to make the client secret {fact.subject}"
        case FactKind.SECRET_STORED:
            by_hand = " that a person had made" if fact.data.get("by") == "hand" else ""
            return f"stored the client secret {fact.subject}{by_hand}"
        case FactKind.SECRET_REMOVED:
            return f"removed the client secret {fact.subject}"
        case FactKind.RETIREMENT_BEGAN:
            return "about to retire it"
        case FactKind.RESTORED:
            return "took it up again"
        case FactKind.COMPANY:
            return f"made the company {fact.data.get('name', fact.subject)} in Codat"
    return f"{fact.kind} {fact.subject}"


def _identity(fact: Fact) -> str | None:
    return str(fact.data["identity"]) if fact.data.get("identity") else None


def _request_ids(fact: Fact) -> list[str]:
    return [str(one) for one in fact.data.get("request_ids", ())]


def _said(fact: Fact) -> SaidNote:
    data: dict[str, Any] = fact.data
    reason = f"may begin before its trial has passed: {data.get('reason', '')}"
    return SaidNote(
        at=fact.at,
        by=fact.said_by or "",
        customer=fact.customer,
        step=fact.step,
        said=str(data.get("said") or (reason if "reason" in data else fact.kind)),
        values=dict(data.get("values") or {}),
    )


def _open(records: Records, cards: Cards) -> Iterator[OpenNote]:
    """The account's steps that have not passed, then those of customers and of the check.

    Of what is retired, only the retirement itself can be open.
    """
    account = records.account
    ended = {(one.outcome.customer, one.outcome.step): one for one in records.ended}
    for step in SETUP_STEPS if records.over is None else ():
        if ("", step.id) not in ended:
            first = command(account.name, account.cloud, step, is_first=True)
            yield OpenNote(None, step.id, None, None, "It was not run yet.", first, None)
    known = {step.id: number for number, step in enumerate(EVERY_STEP)}
    for one in sorted(
        (one for one in records.ended if one.outcome.step in known),
        key=lambda one: (one.outcome.customer, known[one.outcome.step]),
    ):
        is_over = records.over is not None or one.outcome.customer in records.customers_over
        if one.outcome.state not in PASSED and not (is_over and one.outcome.step not in ENDING):
            yield _opened(records, one, cards)


def _opened(records: Records, one: StoredOutcome, cards: Cards) -> OpenNote:
    outcome, account = one.outcome, records.account
    again = command(account.name, account.cloud, step_named(outcome.step), outcome.customer)
    return OpenNote(
        customer=outcome.customer or None,
        step=outcome.step,
        state=outcome.state,
        since=outcome.since or one.at,
        summary=outcome.summary,
        next=next_action(outcome, again, one.said_by),
        card=cards.of(outcome),
    )


def _runs(records: Records) -> list[RunsNote]:
    begun: dict[str, list[Any]] = {}
    for run in records.runs:
        begun.setdefault(run.step, []).append(run.started_at)
    order: dict[str, int] = {step.id: number for number, step in enumerate(EVERY_STEP)}
    return [
        RunsNote(step, len(times), min(times), max(times))
        for step, times in sorted(begun.items(), key=lambda one: order.get(one[0], len(order)))
    ]
