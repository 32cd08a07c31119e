"""Production waits until the trial account has passed the same step."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from bcrunbook.core.runner import Operator, run_in_context
from bcrunbook.core.step import Mode, Outcome
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import CLIENT_SECRET, REGISTER_APPLICATION, ROTATE_SECRET
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.run.rehearse.workspace import Rehearsed, prepare
from bcrunbook.steps import SETUP_STEPS, step_named
from bcrunbook.steps.client_secret.replacement import Replacement
from bcrunbook.steps.opening import open_context
from bcrunbook.steps.required import not_yet
from bcrunbook.steps.without_trial import allow
from tests.conftest import lay_out
from tests.support.independent_client import MakeClient
from tests.support.portal import AtOnce


async def test_production_is_written_only_after_the_trial_has_passed(
    cloud: RehearsalDescription, tmp_path: Path, make_client: MakeClient
) -> None:
    """Refused with the command to run first; planned all the same; allowed once trial is done."""
    (tmp_path / "cloud").symlink_to(cloud.directory)
    accounts = [
        Rehearsed("req-trial", "trial", "Books", 180, "Codat"),
        Rehearsed("req-production", "production", "Books", 180, "Codat"),
    ]
    workspace = await prepare(tmp_path, cloud, accounts)

    async def register(account: str, mode: Mode) -> Outcome:
        async with open_context(workspace, workspace.account(account)) as context:
            return await run_in_context(step_named("register_application"), context, mode)

    assert (await register("req-production", Mode.PLAN)).state == "pending"
    refused = await register("req-production", Mode.APPLY)
    assert refused.exit_code == 2
    assert refused.error is not None
    assert "run req-trial register_application" in refused.error["next"]
    tenant = cloud.accounts["production"]["tenant"]
    assert await asyncio.to_thread(make_client(tenant).applications, "req-production") == []
    assert (await register("req-trial", Mode.APPLY)).state == "changed"
    assert (await register("req-production", Mode.APPLY)).state == "changed"


async def test_upkeep_of_production_asks_for_a_trial_that_is_set_up(
    cloud: RehearsalDescription, tmp_path: Path, make_client: MakeClient
) -> None:
    """A trial whose own secret was never replaced will do; one that is not set up will not."""
    workspace = lay_out(
        tmp_path, cloud, {"up-trial": {}, "up-prod": {"kind": "production", "requires": "up-trial"}}
    )
    trial, production = workspace.account("up-trial"), workspace.account("up-prod")

    async def run(step: str) -> Outcome:
        async with open_context(workspace, production) as context:
            return await run_in_context(step_named(step), context, Mode.APPLY)

    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        allow(ledger, production.identity, "to have something to keep up", "Ada Lovelace")
        for step in (REGISTER_APPLICATION, CLIENT_SECRET):
            assert (await run(step)).state == "changed"
        (stored,) = ledger.facts(Scope(production.identity, CLIENT_SECRET), "secret_stored")

    async def rotate(operator: Operator | None = None) -> Outcome:
        wish = Replacement(stored.subject)
        async with open_context(workspace, production, replace=wish) as context:
            step = step_named(ROTATE_SECRET)
            return await run_in_context(step, context, Mode.APPLY, operator=operator)

    assert [one.key for one in (await rotate()).changes] == ["add_secret", "save_keys"]
    with closing(sqlite3.connect(workspace.root / "ledger.db")) as other, other:
        other.execute("DELETE FROM fact WHERE kind = 'without_trial'")
    # Nothing is the program's before somebody has said that the keys are saved.
    refused = await rotate(AtOnce())
    assert refused.exit_code == 2 and refused.error is not None
    assert "run up-trial --mode apply" in refused.error["next"]
    assert len(make_client().application("up-prod")["passwordCredentials"]) == 2
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        for setup in SETUP_STEPS:
            run_id = ledger.begin_run(Scope(trial.identity, setup.id), "apply")
            ledger.record_outcome(run_id, Scope(trial.identity, setup.id), "done", {})
    assert [one.key for one in (await rotate()).changes] == ["remove_secret"]


def test_an_account_has_passed_only_as_a_whole_and_with_this_version(
    cloud: RehearsalDescription, tmp_path: Path
) -> None:
    """Every step, done or changed, by the same version of the runbook."""
    workspace = lay_out(
        tmp_path, cloud, {"trial": {}, "prod": {"kind": "production", "requires": "trial"}}
    )
    trial, production = workspace.account("trial"), workspace.account("prod")
    steps = [step.id for step in SETUP_STEPS]

    def note(step: str, state: str) -> None:
        run = ledger.begin_run(Scope(trial.identity, step), "apply")
        ledger.record_outcome(run, Scope(trial.identity, step), state, {})

    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        for step in steps[1:]:
            note(step, "done")
        assert not_yet(ledger, workspace, production, steps) is not None
        note(steps[0], "done")
        assert not_yet(ledger, workspace, production, steps) is None
        note("client_secret", "changed")
        assert not_yet(ledger, workspace, production, steps) is None
        note("codat_keys", "needs_person")
        assert not_yet(ledger, workspace, production, steps) is not None
        note("codat_keys", "done")
        assert not_yet(ledger, workspace, production, steps) is None
        with closing(sqlite3.connect(workspace.root / "ledger.db")) as other, other:
            other.execute("UPDATE run SET version = '0.0.1'")
        assert not_yet(ledger, workspace, production, steps) is not None
