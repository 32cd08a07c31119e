"""Blocking calls of third parties that may never come back: a keyring, another program.

A thread of asyncio's own pool is waited for at the end of the program, so that nothing can end it
while such a call hangs. Here the thread is left behind: by the deadline, or by Ctrl-C.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


async def in_own_thread(
    call: Callable[[], _T], *, remind_after: float, remind: Callable[[], None]
) -> _T:
    """Make a blocking call in a thread that nobody has to wait for.

    Args:
        call: what to do.
        remind_after: seconds after which `remind` is called, if the call goes on by then.
        remind: tells the person what is waited for.

    Raises:
        Exception: what the call raises.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def settle(settle_with: Callable[[Any], None], what: Any) -> None:
        def act() -> None:
            if not done.done():
                settle_with(what)

        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(act)

    def work() -> None:
        try:
            result = call()
        except BaseException as error:
            settle(done.set_exception, error)
        else:
            settle(done.set_result, result)

    threading.Thread(target=work, daemon=True).start()
    telling = loop.call_later(remind_after, remind)
    try:
        return await done
    finally:
        telling.cancel()
