"""The server as a process: proxy, certificates, restarts, files."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from bcrunbook.rehearsal import LaunchFailed, RehearsalDescription, launch
from tests.rehearsal.support import (
    Graph,
    app_token,
    client_of,
    desired,
    lines,
    wait_for,
)


def start(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    """The server as a process, with its state in a folder."""
    command = [sys.executable, "-m", "bcrunbook.rehearsal", "--dir", str(folder), "--speed", "200"]
    command += options
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


def ready(folder: Path, child: subprocess.Popen[bytes]) -> RehearsalDescription:
    """The description that this very child wrote."""

    def described() -> RehearsalDescription | None:
        assert child.poll() is None
        try:
            found = RehearsalDescription.read(folder / "rehearsal.json")
        except FileNotFoundError:  # it takes away what another left behind
            return None
        return found if found.pid == child.pid else None

    found: RehearsalDescription = wait_for(described)
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_state_outlives_a_kill(tmp_path: Path) -> None:
    """After a kill the server starts on the same ports, with the same secrets and all it answered.

    A termination ends it with code 0 and without its description.
    """
    folder = tmp_path / "cloud"
    child = start(folder)
    before = ready(folder, child)
    with client_of(before) as client:
        graph = Graph(client, app_token(client, before))
        app = graph.application()
        secret = graph("POST", f"/applications/{app['id']}/addPassword").json()
        last = graph("POST", "/applications", desired()).json()
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert (folder / "rehearsal.json").exists()
    child = start(folder)
    after = ready(folder, child)
    assert (after.proxy, after.pages, after.ca) == (before.proxy, before.pages, before.ca)
    assert (after.tenants, after.batch_identity) == (before.tenants, before.batch_identity)
    with client_of(after) as client:
        again = Graph(client, graph.token)
        shown = again("GET", f"/applications/{app['id']}").json()
        assert shown["passwordCredentials"][0]["keyId"] == secret["keyId"]
        assert again("GET", f"/applications/{last['id']}").status_code == 200
    child.terminate()
    assert child.wait(20) == 0
    assert not (folder / "rehearsal.json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_stops_while_an_answer_is_held(tmp_path: Path) -> None:
    """A termination ends the server cleanly even while somebody waits for an answer."""
    rules = tmp_path / "faults.json"
    rules.write_text('[{"path": "openid-configuration", "hold": "before"}]')
    folder = tmp_path / "cloud"
    child = start(folder, "--faults", str(rules))
    description = ready(folder, child)
    fired = folder / "faults.log"

    def stop() -> None:
        wait_for(lambda: fired.exists() and fired.read_text())
        child.terminate()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with client_of(description) as client, pytest.raises(httpx.TransportError):
        client.get("https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration")
    stopper.join()
    assert child.wait(20) == 0


def test_second_server_on_the_same_folder_is_refused(rehearsal: RehearsalDescription) -> None:
    """Two servers never share a state; the second says so and leaves the first alone."""
    folder = Path(rehearsal.directory)
    command = [sys.executable, "-m", "bcrunbook.rehearsal", "--dir", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "in use" in done.stderr
    assert (folder / "rehearsal.json").exists()


def test_launch_says_why_it_failed(tmp_path: Path) -> None:
    """A server that does not come up is reported with what it said."""
    rules = tmp_path / "faults.json"
    rules.write_text("[]]")
    with (
        pytest.raises(LaunchFailed, match="is not JSON"),
        launch(tmp_path / "cloud", faults=rules),
    ):
        pass


def test_unknown_hosts_are_refused(rehearsal: RehearsalDescription, http: httpx.Client) -> None:
    """The proxy never lets anything out: other hosts, other ports and plain http end there."""
    for address in (
        "https://example.com/",
        "https://graph.microsoft.com:8443/",
        "https://127.0.0.1/",
    ):
        with pytest.raises(httpx.ProxyError, match="403"):
            http.get(address)
    proxy = httpx.URL(rehearsal.proxy)
    with socket.create_connection((proxy.host, proxy.port or 0), timeout=10) as plain:
        plain.sendall(b"GET http://graph.microsoft.com/ HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while chunk := plain.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 403") and b"plain http is refused" in answer
    refused = [json.loads(line) for line in lines(rehearsal.requests)]
    assert any(
        entry["method"] == "CONNECT" and entry["path"] == "example.com:443" for entry in refused
    )


def test_certificates_pass_strict_checks(rehearsal: RehearsalDescription) -> None:
    """The certificates verify under the strict X.509 rules that newer Pythons turn on."""
    context = ssl.create_default_context(cafile=rehearsal.ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    with httpx.Client(proxy=rehearsal.proxy, verify=context, trust_env=False) as client:
        for host in ("graph.microsoft.com", "login.microsoftonline.com", "management.azure.com"):
            assert client.get(f"https://{host}/").status_code < 500


@pytest.mark.skipif(os.name != "posix", reason="file modes of POSIX systems")
def test_files_with_secrets_are_private(rehearsal: RehearsalDescription) -> None:
    """Only their owner reads the files that hold secrets."""
    folder = Path(rehearsal.directory)
    for name in ("rehearsal.json", "canaries.txt", "ca.key.pem", "signing.key.pem"):
        assert (folder / name).stat().st_mode & 0o077 == 0, name
    assert folder.stat().st_mode & 0o077 == 0


def test_request_log_holds_no_secret(
    rehearsal: RehearsalDescription, http: httpx.Client, browser: httpx.Client
) -> None:
    """The log names requests and query options, and no value that could be a secret."""
    http.get("https://graph.microsoft.com/v1.0/me?$select=id&code=c4n4ry&access_token=c4n4ry")
    browser.get(f"{rehearsal.pages}/devicelogin?otc=c4n4ry&state=c4n4ry")
    text = Path(rehearsal.requests).read_text("utf-8")
    assert "c4n4ry" not in text and "/v1.0/me?$select=id" in text
    log = [json.loads(line) for line in text.splitlines()]
    assert {"t", "host", "method", "path", "status", "ms", "client"} == set(log[-1])
    for value in lines(rehearsal.canaries):
        assert value not in text


def test_description(rehearsal: RehearsalDescription) -> None:
    """The description has the promised keys, and a tenant that the person should not use."""
    data: dict[str, Any] = json.loads((Path(rehearsal.directory) / "rehearsal.json").read_text())
    assert {
        "proxy",
        "ca",
        "pages",
        "requests",
        "canaries",
        "tenants",
        "batch_identity",
        "codat",
        "businesscentral",
    } <= set(data)
    canaries = lines(rehearsal.canaries)
    assert rehearsal.batch_identity["client_secret"] in canaries
    assert rehearsal.codat["api_key"] in canaries
    for tenant in rehearsal.tenants:
        for user in tenant["users"]:
            assert user["password"] in canaries


def test_pages_escape_what_they_are_given(
    rehearsal: RehearsalDescription, browser: httpx.Client
) -> None:
    """A page never repeats markup from outside, and says that it is a rehearsal."""
    page = browser.get(
        f"{rehearsal.pages}/login.microsoftonline.com/common/oauth2/v2.0/authorize",
        params={
            "client_id": rehearsal.clients["bootstrap"],
            "response_type": "code",
            "redirect_uri": "http://localhost:1",
            "scope": "User.Read",
            "login_hint": '"><script>alert(1)</script>',
        },
    )
    assert page.status_code == 200 and "<script>alert" not in page.text
    assert "Rehearsal" in page.text and '<label for="username">' in page.text
    assert browser.get(f"{rehearsal.pages}/").status_code == 200
    assert browser.get(f"{rehearsal.pages}/elsewhere").status_code == 404


@pytest.mark.parametrize(("option", "value"), [("speed", "0"), ("lags", "best")])
def test_command_line_serves(tmp_path: Path, option: str, value: str) -> None:
    """The command of the runbook serves a folder and tells wrong use apart."""
    from typer.testing import CliRunner

    from bcrunbook.cli.rehearsal import app

    result = CliRunner().invoke(app, ["serve", "--dir", str(tmp_path / "x"), f"--{option}", value])
    assert result.exit_code == 2 and option in result.stderr


@pytest.mark.parametrize("path", ["/", "/devicelogin", "/app.codat.io"])
def test_pages_answer_to_this_machines_own_names_only(
    cloud: RehearsalDescription, path: str
) -> None:
    """A page elsewhere whose name is made to lead here gets nothing; a forwarded port does."""
    own = httpx.URL(cloud.pages)
    with httpx.Client(trust_env=False) as browser:
        for host in (f"127.0.0.1:{own.port}", f"localhost:{own.port}", "localhost:9999"):
            assert browser.get(f"{cloud.pages}{path}", headers={"Host": host}).status_code < 400
        for host in ("evil.example", f"evil.example:{own.port}", "127.0.0.1.evil.example", ""):
            answer = browser.get(f"{cloud.pages}{path}", headers={"Host": host})
            assert answer.status_code == 400
            assert "<form" not in answer.text
