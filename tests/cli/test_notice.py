"""`bcrunbook notice`: draft and page, written and never sent."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

from tests.cli.conftest import Command

TOML = """\
[accounts.trial]
kind = "trial"
tenant = "contoso.com"
application = "Contoso books"
[accounts.trial.customers.northwind]
name = "Nørthwind"
contact = "ada@northwind.example"
"""


def test_the_command_writes_draft_and_page(command: Command, tmp_path: Path) -> None:
    """Two files in the workspace, their paths on stdout; again, and they are written anew."""
    (tmp_path / "accounts.toml").write_text(TOML, "utf-8")
    folder = tmp_path / "notices" / "trial"
    for _ in range(2):
        result = command("notice", "trial", "northwind", "-w", tmp_path)
        assert result.code == 0 and "send it to ada@northwind.example" in result.err
        files = [folder / "northwind.eml", folder / "northwind.html"]
        assert [Path(line) for line in result.out.splitlines()] == files
        assert sorted(folder.iterdir()) == files
        files[0].write_text("old")
    result = command("notice", "trial", "northwind", "-w", tmp_path)
    message = email.message_from_bytes(files[0].read_bytes(), policy=email.policy.default)
    assert message["To"] == "ada@northwind.example"
    assert "Nørthwind" in files[1].read_text("utf-8")


def test_the_command_for_programs(command: Command, tmp_path: Path) -> None:
    """--json tells the same; --out chooses the folder."""
    (tmp_path / "accounts.toml").write_text(TOML, "utf-8")
    words = ("notice", "trial", "northwind", "-w", tmp_path, "--out", tmp_path / "a/b", "--json")
    data = command(*words).data
    assert data["to"] == "ada@northwind.example" and "Nørthwind" in data["subject"]
    assert Path(data["draft"]) == tmp_path / "a" / "b" / "northwind.eml"
    assert Path(data["page"]).is_file()


def test_the_command_uses_own_templates(command: Command, tmp_path: Path) -> None:
    """From the workspace's folder `templates`; a mistake there writes nothing."""
    (tmp_path / "accounts.toml").write_text(TOML, "utf-8")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "notice.html").write_text("<p>{{ nobody }}</p>", "utf-8")
    result = command("notice", "trial", "northwind", "-w", tmp_path)
    assert result.code == 2 and "notice.html, line 1" in result.err
    assert not (tmp_path / "notices").exists()


def test_the_command_explains_what_it_cannot_do(command: Command, tmp_path: Path) -> None:
    """An unknown customer, and a folder that cannot be."""
    (tmp_path / "accounts.toml").write_text(TOML, "utf-8")
    result = command("notice", "trial", "nortwind", "-w", tmp_path)
    assert result.code == 2 and 'did you mean "northwind"?' in result.err
    file = tmp_path / "accounts.toml"
    result = command("notice", "trial", "northwind", "-w", tmp_path, "--out", file)
    assert result.code == 2 and "cannot be written" in result.err
    assert file.read_text("utf-8") == TOML
