"""`bcrunbook secret`: from the store into a person's hands, and nowhere else."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.secrets import clipboard as module
from tests.cli.conftest import Command
from tests.conftest import MakeWorkspace, only_account, stored_secrets
from tests.support.clipboard import Clipboard
from tests.support.portal import facts
from tests.support.program import PROGRAM
from tests.support.running import run_steps

if sys.platform != "win32":
    import pty


BEGINS = "Reading the workspace.\n"


@pytest.fixture
async def kept(make_workspace: MakeWorkspace) -> tuple[Workspace, str]:
    """A workspace with a stored client secret, and its value."""
    workspace = make_workspace()
    await run_steps(workspace, "register_application", "client_secret")
    (stored,) = stored_secrets(workspace.root.parent / "secret-store", only_account(workspace))
    return workspace, stored.read_text("utf-8").strip()


# --- copy ----------------------------------------------------------------------------------------


def test_it_is_copied_and_cleared(
    command: Command,
    kept: tuple[Workspace, str],
    clipboard: Clipboard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While it waits the value is on the clipboard, afterwards not; nothing printed shows it."""
    workspace, value = kept
    name = only_account(workspace)
    seen: list[str] = []

    async def watched(seconds: float) -> None:
        seen.append(clipboard.text())

    monkeypatch.setattr("bcrunbook.cli.secret.asyncio.sleep", watched)
    result = command("secret", "copy", name, "-w", workspace.root, "--json")
    assert result.code == 0 and result.data == {"account": name, "cleared": True}
    assert seen == [value]
    assert clipboard.text() == ""
    assert value not in result.out + result.err
    (fact,) = facts(workspace, "client_secret", "secret_copied")
    assert fact.data["to"] == "clipboard"


