"""The session bar: which account, tenant, cloud and mode, and the map of the journey.

The bar is a plain view. The map is for a person at the notebook: in a record it would tell of
other runs than the one that it records.
"""

from __future__ import annotations

from bcrunbook.accounts import Account
from bcrunbook.notebook_files import choices
from bcrunbook.steps import STEPS, notebook_of
from bcrunbook.steps.context import Context
from bcrunbook.steps.journey import Journey, account_journey
from bcrunbook.steps.whereabouts import SIGNED_IN, TENANT, Whereabouts, whereabouts
from bcrunbook.views import cells
from bcrunbook.views.cells import View
from bcrunbook.views.journey import journey_html, journey_lines


def account_label(account: Account) -> str:
    """An account as a person chooses it."""
    return choices.account_label(account.name, account.kind)


def journey_known(context: Context) -> Journey:
    """Where the account stands; of its customers, the one that the notebook works with."""
    return account_journey(
        context.ledger,
        context.workspace,
        context.account,
        customer=context.customer_name or "",
        place="notebook",
    )


def where_of(context: Context, known: Journey | None) -> Whereabouts:
    """Where the account's work goes.

    Args:
        context: what the notebook works with.
        known: where the account stands.
    """
    return whereabouts(known.first if known is not None else None, context.account.tenant)


def bar(context: Context, mode: str, step: str, known: Journey | None = None) -> View:
    """The bar of one notebook.

    Args:
        context: what the notebook works with.
        mode: how far it may go.
        step: the notebook's step.
        known: for somebody who may go on to another step, where the account stands. Only the map
            tells of other runs, and only a person has one.
    """
    account, cloud, customer = context.account, context.cloud, context.customer
    where = where_of(context, known)
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
    journey = None
    if known is not None:
        links = {one.id: notebook_of(one) for one in STEPS}
        journey = journey_lines(known, step), journey_html(known, here=step, links=links)
    return cells.session_view(
        lines,
        is_rehearsal=not cloud.is_live,
        is_production=account.is_production,
        journey=journey,
    )
