"""One step, run by a program: everything it needs is opened for it, and closed when it has ended.

Programs get `run_step` from the package's public door. A notebook opens its step itself
(`bcrunbook.notebook.session`), since its cells stop between looking, planning and applying.
"""

from __future__ import annotations

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import Approve, OnProgress, chosen_mode, run_in_context
from bcrunbook.core.step import Mode, Outcome
from bcrunbook.errors import FixInput
from bcrunbook.steps import step_named
from bcrunbook.steps.opening import open_context


def _ignore(_: str) -> None:
    """The default for `on_progress`: nobody listens."""


async def run_step(
    workspace: Workspace,
    account: str,
    step: str,
    mode: Mode,
    *,
    customer: str = "",
    approve: Approve | None = None,
    on_progress: OnProgress = _ignore,
) -> Outcome:
    """Run one step of one account, or of one of its customers, without a notebook.

    What a person can act on while the step runs is no exception: it is in the outcome, as `error`,
    and `exit_code` is what a command would exit with. What a person has to do themselves is there
    as the changes with a hand-off.

    Args:
        workspace: the loaded workspace.
        account: the account's name.
        step: the step's id.
        mode: how far it may go.
        customer: the customer's name, for a step that is done once per customer.
        approve: asked in the mode `ask` with the changes that the program would make; awaits the
            answer. Asked again if more, or something else, turns out to be needed.
        on_progress: called with a short sentence at each thing worth showing.

    Raises:
        NotFound: there is no such account, step or customer; offers the nearest name.
        FixInput: a customer is missing or is not asked for, the mode `ask` has nobody to ask, or
            the cloud, the ledger or the secret store cannot be used as configured.
        WaitAndRetry: another runner uses the ledger for longer than is waited for.
    """
    chosen = step_named(step)
    known = workspace.account(account)
    if chosen.is_per_customer and not customer:
        raise FixInput(
            f"The step {chosen.id} is done once per customer, and none is named.",
            where="parameter customer",
            next="name a customer of the account",
        )
    if customer and not chosen.is_per_customer:
        raise FixInput(
            f"The step {chosen.id} is about the account itself, and a customer is named.",
            where="parameter customer",
            next="leave the customer out",
        )
    allowed = chosen_mode(mode, live=known.cloud == "live", answered=approve is not None)
    whom = workspace.customer(account, customer) if customer else None
    async with open_context(workspace, known, customer=whom) as context:
        return await run_in_context(
            chosen, context, allowed, approve=approve, on_progress=on_progress
        )
