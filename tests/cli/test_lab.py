"""`bcrunbook lab`: a real JupyterLab on a workspace, its settings, and how it ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from bcrunbook.errors import FixInput
from bcrunbook.run.rehearse.start_over import remove
from bcrunbook.steps import EVERY_STEP, notebook_of
from tests.cli.conftest import Command, program
from tests.support.program import PROGRAM

NOTEBOOKS = [notebook_of(step) for step in EVERY_STEP]
OWN_SETTINGS = "lab/user-settings"
NOTIFICATIONS = "/lab/api/settings/@jupyterlab/apputils-extension:notification"
THEMES = "/lab/api/settings/@jupyterlab/apputils-extension:themes"


class Server:
    """A started `bcrunbook lab --json`, and what its server answers."""

    def __init__(self, child: subprocess.Popen[str], line: str) -> None:
        self.child = child
        self.started = json.loads(line)
        self.address = urlsplit(self.started["url"])
        (self.token,) = parse_qs(self.address.query)["token"]

    def ask(
        self, path: str, method: str = "GET", data: Any = None, *, token: bool = True
    ) -> tuple[int, Any]:
        """The status of an answer, and its body: parsed if it is JSON."""
        assert self.address.hostname and self.address.port
        connection = HTTPConnection(self.address.hostname, self.address.port, timeout=60)
        headers = {"Authorization": f"token {self.token}"} if token else {}
        connection.request(method, path, json.dumps(data) if data else None, headers)
        answer = connection.getresponse()
        body: Any = answer.read().decode()
        connection.close()
        with contextlib.suppress(ValueError):
            body = json.loads(body)
        return answer.status, body

    def end(self, how: signal.Signals) -> tuple[int, str, str]:
        """Exit code, stdout and stderr, after a signal to it; nothing that it started is left."""
        family = psutil.Process(self.child.pid).children(recursive=True)
        assert family
        self.child.send_signal(how)
        out, err = self.child.communicate(timeout=60)
        _, alive = psutil.wait_procs(family, timeout=10)
        assert not alive
        return self.child.returncode, out, err


@contextlib.contextmanager
def started(*words: str | Path, cwd: Path) -> Iterator[Server]:
    """`bcrunbook lab`, up and running."""
    child = subprocess.Popen(
        [*PROGRAM, "lab", "--no-browser", "--json", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        start_new_session=True,
    )
    try:
        assert child.stdout and child.stderr
        line = child.stdout.readline()
        assert line, child.stderr.read()
        yield Server(child, line)
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=60)


def configure(home: Path, name: str, data: Any) -> None:
    """Write a file of the person's own Jupyter configuration."""
    file = home / ".jupyter" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data), encoding="utf-8")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A workspace that has an accounts.toml only, and that not even filled in."""
    root = tmp_path / "own"
    root.mkdir()
    (root / "accounts.toml").write_text("# to be filled in\n", encoding="utf-8")
    return root


BEGINS = "Starting JupyterLab.\n"

windows = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another event there")


@windows
def test_a_rehearsal_from_start_to_ctrl_c(tmp_path: Path) -> None:
    """Token, notebooks, kernel and cloud are there; Ctrl-C ends all of it, and well."""
    with started("--rehearse", cwd=tmp_path) as lab:
        assert lab.started["rehearsal"] is True
        assert lab.address.path == f"/lab/tree/notebooks/{NOTEBOOKS[0]}"
        status, page = lab.ask(f"{lab.address.path}?{lab.address.query}", token=False)
        assert status == 200 and "JupyterLab" in page
        assert lab.ask(lab.address.path, token=False)[0] in (302, 401, 403)
        assert lab.ask("/api/contents", token=False)[0] in (401, 403)
        _, listed = lab.ask("/api/contents/notebooks")
        assert sorted(one["name"] for one in listed["content"]) == NOTEBOOKS

        description = tmp_path / "rehearsal-lab" / "cloud" / "rehearsal.json"
        cloud = psutil.Process(json.loads(description.read_text("utf-8"))["pid"])
        assert cloud.is_running()
        assert lab.ask("/api/kernels", "POST", {"name": "python3"})[0] == 201
        kernels = [
            words
            for one in psutil.Process(lab.child.pid).children(recursive=True)
            # The one asked for is either, and a further one is held in readiness.
            if {"ipykernel_launcher", "bcrunbook.run.lab.warm_kernel"} & set(words := one.cmdline())
        ]
        assert {words[0] for words in kernels} == {sys.executable}

        assert lab.end(signal.SIGINT) == (0, "", BEGINS)
        assert not cloud.is_running()
    # Whoever looks at the rehearsal afterwards finds it described.
    assert description.is_file()


@windows
def test_a_workspace_of_ones_own_and_jupyters_settings(own: Path, tmp_path: Path) -> None:
    """No nuisance and no widget's state, the token stays, and what the person likes counts."""
    theirs: dict[str, Any] = {
        "jupyter_server_config.json": {
            "IdentityProvider": {"hashed_password": "argon2:of-another-server"},
            "ServerApp": {"base_url": "/elsewhere/", "ip": "0.0.0.0"},
        },
        f"{OWN_SETTINGS}/@jupyterlab/apputils-extension/themes.jupyterlab-settings": {
            "theme": "JupyterLab Dark"
        },
        f"{OWN_SETTINGS}/@jupyter-widgets/jupyterlab-manager/plugin.jupyterlab-settings": {
            "saveState": True
        },
    }
    for name, data in theirs.items():
        configure(tmp_path / "home", name, data)
    mine = own / "notebooks" / NOTEBOOKS[0]
    mine.parent.mkdir()
    mine.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    with started("--workspace", own, cwd=tmp_path) as lab:
        assert lab.started["rehearsal"] is False
        assert '"cells": []' in mine.read_text("utf-8")
        assert sorted(path.name for path in mine.parent.iterdir()) == NOTEBOOKS

        assert lab.ask(THEMES)[1]["settings"]["theme"] == "JupyterLab Dark"
        defaults = lab.ask(NOTIFICATIONS)[1]["schema"]["properties"]
        assert defaults["fetchNews"]["default"] == "false"
        assert defaults["checkForUpdates"]["default"] is False
        _, page = lab.ask("/lab")
        assert '"buildCheck": false' in page and '"disabled": true' in page

        _, model = lab.ask(f"/api/contents/notebooks/{NOTEBOOKS[1]}")
        code = [one for one in model["content"]["cells"] if one["cell_type"] == "code"]
        # Nothing in it looks as if it had run already.
        assert code and not any(cell["outputs"] for cell in code)

        # They save widgets' state everywhere else; here it could hold a secret.
        model["content"]["metadata"]["widgets"] = {"state": {"a": {"value": "typed"}}}
        changed = {"type": "notebook", "format": "json", "content": model["content"]}
        assert lab.ask("/api/contents/notebooks/copy.ipynb", "PUT", changed)[0] == 201
        saved = json.loads((mine.parent / "copy.ipynb").read_text("utf-8"))
        assert saved["cells"] and "widgets" not in saved["metadata"]

        # Not even this leaves anything running.
        assert lab.end(signal.SIGKILL) == (-signal.SIGKILL, "", BEGINS)
    assert {path.name for path in own.iterdir()} == {".bcrunbook", "accounts.toml", "notebooks"}
    assert (own / ".bcrunbook" / ".gitignore").read_text("utf-8") == "*\n"


