"""A service that wants to be asked later: told, shown, waited out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.rehearsal import launch
from tests.conftest import lay_out
from tests.run.batch.conftest import names, running
from tests.support.program import PROGRAM

SPEED = 20
RULE = {
    "host": "api.codat.io",
    "path": "/profile",
    "nth": 1,
    "status": 429,
    "headers": {"Retry-After": str(3 * SPEED)},
    "body": {"statusCode": 429, "service": "PublicApi", "error": "Too many requests"},
}


@pytest.fixture
def throttled(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace whose Codat asks to come back in three seconds, the first time."""
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([RULE]), "utf-8")
    with launch(tmp_path / "cloud", speed=SPEED, faults=faults, lags="worst") as cloud:
        yield lay_out(tmp_path, cloud, {one: {} for one in names(2)})


def test_who_is_held_up_is_told(throttled: Workspace) -> None:
    """One account waits for as long as was said, and then goes on."""
    with running(throttled.root, "--jobs", "1") as one:
        code, _ = one.end()
    held_up = [event for event in one.events if event["event"] == "throttled"]
    assert [event["who"] for event in held_up] == [next(iter(throttled.accounts))]
    assert held_up[0]["seconds"] == pytest.approx(3.0, abs=0.5)
    assert code == 3 and len(one.ended()) == 2


@pytest.mark.skipif(os.name == "nt", reason="no pseudo terminal")
def test_a_table_in_a_terminal(throttled: Workspace) -> None:
    """Accounts by steps, how fast it goes, and how many are held up."""
    import pexpect

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
