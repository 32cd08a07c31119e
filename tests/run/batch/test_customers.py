"""The benchmark of many customers, with few of them: what it checks has to hold at any size."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bcrunbook.rehearsal.businesscentral.installation import SCRIPTS
from tests.bench.customers import main


@pytest.mark.skipif(sys.platform == "win32", reason="the batch is killed, with all its processes")
def test_faults_and_a_batch_that_is_killed_again_and_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One customer for each script; each ends as it must, nothing is done twice, nothing lost."""
    wrong = main(tmp_path, len(SCRIPTS), seed=7)
    printed = capfd.readouterr().out
    assert wrong == 0, printed
    assert printed.count("killed at") == 5
