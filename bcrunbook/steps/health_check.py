"""Does everything still stand? An account, and all its customers.

It looks with the eyes of the other steps, so that what they want is written down once. It changes
nothing: each finding says what to do next, and who can.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar, Final

from bcrunbook.accounts import Account, Customer
from bcrunbook.core.confirmations import as_confirmed, latest_confirmation
from bcrunbook.core.step import (
    Change,
    Comparison,
    Finding,
    Findings,
    HandOff,
    Observation,
    PersonsStep,
)
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.scope import Scope
from bcrunbook.order import CODAT_KEYS, ENABLE_INTEGRATION, HEALTH_CHECK
from bcrunbook.services.codat.overview import Overview
from bcrunbook.skipped import dates
from bcrunbook.steps import codat_portal
from bcrunbook.steps.client_secret.findings import SecretFindings, days_left
from bcrunbook.steps.client_secret.life import how_to_renew
from bcrunbook.steps.codat_keys import CONFIRMED_BY, SAVE_KEYS, SAVED_KEYS
from bcrunbook.steps.context import Context
from bcrunbook.steps.description import Lane, RunbookStep, StepDescription
from bcrunbook.steps.link_customer.codat_customer import customer_of, overview_of_customers
from bcrunbook.steps.link_customer.findings import CustomerFindings
from bcrunbook.steps.link_customer.installation.verdict import Verdict
from bcrunbook.steps.link_customer.step import LinkCustomer
from bcrunbook.steps.register_application import RegistrationFindings
from bcrunbook.steps.retired import Retired, retired_account, retired_customers
from bcrunbook.steps.standing import SwitchedOff

LONGEST_WITHOUT_SYNC: Final = timedelta(days=30)
"""Codat: sync something at least monthly, or the authorization may lapse (contract C9.16)."""

END_OF_SECRET: Final = "End of the client secret"
"""What the check calls the part that tells when the secret ends."""
_AT_ONCE: Final = 4
_FINE: Final = frozenset({Verdict.INSTALLED, Verdict.DATA_FLOWS})


@dataclass(frozen=True)
class Part:
    """One thing that was looked at.

    Args:
        name: what it is.
        actual: how it stands.
        source: which look shows it.
        verdict: whether it is as it should be.
        action: what to do next; empty when nothing is to do.
        who: who can.
        seen: what is worth remembering.
        brief: how it stands, in a few words; empty where `actual` is short itself.
        detail: what `brief` leaves out; without `brief` there is none.
    """

    name: str
    actual: str
    source: str
    verdict: Comparison
    action: str = ""
    who: str = "you"
    seen: tuple[Observation, ...] = ()
    brief: str = ""
    detail: str = ""


@dataclass(frozen=True)
class HealthFindings(Findings):
    """What the check saw, the account's parts first."""

    account: Account
    parts: tuple[Part, ...]

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The extensions that were seen, for what is remembered of them."""
        return tuple(one for part in self.parts for one in part.seen)

    def rows(self) -> tuple[Finding, ...]:
        """One row for each part."""
        return tuple(
            Finding(
                part.name,
                "in order",
                part.actual,
                part.source,
                part.verdict,
                part.action,
            )
            for part in self.parts
        )


class HealthCheck(PersonsStep):
    """Looks again with the eyes of the steps before it.

    Args:
        steps: the steps before it, of which it looks at those that say so.
    """

    id: ClassVar[str] = HEALTH_CHECK
    title: ClassVar[str] = "Check that everything still stands"
    needs: ClassVar[tuple[str, ...]] = (ENABLE_INTEGRATION,)
    is_about_codat: ClassVar[bool] = True
    description: ClassVar[StepDescription] = StepDescription(usual="1 min", lane=Lane.WEEKLY)

    def __init__(self, steps: Sequence[RunbookStep]) -> None:
        self._checked = tuple(step for step in steps if step.description.checked_as)

    async def examine(self, context: Context) -> HealthFindings:
        """The account with the eyes of its steps, what was said of the keys, and each customer.

        What is retired is not looked at.
        """
        over = retired_account(context.ledger, context.identity)
        if over is not None:
            return HealthFindings(context.account, (_retired("Account", over),))
        gone = retired_customers(context.ledger, context.identity)
        parts: list[Part] = []
        off: SwitchedOff | None = None
        for step in self._checked:
            seen, found_off = await _look(context, step)
            parts += seen
            off = off or found_off
        names = customer_parts(context.account)
        at_once = asyncio.Semaphore(_AT_ONCE)
        overview = await _overview(context)

        async def look(customer: Customer) -> list[Part]:
            if customer.name in gone:
                return [_retired(names[customer.name], gone[customer.name])]
            async with at_once:
                mine = replace(context, customer=customer, overview=overview)
                return await _look_at(mine, names[customer.name], off)

        found = await asyncio.gather(*(look(one) for one in context.account.customers.values()))
        parts += [part for several in found for part in several]
        return HealthFindings(context.account, tuple(parts))

    def plan(self, findings: HealthFindings) -> tuple[Change, ...]:
        """For each part that is not in order, or could not be looked at, what a person does."""
        return tuple(
            Change(
                part.name,
                f"{part.name}: {part.brief or part.actual}",
                by="person",
                subject=part.name,
                hand_off=HandOff(who=part.who, found=part.detail, actions=(part.action,)),
            )
            for part in findings.parts
            if part.action and part.verdict in (Comparison.DIFFERS, Comparison.UNKNOWN)
        )


def _retired(name: str, over: Retired) -> Part:
    """What is retired is in order, and nobody has to act."""
    return Part(name, over.word, "the ledger", Comparison.NOTE, over.next)


def customer_parts(account: Account) -> dict[str, str]:
    """By a customer's name, what the check calls them; two of one name are told apart."""
    customers = account.customers.values()
    count = Counter(one.display_name for one in customers)
    return {
        one.name: f"Customer {one.display_name}"
        + (f" ({one.name})" if count[one.display_name] > 1 else "")
        for one in customers
    }


