"""JupyterLab on a workspace, as a child process.

Its settings lie in the folder `jupyter` beside this module, which stands first on Jupyter's
search paths: no news, no look for updates, no builds, no widget's state in a notebook, this
environment's Python as the kernel, and a server on loopback that wants its token. The list of files
is folded away at first, for the notebook is what is read. Everything else is as the person has set
it for JupyterLab anywhere. Imports nothing heavy, because a person waits for JupyterLab's start.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any, Final

import psutil

from bcrunbook.errors import FixInput, Unreachable
from bcrunbook.notebook_files.own_folder import made_own_folder
from bcrunbook.order import ORDER, notebook_name
from bcrunbook.person import WORKSPACE_VARIABLE, no_home
from bcrunbook.run.layout import laying_out

START_PAGE: Final = f"/lab/tree/notebooks/{notebook_name(ORDER[0])}.ipynb"
READY_SECONDS: Final = 90.0
STOP_SECONDS: Final = 15.0
# Set for the server alone: neither its kernels nor its terminals are to inherit this.
STARTED_VARIABLE: Final = "BCRUNBOOK_LAB_STARTED"

_HOST: Final = "127.0.0.1"
_SETTINGS: Final = Path(__file__).resolve().parent / "jupyter"
_FIRST_PORT: Final = 8888
_MORE_PORTS: Final = 50
_LOG_TAIL: Final = 15
# What JupyterLab 4 calls the file in which it remembers how its window was left, and what is in it.
_DEFAULT_WINDOW: Final = "default-37a8.jupyterlab-workspace"
_SIDE: Final = {"collapsed": True, "visible": True, "widgets": []}
_AT_FIRST: Final = {
    "data": {
        "layout-restorer:data": {
            "main": None,
            "down": {"size": 0, "collapsed": True, "widgets": []},
            "left": _SIDE,
            "right": _SIDE,
            "relativeSizes": [0, 1, 0],
            "top": {"simpleVisibility": True},
        }
    },
    "metadata": {"id": "default"},
}


class Lab:
    """A JupyterLab that has been started. Get it from `starting_lab`.

    Args:
        child: its process.
        log: the file that it writes its log to.
    """

    def __init__(self, child: subprocess.Popen[bytes], log: Path) -> None:
        self._child = child
        self._log = log
        self._is_up = False

    def ready(self) -> str:
        """Wait until it answers.

        Returns:
            The start page's address, with the token.

        Raises:
            FixInput: Jupyter is set up to want no token.
            Unreachable: it does not come up.
        """
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._child.poll() is not None:
                code = self._child.returncode
                raise self._failed(f"JupyterLab did not start: it ended with code {code}.")
            found = _port_and_token(self._child.pid)
            if found and _answers(*found):
                self._is_up = True
                port, token = found
                _check_token(token)
                return f"http://{_HOST}:{port}{START_PAGE}?token={token}"
            time.sleep(0.05)
        raise self._failed(f"JupyterLab was not ready after {READY_SECONDS:g} s.")

    def wait(self) -> None:
        """Wait until somebody shuts it down from inside.

        Raises:
            Unreachable: it did not end well.
        """
        # Not one long wait: on Windows nothing could interrupt it.
        while self._child.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout=0.5)
        if code := self._child.returncode:
            raise self._failed(f"JupyterLab ended with code {code}.")

    def end(self) -> None:
        """End it, its kernels first."""
        assert self._child.stdin is not None
        self._child.stdin.close()  # see `server`
        if not self._is_up:
            self._child.terminate()
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _failed(self, what: str) -> Unreachable:
        tail = self._log.read_text("utf-8", "replace").strip().splitlines()[-_LOG_TAIL:]
        return Unreachable(
            what,
            where=str(self._log),
            why="the end of its log says:\n" + "\n".join(tail or ["(nothing)"]),
            next="read the whole log; `bcrunbook doctor` checks this machine",
        )


@contextlib.contextmanager
def starting_lab(root: Path, *, port: int | None = None, browser: bool = True) -> Iterator[Lab]:
    """A JupyterLab with `root` as its folder, ended on leaving; it comes up meanwhile.

    Args:
        root: the workspace; made if need be.
        port: the port to listen on; the first free one from 8888 on if None, as Jupyter does, so
            that a tab left open finds the next JupyterLab.
        browser: whether it opens a browser.

    Raises:
        FixInput: the port is taken, or nothing can be written to the workspace.
    """
    if port is not None and not _is_free(port):
        raise FixInput(
            f"Port {port} is in use, or it may not be used.",
            where=f"--port {port}",
            next="name another port, or leave --port out",
        )
    log, workspaces = _own_files(root)
    with _opened(log) as stream:
        lab = Lab(_start(root, port, workspaces, stream, browser=browser), log)
    try:
        yield lab
    finally:
        lab.end()


def _own_files(root: Path) -> tuple[Path, Path]:
    """Of the workspace's folder for them: the server's log, and where open tabs are remembered."""
    with laying_out(root):
        folder = made_own_folder(root) / "jupyterlab"
        windows = folder / "workspaces"
        windows.mkdir(parents=True, exist_ok=True)
        first = windows / _DEFAULT_WINDOW
        if not first.exists():
            first.write_text(json.dumps(_AT_FIRST), encoding="utf-8")
        return folder / "server.log", windows


def _opened(log: Path) -> IO[bytes]:
    # The addresses in it bear the token.
    with laying_out(log.parent):
        return open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600), "ab")


def _start(
    root: Path, port: int | None, workspaces: Path, log: IO[bytes], *, browser: bool
) -> subprocess.Popen[bytes]:
    environment = dict(os.environ)
    environment |= {WORKSPACE_VARIABLE: str(root), STARTED_VARIABLE: "1"}
    for name in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH"):
        environment[name] = os.pathsep.join(filter(None, [str(_SETTINGS), os.environ.get(name)]))
    options = [
        f"--ServerApp.root_dir={root}",
        f"--ServerApp.port={port or _FIRST_PORT}",
        f"--ServerApp.port_retries={0 if port else _MORE_PORTS}",
        f"--ServerApp.open_browser={browser}",
        f"--LabApp.default_url={START_PAGE}",
        f"--LabApp.workspaces_dir={workspaces}",
    ]
    # Ctrl-C is for this program, which then ends JupyterLab in order.
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "jupyterlab", *options],
        cwd=root,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        **apart,
    )


def _check_token(token: str) -> None:
    if not token:
        raise FixInput(
            "JupyterLab would be open to everybody on this machine: Jupyter's configuration"
            " switches its token off.",
            where="IdentityProvider.token or ServerApp.token, in one of the folders that"
            " `jupyter --paths` names",
            next="take that setting out",
        )


def _port_and_token(child: int) -> tuple[int, str] | None:
    """What the server says of itself, once it listens."""
    from jupyter_core.paths import jupyter_runtime_dir

    try:
        folder = Path(jupyter_runtime_dir())
    except RuntimeError:
        raise no_home() from None
    for file in folder.glob("jpserver-*.json"):
        # It may be gone meanwhile, not all written yet, or left by a server that is no more.
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            description = json.loads(file.read_text("utf-8"))
            # A virtual environment on Windows puts a process in between.
            if child in (description["pid"], psutil.Process(description["pid"]).ppid()):
                return description["port"], description["token"]
    return None


def _answers(port: int, token: str) -> bool:
    """Whether the server lets the holder of the token in."""
    connection = HTTPConnection(_HOST, port, timeout=5)
    try:
        connection.request("GET", "/api/status", headers={"Authorization": f"token {token}"})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        if sys.platform != "win32":
            # As the server does: a port that was in use a moment ago is free.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((_HOST, port))
        except OSError:
            return False
    return True
