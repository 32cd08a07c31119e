"""`bcrunbook doctor`: what it finds, and that its words may be pasted anywhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from bcrunbook.rehearsal import RehearsalDescription
from tests.cli.conftest import Command
from tests.conftest import MakeWorkspace
from tests.support.portal import api_key


def test_a_machine_that_is_ready(
    command: Command, make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Versions, kernel, ledger, secret store and network are fine: exit 0; the same as data."""
    root = make_workspace().root
    result = command("doctor", "-w", root)
    assert result.code == 0
    assert all(line.startswith("ok ") for line in result.out.splitlines()), result.out
    assert "reached, rehearsal cloud" in result.out
    data = command("doctor", "-w", root, "--json").data
    assert [one["ok"] for one in data] == [True] * len(result.out.splitlines())
    canaries = Path(cloud.canaries).read_text("utf-8").split()
    assert canaries and not [one for one in canaries if one in result.out + result.err]


def test_an_api_key_of_another_instance(
    command: Command, make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """It is named before any step runs into it: both instances, exit 2."""
    result = command("doctor", "-w", make_workspace(codat_instance="Another one").root)
    assert result.code == 2
    assert re.search(r"^failed +Codat, as .*Another one", result.out, re.M)
    assert cloud.codat["instance"] in result.out


def test_an_instance_that_wants_a_certificate(
    command: Command, make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """It answers where accounts.toml names the certificate, and where it does not that is said."""
    (instance,) = [one for one in cloud.codat["instances"] if one["mtls"]]
    for mtls, code, words in (
        (instance["mtls"], 0, f'the API key works, instance "{instance["name"]}"'),
        (None, 3, "codat_mtls"),
    ):
        workspace = make_workspace(codat_instance=instance["name"], codat_mtls=mtls)
        api_key(workspace, instance["api_key"])
        result = command("doctor", "-w", workspace.root)
        assert (result.code, words in result.out) == (code, True), result.out
        assert instance["mtls"]["private_key"] not in result.out


def test_without_a_workspace_it_still_tells_of_the_machine(
    command: Command, tmp_path: Path
) -> None:
    """The versions are there, the workspace is named as missing with what to do; exit 2."""
    result = command("doctor", "-w", tmp_path)
    assert result.code == 2
    assert re.search(r"^ok +Python: ", result.out, re.M)
    assert re.search(r"^failed +Workspace: The workspace has no accounts.toml", result.out, re.M)


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_nobody_is_named_in_what_is_pasted(
    command: Command, make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The home folder is written ~, and the user of a database address is left out."""
    root = make_workspace(cloud="live", secret_store="file:../secret-store").root
    home = root.parent
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    config = root / "accounts.toml"
    config.write_text(
        config.read_text("utf-8")
        + '[ledger]\nurl = "postgresql+nodriver://ada.lovelace@127.0.0.1:1/books"\n'
        + '[network]\nca = "nowhere.pem"\n',
        encoding="utf-8",
    )
    (home / "secret-store").chmod(0o755)
    result = command("doctor", "-w", root)
    assert result.code == 2
    assert "failed  Secret store" in result.out and "chmod 700" in result.out
    for word in (str(home), "ada.lovelace"):
        assert word not in result.out + result.err
