"""The system's keyring: a library over whatever the platform has, which may ask a person first.

A locked keyring opens a window and waits, on a screen that may not be there. So each call has a
deadline, and the person learns before that what is waited for.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Final, Protocol, TextIO, TypeVar

from bcrunbook.errors import FixInput
from bcrunbook.own_thread import in_own_thread
from bcrunbook.secrets.one_process import one_process
from bcrunbook.secrets.scrubbing import scrub

_T = TypeVar("_T")

log = logging.getLogger(__name__)

USE_FILES: Final = (
    'keep secrets in files instead: secret_store = "file:secrets" in accounts.toml, '
    "or unlock the keyring and run again"
)
REMIND_AFTER_SECONDS: Final = 5.0
"""After so long the person learns what is waited for."""
DEADLINE_SECONDS: Final = 120.0
"""Long enough for a person to find the window and type a password, as long as az has."""


class Keyring(Protocol):
    """The part of the keyring library that is used here."""

    def get_password(self, service: str, name: str, /) -> str | None:
        """The value, or None."""

    def set_password(self, service: str, name: str, value: str, /) -> None:
        """Keep a value."""

    def delete_password(self, service: str, name: str, /) -> None:
        """Remove a value; some backends raise where there is none."""


def tell_at_once(stream: TextIO | None) -> None:
    """Say on a stream, too, what is waited for.

    Where a notebook is run by a program, what its cells print is seen when they have ended.
    """
    for handler in (logging.StreamHandler(stream), logging.lastResort):
        if stream is not None and handler is not None:
            log.addHandler(handler)


# Backends talk to one session over one connection, and few expect two threads.
_one_at_a_time = threading.Lock()
# Set while a call goes on that was given up: whoever comes next need not wait as long again.
_hangs = threading.Event()


async def keyring_call(call: Callable[[Keyring], _T], service: str) -> _T:
    """Use the system's keyring in a thread; whatever it raises becomes advice to use files.

    Args:
        call: what to do with it, in one go: no other process of ours has it meanwhile.
        service: the service it is about, for messages.

    Raises:
        FixInput: it cannot be used, or does not answer.
    """
    given_up = threading.Event()

    def work() -> _T:
        import keyring

        # A backend that keeps a file reads and rewrites all of it.
        with _one_at_a_time, one_process("keyring"):
            if given_up.is_set():
                raise TimeoutError
            try:
                return call(keyring.get_keyring())
            finally:
                _hangs.clear()

    def remind() -> None:
        log.warning(
            "Waiting for the system keyring: it may be asking for its password in a window of its"
            " own, on this machine's screen."
        )

    where = f"keyring service {service!r}"
    try:
        if _hangs.is_set():
            raise TimeoutError
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await in_own_thread(work, remind_after=REMIND_AFTER_SECONDS, remind=remind)
    except TimeoutError:
        given_up.set()
        _hangs.set()
        raise FixInput(
            "The system keyring does not answer.",
            where=where,
            why="it is locked, and waits for a password in a window that nobody sees here",
            next=USE_FILES,
        ) from None
    except Exception as error:
        # Backends raise what their platform raises; there is no common root.
        raise FixInput(
            "The system keyring cannot be used here.",
            where=where,
            why=scrub(f"{type(error).__name__}: {error}", "an error").split("\n")[0],
            next=USE_FILES,
        ) from None
