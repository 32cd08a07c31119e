"""Starting a rehearsal cloud as a child process, for the command line and for tests."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bcrunbook.rehearsal.description import FILE, RehearsalDescription
from bcrunbook.rehearsal.lags import USUAL
from bcrunbook.skipped import timeline

READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
LOG_FILE: Final = "server.log"
LOG_TAIL: Final = 4000


class LaunchFailed(Exception):
    """The server did not come up; the text ends with the tail of its log."""


@contextlib.contextmanager
def launch(
    directory: Path | str,
    *,
    speed: float = 1.0,
    lags: str = USUAL.name,
    latency_ms: int = 0,
    faults: Path | str | None = None,
    skips: bool = False,
    dates_ahead: float | None = None,
) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud in a child process, ready to be used, ended on leaving.

    It also ends when this process does, in whatever way.

    Args:
        directory: the folder that holds its state; made if need be, kept afterwards.
        speed: by how much its lags and throttle windows are shortened.
        lags: how new things lag. `usual`: hardly, as in recordings of the services; `worst`: all of
            them, in every way that careful clients are ready for.
        latency_ms: milliseconds that every answer takes longer.
        faults: a file of fault rules.
        skips: whether its clock goes on to the next thing that is due when everybody waits who is
            known at it.
        dates_ahead: how far dates are ahead of ours at first, in seconds, where a new cloud's dates
            go by its clock, too; None where dates are ours. It has no speed then.

    Raises:
        LaunchFailed: the server ended or did not become ready in time.
    """
    folder = Path(directory).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    description = folder / FILE
    if dates_ahead is not None:
        timeline.date(folder, dates_ahead)
    command = [sys.executable, "-P", "-m", "bcrunbook.rehearsal", "--dir", str(folder)]
    command += ["--speed", str(speed), "--lags", lags, "--latency", str(latency_ms)]
    command += ["--ends-with-stdin", *(["--skips"] if skips else [])]
    if faults is not None:
        command += ["--faults", str(Path(faults).resolve())]
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
    launched = time.time()
    with (folder / LOG_FILE).open("ab") as log:
        begin = log.tell()
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            creationflags=flags,
            env=_environment(),
        )
    try:
        found = _ready(child, description, launched, folder / LOG_FILE, begin)
        try:
            yield found
        finally:
            _end(child)
            # On Windows the child may be ended before it can tidy up.
            description.unlink(missing_ok=True)
    finally:
        _end(child)


def _environment() -> dict[str, str]:
    """The child finds the package wherever this process found it."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _ready(
    child: subprocess.Popen[bytes], description: Path, launched: float, log: Path, begin: int
) -> RehearsalDescription:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise LaunchFailed(
                f"the rehearsal cloud ended with code {child.returncode}:\n{_tail(log, begin)}"
            )
        found = _read(description)
        # Not the pid: a virtual environment on Windows puts a process in between.
        if found is not None and found.started >= launched:
            return found
        time.sleep(0.02)
    raise LaunchFailed(
        f"the rehearsal cloud was not ready after {READY_SECONDS:g} s:\n{_tail(log, begin)}"
    )


def _read(description: Path) -> RehearsalDescription | None:
    """The description; None where there is none, or one that another version left behind."""
    try:
        return RehearsalDescription.read(description)
    except (OSError, ValueError, KeyError):
        return None


def _tail(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(begin)
        return file.read()[-LOG_TAIL:].decode("utf-8", "replace").strip() or "(it said nothing)"


def _end(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    child.stdin.close()
    if child.poll() is None:
        if sys.platform == "win32":
            child.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
