"""A service that wants to be asked later: told, shown, waited out."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.steps import step_named
from bcrunbook.steps.opening import open_context
from tests.conftest import lay_out
from tests.run.batch.conftest import names, running
from tests.support.clock import held
from tests.support.program import PROGRAM
from tests.support.running import ALONE

SECONDS = 60
RULE = {
    "host": "api.codat.io",
    "path": "/profile",
    "nth": 1,
    "status": 429,
    "headers": {"Retry-After": str(SECONDS)},
    "body": {"statusCode": 429, "service": "PublicApi", "error": "Too many requests"},
}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud whose Codat asks to come back in a minute, the first time."""
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([RULE]), "utf-8")
    with launch(tmp_path / "cloud", skips=True, faults=faults, lags="worst") as description:
        yield description


@pytest.fixture
def throttled(tmp_path: Path, cloud: RehearsalDescription) -> Workspace:
    """A workspace in it."""
    return lay_out(tmp_path, cloud, {one: {} for one in names(2)})


async def prepare(workspace: Workspace) -> None:
    """Do what comes before Codat is asked, which waits for Microsoft."""
    for account in workspace.accounts.values():
        async with open_context(workspace, account) as context:
            for step in ALONE:
                await run_in_context(step_named(step), context, Mode.APPLY)


def test_who_is_held_up_is_told(throttled: Workspace) -> None:
    """One account waits for as long as was said, and then goes on."""
    with running(throttled.root, "--jobs", "1") as one:
        code, _ = one.end()
    held_up = [event for event in one.events if event["event"] == "throttled"]
    assert [event["who"] for event in held_up] == [next(iter(throttled.accounts))]
    assert held_up[0]["seconds"] == pytest.approx(SECONDS, abs=0.5)
    assert code == 3 and len(one.ended()) == 2


@pytest.mark.skipif(os.name == "nt", reason="no pseudo terminal")
def test_a_table_in_a_terminal(throttled: Workspace, cloud: RehearsalDescription) -> None:
    """Accounts by steps, how fast it goes, and how many are held up while they are."""
    import pexpect

    asyncio.run(prepare(throttled))
    with held(cloud):
        table = pexpect.spawn(
            PROGRAM[0],
            [*PROGRAM[1:], "batch", "-w", str(throttled.root)],
            dimensions=(40, 140),
            encoding="utf-8",
            timeout=60,
        )
        table.expect(r"[01] of 2 ended, \d+ a minute, 1 throttled")
    table.expect(r"2 of 2 accounts and customers ended, after .+: 2 needs a person")
    table.expect(pexpect.EOF)
    table.close()
    assert table.exitstatus == 3
