"""One JupyterLab on a rehearsal for all tests of this folder, and a tab with it for each module."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import chromium_path
from tests.support.program import PROGRAM

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.lab.page import Lab, Server


@contextmanager
def serving(folder: Path, root: Path, *arguments: str) -> Iterator[Server]:
    """`bcrunbook lab`, ended by Ctrl-C; with a home of its own.

    Args:
        folder: where it is started, and where its home and its log go.
        root: the workspace that it serves.
        arguments: more words of the command.
    """
    chromium_path()  # skips where there is no browser, before anything is started
    from tests.lab.page import Server

    home = folder / "home"
    home.mkdir()
    names = ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    environment = os.environ | dict.fromkeys(names, str(home))
    environment |= {
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    for name in ("BCRUNBOOK_WORKSPACE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        environment.pop(name, None)
    apart = {"creationflags": 0x200} if sys.platform == "win32" else {"start_new_session": True}
    with (folder / "stderr").open("wb") as log:
        child = subprocess.Popen(
            [*PROGRAM, "lab", *arguments, "--no-browser", "--json"],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=environment,
            **apart,
        )
    try:
        assert child.stdout
        line = child.stdout.readline()
        assert line, (folder / "stderr").read_text("utf-8")
        yield Server(json.loads(line)["url"], root, home / "jupyter")
    finally:
        if sys.platform == "win32":
            child.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`bcrunbook lab --rehearse`."""
    folder = tmp_path_factory.mktemp("lab")
    with serving(folder, folder / "rehearsal-lab" / "workspace", "--rehearse") as served:
        yield served


@pytest.fixture(scope="module")
def lab(
    chromium: Browser, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """JupyterLab in a tab. A test opens the notebook it is about, and finds the light theme."""
    from tests.lab.page import PATIENCE_MS, Lab

    server.set_theme("light")
    with chromium.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(PATIENCE_MS / 4)
        yield Lab(context.new_page(), server, tmp_path_factory.mktemp("shots"))