async def _look(context: Context, step: RunbookStep) -> tuple[list[Part], SwitchedOff | None]:
    """An account's step: what it would change is drift; and what is off of the application."""
    name = step.description.checked_as
    again = f"bcrunbook run {context.account.name} {step.id}{_mode(context)}"
    source = f"step {step.id}"
    try:
        findings = await step.examine(context)
        changes = step.plan(findings)
    except RunbookError as error:
        return [_unknown(name, source, error)], None
    drifted = "; ".join(map(_drift, changes))
    part = Part(name, "in order", source, Comparison.OK)
    if drifted:
        people = [one.hand_off.who for one in changes if one.hand_off is not None]
        part = Part(
            name,
            drifted,
            source,
            Comparison.DIFFERS,
            again,
            people[0] if people else "you",
            brief="not as it should be",
            detail=drifted,
        )
    if isinstance(findings, SecretFindings):
        part = replace(part, seen=findings.observations)
        parts = [part, *_expiry(context.account, findings), *_keys(context, findings)]
        return parts, findings.off
    return [part], findings.off if isinstance(findings, RegistrationFindings) else None


def _mode(context: Context) -> str:
    """What a command of the live cloud needs to do more than plan."""
    return " --mode apply" if context.cloud.is_live else ""


def _unknown(name: str, source: str, error: RunbookError) -> Part:
    """What could not be looked at is not in order either: somebody has to see to it."""
    return Part(
        name,
        error.what,
        source,
        Comparison.UNKNOWN,
        error.next,
        error.who,
        brief="it could not be looked at",
        detail=error.what,
    )


def _drift(change: Change) -> str:
    """What differs: the change, with the values as they are and as they should be."""
    values = "; ".join(
        f"{row.name}: {_in_line(row.before)}, wanted {_in_line(row.after)}" for row in change.rows
    )
    return values or change.title


def _in_line(value: str) -> str:
    return ", ".join(value.splitlines()) or "nothing"


def _expiry(account: Account, findings: SecretFindings) -> list[Part]:
    """When our secret ends, or the last one ended; nothing where there was none."""
    name, source = END_OF_SECRET, "Microsoft Graph, the application's secrets"
    if findings.latest is None:
        return []
    life = findings.life
    if life is None:
        return [Part(name, "no end date is given", source, Comparison.NOTE)]
    end = f"{life.ends:%Y-%m-%d}, in {days_left(life.ends, findings.now)}"
    if findings.latest.expired(findings.now):
        end = f"{life.ends:%Y-%m-%d}: it has expired"
    urgency = life.urgency(findings.now)
    if not urgency:
        return [Part(name, end, source, Comparison.OK)]
    action = f"Make a new one ({urgency}): {how_to_renew(account)}"
    return [Part(name, end, source, Comparison.DIFFERS, action)]


