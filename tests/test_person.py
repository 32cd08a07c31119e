"""A user without a name and without a home folder, as a container may have."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path

import pytest

from bcrunbook.errors import FixInput
from bcrunbook.person import home_folder, user_name
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.run.lab.start import starting_lab
from bcrunbook.signin.cache import token_cache
from tests.cli.conftest import Command, command
from tests.conftest import MakeWorkspace, lay_out

__all__ = ["command"]


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system knows neither a name nor a home folder for whoever runs this."""

    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(getpass, "getuser", unknown)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    for name in ("HOME", "USERPROFILE", "JUPYTER_RUNTIME_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_what_is_not_known_is_said_so() -> None:
    """A word for the name, and no folder."""
    assert user_name() == "somebody"
    assert home_folder() is None


def test_doctor_tells_of_everything_but_jupyter(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """Jupyter needs a folder of its own, which is said; the rest is fine."""
    result = command("doctor", "-w", make_workspace().root)
    assert result.code == 2
    failed = [line for line in result.out.splitlines() if line.startswith("failed")]
    assert len(failed) == 1 and "Jupyter has no folder" in failed[0]
    assert "set HOME" in result.out and "reached, rehearsal cloud" in result.out


def test_a_batch_begins_without_the_trial(
    command: Command, tmp_path: Path, cloud: RehearsalDescription
) -> None:
    """Who let it is somebody."""
    live = {"kind": "production", "requires": "trial", "tenant": "no-such-tenant.example"}
    workspace = lay_out(tmp_path, cloud, {"trial": {}, "live": live})
    result = command("batch", "live", "--without-trial", "a test", "-w", workspace.root, "--json")
    ended = [json.loads(line) for line in result.out.splitlines()]
    assert [one for one in ended if one.get("account") == "live"], result.err
    assert "unforeseen" not in result.err


def test_a_sign_in_is_not_kept_among_notebooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no home, `~` would be a folder of the current one."""
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    for kind in ("file", "encrypted"):
        token_cache(kind)
    assert set(tmp_path.iterdir()) == before


def test_lab_says_what_jupyter_needs(tmp_path: Path) -> None:
    """Instead of waiting for a server that cannot be found."""
    with (
        pytest.raises(FixInput, match="Jupyter has no folder"),
        starting_lab(tmp_path, browser=False) as lab,
    ):
        lab.ready()
