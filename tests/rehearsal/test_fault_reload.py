"""A faults file that changes while the rehearsal cloud runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bcrunbook.rehearsal.faults import Faults, InvalidFaults


def write(file: Path, rules: object) -> None:
    """Replace the file as a whole."""
    half = file.with_suffix(".part")
    half.write_text(json.dumps(rules), "utf-8")
    os.replace(half, file)


def test_new_rules_take_the_place_of_the_old_and_count_anew(tmp_path: Path) -> None:
    """The second request of the new rules' life is their second, whatever came before."""
    file = tmp_path / "faults.json"
    write(file, [{"path": "a", "nth": 1, "status": 503}])
    faults = Faults(file)
    assert faults.fire("h", "GET", "/a") is not None
    assert faults.fire("h", "GET", "/a") is None
    write(file, [{"path": "a", "nth": 2, "status": 429}])
    assert faults.fire("h", "GET", "/a") is None
    fired = faults.fire("h", "GET", "/a")
    assert fired is not None
    assert fired[1].status == 429


def test_a_file_that_cannot_be_used_leaves_the_old_rules_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip while the cloud runs is said, and changes nothing; at the start it is refused."""
    file = tmp_path / "faults.json"
    write(file, [{"status": 503}])
    faults = Faults(file)
    write(file, [{"statsu": 429}])
    fired = faults.fire("h", "GET", "/a")
    assert fired is not None
    assert fired[1].status == 503
    assert "did you mean 'status'" in capsys.readouterr().err
    with pytest.raises(InvalidFaults):
        Faults(file)
