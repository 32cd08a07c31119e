"""A rehearsal from beginning to end: the runbook, a scripted person, the runbook again.

The first pass stops where a person is needed. Then somebody who exists in the rehearsal only does
what the hand-offs say, on the portal's own pages, and says so. The second pass goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bcrunbook.accounts import Workspace
from bcrunbook.core import confirmations
from bcrunbook.core.step import PASSED, AnyStep, Change
from bcrunbook.errors import ReportBug
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.rehearsal.people import PortalPerson, UnexpectedPage, developer_of
from bcrunbook.run.account import Began, Ended, StepRun, exit_code, run_account
from bcrunbook.secrets import Secret, SecretReference, read
from bcrunbook.steps import step_named
from bcrunbook.steps.codat_portal import INSTANCE
from bcrunbook.steps.description import RehearsedPart

FIRST_PASS: Final = "1-first-pass"
SECOND_PASS: Final = "2-after-the-person"
_NEEDS_PERSON: Final = 3


async def play(
    workspace: Workspace,
    cloud: RehearsalDescription,
    accounts: Sequence[str],
    steps: Sequence[AnyStep],
    mode: str,
    folder: Path,
    *,
    began: Began,
    ended: Ended,
    acted: Callable[[str], None],
) -> list[StepRun]:
    """Rehearse accounts of a rehearsal workspace.

    Args:
        workspace: laid out by `rehearsal.prepare`.
        cloud: the running rehearsal cloud.
        accounts: names of accounts, in order.
        steps: which steps, in order.
        mode: `auto`, `plan` or `apply`.
        folder: where output notebooks and cards go, a subfolder for each pass and account.
        began: called when a step begins.
        ended: called when it has ended.
        acted: called with a sentence when the scripted person has done something.

    Returns:
        Every run of both passes, in order.
    """

    async def run(account: str, chosen: Sequence[AnyStep], name: str) -> list[StepRun]:
        into = folder / name / account
        return await run_account(workspace, account, chosen, mode, into, began=began, ended=ended)

    runs: list[StepRun] = []
    for account in accounts:
        runs += await run(account, steps, FIRST_PASS)
        if exit_code(runs) not in (0, _NEEDS_PERSON):
            return runs
    played = [
        (step_run, change, part)
        for step_run in runs
        for change in step_run.hand_offs
        if (part := part_of(step_run, change)) is not None
    ]
    if mode == "plan" or not played:
        return runs
    for step_run, change, part in played:
        acted(await act(workspace, cloud, step_run, change, part))
    for account in accounts:
        open_steps = {
            one.step for one in runs if one.account == account and one.state not in PASSED
        }
        if open_steps:
            again = [step for step in steps if step.id in open_steps]
            runs += await run(account, again, SECOND_PASS)
    return runs


def part_of(run: StepRun, change: Change) -> RehearsedPart | None:
    """What the scripted person does about it: at the portal, in an instance that is named.

    Args:
        run: how the step ended.
        change: what it hands over.
    """
    if change.hand_off is None or INSTANCE not in dict(change.hand_off.values):
        return None
    parts = step_named(run.step).description.rehearsed
    return next((part for part in parts if part.change == change.key), None)


async def act(
    workspace: Workspace,
    cloud: RehearsalDescription,
    run: StepRun,
    change: Change,
    part: RehearsedPart,
    by: str = "",
) -> str:
    """Do what a hand-off says, on the portal's pages, and say so.

    Args:
        workspace: the rehearsal's.
        cloud: the running rehearsal cloud.
        run: how the step ended.
        change: what it hands over.
        part: what the scripted person does about it.
        by: who does it, by their e-mail address; empty for whoever may.

    Returns:
        What they did, in a sentence.

    Raises:
        ReportBug: a page was not as expected.
    """
    assert change.hand_off is not None
    values = dict(change.hand_off.values)
    instance = values[INSTANCE]
    person = PortalPerson(cloud, by or developer_of(cloud, instance))
    secret: Secret | None = None
    if part.action == "save_keys":
        reference = SecretReference.parse(change.hand_off.secret, "a hand-off")
        secret = await read(reference, workspace.root)

    def click() -> None:
        person.sign_in()
        person.choose(instance)
        if secret is not None:
            person.save_keys(values["Client ID"], secret.reveal())
        else:
            person.toggle(True)
        person.sign_out()

    try:
        await asyncio.to_thread(click)
    except UnexpectedPage as problem:
        raise ReportBug(
            f"The scripted person got lost in the rehearsal's portal: {problem}.",
            where=f'account "{run.account}", step {run.step}',
            next="report this with the folder of the rehearsal",
        ) from None
    if change.hand_off.confirmation:
        with open_ledger(workspace.ledger_url, workspace.root) as ledger:
            confirmations.confirm(
                ledger,
                Scope(workspace.account(run.account).identity, run.step),
                change,
                person.email,
            )
    return part.report.format(person=person.email, account=run.account, instance=instance)
