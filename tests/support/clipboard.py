"""A real clipboard for tests: an X server without a screen, and xclip, which keeps its text."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class Clipboard:
    """The clipboard of one display."""

    def __init__(self, display: str) -> None:
        self.environment = {**os.environ, "DISPLAY": display}

    def text(self) -> str:
        """What is on it; empty when nothing is."""
        done = subprocess.run(
            ["xclip", "-selection", "clipboard", "-o"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout

    def put(self, text: str) -> None:
        """Copy something else."""
        subprocess.run(
            ["xclip", "-selection", "clipboard"],
            env=self.environment,
            input=text,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=20,
            check=True,
        )


@pytest.fixture(scope="session")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A display without a screen, by its name; a clipboard belongs to one."""
    missing = [name for name in ("Xvfb", "xclip") if shutil.which(name) is None]
    if missing:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"no clipboard can be made on this machine (missing: {', '.join(missing)})")
    log = (tmp_path_factory.mktemp("display") / "log").open("wb")
    reading, writing = os.pipe()
    # The server picks a free display and tells its number.
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "640x480x8", "-nolisten", "tcp"]
    with log, subprocess.Popen(command, pass_fds=[writing], stdout=log, stderr=log) as server:
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        try:
            yield f":{number}"
        finally:
            server.terminate()


@pytest.fixture
def clipboard(display: str, monkeypatch: pytest.MonkeyPatch) -> Clipboard:
    """An empty clipboard, which this process and its children find."""
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    found = Clipboard(display)
    found.put("what was there before")
    return found


@pytest.fixture
def no_clipboard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a display, as a server is."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