@windows
def test_files_that_hold_secrets_are_in_no_page(own: Path, tmp_path: Path) -> None:
    """Neither listed nor served, changed or copied, while all else in the workspace is."""
    for name in ("keys/trial/1", "codat", "runner.pem", "codat.key.pem", "keys.txt"):
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text("8Q~secret", encoding="utf-8")
    (own / "link.txt").symlink_to(own / "keys" / "trial" / "1")
    with started("--workspace", own, cwd=tmp_path) as lab:
        # While it runs, a person fills accounts.toml in.
        (own / "accounts.toml").write_text(
            '[accounts.trial]\nsecret_store = "file:keys"\ncodat_api_key = "file:codat"\n'
            'codat_mtls = { private_key = "codat.key.pem" }\n'
            '[accounts.trial.sign_in]\ncertificate = "./runner.pem"\n',
            encoding="utf-8-sig",  # as some editors of Windows do
        )
        _, listed = lab.ask("/api/contents")
        names = {one["name"] for one in listed["content"]}
        assert names == {"accounts.toml", "keys.txt", "notebooks"}
        kept = ("codat", "codat.key.pem", "runner.pem", "link.txt")
        for path in ("keys", "keys/trial", "keys/trial/1", *kept):
            for address in (f"/api/contents/{path}", f"/files/{path}"):
                status, body = lab.ask(address)
                assert status in (403, 404) and "8Q~secret" not in str(body), address
        assert lab.ask("/api/contents/notebooks/../codat")[0] == 404
        changed = {"type": "file", "format": "text", "content": "other"}
        assert lab.ask("/api/contents/codat", "PUT", changed)[0] == 404
        assert lab.ask("/api/contents/", "POST", {"copy_from": "codat"})[0] == 404
        assert lab.ask("/api/contents/codat", "PATCH", {"path": "codat.txt"})[0] == 404
        assert lab.ask("/api/contents/codat", "DELETE")[0] == 404
        assert lab.ask("/api/contents/keys.txt")[1]["content"] == "8Q~secret"
        assert lab.ask("/files/keys.txt") == (200, "8Q~secret")
    assert (own / "codat").read_text("utf-8") == "8Q~secret"


