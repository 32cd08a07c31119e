"""The way out: proxy and certificates from the environment or from accounts.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from bcrunbook.cloud import Cloud, cloud_of, rehearsal_cloud
from bcrunbook.core.pace import Pace
from bcrunbook.errors import FixInput, Unreachable
from bcrunbook.http.client import Http
from bcrunbook.http.repeat import Repeat
from bcrunbook.rehearsal import RehearsalDescription
from tests.conftest import MakeWorkspace, only_account
from tests.support.running import run_steps


async def test_a_live_account_finds_proxy_and_certificates_in_the_environment(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS_PROXY and SSL_CERT_FILE are all that a company network needs to be told."""
    monkeypatch.setenv("HTTPS_PROXY", cloud.proxy)
    monkeypatch.setenv("SSL_CERT_FILE", cloud.ca)
    (outcome,) = await run_steps(make_workspace(cloud="live"), "start_here")
    assert (outcome.state, outcome.cloud) == ("done", "live")


async def test_a_live_account_finds_them_in_accounts_toml(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """[network] says the same for this workspace alone, whatever the environment says."""
    workspace = make_workspace(cloud="live")
    network = workspace.network.model_copy(update={"proxy": cloud.proxy, "ca": Path(cloud.ca)})
    workspace = workspace.model_copy(update={"network": network})
    (outcome,) = await run_steps(workspace, "start_here")
    assert (outcome.state, outcome.cloud) == ("done", "live")


async def test_no_proxy_is_honoured(
    cloud: RehearsalDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that NO_PROXY names is reached without the proxy, here one where nobody listens."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with Http(Cloud(kind="live", pace=Pace(1000))) as http:
        response = await http.send("GET", f"{cloud.pages}/devicelogin", repeat=Repeat.ONCE)
        assert response.status_code == 200
        monkeypatch.delenv("NO_PROXY")
        with pytest.raises(Unreachable):
            await http.send("GET", f"{cloud.pages}/devicelogin", repeat=Repeat.ONCE)


def test_a_rehearsal_without_its_cloud_is_refused(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    """The message says how to start it; nothing falls back to the live cloud."""
    with pytest.raises(FixInput) as caught:
        rehearsal_cloud(tmp_path / "nothing")
    assert "rehearsal serve" in caught.value.next
    workspace = make_workspace().model_copy(update={"rehearsal": None})
    with pytest.raises(FixInput) as caught:
        cloud_of(workspace, workspace.account(only_account(workspace)))
    assert "[rehearsal]" in caught.value.where


def test_a_rehearsal_trusts_its_own_certificates_only(cloud: RehearsalDescription) -> None:
    """Proxy, CA and pace come from rehearsal.json."""
    found = rehearsal_cloud(Path(cloud.directory))
    assert (found.proxy, str(found.ca), found.pace.speed) == (cloud.proxy, cloud.ca, cloud.speed)
    assert not found.is_live
