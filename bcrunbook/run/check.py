"""The check of several accounts, one after the other, without notebooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import failed_outcome, run_in_context
from bcrunbook.core.step import Mode, Outcome
from bcrunbook.errors import RunbookError
from bcrunbook.order import HEALTH_CHECK
from bcrunbook.steps import step_named
from bcrunbook.steps.opening import open_context


async def check_accounts(
    workspace: Workspace, names: Sequence[str], *, began: Callable[[str], None]
) -> list[Outcome]:
    """Look whether everything still stands; changes nothing.

    Args:
        workspace: the workspace.
        names: of its accounts.
        began: called with the name of each that is looked at now.

    Returns:
        How the check of each ended; one that cannot be looked at keeps no other from it.
    """
    check, outcomes = step_named(HEALTH_CHECK), []
    for name in names:
        account = workspace.account(name)
        began(name)
        try:
            async with open_context(workspace, account) as context:
                outcomes.append(await run_in_context(check, context, Mode.APPLY))
        except RunbookError as error:
            # The other accounts are worth a look all the same.
            outcomes.append(failed_outcome(check.id, name, Mode.APPLY.value, account.cloud, error))
    return outcomes