@windows
def test_a_rehearsal_that_is_killed_leaves_nothing_running(tmp_path: Path) -> None:
    """Neither JupyterLab with its kernels nor the rehearsal cloud."""
    with started("--rehearse", cwd=tmp_path) as lab:
        assert lab.ask("/api/kernels", "POST", {"name": "python3"})[0] == 201
        description = tmp_path / "rehearsal-lab" / "cloud" / "rehearsal.json"
        cloud = psutil.Process(json.loads(description.read_text("utf-8"))["pid"])
        everything = psutil.Process(lab.child.pid).children(recursive=True)
        assert cloud in everything and len(everything) >= 3
        assert lab.end(signal.SIGKILL) == (-signal.SIGKILL, "", BEGINS)
        assert psutil.wait_procs(everything, timeout=60)[1] == []


def test_without_a_workspace_nothing_is_started(command: Command, tmp_path: Path) -> None:
    """Exit 2, and no folder is made where none was."""
    result = command("lab", "--workspace", tmp_path / "nowhere")
    assert (result.code, result.out) == (2, "")
    assert "The workspace does not exist." in result.err and "bcrunbook init" in result.err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["--rehearse", "--workspace", "own"], "--rehearse and --workspace"),
        (["--dir", "there"], "--dir without --rehearse"),
        (["--start-over"], "--start-over without --rehearse"),
    ],
)
def test_options_that_contradict_each_other(
    words: list[str], where: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2, naming them, before anything is made."""
    monkeypatch.chdir(tmp_path)
    result = command("lab", *words)
    assert (result.code, result.out) == (2, "")
    assert f"where: {where}" in result.err and "next: " in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@windows
def test_the_bar_is_told_to_who_has_the_token(own: Path, tmp_path: Path) -> None:
    """What it shows once, and then only what is new; without the token nothing is told or kept."""
    accounts = '[accounts.trial]\nkind = "trial"\ntenant = "contoso.com"\napplication = "Lending"\n'
    other = accounts.replace("trial", "second", 1)
    (own / "accounts.toml").write_text(accounts + other, encoding="utf-8")
    with started("--workspace", own, cwd=tmp_path) as lab:
        beside = f"/bcrunbook/bar?notebook=notebooks/{NOTEBOOKS[0]}"
        status, bar = lab.ask(beside)
        assert status == 200 and bar["account"]["name"] == "trial" and not bar["has_run"]
        while not bar["tenant"]:  # until the rest of the program has been read
            bar = lab.ask(beside)[1]
        assert lab.ask(f"{beside}&version={bar['version']}") == (204, "")
        choice = {"what": "account", "name": "second", "notebook": f"notebooks/{NOTEBOOKS[1]}"}
        assert lab.ask("/bcrunbook/choice", "POST", choice, token=False)[0] in (401, 403)
        assert lab.ask(beside, token=False)[0] in (401, 403)
        assert lab.ask(beside)[1]["account"]["name"] == "trial"
        assert lab.ask("/bcrunbook/choice", "POST", choice) == (200, {"refused": ""})
        assert lab.ask(beside)[1]["account"]["name"] == "second"
        refused, told = lab.ask("/bcrunbook/choice", "POST", choice | {"name": "third"})
        assert refused == 409 and "third" in told["refused"]
        for address in ("/bcrunbook/style.css", "/bcrunbook/static/main.js"):
            assert lab.ask(address)[0] == 200
        assert lab.ask("/bcrunbook/static/../package.json")[0] == 404


@pytest.fixture
def rehearsed(tmp_path: Path) -> Path:
    """What a rehearsal that was ended leaves behind."""
    folder = tmp_path / "rehearsal-lab"
    for part in ("cloud", "workspace"):
        (folder / part).mkdir(parents=True)
    (folder / "cloud" / "rehearsal.json").write_text('{"pid": 0}', "utf-8")
    accounts = '[accounts.trial]\ncloud = "rehearsal"\n'
    (folder / "workspace" / "accounts.toml").write_text(accounts, "utf-8")
    return folder


def of_own(folder: Path) -> None:
    """Something that somebody has put beside it."""
    (folder / "notes.txt").write_text("mine", "utf-8")


def with_a_real_account(folder: Path) -> None:
    """An account that is no rehearsal's."""
    file = folder / "workspace" / "accounts.toml"
    file.write_text(file.read_text("utf-8") + '[accounts.mine]\nkind = "trial"\n', "utf-8")


def without_a_cloud(folder: Path) -> None:
    """A workspace that lost what it was rehearsed with."""
    (folder / "cloud" / "rehearsal.json").unlink()


@pytest.mark.parametrize("change", [of_own, with_a_real_account, without_a_cloud])
def test_only_a_rehearsal_is_started_over(
    change: Callable[[Path], None], command: Command, rehearsed: Path
) -> None:
    """A folder that may be something else is left as it is: exit 2, and nobody is asked."""
    change(rehearsed)
    before = sorted(rehearsed.rglob("*"))
    result = command("lab", "--rehearse", "--start-over", "--dir", rehearsed)
    assert (result.code, result.out) == (2, "")
    assert "not surely a rehearsal's" in result.err and str(rehearsed) in result.err
    assert sorted(rehearsed.rglob("*")) == before


def test_starting_over_is_asked_about(
    command: Command, rehearsed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not say yes keeps all of it, and nothing is started."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    result = command("lab", "--rehearse", "--start-over", "--dir", rehearsed)
    assert (result.code, result.out.strip()) == (0, "")
    assert f"Remove {rehearsed}" in result.err
    assert (rehearsed / "workspace" / "accounts.toml").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_what_a_rehearsal_links_to_is_not_removed(rehearsed: Path, tmp_path: Path) -> None:
    """Neither a folder in place of one of its parts, nor what is linked to inside."""
    real = tmp_path / "real"
    real.mkdir()
    (real / "books.txt").write_text("mine", "utf-8")
    (rehearsed / "workspace" / "link").symlink_to(real)
    remove(rehearsed)
    assert not rehearsed.exists() and (real / "books.txt").is_file()
    link = tmp_path / "rehearsal-link"
    link.symlink_to(real)
    with pytest.raises(FixInput, match="not surely a rehearsal's"):
        remove(link)
    assert (real / "books.txt").is_file()


def test_a_port_that_is_taken_is_said(command: Command, own: Path) -> None:
    """Exit 2 at once, with the port and what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        result = command("lab", "--workspace", own, "--port", port)
    assert (result.code, result.out) == (2, "")
    assert f"Port {port} is in use" in result.err and f"where: --port {port}" in result.err
    assert "next: " in result.err


def test_a_jupyterlab_that_does_not_come_up_is_said(own: Path, tmp_path: Path) -> None:
    """Exit 1: what, where its log is and how it ends, and what next; no traceback of ours."""
    broken = {"ServerApp": {"contents_manager_class": "no.such.Manager"}}
    configure(tmp_path / "home", "jupyter_server_config.json", broken)
    result = program("lab", "--no-browser", "--workspace", own)
    assert (result.code, result.out) == (1, "")
    begins, first, where, *rest = result.err.splitlines()
    assert f"{begins}\n" == BEGINS
    assert first.startswith("JupyterLab did not start: it ended with code ")
    log = own / ".bcrunbook" / "jupyterlab" / "server.log"
    assert where == f"  where: {log}"
    assert os.name == "nt" or log.stat().st_mode & 0o777 == 0o600
    assert "no.such.Manager" in result.err and rest[-1].startswith("  next: ")


def test_a_jupyter_without_a_token_is_refused(own: Path, tmp_path: Path) -> None:
    """Where the configuration lets everybody in, nothing is left running: exit 2."""
    off = {"IdentityProvider": {"token": ""}}
    configure(tmp_path / "home", "jupyter_server_config.json", off)
    result = program("lab", "--no-browser", "--workspace", own)
    assert (result.code, result.out) == (2, "")
    assert "switches its token off" in result.err and "next: " in result.err
