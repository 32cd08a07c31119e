"""Files that are written whole or not at all, also where others can write to the folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bcrunbook.atomic_write import atomic_write
from bcrunbook.rehearsal.log import private_file


def planted(folder: Path, name: str, victim: Path) -> None:
    """Links under every name that this process could be foreseen to use for a draft."""
    for draft in (f".{name}.{os.getpid()}", f"{name}.tmp", f".{name}.new", ".new-", f"{name}~"):
        (folder / draft).symlink_to(victim)


@pytest.mark.parametrize("write", [atomic_write, private_file])
def test_a_link_that_somebody_has_planted_is_not_followed(write: object, tmp_path: Path) -> None:
    """What it leads to is as it was, and the file is a file."""
    victim, file = tmp_path / "victim", tmp_path / "accounts.toml"
    victim.write_text("mine")
    file.write_text("before")
    planted(tmp_path, file.name, victim)
    write(file, b"after")  # type: ignore[operator]
    assert victim.read_text() == "mine"
    assert not file.is_symlink() and file.read_text() == "after"


def test_permissions_stay(tmp_path: Path) -> None:
    """A file that others may not read does not become one that they may; a new one is as any."""
    old, new, any_file = tmp_path / "old", tmp_path / "new", tmp_path / "any"
    old.touch(mode=0o600)
    any_file.write_text("")
    atomic_write(old, b"content")
    atomic_write(new, b"content")
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    assert new.stat().st_mode == any_file.stat().st_mode


def test_a_draft_does_not_stay_where_the_file_cannot_be_replaced(tmp_path: Path) -> None:
    """Here a folder is in its place."""
    (tmp_path / "taken" / "by").mkdir(parents=True)
    with pytest.raises((IsADirectoryError, PermissionError)):
        atomic_write(tmp_path / "taken", b"content")
    assert [one.name for one in tmp_path.iterdir() if one.name != "home"] == ["taken"]
