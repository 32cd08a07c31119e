"""What a program may do with the public door, and the types that it is promised there."""

from __future__ import annotations

from typing import Any, assert_type

import bcrunbook
from bcrunbook import Account, Change, Customer, Mode, Outcome, RunbookError, State, Workspace


def names(workspace: Workspace) -> list[str]:
    """Accounts and customers, by name."""
    account = assert_type(workspace.account("trial"), Account)
    customer = assert_type(workspace.customer("trial", "northwind"), Customer)
    return [account.name, account.tenant, customer.name, customer.display_name]


async def yes(changes: tuple[Change, ...]) -> bool:
    """Say yes to whatever is only added."""
    return all(change.by == "program" for change in changes)


async def set_up(folder: str | None) -> int:
    """Plan every step, then apply the first one."""
    workspace = assert_type(bcrunbook.load(bcrunbook.find_workspace(folder)), Workspace)
    for step in bcrunbook.STEPS:
        if not step.is_per_customer:
            await bcrunbook.run_step(workspace, "trial", step.id, Mode.PLAN)
    outcome = await bcrunbook.run_step(
        workspace, "trial", "start_here", Mode.ASK, approve=yes, on_progress=print
    )
    assert_type(outcome, Outcome)
    assert_type(outcome.state, State)
    assert_type(outcome.changes, tuple[Change, ...])
    assert_type(outcome.as_dict(), dict[str, Any])
    if outcome.state is State.NEEDS_PERSON:
        for change in outcome.hand_offs:
            print(change.title)
    return assert_type(outcome.exit_code, int)


async def linked(workspace: Workspace) -> str:
    """Link a customer; what can be done about an error is told by its class."""
    try:
        outcome = await bcrunbook.run_step(
            workspace, "production", "link_customer", Mode.APPLY, customer="northwind"
        )
    except (bcrunbook.NotFound, bcrunbook.FixInput) as error:
        return assert_type(error.next, str)
    except (bcrunbook.WaitAndRetry, bcrunbook.Unreachable, bcrunbook.AnswerLost) as error:
        return error.what
    except (bcrunbook.AskAdministrator, bcrunbook.SignInAgain) as error:
        return error.who
    except bcrunbook.ReportBug as error:
        return error.request_id
    except RunbookError as error:
        return assert_type(error.where, str)
    return outcome.summary


VERSION: str = bcrunbook.__version__
