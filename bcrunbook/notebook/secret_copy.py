"""The client secret on its way to a person's hands: copied on the kernel's machine, and cleared.

Nothing secret ever becomes a widget's value: the button hands the secret from the store to the
clipboard of the machine on which the kernel runs, and says only that it did.
"""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from bcrunbook.errors import RunbookError
from bcrunbook.notebook.checklist import Checklist
from bcrunbook.secrets import Secret, clipboard
from bcrunbook.steps.client_secret.handover import copy_secret
from bcrunbook.steps.context import Context
from bcrunbook.views import cells

_CLEARED: Final = "Cleared from the clipboard."
_SAID_SECONDS: Final = 10.0
"""How long it is said that the clipboard was cleared, before the button stands alone again."""


class SecretCopy:
    """Copies the client secret, as often as it is asked for; each copy has a minute of its own.

    Args:
        context: what the step works with.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._clearing: dict[asyncio.Task[None], Callable[[], Any]] = {}

    async def copy(self, checklist: Checklist, key: str, wanted: str) -> None:
        """Copy it, and say beside the button how long it stays.

        Args:
            checklist: where that is said.
            key: the button's.
            wanted: the marker of the secret that was handed over.
        """
        try:
            secret = await copy_secret(self._context, wanted=wanted)
        except RunbookError as error:
            checklist.say(key, cells.in_line(error), is_problem=True)
            return
        for earlier, its_end in self._clearing.items():
            earlier.cancel()
            atexit.unregister(its_end)

        # A kernel may be shut down before the minute is over.
        at_the_end = partial(clipboard.clear_now, secret)
        atexit.register(at_the_end)
        checklist.say(key, "Copied: paste it into Client secret.")
        checklist.tick(key)
        task = asyncio.create_task(self._clear(secret, checklist, key, at_the_end))
        self._clearing[task] = at_the_end
        task.add_done_callback(lambda done: self._clearing.pop(done, None))

    async def _clear(
        self, secret: Secret, checklist: Checklist, key: str, at_the_end: Callable[[], Any]
    ) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + clipboard.KEPT_SECONDS
        while (left := until - loop.time()) > 0:
            checklist.left = max(1, round(left))
            await asyncio.sleep(min(1.0, left))
        was_there = await clipboard.clear(secret)
        atexit.unregister(at_the_end)
        checklist.left = 0
        said = _CLEARED if was_there else ""
        checklist.say(key, said)
        await asyncio.sleep(_SAID_SECONDS)
        if checklist.said_at(key) == said:
            checklist.say(key, "")