def _keys(context: Context, findings: SecretFindings) -> list[Part]:
    """Whether Codat has the current secret, as far as somebody said so; nothing without one.

    One that was replaced goes on working until it ends: nothing else tells that it is the one that
    Codat still uses.
    """
    current, account = findings.current, context.account
    if current is None:
        return []
    confirmation = latest_confirmation(
        context.ledger, Scope(account.identity, CODAT_KEYS), SAVE_KEYS
    )
    if confirmation is not None and confirmation.subject == current.marker:
        return [Part(SAVED_KEYS, as_confirmed("saved", confirmation), CONFIRMED_BY, Comparison.OK)]
    detail = "nobody has said that the current secret is saved there"
    if confirmation is not None:
        saved = [one.seen for one in findings.credentials if one.marker == confirmation.subject]
        ends = saved[0].end_date_time if saved else None
        until = f"works until {ends:%Y-%m-%d}" if ends else "still works"
        detail = (
            f"{as_confirmed('saved', confirmation)}; the secret has been replaced since, and that"
            f" one {until if saved else 'is not there any more'}"
        )
    return [
        Part(
            SAVED_KEYS,
            detail,
            CONFIRMED_BY,
            Comparison.DIFFERS,
            f"bcrunbook run {account.name} {CODAT_KEYS}{_mode(context)}, and save the secret"
            " there as its card says.",
            codat_portal.who_can(account.codat_instance or ""),
            brief="not known to be the current ones",
            detail=detail,
        )
    ]


async def _overview(context: Context) -> Overview | None:
    """What one look shows of all customers; None where each has to be asked for."""
    if context.codat is None or not context.account.customers:
        return None
    try:
        return await overview_of_customers(context.codat, context.account)
    except RunbookError:
        # Asked for alone, each customer says what is in the way.
        return None


async def _look_at(context: Context, name: str, off: SwitchedOff | None) -> list[Part]:
    """A customer: connection, extension and sync.

    Args:
        context: the account's, with the customer.
        name: what the check calls them.
        off: what is switched off of the application: then nobody is asked to link.
    """
    step = LinkCustomer()
    source = f"step {step.id}"
    account, customer = context.account.name, customer_of(context)
    again = f"bcrunbook run {account} --customer {customer.name}{_mode(context)}"
    try:
        findings = await step.examine(context)
        if context.overview is not None and _calls_somebody(findings):
            # The overview is as old as the check is long: nobody is called for what it shows alone.
            findings = await step.examine(replace(context, overview=None))
        findings = findings.with_switches(findings.off or off)
    except RunbookError as error:
        return [_unknown(name, source, error)]
    if findings.judgement is None or findings.poll is None:
        return [
            Part(name, "not begun", source, Comparison.NOTE, f"When its time has come: {again}")
        ]
    judgement = findings.judgement
    standing = f"{judgement.verdict.value}: {judgement.because}"
    seen = tuple(
        replace(one, step=step.id, customer=customer.name) for one in findings.observations
    )
    if judgement.verdict is Verdict.NOT_LINKED:
        return [
            Part(name, standing, source, Comparison.NOTE, f"Send them the link: {again}", seen=seen)
        ]
    if _is_fine(findings):
        return [_sync(findings, name, standing, source, seen)]
    if findings.under_way:
        return [Part(name, standing, source, Comparison.NOTE, f"Follow it: {again}", seen=seen)]
    changes = [one for one in step.plan(findings) if one.hand_off is not None]
    who = changes[0].hand_off.who if changes and changes[0].hand_off else "you"
    advice = next((row.advice for row in findings.rows() if row.name == "Verdict"), "")
    action = f"{advice} bcrunbook link {account} {customer.name}, then {again}"
    if findings.off is not None:
        action = f"{advice} When it is on again: {again}"
    return [
        Part(
            name,
            standing,
            source,
            Comparison.DIFFERS,
            action.strip(),
            who,
            seen,
            brief=judgement.verdict.value,
            detail=judgement.because,
        )
    ]


def _is_fine(findings: CustomerFindings) -> bool:
    assert findings.judgement is not None and findings.poll is not None
    verdict = findings.judgement.verdict
    is_there = findings.poll.installed is not None
    return verdict in _FINE or (verdict is Verdict.CONFIRMING and is_there)


def _calls_somebody(findings: CustomerFindings) -> bool:
    """Whether somebody has to do something about how the customer's connection stands."""
    if findings.judgement is None or findings.judgement.verdict is Verdict.NOT_LINKED:
        return False
    return not (findings.under_way or _is_fine(findings))


def _sync(
    findings: CustomerFindings,
    name: str,
    standing: str,
    source: str,
    seen: tuple[Observation, ...],
) -> Part:
    assert findings.poll is not None
    synced = findings.poll.synced
    if synced is not None and dates.now() - synced > LONGEST_WITHOUT_SYNC:
        return Part(
            name,
            f"no successful sync since {synced:%Y-%m-%d}",
            source,
            Comparison.DIFFERS,
            "Sync it in the Codat Portal (Companies, the company, Refresh): without one a month"
            " the customer's authorization may lapse.",
            "whoever keeps the Codat instance",
            seen,
        )
    when = f"; synced {synced:%Y-%m-%d %H:%M} UTC" if synced else ""
    return Part(name, f"{standing}{when}", source, Comparison.OK, seen=seen)
