"""Production waits until the trial account has passed the same step."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.run.rehearsal import Rehearsed, prepare
from bcrunbook.steps import step_named
from bcrunbook.steps.context import open_context
from bcrunbook.steps.step import Mode, Outcome
from bcrunbook.steps.walk import walk_through
from tests.strangers import Meet


async def test_production_is_written_only_after_the_trial_has_passed(
    cloud: RehearsalDescription, tmp_path: Path, meet: Meet
) -> None:
    """Refused with the command to run first; planned all the same; allowed once trial is done."""
    (tmp_path / "cloud").symlink_to(cloud.directory)
    accounts = [
        Rehearsed("req-trial", "trial", "Books", 180, "Codat"),
        Rehearsed("req-production", "production", "Books", 180, "Codat"),
    ]
    workspace = await prepare(tmp_path, cloud, accounts)

    async def walk(account: str, mode: Mode) -> Outcome:
        async with open_context(workspace, workspace.account(account)) as context:
            return await walk_through(step_named("register_application"), context, mode)

    assert (await walk("req-production", Mode.PLAN)).state == "pending"
    refused = await walk("req-production", Mode.APPLY)
    assert refused.exit_code == 2
    assert refused.error is not None
    assert "run req-trial register_application" in refused.error["next"]
    tenant = cloud.accounts["production"]["tenant"]
    assert await asyncio.to_thread(meet(tenant).applications, "req-production") == []
    assert (await walk("req-trial", Mode.APPLY)).state == "changed"
    assert (await walk("req-production", Mode.APPLY)).state == "changed"
