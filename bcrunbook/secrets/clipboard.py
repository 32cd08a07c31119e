"""A secret on the way to a person's hands: the clipboard of this machine, cleared soon after.

The value goes to the clipboard's program by standard input (pyperclip), never by a command line, a
file or a page. It is cleared only while it is still what is there: what a person has copied since
is theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

from bcrunbook.errors import FixInput
from bcrunbook.secrets.surroundings import for_others
from bcrunbook.secrets.value import Secret

_A = TypeVar("_A")
_T = TypeVar("_T")

KEPT_SECONDS: Final = 60.0
"""How long a copied secret stays."""

# A screen that does not answer keeps the clipboard's program waiting for ever.
_DEADLINE_SECONDS: Final = 20.0

# In a process of its own: what keeps an X11 selection alive runs on, and would hold this process's
# own output open for whoever reads it.
# A Ctrl-C in the terminal is not theirs, and no file of the current folder is imported.
_COPY: Final = "import sys, pyperclip; pyperclip.copy(sys.stdin.read())"
_PASTE: Final = "import sys, pyperclip; sys.stdout.write(pyperclip.paste())"


_ALONE: Final[dict[str, Any]] = {"start_new_session": True}
if sys.platform == "win32":
    _ALONE = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}


async def copy(secret: Secret) -> None:
    """Put a secret on the clipboard. Whoever is interrupted meanwhile leaves nothing there.

    Raises:
        FixInput: this machine has no clipboard that can be reached; says what to do instead.
    """
    try:
        await _to_its_end(_put, secret.reveal())
        # Some clipboard programs fail without saying so.
        if await asyncio.to_thread(_get) != secret.reveal():
            raise _out_of_reach()
    except BaseException:
        # It may be there although it cannot be read back: what was just put is taken away.
        with contextlib.suppress(FixInput):
            await _to_its_end(_put, "")
        raise


async def clear(secret: Secret) -> bool:
    """Empty the clipboard if the secret is still on it.

    Returns:
        Whether it was.
    """
    return await _to_its_end(clear_now, secret)


def clear_now(secret: Secret) -> bool:
    """The same for a process that is about to end; blocks."""
    if _get() != secret.reveal():
        return False
    _put("")
    return True


async def _to_its_end(call: Callable[[_A], _T], given: _A) -> _T:
    """Make a blocking call, and wait for its end even when cancelled: a thread goes on anyway."""
    running = asyncio.ensure_future(asyncio.to_thread(call, given))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.gather(running, return_exceptions=True)
        raise


def _put(text: str) -> None:
    if _program(_COPY, input=text, stdout=subprocess.DEVNULL).returncode:
        raise _out_of_reach()


def _get() -> str:
    return str(_program(_PASTE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout)


def _program(source: str, **streams: Any) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [sys.executable, "-P", "-c", source],
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=_DEADLINE_SECONDS,
            env=for_others(),
            **streams,
            **_ALONE,
        )
    except subprocess.TimeoutExpired:
        raise _out_of_reach() from None


def _out_of_reach() -> FixInput:
    return FixInput(
        "The clipboard cannot be reached here.",
        where="the clipboard of the machine on which this runs",
        why="a server has none, and a Linux desktop needs xclip or wl-clipboard for it",
        next="run bcrunbook secret copy ACCOUNT on your own machine, with the same workspace and"
        " secret store; or install xclip or wl-clipboard; or, where nobody is watching your screen:"
        " bcrunbook secret reveal ACCOUNT",
    )
