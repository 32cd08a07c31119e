"""Staying with what is under way for a customer, without a run: for whoever follows many."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bcrunbook.accounts import Identity
from bcrunbook.core.context import RunContext
from bcrunbook.core.step import AnyStep, Findings
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Ledger


async def follow(step: AnyStep, context: RunContext) -> None:
    """Look, and stay with what is under way until it has settled or its time is up.

    What is seen is kept in the ledger, where a run of the step finds it. Holds nothing but a lease
    while it waits.

    Args:
        step: the step.
        context: what it works with, its customer included.

    Raises:
        RunbookError: nothing could be seen, or another process is at it.
    """
    findings = await step.examine(context)
    if findings.under_way:
        async with lease(step, context):
            findings = await step.follow(context, findings, lambda progress: None)
    remember(step, context, findings)


def remember(
    step: AnyStep, context: RunContext, findings: Findings | None, run_id: str | None = None
) -> None:
    """Keep what the last look saw, unless the ledger has just that already.

    Args:
        step: the step.
        context: what it works with.
        findings: what was seen.
        run_id: the run that saw it.
    """
    for seen in findings.observations if findings is not None else ():
        whose, its_step = context.identity, seen.step or step.id
        customer = seen.customer or context.customer_name
        known = context.ledger.latest(Scope(whose, its_step, customer), seen.kind)
        if known is None or (known.subject, known.data) != (seen.subject, seen.data):
            context.ledger.record(
                Scope(whose, its_step, customer),
                seen.kind,
                seen.subject,
                "observed",
                seen.data,
                run_id=run_id,
            )


@asynccontextmanager
async def lease(step: AnyStep, context: RunContext) -> AsyncIterator[None]:
    """The lease on the account, or on the customer that a step is about.

    Services are written to in the block only, and only while it is held.

    Args:
        step: the step that is at work.
        context: what it works with.

    Raises:
        WaitAndRetry: another process has it.
    """
    name = lease_name(context.ledger, context.identity, context.customer_name)
    async with context.ledger.lease(name, what=f"step {step.id}") as held:
        with context.held(held):
            yield


def lease_name(ledger: Ledger, whose: Identity, customer: str | None = None) -> str:
    """What is leased: an account, or one of its customers, in its cloud and tenant.

    Args:
        ledger: which knows a tenant by all its names.
        whose: the account.
        customer: one of its customers; None for the account itself.
    """
    name = f"account/{whose.account}" + (f"/customer/{customer}" if customer else "")
    return f"{name} ({whose.cloud}, tenant {ledger.tenant_of(whose)})"
