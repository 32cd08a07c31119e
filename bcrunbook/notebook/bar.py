"""The session bar: which account, tenant, cloud and mode, and the rail of steps with their states.

The bar is a plain view. The rail is for a person at the notebook: in a record it would tell of
other runs than the one that it records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bcrunbook.accounts import Account
from bcrunbook.core.step import PASSED, Outcome, State
from bcrunbook.core.stored import latest_outcomes
from bcrunbook.steps import STEPS, notebook_of
from bcrunbook.steps.context import Context
from bcrunbook.views import cells
from bcrunbook.views.cells import NOT_STARTED, STATE_WORDS, RailStop, View

_SIGNED_IN: Final = "Signed in as"
_TENANT: Final = "Tenant"


def account_label(account: Account) -> str:
    """An account's name with its kind, which are often the same word."""
    return account.name if account.name == account.kind else f"{account.name} ({account.kind})"


@dataclass(frozen=True)
class Whereabouts:
    """Where an account's work goes, as the first step saw it, or as it is configured.

    Args:
        tenant: the tenant, with its id.
        tenant_name: the tenant's name alone.
        signed_in: who is signed in; empty before anybody was.
    """

    tenant: str
    tenant_name: str
    signed_in: str


def whereabouts(context: Context) -> Whereabouts:
    """Where the account's work goes.

    Args:
        context: what the notebook works with.
    """
    stored = latest_outcomes(context.ledger, context.account.identity)
    first = next((one.outcome for one in stored if one.outcome.step == STEPS[0].id), None)
    seen = _seen_at_first(first, context.account.tenant)
    tenant = seen.get(_TENANT) or context.account.tenant
    return Whereabouts(tenant, tenant.partition(" (")[0], seen.get(_SIGNED_IN, ""))


def bar(context: Context, mode: str, step: str, *, with_rail: bool) -> View:
    """The bar of one notebook.

    Args:
        context: what the notebook works with.
        mode: how far it may go.
        step: the notebook's step.
        with_rail: whether somebody is there who may go on to another step.
    """
    account, cloud, customer = context.account, context.cloud, context.customer
    # Only the rail tells of other runs, and only a person has one.
    stored = latest_outcomes(context.ledger, account.identity) if with_rail else []
    known = [one.outcome for one in stored]
    outcomes = {one.step: one for one in known if one.customer in ("", context.customer_name)}
    seen = _seen_at_first(outcomes.get(STEPS[0].id), account.tenant)
    lines = [
        ("Account", account_label(account)),
        *([("Customer", f"{customer.display_name} ({customer.name})")] if customer else []),
        ("Cloud", cloud.kind),
        (_TENANT, seen.get(_TENANT) or account.tenant),
        ("Sign-in", account.sign_in.method),
        ("Mode", mode),
    ]
    if _SIGNED_IN in seen:
        lines.append((_SIGNED_IN, seen[_SIGNED_IN]))
    rail: list[RailStop] = []
    if with_rail:
        for one in STEPS:
            last = outcomes.get(one.id)
            state = last.state if last is not None else ""
            label = STATE_WORDS[State(state)] if state else NOT_STARTED
            if one.is_per_customer and customer is None:
                done = {row.customer for row in known if row.step == one.id and row.state in PASSED}
                linked, total = len(done & account.customers.keys()), len(account.customers)
                state = State.DONE if linked == total > 0 else ""
                label = f"{linked} of {total} customers" if total else "no customers yet"
            rail.append(RailStop(one.title, notebook_of(one), state, label, one.id == step))
    return cells.session_view(
        lines,
        is_rehearsal=not cloud.is_live,
        is_production=account.is_production,
        rail=rail,
    )


def _seen_at_first(outcome: Outcome | None, tenant: str) -> dict[str, str]:
    """Who signed in and where, as the first step saw it; empty when that was another tenant."""
    rows = {row.name: row for row in outcome.findings} if outcome is not None else {}
    if _TENANT not in rows or rows[_TENANT].wanted != tenant:
        return {}
    return {name: rows[name].actual for name in (_SIGNED_IN, _TENANT) if name in rows}
