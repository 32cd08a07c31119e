"""Whatever is mixed up between two commands, no write reaches what was not meant."""

from __future__ import annotations

import os
import subprocess
import sys
from random import SystemRandom

import pytest

from tests.support.share import number

HISTORIES = number("MIXUPS", usual=300, whole=2000)
SEED = os.environ.get("MIXUPS_SEED", "")
PARTS = -(-HISTORIES // 250)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_write_reaches_what_was_not_meant(part: int) -> None:
    """Histories of several workspaces and accounts, drawn anew; one again with MIXUPS_SEED.

    In a process of their own, with a rehearsal cloud without sockets in it.
    """
    first = SEED or str(SystemRandom().randrange(10**9))
    print(f"histories from MIXUPS_SEED={first}")
    count = "1" if SEED else str(-(-HISTORIES // PARTS))
    done = subprocess.run(
        [sys.executable, "-m", "tests.mixups.play", first, count],
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
