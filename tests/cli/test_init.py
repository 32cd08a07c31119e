"""`bcrunbook init`: a workspace is laid out, and nothing in it is ever overwritten."""

from __future__ import annotations

from pathlib import Path

from bcrunbook.steps import EVERY_STEP, notebook_of
from tests.cli.conftest import Command


def test_it_lays_out_a_workspace_and_says_what_next(command: Command, tmp_path: Path) -> None:
    """accounts.toml and a notebook for each step; the next command is named."""
    root = tmp_path / "contoso"
    result = command("init", root)
    assert (result.code, result.out) == (0, "")
    assert f"bcrunbook accounts check --workspace {root}" in result.err
    assert f"bcrunbook lab --workspace {root}" in result.err
    assert {path.name for path in (root / "notebooks").iterdir()} == {
        notebook_of(step) for step in EVERY_STEP
    }
    assert "bcrunbook accounts check" in (root / "accounts.toml").read_text("utf-8")


def test_it_overwrites_nothing(command: Command, tmp_path: Path) -> None:
    """A second time it keeps what a person has changed, and makes what is missing."""
    command("init", tmp_path)
    config, notebook = (
        tmp_path / "accounts.toml",
        tmp_path / "notebooks" / notebook_of(EVERY_STEP[0]),
    )
    config.write_text("mine", encoding="utf-8")
    notebook.unlink()
    data = command("init", tmp_path, "--json").data
    assert config.read_text("utf-8") == "mine"
    assert data["made"] == [str(notebook)]
    assert str(config) in data["kept"] and len(data["kept"]) == len(EVERY_STEP)


def test_a_place_that_cannot_be_used_is_said(command: Command, tmp_path: Path) -> None:
    """A file in the way: exit 2, and the file stays as it is."""
    path = tmp_path / "file"
    path.write_text("mine", encoding="utf-8")
    result = command("init", path)
    assert result.code == 2
    assert "cannot be laid out" in result.err and "next:" in result.err
    assert path.read_text("utf-8") == "mine"