def test_what_was_copied_since_is_left(
    command: Command,
    kept: tuple[Workspace, str],
    clipboard: Clipboard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A person's own text on the clipboard is theirs."""
    workspace, _ = kept

    async def meanwhile(seconds: float) -> None:
        clipboard.put("a shopping list")

    monkeypatch.setattr("bcrunbook.cli.secret.asyncio.sleep", meanwhile)
    result = command("secret", "copy", only_account(workspace), "-w", workspace.root)
    assert result.code == 0 and "it was left" in result.err
    assert clipboard.text() == "a shopping list"


def test_it_stays_a_minute() -> None:
    """Long enough to paste it, and no longer."""
    assert module.KEPT_SECONDS == 60


@pytest.mark.parametrize("moment", ["as soon as it is there", "while it waits"])
def test_ctrl_c_clears_it_at_once(
    kept: tuple[Workspace, str], clipboard: Clipboard, moment: str
) -> None:
    """The value is gone, at whatever instant; ending the wait is no failure."""
    workspace, value = kept
    words = ["secret", "copy", only_account(workspace), "-w", str(workspace.root)]
    with subprocess.Popen(
        [*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None
        assert child.stderr.readline() == BEGINS
        line = child.stderr.readline() if moment == "while it waits" else ""
        deadline = time.monotonic() + 60
        while clipboard.text() != value:
            assert time.monotonic() < deadline and child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
    assert child.returncode == 0 or not line, err
    assert "Traceback" not in err
    assert clipboard.text() == ""
    assert value not in out + line + err


@pytest.mark.parametrize("requests", [("SIGTERM",), ("SIGHUP",), ("SIGINT",) * 3])
def test_whatever_ends_it_leaves_nothing_behind(
    kept: tuple[Workspace, str], clipboard: Clipboard, requests: tuple[str, ...]
) -> None:
    """A closed terminal, a request to end, and impatience."""
    workspace, value = kept
    words = ["secret", "copy", only_account(workspace), "-w", str(workspace.root)]
    with subprocess.Popen(
        [*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None
        assert child.stderr.readline() == BEGINS
        assert "on the clipboard" in child.stderr.readline()
        for one in requests:
            child.send_signal(signal.Signals[one])
            time.sleep(0.1)
        out, err = child.communicate(timeout=30)
    assert clipboard.text() == ""
    assert value not in out + err


def test_a_module_of_the_current_folder_is_not_given_the_secret(
    kept: tuple[Workspace, str], clipboard: Clipboard, tmp_path: Path
) -> None:
    """Whoever can put a file beside the workspace learns nothing."""
    workspace, value = kept
    seen = tmp_path / "seen"
    (tmp_path / "pyperclip.py").write_text(
        f"def copy(text): open({str(seen)!r}, 'w').write(text)\npaste = lambda: ''\n", "utf-8"
    )
    words = ["secret", "copy", only_account(workspace), "-w", str(workspace.root)]
    with subprocess.Popen(
        [sys.executable, "-P", *PROGRAM[1:], *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as child:
        assert child.stderr is not None
        assert child.stderr.readline() == BEGINS
        assert "on the clipboard" in child.stderr.readline()
        assert clipboard.text() == value
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
    assert not seen.exists()


def test_without_a_clipboard_it_says_what_to_do(
    command: Command, kept: tuple[Workspace, str], no_clipboard: None
) -> None:
    """On a server nothing is copied, and nothing is noted."""
    workspace, value = kept
    result = command("secret", "copy", only_account(workspace), "-w", workspace.root)
    assert result.code == 2
    assert "xclip" in result.err and "on your own machine" in result.err
    assert value not in result.out + result.err
    assert facts(workspace, "client_secret", "secret_copied") == []


def test_a_clipboard_that_does_not_answer_is_given_up(
    command: Command, kept: tuple[Workspace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told as one that cannot be reached."""
    waits = "import threading; threading.Event().wait()"
    for name, value in (("_COPY", waits), ("_PASTE", waits), ("_DEADLINE_SECONDS", 0.2)):
        monkeypatch.setattr(module, name, value)
    result = command("secret", "copy", only_account(kept[0]), "-w", kept[0].root)
    assert result.code == 2 and "cannot be reached" in result.err


def test_without_a_stored_secret(command: Command, make_workspace: MakeWorkspace) -> None:
    """The step that stores it comes first."""
    workspace = make_workspace()
    name = only_account(workspace)
    result = command("secret", "copy", name, "-w", workspace.root)
    assert result.code == 2


# --- reveal --------------------------------------------------------------------------------------


class Terminal:
    """The program on a terminal of its own, and somebody who types."""

    def __init__(self, *words: str) -> None:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.execv(PROGRAM[0], [*PROGRAM, *words])
        self.shown = ""

    def wait_for(self, text: str) -> None:
        """Read until a text is on the screen."""
        deadline = time.monotonic() + 60
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            self._read()

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._fd, text.encode() + b"\r")

    def end(self) -> int:
        """Read to the end; returns the exit code."""
        while self._read():
            pass
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self) -> bool:
        if not select.select([self._fd], [], [], 1)[0]:
            return True
        try:
            piece = os.read(self._fd, 4096)
        except OSError:  # what Linux says when the other end has closed
            return False
        self.shown += piece.decode("utf-8", "replace")
        return bool(piece)


needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX is used")


@needs_terminal
def test_it_is_shown_on_a_terminal_after_two_answers(kept: tuple[Workspace, str]) -> None:
    """The account's name and a yes; then the value, and it is wiped from the screen afterwards."""
    workspace, value = kept
    name = only_account(workspace)
    terminal = Terminal("secret", "reveal", name, "-w", str(workspace.root))
    terminal.wait_for("to go on")
    terminal.type(name)
    terminal.wait_for("Show it?")
    assert value not in terminal.shown
    terminal.type("y")
    terminal.wait_for(value)
    terminal.wait_for("wipe it")
    terminal.type("")
    assert terminal.end() == 0
    # It stood on the terminal's other screen, which is left behind.
    assert terminal.shown.index("\x1b[?1049h") < terminal.shown.index(value)
    assert terminal.shown.rstrip().endswith("\x1b[?1049l")
    (fact,) = facts(workspace, "client_secret", "secret_copied")
    assert fact.data["to"] == "terminal"


@needs_terminal
@pytest.mark.parametrize("answers", [["another"], ["{name}", "n"], ["{name}", ""]])
def test_any_other_answer_shows_nothing(kept: tuple[Workspace, str], answers: list[str]) -> None:
    """Another name, or anything but yes."""
    workspace, value = kept
    name = only_account(workspace)
    terminal = Terminal("secret", "reveal", name, "-w", str(workspace.root))
    for question, answer in zip(("to go on", "Show it?"), answers, strict=False):
        terminal.wait_for(question)
        terminal.type(answer.format(name=name))
    assert terminal.end() == 2
    assert "Nothing was shown" in terminal.shown and value not in terminal.shown


def test_it_is_never_shown_into_a_file_or_pipe(
    command: Command, kept: tuple[Workspace, str], tmp_path: Path
) -> None:
    """Where it is no terminal, it refuses before it even looks."""
    workspace, value = kept
    result = command("secret", "reveal", only_account(workspace), "-w", workspace.root)
    assert result.code == 2
    assert value not in result.out + result.err
