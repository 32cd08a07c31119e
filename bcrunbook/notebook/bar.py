"""The session bar: which account, tenant, cloud and mode, and the rail of steps with their states.

The bar is a plain view. The rail is for a person at the notebook: in a record it would tell of
other runs than the one that it records.
"""

from __future__ import annotations

from collections.abc import Sequence

from bcrunbook.accounts import Account
from bcrunbook.core.step import PASSED, Outcome, State
from bcrunbook.core.stored import latest_outcomes
from bcrunbook.notebook_files import choices
from bcrunbook.steps import STEPS, notebook_of
from bcrunbook.steps.context import Context
from bcrunbook.steps.whereabouts import SIGNED_IN, TENANT, Whereabouts, whereabouts
from bcrunbook.views import cells
from bcrunbook.views.cells import NOT_STARTED, STATE_WORDS, RailStop, View


def account_label(account: Account) -> str:
    """An account as a person chooses it."""
    return choices.account_label(account.name, account.kind)


def outcomes_of(context: Context) -> list[Outcome]:
    """How each step of the account, and of its customers, ended last."""
    stored = latest_outcomes(context.ledger, context.account.identity)
    return [one.outcome for one in stored]


def where_of(context: Context, known: Sequence[Outcome]) -> Whereabouts:
    """Where the account's work goes.

    Args:
        context: what the notebook works with.
        known: how its steps ended last.
    """
    first = next((one for one in known if one.step == STEPS[0].id), None)
    return whereabouts(first, context.account.tenant)


def bar(context: Context, mode: str, step: str, known: Sequence[Outcome] | None = None) -> View:
    """The bar of one notebook.

    Args:
        context: what the notebook works with.
        mode: how far it may go.
        step: the notebook's step.
        known: for somebody who may go on to another step, how the steps ended last. Only the rail
            tells of other runs, and only a person has one.
    """
    account, cloud, customer = context.account, context.cloud, context.customer
    where = where_of(context, known or ())
    lines = [
        ("Account", account_label(account)),
        *([("Customer", f"{customer.display_name} ({customer.name})")] if customer else []),
        ("Cloud", cloud.kind),
        (TENANT, where.tenant),
        ("Sign-in", account.sign_in.method),
        ("Mode", mode),
    ]
    if where.signed_in:
        lines.append((SIGNED_IN, where.signed_in))
    rail: list[RailStop] = []
    if known is not None:
        outcomes = {one.step: one for one in known if one.customer in ("", context.customer_name)}
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
